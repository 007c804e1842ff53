"""ingest: what people said in Label Studio, and how it goes together with the queue."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

pytest.importorskip("torch", reason="the trainer needs torch")

from small_runs import write_pictures
from test_ingest_review_queue import history, ingest, listing, make_run, say

Refused = Callable[..., str]


def annotation(
    label: str, when: str = "2025-05-02T08:00:00.123456Z", control: str = "choice", **more: Any
) -> Any:
    choices = {"type": "choices", "value": {"choices": [label]}, "from_name": control}
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
    "address",
    ["green\\green0.png", r"/data/local-files/?d=green\green0.png"],
    ids=["plain", "served"],
)
def test_addresses_of_windows(address: str, pictures: Path, tmp_path: Path) -> None:
    ingest(exported(pictures, task(address, annotation("glass"))), "--out", tmp_path / "out")
    assert list(listing(tmp_path / "out").values()) == ["glass"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark(encoding: str, pictures: Path, tmp_path: Path) -> None:
    file = exported(pictures, task("green/green0.png", annotation("Gläser")))
    file.write_bytes(json.dumps(json.loads(file.read_text()), ensure_ascii=False).encode(encoding))
    ingest(file, "--out", tmp_path / "out")
    assert list(listing(tmp_path / "out").values()) == ["Gläser"]


def test_a_picture_under_another_key(pictures: Path, tmp_path: Path, refused: Refused) -> None:
    tasks = [
        {"data": {"photo": "green/green0.png", "note": "a"}, "annotations": [annotation("glass")]},
        {"data": {"photo": "/data/local-files/?d=green/green1.png"}, "annotations": []},
    ]
    ingest(exported(pictures, *tasks), "--out", tmp_path / "out")
    assert listing(tmp_path / "out") == {"green-green0-png": "glass"}

    tasks[0]["data"]["thumb"] = "green/green2.png"
    file = exported(pictures, tasks[0])
    line = refused("ingest", file, "--out", tmp_path / "two")
    assert "task 1: photo, thumb could be its picture: --image-key says which is" in line
    ingest(file, "--out", tmp_path / "two", "--image-key", "thumb")
    assert listing(tmp_path / "two") == {"green-green2-png": "glass"}


def test_a_second_choice_beside_the_class(pictures: Path, tmp_path: Path, refused: Refused) -> None:
    def both(material: str, quality: str, control: str = "choice") -> Any:
        said = annotation(material, control=control)
        said["result"] += annotation(quality, control="quality")["result"]
        said["result"].append({"type": "textarea", "value": {"text": ["dirty"]}})
        return task("green/green0.png", said)

    ingest(exported(pictures, both("glass", "sharp")), "--out", tmp_path / "ours")
    assert listing(tmp_path / "ours") == {"green-green0-png": "glass"}

    file = exported(pictures, both("glass", "sharp", "material"))
    line = refused("ingest", file, "--out", tmp_path / "out")
    assert "several choices, material, quality: --control says which names the class" in line
    ingest(file, "--out", tmp_path / "named", "--control", "quality")
    assert listing(tmp_path / "named") == {"green-green0-png": "sharp"}
    ingest(file, "--out", tmp_path / "classes", "--classes", "glass,metal")
    assert listing(tmp_path / "classes") == {"green-green0-png": "glass"}


def test_json_min(pictures: Path, tmp_path: Path) -> None:
    facts = {"annotator": 3, "created_at": "2025-05-02T08:00:00Z", "lead_time": 2.5}
    rows = [
        {"id": 1, "image": "green/green0.png", "choice": "glass", "top3": "glass 40%", **facts},
        {"id": 2, "image": "green/green1.png", "choice": {"choices": ["metal"]}, **facts},
        {"id": 3, "image": "green/green2.png", **facts},
    ]
    ingest(exported(pictures, *rows), "--out", tmp_path / "out")
    assert listing(tmp_path / "out") == {"green-green0-png": "glass", "green-green1-png": "metal"}
    assert {row["who"] for row in history(tmp_path / "out")} == {"3"}
    others = [{"photo": "green/green2.png", "material": "paper", "id": 4, **facts}]
    ingest(exported(pictures, *others), "--out", tmp_path / "photo")
    assert listing(tmp_path / "photo") == {"green-green2-png": "paper"}


def test_one_odd_task_is_named_and_the_others_are_taken(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    two = annotation("glass")
    two["result"] *= 2
    file = exported(
        pictures,
        7,
        {"data": {"image": 7}, "annotations": [annotation("glass")]},
        task("green/green0.png", two),
        task("green/green0.png", annotation("a/b")),
        task("green/green1.png", annotation("glass", "May")),
        task("green/green1.png", annotation("glas")),
        task("green/green2.png", annotation("glass")),
        task("green/green0.png", annotation(".none-of-these")),
    )
    ingest(file, "--out", tmp_path / "out", "--classes", "glass,metal", code=1)
    said = capsys.readouterr()
    for line in (
        "skipped task 1: not as Label Studio exports it",
        "skipped task 2: not as Label Studio exports it",
        "skipped task 3: 2 choices where one class is wanted",
        "skipped task 4: 'a/b' cannot name a class folder",
        "skipped task 5: 'May' is not a time",
        "skipped task 6: 'glas' is not in --classes",
    ):
        assert line in said.out
    assert "6 were left out, task 1 the first; the others were taken in" in said.err
    assert listing(tmp_path / "out") == {
        "green-green2-png": "glass",
        "green-green0-png": ".none-of-these",
    }


def test_pictures_that_are_all_in_conflict(pictures: Path, tmp_path: Path) -> None:
    file = exported(pictures, task("green/green0.png", by(1, "glass"), by(2, "metal", 9)))
    ingest(file, "--out", tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["export.conflicts.json"]


def by(who: int, label: str, hour: int = 8, **more: Any) -> Any:
    return annotation(label, f"2025-05-02T{hour:02}:00:00Z", completed_by=who, **more)


def test_people_who_disagree_send_a_picture_back(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = exported(
        pictures,
        task("green/green0.png", by(1, "glass"), by(2, "metal", 9), mood="fine"),
        task("green/green1.png", by(1, "glass"), by(2, "glass", 9)),
        task("green/green2.png", by(1, "paper"), by(2, "glass", 9), by(3, "paper", 7)),
    )
    out = tmp_path / "out"
    ingest(file, "--out", out)
    said = capsys.readouterr().out
    assert "3 pictures were labelled by several people: 1 alike (33%), 1 by majority, 1 in" in said
    assert "conflict green/green0.png: 1: glass, 2: metal" in said
    assert listing(out) == {"green-green1-png": "glass", "green-green2-png": "paper"}
    [again] = json.loads((out / "export.conflicts.json").read_text())
    assert again["data"] == {
        "image": "green/green0.png",
        "mood": "fine",
        "said": "1: glass, 2: metal",
    }

    # A third person decides, or one of them has second thoughts.
    third = task("green/green0.png", by(1, "glass"), by(2, "metal", 9), by(3, "metal", 10))
    ingest(exported(pictures, third), "--out", out)
    assert listing(out)["green-green0-png"] == "metal"
    assert not (out / "export.conflicts.json").exists()


def test_what_is_marked_as_true_decides(pictures: Path, tmp_path: Path) -> None:
    certain = by(1, "paper", 7, ground_truth=True)
    file = exported(
        pictures,
        task("green/green0.png", certain, by(2, "metal", 9), by(3, "metal", 9)),
        # Two tasks of one picture are asked about together.
        task("green/green1.png", by(1, "glass")),
        task("green/green1.png", by(2, "metal", 9)),
    )
    ingest(file, "--out", tmp_path / "out")
    assert listing(tmp_path / "out") == {"green-green0-png": "paper"}


def test_the_interface_is_written_beside_the_tasks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = make_run(tmp_path / "runs" / "friday")
    file = tmp_path / "tasks.json"
    ingest(run, "--export-label-studio", file, "--classes", 'glass,metal,"odd" & <so>')
    interface = ElementTree.fromstring((tmp_path / "tasks.xml").read_text())
    offered = [choice.get("value") for choice in interface.iter("Choice")]
    assert offered == ["glass", "metal", '"odd" & <so>', ".none-of-these"]
    assert f"LOCAL_FILES_DOCUMENT_ROOT: {tmp_path / 'runs'}" in capsys.readouterr().out


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
        ('[{"id": 1, "annotator": 1}]', "task 1: not as Label Studio exports it"),
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
