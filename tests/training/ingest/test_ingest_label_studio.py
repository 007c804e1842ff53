"""ingest: what people said in Label Studio, and how it goes together with the queue."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="the trainer needs torch")

from small_runs import write_pictures
from test_ingest_review_queue import history, ingest, listing, make_run, say

Refused = Callable[..., str]


def annotation(label: str, when: str = "2025-05-02T08:00:00.123456Z", **more: Any) -> Any:
    choices = {"type": "choices", "value": {"choices": [label]}, "from_name": "choice"}
    return {"result": [choices], "completed_by": 3, "created_at": when, **more}


def task(image: str, *annotations: Any, **data: str) -> Any:
    return {"data": {"image": image, **data}, "annotations": list(annotations)}


def exported(folder: Path, *tasks: Any) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "export.json").write_text(json.dumps(tasks))
    return folder / "export.json"


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """green/green0.png … green2.png"""
    return write_pictures(tmp_path / "pictures", 3, ("green",))


def test_latest_annotation_counts(pictures: Path, tmp_path: Path) -> None:
    skipped = annotation("paper", "2025-05-09T00:00:00Z", was_cancelled=True)
    corrected = annotation("metal", updated_at="2025-05-03T00:00:00Z")
    file = exported(
        pictures,
        task("green/green0.png", corrected, annotation("glass"), skipped),
        task("green/green1.png", annotation("paper", completed_by={"id": 4, "email": "a@b.c"})),
        task("green/green2.png", {"result": [], "completed_by": 3}),
        task("green/green2.png"),
    )
    ingest(file, "--out", tmp_path / "out")
    assert listing(tmp_path / "out") == {
        "green-green0-png": "metal",
        "green-green1-png": "paper",
    }
    rows = history(tmp_path / "out")
    assert [(row["label"], row["who"]) for row in rows] == [
        ("glass", "3"),
        ("paper", "a@b.c"),
        ("metal", "3"),
    ]
    assert {row["source"] for row in rows} == {"label-studio:export.json"}


@pytest.mark.parametrize(
    "address",
    [
        "green/green0.png",
        "/data/local-files/?d=green/green0.png",
        "/data/local-files/?d=green%2Fgreen0.png",
        "http://localhost:8080/data/local-files/?d=green/green0.png",
        "/data/upload/green/green0.png",
    ],
)
def test_addresses_of_local_pictures(address: str, pictures: Path, tmp_path: Path) -> None:
    file = exported(tmp_path / "elsewhere", task(address, annotation("glass")))
    ingest(file, "--out", tmp_path / "out", "--images", pictures)
    [placed] = (tmp_path / "out/glass").iterdir()
    assert placed.read_bytes() == (pictures / "green/green0.png").read_bytes()


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("s3://bucket/green0.png", "is not a local file"),
        ("https://example.org/green0.png", "is not a local file"),
        ("../secret.png", "lies outside"),
        ("/data/local-files/?d=../secret.png", "lies outside"),
        ("/data/local-files/?d=", "no such file"),
        ("green/nothing.png", "no such file"),
        ("green/\0.png", "cannot be a file's name"),
        ("http://[/x.png", "Invalid IPv6"),
        ("export.json", "not a kind of picture"),
    ],
)
def test_pictures_that_are_not_there(
    address: str, why: str, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "secret.png").write_bytes((pictures / "green/green0.png").read_bytes())
    good = task("green/green1.png", annotation("glass"))
    file = exported(pictures, task(address, annotation("glass")), good)
    ingest(file, "--out", tmp_path / "out", code=1)
    assert why in capsys.readouterr().out
    assert listing(tmp_path / "out") == {"green-green1-png": "glass"}


def test_there_and_back(tmp_path: Path) -> None:
    """A task of ours comes back annotated: the item keeps its name, the later word counts."""
    run = make_run(tmp_path / "friday")
    out, tasks_file = tmp_path / "out", tmp_path / "tasks.json"
    ingest(run, "--export-label-studio", tasks_file)
    say(run, "0-0", "glass", "2025-05-01T10:00:00+00:00")
    ingest(run, "--out", out)
    tasks = json.loads(tasks_file.read_text())
    tasks[0]["annotations"] = [annotation("metal", "2025-05-02T10:00:00Z")]
    tasks[1]["annotations"] = [annotation("paper")]
    tasks[2]["annotations"] = []
    ingest(exported(tmp_path / "back", *tasks), "--out", out, "--images", tmp_path)
    assert listing(out) == {"friday-0-0": "metal", "friday-0-1": "paper"}
    # What was said before changes nothing, though it comes in later.
    say(run, "0-0", "paper", "2025-05-02T09:00:00+00:00")
    ingest(run, "--out", out)
    assert listing(out)["friday-0-0"] == "metal"
    assert len(history(out)) == 4


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("{", "not JSON"),
        ("{}", "not a list of tasks"),
        ('[{"image": "a.png", "choice": "glass"}]', "task 1: not as Label Studio exports it"),
        ('[{"data": {"image": 7}, "annotations": []}]', "task 1: not as Label Studio exports it"),
        ("[7]", "task 1: not as Label Studio exports it"),
    ],
)
def test_files_that_are_no_exports(text: str, named: str, tmp_path: Path, refused: Refused) -> None:
    (tmp_path / "export.json").write_text(text)
    line = refused("ingest", tmp_path / "export.json", "--out", tmp_path / "out")
    assert f"{tmp_path / 'export.json'}" in line
    assert named in line


def test_annotations_that_make_no_sense(pictures: Path, tmp_path: Path, refused: Refused) -> None:
    two = annotation("glass")
    two["result"] *= 2
    file = exported(pictures, task("green/green0.png", two))
    assert "task 1: 2 choices" in refused("ingest", file, "--out", tmp_path / "out")
    file = exported(pictures, task("green/green0.png", annotation("glass", "May")))
    assert "task 1: 'May' is not a time" in refused("ingest", file, "--out", tmp_path / "out")
    line = refused("ingest", file, "--out", tmp_path / "out", "--images", tmp_path / "none")
    assert "--images" in line
    line = refused("ingest", file, "--export-label-studio", tmp_path / "tasks.json")
    assert "is not a run folder" in line
