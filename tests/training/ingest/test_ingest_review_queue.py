"""ingest: a run's review queue, as the line writes it, into a training folder and out again."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the trainer needs torch")

from small_runs import write_pictures

from training.cli import main

Refused = Callable[..., str]

SCHEMA = """
CREATE TABLE items (
    frame_id TEXT PRIMARY KEY, image TEXT NOT NULL, predicted_class TEXT NOT NULL,
    confidence REAL NOT NULL, margin REAL NOT NULL, top3 TEXT NOT NULL, reason TEXT NOT NULL,
    scheduled_s REAL NOT NULL, picture_hash INTEGER NOT NULL
) STRICT;
CREATE TABLE labels (
    id INTEGER PRIMARY KEY, frame_id TEXT NOT NULL, label TEXT NOT NULL,
    labelled_by TEXT NOT NULL, labelled_at TEXT NOT NULL
) STRICT;
"""
TOP3 = "glass:0.4500|paper:0.3500|metal:0.2000"


@contextmanager
def opened(run: Path) -> Iterator[sqlite3.Connection]:
    """The queue as the line has it open: WAL, autocommit."""
    with closing(sqlite3.connect(run / "review/queue.sqlite", isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        yield db


def add_item(db: sqlite3.Connection, frame: str, image: str | None = None) -> None:
    row = (frame, image or f"images/{frame}.png", "glass", 0.45, 0.1, TOP3, "margin", 1.0, 7)
    db.execute("INSERT INTO items VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)


def say(run: Path, frame: str, label: str, when: str = "2025-05-01T10:00:00+00:00") -> None:
    with opened(run) as db:
        db.execute(
            "INSERT INTO labels (frame_id, label, labelled_by, labelled_at) VALUES (?, ?, ?, ?)",
            (frame, label, "ada", when),
        )


def make_run(root: Path) -> Path:
    """A run folder with three queued items, none labelled."""
    pictures = sorted(write_pictures(root / "drawn", 3, ("green",)).rglob("*.png"))
    (root / "review/images").mkdir(parents=True)
    with opened(root) as db:
        db.executescript(SCHEMA)
        for number, picture in enumerate(pictures):
            picture.replace(root / f"review/images/0-{number}.png")
            add_item(db, f"0-{number}")
    return root


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return make_run(tmp_path / "friday")


def ingest(*arguments: object, code: int = 0) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["ingest", *map(str, arguments)])
    assert ended.value.code == code


def listing(out: Path) -> dict[str, str]:
    """Class of each picture in a training folder, by its name up to the hash."""
    return {p.stem.rpartition("-")[0]: p.parent.name for p in out.glob("*/*")}


def history(out: Path) -> list[dict[str, str]]:
    with (out / "history.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_last_label_counts_and_all_are_kept(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    say(run, "0-0", "glass")
    say(run, "0-1", "paper")
    # The clock was put back in between; the order of saying counts.
    say(run, "0-0", "metal", "2025-05-01T09:00:00+00:00")
    ingest(run, "--out", out)
    assert listing(out) == {"friday-0-0": "metal", "friday-0-1": "paper"}
    rows = history(out)
    assert [(row["frame"], row["label"], row["who"]) for row in rows] == [
        ("friday/0-0", "glass", "ada"),
        ("friday/0-1", "paper", "ada"),
        ("friday/0-0", "metal", "ada"),
    ]
    picture = run / "review/images/0-0.png"
    assert rows[0]["sha256"] == hashlib.sha256(picture.read_bytes()).hexdigest()
    assert (out / "metal" / rows[0]["image"]).read_bytes() == picture.read_bytes()
    assert rows[0]["source"] == "review-queue:friday"


def test_a_second_ingest_adds_nothing(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    say(run, "0-0", "glass")
    ingest(run, "--out", out)
    before = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in out.rglob("*") if p.is_file()}
    ingest(run, "--out", out)
    ingest(run.parent / "friday/../friday", "--out", out)
    assert before == {
        p: (p.read_bytes(), p.stat().st_mtime_ns) for p in out.rglob("*") if p.is_file()
    }


def test_a_changed_label_moves_the_picture(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    say(run, "0-0", "glass")
    say(run, "0-1", "paper")
    ingest(run, "--out", out)
    say(run, "0-0", "paper")
    ingest(run, "--out", out)
    assert "0 added, 1 moved, 1 unchanged" in capsys.readouterr().out
    assert listing(out) == {"friday-0-0": "paper", "friday-0-1": "paper"}
    assert not (out / "glass").exists()
    # Once more in the same second, back to what was said first.
    say(run, "0-0", "glass")
    ingest(run, "--out", out)
    assert listing(out)["friday-0-0"] == "glass"
    assert [row["label"] for row in history(out)] == ["glass", "paper", "paper", "glass"]


def test_an_ingest_that_was_cut_short_is_completed(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    say(run, "0-0", "glass")
    ingest(run, "--out", out)
    [row] = history(out)
    say(run, "0-0", "paper")
    (out / "paper").mkdir()
    (out / "glass" / row["image"]).replace(out / "paper" / row["image"])
    ingest(run, "--out", out)
    assert [path.parent.name for path in out.glob("*/*")] == ["paper"]
    assert [r["label"] for r in history(out)] == ["glass", "paper"]


def test_two_runs_have_items_of_the_same_name(tmp_path: Path) -> None:
    out = tmp_path / "out"
    for name, label in (("friday", "glass"), ("monday", "paper")):
        run = make_run(tmp_path / name)
        say(run, "0-0", label)
        ingest(run, "--out", out)
    assert listing(out) == {"friday-0-0": "glass", "monday-0-0": "paper"}


def test_another_run_under_the_same_name_is_refused(tmp_path: Path, refused: Refused) -> None:
    first, second = make_run(tmp_path / "a/friday"), make_run(tmp_path / "b/friday")
    (second / "review/images/0-1.png").replace(second / "review/images/0-0.png")
    say(first, "0-0", "glass")
    say(second, "0-0", "glass")
    ingest(first, "--out", tmp_path / "out")
    line = refused("ingest", second, "--out", tmp_path / "out")
    assert "another picture" in line
    assert "friday/0-0" in line


def test_a_label_that_is_no_class_is_named_and_the_others_are_taken_in(
    run: Path, tmp_path: Path, refused: Refused, capsys: pytest.CaptureFixture[str]
) -> None:
    for label in ("glass", "glas"):
        say(run, "0-0", label)
    ingest_it = ("ingest", run, "--out", tmp_path / "out", "--classes")
    line = refused(*ingest_it, "glass,metal")
    assert line.endswith(f"{run}, friday/0-0: 'glas' is not in --classes")
    index = tmp_path / "class_index.json"
    index.write_text('{"0": "glass", "1": "tin"}')
    assert refused(*ingest_it, index) == line
    assert not (tmp_path / "out").exists()
    say(run, "0-1", "metal")
    with pytest.raises(SystemExit) as ended:
        main([*map(str, ingest_it), "glass,metal"])
    assert ended.value.code == 1
    said = capsys.readouterr()
    assert "skipped friday/0-0: 'glas' is not in --classes" in said.out
    assert "1 were left out, friday/0-0 the first" in said.err
    assert [path.parent.name for path in (tmp_path / "out").rglob("*.png")] == ["metal"]
    say(run, "0-0", "glass")  # the last label is the one that counts
    ingest(run, "--out", tmp_path / "out", "--classes", "glass,metal")
    assert sorted(p.parent.name for p in (tmp_path / "out").rglob("*.png")) == ["glass", "metal"]


@pytest.mark.parametrize("label", ["../up", "/etc", "a/b", "..", ".hidden", "a\\b", " ", "a\nb"])
def test_labels_that_are_paths_are_refused(
    label: str, run: Path, tmp_path: Path, refused: Refused
) -> None:
    say(run, "0-0", label)
    assert "cannot name a class folder" in refused("ingest", run, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_missing_pictures_are_reported_after_the_rest_is_done(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "secret.png").write_bytes((run / "review/images/0-2.png").read_bytes())
    (run / "review/images/0-1.png").unlink()
    (run / "review/images/0-2.png").write_bytes(b"torn")
    with opened(run) as db:
        add_item(db, "0-7", "../../secret.png")
        add_item(db, "../../0-8", "images/0-0.png")
    for frame in ("0-0", "0-1", "0-2", "0-7", "../../0-8", "never-queued"):
        say(run, frame, "glass")
    out = tmp_path / "out"
    ingest(run, "--out", out, code=1)
    assert sorted(p.name.rpartition("-")[0] for p in out.rglob("*.png")) == [
        "friday-0-0",
        "friday-0-8",
    ]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["friday", "out", "secret.png"]
    printed = capsys.readouterr()
    for frame, why in [
        ("0-1", "no such file"),
        ("0-2", "not a picture"),
        ("0-7", "lies outside"),
        ("never-queued", "without being in the queue"),
    ]:
        [line] = [li for li in printed.out.splitlines() if li.startswith(f"skipped friday/{frame}")]
        assert why in line
    [line] = printed.err.splitlines()
    assert "4 of 6 labelled pictures are missing or unreadable, friday/0-1 the first" in line


def test_a_picture_taken_in_can_be_relabelled_without_the_run(run: Path, tmp_path: Path) -> None:
    say(run, "0-0", "glass")
    ingest(run, "--out", tmp_path / "out")
    (run / "review/images/0-0.png").unlink()
    say(run, "0-0", "metal")
    ingest(run, "--out", tmp_path / "out")
    assert listing(tmp_path / "out") == {"friday-0-0": "metal"}


def test_the_line_goes_on_writing(run: Path, tmp_path: Path) -> None:
    say(run, "0-0", "glass")
    file = run / "review/queue.sqlite"
    with opened(run) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("INSERT INTO labels VALUES (9, '0-1', 'paper', 'bob', '')")
        before = file.read_bytes()
        ingest(run, "--out", tmp_path / "out")
        writer.execute("COMMIT")
        assert file.read_bytes() == before
        assert listing(tmp_path / "out") == {"friday-0-0": "glass"}
        # Committed, and still only in the write-ahead log.
        ingest(run, "--out", tmp_path / "out")
    assert listing(tmp_path / "out") == {"friday-0-0": "glass", "friday-0-1": "paper"}


def test_unlabelled_items_become_tasks(run: Path, tmp_path: Path) -> None:
    say(run, "0-1", "glass")
    tasks_file = tmp_path / "tasks.json"
    ingest(run, "--export-label-studio", tasks_file)
    first, second = json.loads(tasks_file.read_text())
    assert [t["data"]["frame"] for t in (first, second)] == ["friday/0-0", "friday/0-2"]
    assert first["data"]["image"] == "/data/local-files/?d=friday/review/images/0-0.png"
    assert first["data"]["top3"] == "glass 45%, paper 35%, metal 20%"
    [prediction] = first["predictions"]
    assert prediction["score"] == 0.45
    [result] = prediction["result"]
    assert result["value"] == {"choices": ["glass"]}
    assert (result["from_name"], result["to_name"]) == ("choice", "image")


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (lambda run: (run / "review/queue.sqlite").write_bytes(b"x" * 4096), "not a readable"),
        (lambda run: (run / "review/queue.sqlite").unlink(), "is .* a run folder"),
        (lambda run: say(run, "0-0", "glass", "yesterday"), "'yesterday': not a time"),
    ],
)
def test_damaged_queues(
    damage: Callable[[Path], object], named: str, run: Path, tmp_path: Path, refused: Refused
) -> None:
    damage(run)
    line = refused("ingest", run, "--out", tmp_path / "out")
    assert "queue.sqlite" in line
    assert re.search(named, line)


def test_damaged_history(run: Path, tmp_path: Path, refused: Refused) -> None:
    say(run, "0-0", "glass")
    ingest(run, "--out", tmp_path)
    file = tmp_path / "history.csv"
    whole = file.read_text()
    file.write_text(whole + "friday/0-1,torn\n")
    assert f"{file}, line 3: 2 cells" in refused("ingest", run, "--out", tmp_path)
    file.write_text(whole.replace("glass", "../up"))
    assert "leads elsewhere" in refused("ingest", run, "--out", tmp_path)
    file.write_text("frame\n")
    assert "its first line" in refused("ingest", run, "--out", tmp_path)


def test_bad_options(run: Path, tmp_path: Path, refused: Refused) -> None:
    assert "--out: is required" in refused("ingest", run)
    assert "no such file" in refused("ingest", tmp_path / "none", "--out", tmp_path / "out")
    (tmp_path / "file").touch()
    assert "is not a folder" in refused("ingest", run, "--out", tmp_path / "file")
    line = refused("ingest", run, "--out", tmp_path / "out", "--classes", "no.json")
    assert "--classes no.json" in line


def test_a_file_where_a_class_folder_belongs(run: Path, tmp_path: Path, refused: Refused) -> None:
    say(run, "0-0", "glass")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/glass").touch()
    line = refused("ingest", run, "--out", tmp_path / "out")
    assert f"--out {tmp_path / 'out'}: " in line
    assert not (tmp_path / "out/history.csv").exists()
