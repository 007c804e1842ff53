"""A run fed again: the same pictures at the same places on the belt, whatever befell it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from mcap.reader import make_reader
from mcap_protobuf.decoder import DecoderFactory

from commands.run_setup.replaying import replay_of
from line.errors import BadInput
from line.outcome import CLASSIFIED
from line.run_files.lane_record import LaneRecord
from line.run_files.recording import parts, read_lane
from producers.arrivals import source_arrivals
from producers.belt import BeltItem
from producers.photographer import photographer
from producers.sources import open_source
from reports.line_record import write_line_record
from tests.running_line import RunningLine, UndisturbedLine, assert_accounted, called

SMALL = ("--set", "camera.width_px=64", "--set", "camera.height_px=48")
SPEED = 0.3
"""Of the recorded run's clock: a busy machine answers in time as well."""
SEEN = ["seq", "camera", "true_class", "mass_g"]
ANSWERS = ["predicted_class", "confidence", "top3", "low_confidence", "picture_crc32"]


def rows(run_dir: Path) -> pd.DataFrame:
    """results.csv by frame_id, in order."""
    read = pd.read_csv(run_dir / "results.csv", keep_default_na=False, na_values=[""])
    return read.set_index("frame_id").sort_index()


def replay(run_dir: Path, into: Path, *options: object) -> dict[str, Any]:
    """Replays at `max`, and returns the summary."""
    ran = called("replay", run_dir, "--speed", "max", "--run-dir", into, "--json", *options)
    assert ran.returncode == 0, ran.stderr
    summary: dict[str, Any] = json.loads(ran.stdout)
    return summary


class ReplayedLine(RunningLine):
    """A replay under way, on its own clock."""

    def __init__(self, replayed: Path, run_dir: Path, *arguments: object) -> None:
        super().__init__(run_dir, *arguments)
        self._command[2:3] = ["replay", str(replayed)]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Path:
    """A paced run of two lanes, one of whose cameras was killed while it recorded."""
    run_dir = tmp_path_factory.mktemp("recorded") / "run"
    kill = 'events=[{at_s=1.2, action="kill", role="camera", index=0}]'
    options = ("--items", 40, "--interval", 0.1, "--cameras", 2, "--record", "--set", kill)
    with UndisturbedLine(
        run_dir, *options, "--speed", SPEED, *SMALL, "--model", tiny_model
    ) as line:
        status, summary = line.finish()
        assert status == 0
        assert_accounted(summary, line.rows())
        assert summary["restarts"]["camera"] >= 1
    return run_dir


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Path:
    """A run without a recording, whose belt was tampered with."""
    run_dir = tmp_path_factory.mktemp("seeded") / "run"
    events = (
        'events=[{at_s=0.5, action="dim", share=0.4, duration_s=1},'
        '{at_s=0.2, action="surge", factor=3, duration_s=1},'
        '{at_s=1.0, action="drift", factor=0.8},'
        '{at_s=0.3, action="corrupt", share=0.5, duration_s=9}]'
    )
    options = ("--items", 20, "--set", "infeed.process=poisson", "--speed", "max")
    ran = called(
        *("run", *options, *SMALL, "--set", events),
        *("--model", tiny_model, "--run-dir", run_dir, "--quiet"),
    )
    assert ran.returncode == 0, ran.stderr
    return run_dir


# -- recorded runs --------------------------------------------------------------------------------


def test_the_recording_holds_every_item_that_passed_also_those_that_nobody_saw(
    recorded: Path,
) -> None:
    told = rows(recorded)
    assert len(parts(recorded, 0)) == 2
    for camera in (0, 1):
        items = read_lane(recorded, camera).items
        assert sorted(items) == sorted(told[told["camera"] == camera]["seq"])
        assert all(item.picture_at is not None for item in items.values())
    assert (told["verdict"] == "dropped").any()


def test_the_same_model_says_the_same_of_every_item(recorded: Path, tmp_path: Path) -> None:
    summary = replay(recorded, tmp_path / "again")

    told, again = rows(recorded), rows(tmp_path / "again")
    assert_accounted(summary, again.reset_index())
    assert list(again.index) == list(told.index)
    assert (again[SEEN] == told[SEEN]).all(axis=None)
    assert (again["scheduled_s"] == told["scheduled_s"]).all()
    answered = told[told["verdict"].isin(CLASSIFIED)]
    assert len(answered) > 0
    assert (again.loc[answered.index, ANSWERS] == answered[ANSWERS]).all(axis=None)
    assert again["verdict"].isin(CLASSIFIED).all(), "what was dropped was recorded all the same"
    assert sum(summary["restarts"].values()) == 0, "the kill is not repeated"
    facts = json.loads((tmp_path / "again" / "run.json").read_text())
    assert facts["replays"] == str(recorded)
    assert not parts(tmp_path / "again", 0)


def test_on_another_belt_the_items_lie_as_they_did_and_a_camera_may_die_again(
    recorded: Path, tmp_path: Path
) -> None:
    with ReplayedLine(recorded, tmp_path / "fast", "--belt-speed", 1.25, "--threshold", 1) as line:
        line.wait_for_rows(10)
        line.kill("camera-1")
        status, summary = line.finish()
        assert status == 0
        assert_accounted(summary, line.rows())

    told, fast = rows(recorded), rows(line.run_dir)
    assert len(fast) == 40
    assert (fast["scheduled_s"] * 1.25 - told["scheduled_s"]).abs().max() < 1e-5
    seen = told["picture_crc32"].notna() & fast["picture_crc32"].notna()
    assert (fast["picture_crc32"] == told["picture_crc32"])[seen].all()
    assert set(fast["verdict"]) <= {"low_confidence", "dropped", "late", "expired"}
    assert summary["deadline_ms"] == pytest.approx((1000 * 0.8 / 1.25 - 50) / SPEED)


def test_line_mcap_tells_what_became_of_each_item(recorded: Path) -> None:
    (recorded / "line.mcap").unlink()
    (recorded / "run.json").rename(recorded / "run.kept")  # as if the run had been cut off
    path = write_line_record(recorded)
    (recorded / "run.kept").rename(recorded / "run.json")
    write_line_record(recorded)

    assert path.stat().st_mode == (recorded / "results.csv").stat().st_mode
    told = rows(recorded)
    with path.open("rb") as file:
        reader = make_reader(file, decoder_factories=[DecoderFactory()])
        results = [json.loads(m.data) for *_, m in reader.iter_messages("/line/result")]
        labels = [m for *_, m in reader.iter_decoded_messages("/camera-1/verdict")]
        logs = [m.message for *_, m in reader.iter_decoded_messages("/line/log")]
    assert {r["frame_id"]: r["verdict"] for r in results} == dict(told["verdict"])
    triggered = {i.triggered_ns for i in read_lane(recorded, 1).items.values()}
    assert {label.texts[0].timestamp.ToNanoseconds() for label in labels} == triggered
    assert any("camera-0 killed by SIGKILL, restarted" in text for text in logs)
    assert any("kill camera-0" in text for text in logs)


def test_a_full_recording_is_told_of_once_and_the_run_goes_on(
    tmp_path: Path, tiny_model: Path
) -> None:
    options = ("--items", 9, "--speed", "max", "--record", "--set", "record.max_mb=1")
    with UndisturbedLine(tmp_path / "run", *options, "--model", tiny_model) as line:
        status, summary = line.finish()
        assert status == 0
        assert_accounted(summary, line.rows())
    lines = (line.run_dir / "alerts.jsonl").read_text().splitlines()
    alerts = [alert for alert in map(json.loads, lines) if alert["kind"] == "recording"]
    assert [alert["text"] for alert in alerts] == [
        "camera-0 records no more: record.max_mb = 1 is reached"
    ]
    kept = read_lane(line.run_dir, 0).items
    assert 0 < len(kept) < 9
    assert replay_of(line.run_dir, {}, with_faults=False).told == f"{len(kept)} recorded items"


# -- runs without a recording ---------------------------------------------------------------------


def test_a_seeded_run_is_fed_again_from_its_seed(seeded: Path, tmp_path: Path) -> None:
    replay(seeded, tmp_path / "again", "--workers", 1)

    told, again = rows(seeded), rows(tmp_path / "again")
    assert (again[[*SEEN, "scheduled_s"]] == told[[*SEEN, "scheduled_s"]]).all(axis=None)
    assert (again["picture_crc32"] == told["picture_crc32"]).all(), "lamp and surge belong to it"
    whole = told[told["verdict"].isin(CLASSIFIED)]
    assert len(whole) < len(told)
    assert (again["verdict"] != "failed").all(), "what befell pictures on their way does not"
    assert set(again["worker"]) == {"worker-0#1"}


def test_from_the_seed_too_the_items_lie_as_they_did_on_another_belt(seeded: Path) -> None:
    then = replay_of(seeded, {}, with_faults=False).settings
    fast = replay_of(seeded, {"belt.speed_m_per_s": 1.25}, with_faults=False).settings
    fed_then, fed_fast = (list(source_arrivals(open_source(s), s, 0)) for s in (then, fast))

    assert fed_fast == pytest.approx([fed_s / 1.25 for fed_s in fed_then])
    for seq in (0, 7):
        pictures = [
            photographer(open_source(s), s, 0)(BeltItem(seq, fed[seq], fed[seq] + 0.6 / speed))
            for s, fed, speed in ((then, fed_then, 1.0), (fast, fed_fast, 1.25))
        ]
        assert (pictures[0] == pictures[1]).all()


def test_faults_are_only_repeated_when_asked_for(seeded: Path) -> None:
    plain = replay_of(seeded, {}, with_faults=False).settings.events
    again = replay_of(seeded, {"belt.speed_m_per_s": 2.0}, with_faults=True).settings.events

    assert [event.action for event in plain] == ["dim", "surge", "drift"]
    assert [(event.action, event.at_s) for event in again] == [
        ("dim", 0.25),
        ("surge", 0.1),
        ("drift", 0.5),
        ("corrupt", 0.15),
    ]


def test_another_model_decides_by_its_own_threshold(seeded: Path) -> None:
    def threshold(**changes: object) -> object:
        given = {key.replace("__", "."): value for key, value in changes.items()}
        return replay_of(seeded, given, with_faults=False).settings.decision.threshold

    assert threshold() == 0.5
    assert threshold(model__path="other.onnx") == "model"
    assert threshold(model__path="other.onnx", decision__threshold=0.9) == 0.9


# -- wrong input ----------------------------------------------------------------------------------


def refusal(run_dir: Path, **changes: object) -> str:
    with pytest.raises(BadInput) as error:
        replay_of(run_dir, {k.replace("__", "."): v for k, v in changes.items()}, with_faults=False)
    assert "\n" not in str(error.value)
    return str(error.value)


def copied(run_dir: Path, into: Path, **source: object) -> Path:
    """The run's folder, its settings of the source changed."""
    shutil.copytree(run_dir, into)
    settings = json.loads((into / "settings.json").read_text())
    settings["source"] |= source
    (into / "settings.json").write_text(json.dumps(settings))
    return into


def test_what_is_no_run_is_named(tmp_path: Path) -> None:
    refused = called("replay", tmp_path / "none")
    assert refused.returncode == 2
    assert refused.stderr == f"error: {tmp_path / 'none'}: not a run folder (no settings.json)\n"


@pytest.mark.parametrize("spec", ["webcam:0", "film.mp4"])
def test_what_cannot_be_shown_again_must_have_been_recorded(
    spec: str, seeded: Path, recorded: Path, tmp_path: Path
) -> None:
    filmed = copied(seeded, tmp_path / "filmed", spec=spec)
    assert refusal(filmed) == (
        f"{filmed}: was not recorded, and {spec} cannot show the same again; "
        "record a run with: run_line.py run --record"
    )
    kept = copied(recorded, tmp_path / "kept", spec=spec)
    assert replay_of(kept, {}, with_faults=False).told == "40 recorded items"


def test_a_damaged_recording_is_named(recorded: Path, tmp_path: Path) -> None:
    copy = copied(recorded, tmp_path / "copy")
    path = parts(copy, 1)[0]
    whole = path.read_bytes()
    path.write_bytes(whole[:300] + b"?" * 50 + whole[350:])
    assert refusal(copy).startswith(f"{path}: damaged before byte ")
    path.write_bytes(b"?" + whole)
    assert refusal(copy) == f"{path}: not an MCAP file"


def test_a_run_that_fed_nothing_cannot_be_replayed(seeded: Path, tmp_path: Path) -> None:
    copy = copied(seeded, tmp_path / "copy")
    (copy / "camera-0.progress").write_bytes(LaneRecord().sector(0))
    assert refusal(copy) == f"{copy}: fed nothing that could be replayed"
    (copy / "camera-0.progress").unlink()
    (copy / "run.json").unlink()
    assert refusal(copy) == (
        f"{copy}: nothing says how many items it fed (no camera-0.progress, no run.json)"
    )


def test_a_folder_neither_opens_the_line_to_others_nor_says_where_it_writes(
    seeded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = copied(seeded, tmp_path / "copy")
    settings = json.loads((copy / "settings.json").read_text())
    settings["transport"] = {"listen": "tcp://*:5555", "keys": str(copy)}
    settings["results"] |= {"dir": str(tmp_path / "elsewhere"), "readable_by": "all"}
    settings["console"] |= {"on": "on", "host": "0.0.0.0"}
    (copy / "settings.json").write_text(json.dumps(settings))
    monkeypatch.setenv("SCRAPLINE_RESULTS__DIR", str(tmp_path / "mine"))
    again = replay_of(copy, {}, with_faults=False).settings
    assert (again.transport.listen, again.console.on) == ("", "off")
    assert again.results.dir == str(tmp_path / "mine")
    assert again.results.readable_by != "all"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"belt__speed_m_per_s": -1.0}, "option: belt.speed_m_per_s: "),
        ({"belt__speed_m_per_s": 19.0, "line__speed": 1}, "belt.actuator_ms: longer than"),
        ({"decision__threshold": 2.0}, "option: decision.threshold: "),
        ({"line__speed": "quick"}, "option: line.speed: "),
    ],
)
def test_options_out_of_range_are_named(
    changes: dict[str, object], named: str, recorded: Path
) -> None:
    assert named in refusal(recorded, **changes)


def test_a_model_that_changed_since_the_run_is_named(seeded: Path, tmp_path: Path) -> None:
    copy = copied(seeded, tmp_path / "copy")
    facts = json.loads((copy / "model.json").read_text())
    (copy / "model.json").write_text(json.dumps({**facts, "sha256": "0" * 64}))
    refused = called("replay", copy, "--run-dir", tmp_path / "new")
    assert refused.returncode == 2
    assert refused.stderr == (
        f"error: {facts['path']}: changed since {copy}; name a model with --model\n"
    )
    assert not (tmp_path / "new").exists()
