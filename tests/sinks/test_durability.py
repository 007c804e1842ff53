"""What a run folder is worth after a cut at any byte, and after a power cut."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from line.config import load
from line.errors import BadInput
from line.model.facts import ModelFacts
from line.run_files.results import decode_row
from line.run_files.review_file import QueuedItem
from line.run_files.run_folder import RunFolder
from line.run_files.session import Session
from line.supervise.resume import reopen
from sinks.csv_log import CsvLog
from sinks.review_queue import ReviewQueue
from tests.running_line import RunningLine, UndisturbedLine, assert_accounted
from tests.sinks.test_active_learning import Review, doubtful
from tests.sinks.test_alerts import opened, raised, store, unsure
from tests.sinks.test_csv_log import outcome, stored

LINES_CUT = 3
ITEM = QueuedItem("0-0", "images/0-0.png", "glass", 0.4, 0.1, "glass:0.4", "margin", 2.1, 99)


@pytest.fixture(scope="module")
def real_run(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Path:
    """The folder of a run whose items are all doubtful."""
    run_dir = tmp_path_factory.mktemp("real") / "run"
    doubt = ("--set", "review.margin=1", "--set", "review.near_duplicate_bits=0")
    options = ("--items", 40, "--speed", "max", "--threshold", "1", *doubt)
    with UndisturbedLine(run_dir, "--model", tiny_model, *options) as line:
        status, summary = line.finish()
        assert status == 0
        assert_accounted(summary, line.rows())
    return run_dir


# -- cut off at any byte --------------------------------------------------------------------------


def test_real_rows_cut_at_any_byte_of_the_last_lines_are_known_or_written_again(
    real_run: Path, tmp_path: Path
) -> None:
    whole = (real_run / "results.csv").read_bytes()
    rows = [decode_row(line.decode()) for line in whole.splitlines(keepends=True)[1:]]
    path = tmp_path / "results.csv"
    for cut in range(whole.rindex(b"\n", 0, _last_lines(whole)) + 1, len(whole)):
        path.write_bytes(whole[:cut])
        known = whole[:cut].count(b"\n") - 1
        with closing(CsvLog(path, sync=True)) as log:
            assert stored(path) == rows[:known]
            log.store(rows[known - 2 :])
        assert path.read_bytes() == whole


def _last_lines(data: bytes) -> int:
    """Where the last lines begin."""
    place = len(data) - 1
    for _ in range(LINES_CUT):
        place = data.rindex(b"\n", 0, place)
    return place


def test_real_alerts_cut_at_any_byte_of_the_last_lines_are_known_or_raised_again(
    real_run: Path, tmp_path: Path
) -> None:
    whole = (real_run / "alerts.jsonl").read_bytes()
    ids = [json.loads(line)["id"] for line in whole.splitlines()]
    path = tmp_path / "alerts.jsonl"
    assert len(ids) > LINES_CUT
    for cut in range(_last_lines(whole), len(whole)):
        path.write_bytes(whole[:cut])
        with closing(opened(path, sync=True)):
            assert [alert["id"] for alert in raised(path)] == ids[: whole[:cut].count(b"\n")]


@pytest.fixture
def queue_in_its_log(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """A review queue of 30 items, one a transaction, that stand in SQLite's log alone."""
    folder = tmp_path / "review"
    with ReviewQueue(folder) as queue:
        for seq in range(30):
            queue.add([replace(ITEM, frame_id=f"0-{seq}", scheduled_s=float(seq))])
        yield folder / "queue.sqlite", folder / "queue.sqlite-wal"


def test_a_queue_whose_log_is_cut_at_any_byte_holds_its_first_items_and_takes_the_rest(
    queue_in_its_log: tuple[Path, Path], tmp_path: Path
) -> None:
    database, log = queue_in_its_log
    whole = log.read_bytes()
    held: set[int] = set()
    for cut in [*range(200), *range(200, len(whole), 1499), len(whole)]:
        copy = tmp_path / f"copy-{cut}"
        copy.mkdir()
        shutil.copy(database, copy)
        (copy / log.name).write_bytes(whole[:cut])
        with ReviewQueue(copy, sync=True) as queue:
            items = queue.items()
            assert items == [
                replace(ITEM, frame_id=f"0-{seq}", scheduled_s=float(seq))
                for seq in range(len(items))
            ]
            queue.add([replace(ITEM, frame_id=f"0-{s}", scheduled_s=float(s)) for s in range(30)])
            assert len(queue.items()) == 30
        held.add(len(items))
        shutil.rmtree(copy)
    assert {0, 30} < held
    assert len(held) == 31, "every transaction is lost or kept as a whole"


@pytest.mark.parametrize("overwritten", [b"\0", b"\xff", b"7"])
def test_a_queue_whose_log_is_damaged_holds_whole_items(
    queue_in_its_log: tuple[Path, Path], tmp_path: Path, overwritten: bytes
) -> None:
    database, log = queue_in_its_log
    whole = log.read_bytes()
    for place in range(40, len(whole), 7919):
        copy = tmp_path / f"copy-{place}"
        copy.mkdir()
        shutil.copy(database, copy)
        (copy / log.name).write_bytes(whole[:place] + overwritten * 64 + whole[place + 64 :])
        with ReviewQueue(copy) as queue:
            assert [item.frame_id for item in queue.items()] == [
                f"0-{seq}" for seq in range(len(queue.items()))
            ]


# -- damage in the middle, which no cut makes -----------------------------------------------------


def test_a_damaged_row_is_named_with_its_line(real_run: Path, tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    lines = (real_run / "results.csv").read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:4], b"0-3,rubbish\n", *lines[5:]]))
    with pytest.raises(BadInput, match=r"results\.csv: line 5: 2 cells instead of"):
        CsvLog(path)


@pytest.mark.parametrize("line", [b"rubbish", b"[]", b"{}", b"[" * 5000, b"\xff"])
def test_a_damaged_alert_is_named_with_its_line(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "alerts.jsonl"
    path.write_bytes(b'{"id": "a"}\n' + line + b"\n")
    with pytest.raises(BadInput, match=r"alerts\.jsonl: line 2 is not an alert"):
        opened(path)


def test_a_damaged_queue_is_named(tmp_path: Path) -> None:
    (tmp_path / "queue.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(BadInput, match=r"queue\.sqlite: file is not a database"):
        ReviewQueue(tmp_path)


# -- power ----------------------------------------------------------------------------------------


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that were put on the disk, in order; the real calls go on behind it."""
    done: list[str] = []

    def noting(real: Callable[[int], None]) -> Callable[[int], None]:
        def sync(fd: int) -> None:
            real(fd)
            done.append(Path(f"/proc/self/fd/{fd}").readlink().name)

        return sync

    monkeypatch.setattr(os, "fsync", noting(os.fsync))
    monkeypatch.setattr(os, "fdatasync", noting(os.fdatasync))
    return done


def test_rows_are_on_the_disk_once_a_batch_before_they_are_acknowledged(
    tmp_path: Path, synced: list[str]
) -> None:
    with closing(CsvLog(tmp_path / "results.csv", sync=True)) as log:
        synced.clear()
        log.store([outcome(seq) for seq in range(50)])
        assert synced == ["results.csv"]
        log.store([outcome(seq) for seq in range(50)])
        assert synced == ["results.csv"], "what is on the disk need not be put there again"


def test_what_a_killed_log_left_to_the_kernel_is_on_the_disk_before_it_counts_as_known(
    tmp_path: Path, synced: list[str]
) -> None:
    with closing(CsvLog(tmp_path / "results.csv")) as killed:
        killed.store([outcome(0)])
    assert synced == []
    with closing(CsvLog(tmp_path / "results.csv", sync=True)):
        assert synced == ["results.csv", tmp_path.name]


def test_alerts_are_on_the_disk_once_a_batch(tmp_path: Path, synced: list[str]) -> None:
    with closing(opened(tmp_path / "alerts.jsonl", sync=True)) as alerts:
        synced.clear()
        store(alerts, *(unsure(seq) for seq in range(50)))
        assert synced == ["alerts.jsonl"]
        store(alerts, outcome(60))
        assert synced == ["alerts.jsonl"], "nothing was raised"


def test_pictures_are_on_the_disk_before_their_rows(tmp_path: Path, synced: list[str]) -> None:
    review = Review(tmp_path / "review", sync=True)
    assert review.take(doubtful(0)) == 1
    synced.clear()
    review.take(doubtful(1), doubtful(2))
    assert synced == ["0-1.png", "0-2.png", "images"]
    assert review.sink._opened()._db.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    assert review.names() == ["0-0", "0-1", "0-2"]
    review.close()


@pytest.mark.parametrize("durability", ["power", "process"])
def test_what_a_resumed_run_needs_is_on_the_disk_if_a_power_cut_is_to_be_survived(
    tmp_path: Path, synced: list[str], durability: str
) -> None:
    """A file is synced as the draft that it is before it is renamed, and then its folder."""
    options = [("results.durability", durability), ("decision.threshold", 0.5)]
    settings = load(environment={}, options=options)
    model = ModelFacts(path="/m.onnx", sha256="ab" * 32, classes=("glass",))
    folder = RunFolder.choose(tmp_path / "run", settings)
    folder.make(settings, model)
    Session(runtime_dir="/gone").keep(folder)
    folder.write_json("run.json", {"ended": "drained"})
    _, _, again = reopen(folder.path)
    later = Session.load(folder.path).successor(Path("/new"), "")
    later.keep(again)
    later.keep(again)
    again.write_processes([])
    files = [name.removeprefix(".").rsplit(".", 2)[0] for name in synced if ".tmp" in name]
    needed = ["settings.json", "model.json", "session.json", "run.json", "session.json"]
    assert files == (needed if durability == "power" else [])
    assert synced.count("run") == len(files)
    assert synced.count(tmp_path.name) == (durability == "power")


def test_without_the_setting_nothing_waits_for_the_disk(tmp_path: Path, synced: list[str]) -> None:
    with closing(CsvLog(tmp_path / "results.csv")) as log, ReviewQueue(tmp_path / "r") as queue:
        log.store([outcome(0)])
        queue.add([ITEM])
        assert queue._db.execute("PRAGMA synchronous").fetchone() == (1,)  # NORMAL
    assert synced == []


def test_a_line_that_is_to_survive_a_power_cut_loses_nothing_to_kills_either(
    tmp_path: Path, tiny_model: Path
) -> None:
    power = ("--set", "results.durability=power", "--set", "review.margin=1")
    items = ("--items", 80, "--interval", 0.04, "--active-learning")
    arguments = ("--model", tiny_model, *items, *power)
    with RunningLine(tmp_path / "run", *arguments) as line:
        line.wait_for_rows(15)
        line.kill("csv_log")
        line.kill("active_learning")
        status, summary = line.finish()
        assert status == 0
        assert_accounted(summary, line.rows())
    with closing(sqlite3.connect(tmp_path / "run" / "review" / "queue.sqlite")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
