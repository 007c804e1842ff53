"""Two runs compared: which items changed, and what the change is put down to."""

from __future__ import annotations

import csv
import json
import re
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from commands.inputs.item_pictures import ItemPictures
from line.errors import BadInput, PictureError
from line.outcome import UNLIKE
from line.pictures import Picture
from line.run_files.results import find_row
from line.settings import Settings
from producers.sources import keep_pictures
from reports.comparison.cause import Cause
from reports.comparison.changes import COLUMNS, Change, Difference, compare
from reports.comparison.compared_run import read
from reports.comparison.page import SHOWN, diff_page
from tests.reports.test_folder import FACTS, Row, row, write_run
from tests.running_line import RunningLine, command


def compared(
    folder: Path,
    rows_a: list[Row],
    rows_b: list[Row],
    settings_a: Mapping[str, Any] | None = None,
    settings_b: Mapping[str, Any] | None = None,
    faults_b: tuple[Mapping[str, Any], ...] = (),
) -> Difference:
    """The runs' settings are the shipped ones, `settings_…` (by `section.key`) laid over them."""
    for name, rows, changes, faults in (
        ("a", rows_a, settings_a, ()),
        ("b", rows_b, settings_b, faults_b),
    ):
        path = write_run(folder / name, rows, {**FACTS, "faults": list(faults)})
        settings = json.loads((path / "settings.json").read_text())
        for dotted, value in {"decision.threshold": 0.5, **(changes or {})}.items():
            section, key = dotted.split(".")
            settings[section][key] = value
        (path / "settings.json").write_text(json.dumps(settings))
    return compare(read(folder / "a"), read(folder / "b"))


def why(difference: Difference) -> tuple[Cause, str]:
    (change,) = difference.changes
    return change.why.cause, change.why.detail


GOOD = row(0, "glass", "sorted", "glass")
WRONG = row(0, "glass", "missorted", "metal")
LOW = row(0, "glass", "low_confidence", "glass", low_confidence="true")
LATE = row(0, "glass", "late", "glass", latency_ms=400.0, slack_ms=-25.0)
EXPIRED = row(0, "glass", "expired", reason="no worker was free before the deadline")


def test_the_same_run_twice_differs_in_nothing(tmp_path: Path) -> None:
    rows = [row(n, "glass", "sorted", "glass") for n in range(3)]
    difference = compared(tmp_path, rows, [one | {"latency_ms": 99.0} for one in rows])
    assert difference.changes == ()
    assert difference.shared == 3
    assert list(difference.settings()) == []


def test_another_model(tmp_path: Path) -> None:
    difference = compared(tmp_path, [GOOD], [WRONG | {"model": "cdcdcdcdcdcd"}])
    assert why(difference) == (Cause.MODEL, "glass 0.9 → metal 0.9")


def test_another_picture_of_the_same_item(tmp_path: Path) -> None:
    faster = {"belt.speed_m_per_s": 2.0}
    difference = compared(tmp_path, [GOOD], [WRONG | {"picture_crc32": 7}], settings_b=faster)
    assert why(difference)[0] is Cause.PICTURE


def test_the_same_model_on_the_same_picture(tmp_path: Path) -> None:
    assert why(compared(tmp_path, [GOOD], [WRONG]))[0] is Cause.NUMERICS


def test_another_threshold(tmp_path: Path) -> None:
    difference = compared(tmp_path, [GOOD], [LOW], settings_b={"decision.threshold": 0.95})
    assert why(difference) == (Cause.THRESHOLD, "confidence 0.9, threshold 0.5 → 0.95")


def test_a_threshold_that_was_changed_while_the_run_went_on(tmp_path: Path) -> None:
    cause, detail = why(compared(tmp_path, [GOOD], [LOW]))
    assert cause is Cause.THRESHOLD
    assert detail == "confidence 0.9, threshold 0.5 → another, by order"


def test_a_novelty_limit(tmp_path: Path) -> None:
    strange = LOW | {"reason": UNLIKE, "energy": -1.25}
    limit = {"decision.novelty_energy": -1.5}
    usual = GOOD | {"energy": -1.25}
    assert why(compared(tmp_path, [usual], [strange], settings_b=limit)) == (
        Cause.NOVELTY,
        "energy -1.25 → -1.25",
    )
    late = LATE | {"low_confidence": "true", "energy": -1.25}
    cause, _ = why(compared(tmp_path, [late], [strange], limit, limit))
    assert cause is Cause.TIMING


def test_a_threshold_is_told_in_a_few_digits(tmp_path: Path) -> None:
    difference = compared(
        tmp_path, [GOOD], [LOW], settings_b={"decision.threshold": 0.9465554356575012}
    )
    assert why(difference)[1] == "confidence 0.9, threshold 0.5 → 0.946555"


def test_a_model_that_is_less_sure_is_no_change_of_the_threshold(tmp_path: Path) -> None:
    less = LOW | {"confidence": 0.4, "model": "cdcdcdcdcdcd"}
    difference = compared(tmp_path, [GOOD], [less], settings_b={"decision.threshold": 0.6})
    assert why(difference)[0] is Cause.MODEL


def test_a_change_that_takes_two_causes_names_both(tmp_path: Path) -> None:
    other = LOW | {"predicted_class": "metal", "model": "cdcdcdcdcdcd"}
    difference = compared(tmp_path, [GOOD], [other], settings_b={"decision.threshold": 0.95})
    cause, detail = why(difference)
    assert cause is Cause.MODEL
    assert detail == "glass 0.9 → metal 0.9; confidence 0.9, threshold 0.5 → 0.95"


def test_another_residue_class(tmp_path: Path) -> None:
    left = GOOD | {"verdict": "residue_ok"}
    difference = compared(tmp_path, [GOOD], [left], settings_b={"belt.residue_class": "glass"})
    assert why(difference) == (Cause.RESIDUE, "trash → glass")


def test_a_slower_line(tmp_path: Path) -> None:
    difference = compared(tmp_path, [GOOD], [LATE], {"line.workers": 2}, {"line.workers": 1})
    assert why(difference) == (Cause.TIMING, "2 → 1 workers: 25 ms → 400 ms")
    (tmp_path / "again").mkdir()
    assert why(compared(tmp_path / "again", [LATE], [GOOD]))[0] is Cause.TIMING


def test_a_faster_belt(tmp_path: Path) -> None:
    hurried = LATE | {"latency_ms": 200.0, "slack_ms": -50.0}
    difference = compared(tmp_path, [GOOD], [hurried], settings_b={"belt.speed_m_per_s": 2.0})
    assert why(difference) == (Cause.BELT_SPEED, "1 m/s → 2 m/s: 25 ms → 200 ms")


def test_a_line_that_would_have_been_too_slow_for_either_belt(tmp_path: Path) -> None:
    hurried = LATE | {"latency_ms": 500.0, "slack_ms": -350.0}
    difference = compared(tmp_path, [GOOD], [hurried], settings_b={"belt.speed_m_per_s": 2.0})
    assert why(difference)[0] is Cause.TIMING


def test_a_line_without_deadlines(tmp_path: Path) -> None:
    unhurried = GOOD | {"latency_ms": 900.0, "slack_ms": ""}
    difference = compared(tmp_path, [unhurried], [EXPIRED], {"line.speed": "max"})
    assert why(difference) == (Cause.BELT_SPEED, "no deadline → 1 m/s: 900 ms → expired")


@pytest.mark.parametrize(
    ("fate", "words"),
    [
        (LATE | {"attempts": 2}, "2 workers were given it"),
        (row(0, "glass", "failed", reason="3 workers died or hung on it"), "3 workers died"),
        (row(0, "glass", "dropped", reason="the camera was down"), "the camera was down"),
    ],
)
def test_a_fault_that_hit_the_item(tmp_path: Path, fate: Row, words: str) -> None:
    cause, detail = why(compared(tmp_path, [GOOD], [fate]))
    assert cause is Cause.FAULT
    assert words in detail


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        ({"action": "slow", "process": "worker-0", "at_s": 1, "duration_s": 5}, Cause.FAULT),
        ({"action": "kill", "process": "worker-0", "at_s": 2.5}, Cause.FAULT),
        ({"action": "kill", "process": "worker-0", "at_s": 4}, Cause.TIMING),  # off the belt
        ({"action": "dim", "process": "camera-0", "at_s": 1, "duration_s": 5}, Cause.TIMING),
        ({"action": "stall", "process": "camera-1", "at_s": 1, "duration_s": 5}, Cause.TIMING),
    ],
)
def test_a_fault_while_the_item_was_under_way(
    tmp_path: Path, fault: Mapping[str, Any], cause: Cause
) -> None:
    late = LATE | {"scheduled_s": 2.0}
    difference = compared(tmp_path, [GOOD | {"scheduled_s": 2.0}], [late], faults_b=(fault,))
    assert why(difference)[0] is cause


def test_another_seed_names_other_items(tmp_path: Path) -> None:
    other = row(0, "metal", "missorted", "glass")
    assert why(compared(tmp_path, [GOOD], [other]))[0] is Cause.ANOTHER_ITEM
    same_class = WRONG | {"picture_crc32": 7}
    (tmp_path / "2").mkdir()
    difference = compared(tmp_path / "2", [GOOD], [same_class], settings_b={"line.seed": 8})
    assert why(difference)[0] is Cause.ANOTHER_ITEM


def test_items_of_one_run_alone_are_counted_and_no_change(tmp_path: Path) -> None:
    more = [GOOD, row(1, "glass", "sorted", "glass"), row(2, "glass", "dropped")]
    difference = compared(tmp_path, [GOOD], more)
    assert (difference.shared, difference.only, difference.changes) == (1, (0, 2), ())


def test_the_counts_add_up(tmp_path: Path) -> None:
    a = [GOOD | {"frame_id": f"0-{n}"} for n in range(6)]
    b = [(LOW, WRONG, LATE)[n % 3] | {"frame_id": f"0-{n}"} for n in range(6)]
    difference = compared(tmp_path, a, b, settings_b={"decision.threshold": 0.95})
    assert sum(difference.by_cause().values()) == sum(difference.by_fate().values()) == 6
    assert difference.by_fate()["sorted", "late"] == 2


# -- what is read ---------------------------------------------------------------------------------


def test_a_run_of_an_older_version_can_be_compared(tmp_path: Path) -> None:
    compared(tmp_path, [GOOD], [WRONG])
    path = tmp_path / "a" / "results.csv"
    with path.open() as file:
        lines = list(csv.DictReader(file))
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(
            file, [c for c in lines[0] if c not in ("published_ms", "top3")], extrasaction="ignore"
        )
        writer.writeheader()
        writer.writerows(lines)
    assert len(compare(read(tmp_path / "a"), read(tmp_path / "b")).changes) == 1


def test_a_torn_last_row_is_left_out(tmp_path: Path) -> None:
    path = write_run(tmp_path, [GOOD])
    with (path / "results.csv").open("a") as file:
        file.write("0-1,0,1,0.25,gl")
    assert list(read(path).items) == ["0-0"]


def test_a_stray_quotation_mark_hides_no_row(tmp_path: Path) -> None:
    path = write_run(tmp_path, [{**GOOD, "seq": seq, "frame_id": f"0-{seq}"} for seq in range(9)])
    results = path / "results.csv"
    results.write_text(results.read_text().replace("glass", '"glass', 1))
    with pytest.raises(BadInput, match=r"results\.csv: line \d+: a quotation that does not end"):
        list(read(path).items)


def test_a_name_with_a_comma_is_no_items(tmp_path: Path) -> None:
    path = write_run(tmp_path, [GOOD]) / "results.csv"
    assert find_row(path, "0-0") is not None
    assert find_row(path, "0-0,0") is None


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("results.csv", "a,b\n1,2\n", "no column frame_id"),
        ("results.csv", None, "not a run folder"),
        ("settings.json", "[]", "not a JSON object"),
        ("settings.json", "{", "settings.json: "),
        ("run.json", "{", "run.json: "),
    ],
)
def test_what_is_no_run_is_named(
    tmp_path: Path, name: str, content: str | None, complaint: str
) -> None:
    path = write_run(tmp_path, [GOOD]) / name
    path.unlink() if content is None else path.write_text(content)
    with pytest.raises(BadInput, match=complaint) as error:
        read(tmp_path)
    assert "\n" not in str(error.value)


def test_a_damaged_row_is_named_with_its_line(tmp_path: Path) -> None:
    path = write_run(tmp_path, [GOOD, row(1, "glass", "sorted", "glass")]) / "results.csv"
    path.write_text(path.read_text().replace("0-1,0,1,0.25", "0-1,0,1,soon"))
    with pytest.raises(BadInput, match=r"results\.csv: line 3: .*soon"):
        read(tmp_path)


# -- the page -------------------------------------------------------------------------------------


def grey(_: Change) -> Picture:
    return np.full((24, 32, 3), 99, np.uint8)


def blind(_: Change) -> Picture:
    raise PictureError("<nobody> kept it")


def test_the_page_is_self_contained_and_says_which_picture_is_missing(tmp_path: Path) -> None:
    hostile = [one | {"true_class": "<b>glass"} for one in (GOOD, WRONG)]
    difference = compared(tmp_path, hostile[:1], hostile[1:])
    page = diff_page(difference, grey, grey)
    assert page.count("data:image/jpeg;base64,") == 1
    assert "&lt;b&gt;glass" in page
    assert not re.search(r"(?:src|href)=[\"'](?!data:)", page)
    assert "&lt;nobody&gt; kept it" in diff_page(difference, blind, blind)


def test_where_the_pictures_differ_both_are_shown(tmp_path: Path) -> None:
    difference = compared(tmp_path, [GOOD], [WRONG | {"picture_crc32": 7}])
    assert diff_page(difference, grey, grey).count("data:image/jpeg;base64,") == 2


def test_a_rare_cause_is_not_crowded_out(tmp_path: Path) -> None:
    many = range(2 * SHOWN)
    a = [GOOD | {"frame_id": f"0-{n}"} for n in many]
    b = [(LATE if n == many[-1] else WRONG) | {"frame_id": f"0-{n}"} for n in many]
    page = diff_page(compared(tmp_path, a, b), blind, blind)
    assert f"<b>0-{many[-1]}</b>" in page
    assert page.count("no picture:") == SHOWN
    assert f"{SHOWN} of {len(many)}" in page


def test_pictures_come_from_the_queue_or_are_made_again_to_the_byte(tmp_path: Path) -> None:
    photographs = tmp_path / "photographs" / "glass"
    photographs.mkdir(parents=True)
    colours = [(200, 10, 10), (10, 200, 10)]
    for number, colour in enumerate(colours):
        Image.new("RGB", (40, 30), colour).save(photographs / f"{number}.png")
    crcs = [zlib.crc32(bytes(colour) * 40 * 30) for colour in colours]
    rows = [row(n, "glass", "sorted", "glass", picture_crc32=crcs[0]) for n in range(3)]
    path = write_run(tmp_path / "run", rows)
    settings = json.loads((path / "settings.json").read_text())
    settings["source"]["spec"] = str(tmp_path / "photographs")
    (path / "settings.json").write_text(json.dumps(settings))
    keep_pictures(Settings.model_validate(settings), path)
    queued = path / "review" / "images"
    queued.mkdir(parents=True)
    Image.new("RGB", (40, 30), (0, 0, 99)).save(queued / "0-2.png")
    run = read(path)
    found: list[str] = []
    with ItemPictures(run) as looked_up:
        for item in run.items.values():
            try:
                found.append(str(looked_up.of(item)[0, 0].tolist()))
            except PictureError as error:
                found.append(str(error))
    # The order in which a folder is fed comes from the seed: one of the two is the item of then.
    assert sorted(found[:2]) == [
        "[200, 10, 10]",
        "made again from the seed it is not the picture of then",
    ]
    assert found[2] == "[0, 0, 99]"


def test_a_picture_that_cannot_be_had_says_why(tmp_path: Path) -> None:
    path = write_run(tmp_path / "run", [GOOD])
    settings = json.loads((path / "settings.json").read_text())
    settings["source"]["spec"] = "webcam:0"
    (path / "settings.json").write_text(json.dumps(settings))
    run = read(path)
    with (
        ItemPictures(run) as looked_up,
        pytest.raises(PictureError, match="a webcam shows nothing"),
    ):
        looked_up.of(run.items["0-0"])
    (path / "settings.json").write_text("{}")
    run = read(path)
    with ItemPictures(run) as looked_up, pytest.raises(PictureError, match="another version"):
        looked_up.of(run.items["0-0"])


# -- real runs ------------------------------------------------------------------------------------


def test_another_threshold_changes_exactly_the_items_that_crossed_it(
    tmp_path: Path, tiny_model: Path
) -> None:
    options = ("--model", tiny_model, "--items", 24, "--speed", "max")
    with (
        RunningLine(tmp_path / "low", *options, "--threshold", 0.4) as low,
        RunningLine(tmp_path / "high", *options, "--threshold", 0.8) as high,
    ):
        assert low.finish()[0] == high.finish()[0] == 0
        rows = low.rows()
    crossed = rows[rows["confidence"].between(0.4, 0.8, inclusive="left")]["frame_id"]
    assert 0 < len(crossed) < 24
    found = command("diff", tmp_path / "low", tmp_path / "high")
    assert (found.returncode, found.stderr) == (0, "")
    assert f"{len(crossed)} items of 24 changed" in found.stdout
    with (tmp_path / "high" / "diff" / "diff.csv").open() as file:
        changed = list(csv.DictReader(file))
    assert tuple(changed[0]) == COLUMNS
    assert {one["frame_id"] for one in changed} == set(crossed)
    assert {one["cause"] for one in changed} == {"threshold"}
    page = (tmp_path / "high" / "diff" / "diff.html").read_text()
    assert page.count("data:image/jpeg;base64,") == min(SHOWN, len(crossed))
