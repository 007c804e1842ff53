"""Reading a run folder; `row` and `write_run` make the folders of all accounts tests."""

from __future__ import annotations

import csv
import json
import sqlite3
import tomllib
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from line.errors import BadInput
from line.outcome import COLUMNS
from line.run_files.results import outcome_of, read_rows
from line.settings import Settings
from reports.alerts import Alerts
from reports.folder import read_run
from reports.results import read_results
from reports.review import Queue
from tests.running_line import ROOT

Row = dict[str, object]
DEFAULTS = ROOT / "config.toml"
BELT = {
    "speed_m_per_s": 1.0,
    "camera_to_ejector_m": 0.8,
    "actuator_ms": 50.0,
    "residue_class": "trash",
}
MASS_G = {"glass": 210, "metal": 16, "trash": 40}
FACTS = {
    "fed": 13,
    "wall_s": 5.0,
    "belt_s": 4.0,
    "workers": 2,
    "speed": 2.0,
    "model": {"path": "models/m.onnx", "sha256": "ab" * 32, "classes": list(MASS_G)},
    "restarts": {"worker": 1, "sink": 0, "dispatcher": 0, "camera": 0},
    "trigger_jitter_ms": {"p50": 0.2, "p99": 1.0, "max": 3.0},
    "ended": "finished",
}


def row(seq: int, truth: str, verdict: str, predicted: str = "", **more: object) -> Row:
    """One row of results.csv; with a `predicted` class it is an answered one."""
    values: Row = {
        "frame_id": f"0-{seq}",
        "camera": 0,
        "seq": seq,
        "scheduled_s": seq / 4,
        "true_class": truth,
        "verdict": verdict,
        "low_confidence": "false",
        "attempts": 1 if predicted else 0,
        "mass_g": MASS_G.get(truth, 50),
        "picture_crc32": 4_000_000_000,
    }
    if predicted:
        values |= {
            "predicted_class": predicted,
            "confidence": 0.9,
            "top3": f"{predicted}:0.9000",
            "latency_ms": 25.0,
            "slack_ms": 350.0,
            "worker": "worker-0#1",
            "model": "abababababab",
            "queue_ms": 4.0,
            "inference_ms": 20.0,
        }
    return values | more


def write_run(
    folder: Path,
    rows: Iterable[Row],
    facts: Mapping[str, Any] | None = FACTS,
    changes: Mapping[str, Any] | None = None,
) -> Path:
    """A run folder with the shipped settings and `changes` over them."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "results.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    settings = tomllib.loads(DEFAULTS.read_text(encoding="utf-8"))
    settings["line"] |= {"seed": 7}
    settings["belt"] |= BELT
    settings |= dict(changes or {})
    (folder / "settings.json").write_text(Settings.model_validate(settings).model_dump_json())
    if facts is not None:
        (folder / "run.json").write_text(json.dumps(facts))
    return folder


def write_queue(folder: Path, predicted: Mapping[str, tuple[str, float]]) -> None:
    """A review queue with a picture for each `frame_id: (predicted class, confidence)`."""
    (folder / "review" / "images").mkdir(parents=True)
    with closing(sqlite3.connect(folder / "review" / "queue.sqlite")) as queue, queue:
        queue.execute(
            "CREATE TABLE items (frame_id TEXT PRIMARY KEY, image TEXT, predicted_class TEXT,"
            " confidence REAL, margin REAL, reason TEXT, label TEXT)"
        )
        for frame_id, (name, confidence) in predicted.items():
            image = f"images/{frame_id}.png"
            Image.effect_noise((320, 240), 60).save(folder / "review" / image)
            queue.execute(
                "INSERT INTO items VALUES (?, ?, ?, ?, 0.1, 'margin', NULL)",
                (frame_id, image, name, confidence),
            )


def mixed_rows() -> list[Row]:
    """Twelve items of three classes whose figures the tests work out by hand."""
    rows = [
        row(0, "glass", "sorted", "glass"),
        row(1, "glass", "sorted", "glass"),
        row(2, "glass", "missorted", "metal"),
        row(3, "glass", "missed", "trash", mass_g=90),
        row(4, "metal", "sorted", "metal"),
        row(5, "metal", "missorted", "glass"),
        row(6, "metal", "late", "metal", slack_ms=-8.0),
        row(7, "trash", "residue_ok", "trash"),
        row(8, "trash", "low_confidence", "glass", confidence=0.4, low_confidence="true"),
        row(9, "trash", "missorted", "metal"),
        row(10, "metal", "dropped", reason="overrun"),
        row(11, "metal", "expired", reason="no worker before the deadline"),
    ]
    for number, answered in enumerate(rows[:10], start=1):
        answered["latency_ms"] = 10.0 * number
    return rows


def test_types_and_missing_values(tmp_path: Path) -> None:
    write_run(tmp_path, mixed_rows())
    items = read_results(tmp_path / "results.csv").items
    assert list(items.columns) == list(COLUMNS)
    assert items["frame_id"].tolist()[:2] == ["0-0", "0-1"]
    assert items["low_confidence"].sum() == 1
    assert items["predicted_class"].isna().sum() == 2
    assert items["latency_ms"].isna().sum() == 2
    assert items["worker"].tolist()[-1] == ""


def test_classes_that_look_like_missing_values(tmp_path: Path) -> None:
    names = ["None", "NA", "nan", "null", "1", "true"]
    write_run(tmp_path, [row(i, name, "sorted", name) for i, name in enumerate(names)])
    items = read_results(tmp_path / "results.csv").items
    assert items["true_class"].tolist() == names
    assert items["predicted_class"].tolist() == names


def test_texts_that_look_like_numbers_stay_texts(tmp_path: Path) -> None:
    rows = [row(i, "007", "sorted", "1e3", model="000000000000") for i in range(3)]
    run = read_run(write_run(tmp_path, rows))
    assert run.tally.models == {"000000000000": 3}
    assert run.tally.table.classes() == {"007", "1e3"}


@pytest.mark.parametrize("torn", ["0-12,0,12,3.0,gla", "0-12,0", '0-12,0,12,3,glass,,,"a\nb'])
def test_a_torn_last_line_is_ignored(tmp_path: Path, torn: str) -> None:
    path = write_run(tmp_path, mixed_rows()) / "results.csv"
    with path.open("a", encoding="utf-8") as file:
        file.write(torn)
    assert len(read_results(path).items) == 12


def test_a_quoted_line_end_is_no_end_of_a_row(tmp_path: Path) -> None:
    path = write_run(tmp_path, [row(0, "glass", "failed", reason='said "no",\nthen died')])
    assert read_results(path / "results.csv").items["reason"].tolist() == ['said "no",\nthen died']


@pytest.mark.parametrize("content", ["", "frame_id,cam", ",".join(COLUMNS) + "\n"])
def test_a_file_without_rows(tmp_path: Path, content: str) -> None:
    path = tmp_path / "results.csv"
    path.write_text(content)
    assert read_results(path).items.empty


def test_the_first_row_of_an_item_counts(tmp_path: Path) -> None:
    twice = [row(0, "glass", "sorted", "glass"), row(0, "glass", "late", "glass")]
    results = read_results(write_run(tmp_path, twice) / "results.csv")
    assert results.items["verdict"].tolist() == ["sorted"]
    assert results.duplicates == 1


def test_rows_of_an_earlier_version_have_no_energy(tmp_path: Path) -> None:
    run_dir = write_run(tmp_path, [row(0, "glass", "sorted", "glass")])
    results = run_dir / "results.csv"
    lines = results.read_text().splitlines()
    assert lines[0].endswith(",energy")
    results.write_text("".join(f"{line.rpartition(',')[0]}\n" for line in lines))
    table = read_results(results).items
    assert table["energy"].isna().all()
    assert table["verdict"].tolist() == ["sorted"]
    [outcome] = read_rows(results, outcome_of)
    assert outcome.energy is None
    assert read_run(run_dir).tally.items == 1


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("a,b\n1,2\n", "no column frame_id"),
        (",".join(COLUMNS) + "\n0-0,0,zero" + "," * 20 + "\n", "zero"),
        (
            ",".join(COLUMNS) + "\n0-0,0,0,0,,,,,,fine,,,,,0" + "," * 8 + "\n",
            "unknown verdict 'fine'",
        ),
    ],
)
def test_a_file_that_is_no_results_file(tmp_path: Path, content: str, complaint: str) -> None:
    path = tmp_path / "results.csv"
    path.write_text(content)
    with pytest.raises(BadInput, match=complaint) as caught:
        read_results(path)
    assert str(path) in str(caught.value)


def test_not_a_run_folder(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        read_run(tmp_path)
    assert str(caught.value) == f"{tmp_path}: not a run folder (no results.csv)"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("settings.json", "{}"),
        ("run.json", '{"fed": "many"}'),
        ("run.json", '{"fed": '),
        ("review/queue.sqlite", "this is no database, whatever it is called" * 40),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, name: str, content: str) -> None:
    path = write_run(tmp_path, mixed_rows()) / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(content)
    with pytest.raises(BadInput) as caught:
        read_run(tmp_path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_by_products_may_be_missing(tmp_path: Path) -> None:
    run = read_run(write_run(tmp_path, mixed_rows(), facts=None))
    assert (run.alerts, run.queue, run.facts.ended) == (Alerts(), Queue(), None)
    assert run.fed == 12


def test_a_queue_without_its_table_is_empty(tmp_path: Path) -> None:
    write_run(tmp_path, [])
    (tmp_path / "review").mkdir()
    sqlite3.connect(tmp_path / "review" / "queue.sqlite").close()
    assert read_run(tmp_path).queue == Queue()


def test_the_queue_is_read_least_sure_first(tmp_path: Path) -> None:
    write_run(tmp_path, mixed_rows())
    write_queue(tmp_path, {"0-1": ("glass", 0.7), "0-2": ("metal", 0.3)})
    assert [item.frame_id for item in read_run(tmp_path).queue.first] == ["0-2", "0-1"]


def test_a_torn_alert_is_ignored(tmp_path: Path) -> None:
    write_run(tmp_path, mixed_rows())
    (tmp_path / "alerts.jsonl").write_text('{"id": "a"}\n{"id": "b"}\n{"id": "c", "te')
    assert [alert["id"] for alert in read_run(tmp_path).alerts.last_events] == ["a", "b"]
