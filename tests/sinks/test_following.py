"""The loop of the sinks that follow; the tests are supervisor, log and cameras."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from pathlib import Path
from threading import Lock
from typing import Any

import pytest

from line.errors import DiskFull, StorageError
from line.outcome import Outcome
from line.process.context import ProcessContext
from sinks.alerts import Alerts
from sinks.csv_log import CsvLog
from sinks.follower import LineEvent, Passed
from sinks.following import Following
from tests.sinks.test_alerts import raised, unsure
from tests.sinks.test_csv_log import outcome, store
from tests.workers.test_worker import Station, station


class Watched:
    """A follower that keeps what it is given, unless the test forbids it."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.rows: list[Outcome] = []
        self.events: list[LineEvent] = []
        self.restored: list[Any] = []
        self.refuses: Exception | None = None
        self.at_most = 10**6
        self.is_closed = False

    def restore(self, state: Mapping[str, Any] | None) -> None:
        self.restored.append(state)
        if state is not None and "rows" not in state:
            raise KeyError("rows")

    def take(self, rows: Sequence[Outcome], *, final: bool) -> int:
        if self.refuses is not None:
            raise self.refuses
        some = rows[: len(rows) if final else self.at_most]
        self.rows += some
        return len(some)

    def take_events(self, events: Sequence[LineEvent]) -> None:
        if self.refuses is not None:
            raise self.refuses
        self.events += events

    def turn(self) -> None:
        pass

    def report(self) -> tuple[str, dict[str, Any]]:
        return "watched", {"rows": len(self.rows)}

    def news(self) -> list[str]:
        return []

    def state(self) -> dict[str, Any]:
        return {"rows": len(self.rows)}

    def close(self) -> None:
        self.is_closed = True


def following(run_dir: Path, follower: Any) -> AbstractContextManager[Station]:
    def main(context: ProcessContext) -> None:
        with closing(Following(context, follower, Passed())) as process:
            process.run()

    return station("sink", "watched", main, run_dir)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[CsvLog]:
    with closing(CsvLog(tmp_path / "results.csv")) as log:
        yield log


def tell(run_dir: Path, *ids: str) -> None:
    """What the supervisor writes when something happens to the line."""
    with (run_dir / "events.jsonl").open("a") as file:
        for event_id in ids:
            text = {"id": event_id, "event": "restart", "text": "of it", "at": "2026-01-02"}
            file.write(json.dumps(text) + "\n")


def seqs(follower: Watched) -> list[int]:
    return [row.seq for row in follower.rows]


def test_a_follower_is_given_what_was_written_and_what_is_being_written(
    tmp_path: Path, log: CsvLog
) -> None:
    follower = Watched()
    store(log, outcome(0, reason="=1"), outcome(1))
    tell(tmp_path, "first")
    with following(tmp_path, follower) as process:
        process.until(lambda: process.notes("ready"))
        store(log, outcome(2))
        tell(tmp_path, "second")
        process.until(lambda: len(follower.rows) == 3 and len(follower.events) == 2)
    assert follower.rows == [outcome(0, reason="=1"), outcome(1), outcome(2)]
    assert [event.id for event in follower.events] == ["first", "second"]
    assert follower.restored == [None]
    assert follower.is_closed


def test_what_is_told_to_stop_reads_to_the_end_first(tmp_path: Path, log: CsvLog) -> None:
    follower = Watched()
    follower.at_most = 0
    store(log, *(outcome(seq) for seq in range(1000)))
    with following(tmp_path, follower) as process:
        process.until(lambda: any(n["behind_rows"] > 500 for n in process.notes("follower")))
        process.supervisor.send("stop")
        process.until(process.process.done)
        assert process.notes("follower")[-1]["behind_rows"] == 0
    assert seqs(follower) == list(range(1000))


def test_the_next_one_goes_on_where_the_last_one_stopped(tmp_path: Path, log: CsvLog) -> None:
    first, second = Watched(), Watched()
    store(log, outcome(0), outcome(1))
    tell(tmp_path, "first")
    with following(tmp_path, first):
        pass
    store(log, outcome(2))
    tell(tmp_path, "second")
    with following(tmp_path, second):
        pass
    assert (seqs(first), seqs(second)) == ([0, 1], [2])
    assert [event.id for event in second.events] == ["second"]
    assert second.restored == [{"rows": 2}]


@pytest.mark.parametrize("content", [None, b"", b"{}", b'12345678\n{"rows":[0,0]}', b"\0" * 99])
def test_without_a_checkpoint_that_can_be_believed_all_is_read_anew(
    tmp_path: Path, log: CsvLog, content: bytes | None
) -> None:
    store(log, outcome(0))
    with following(tmp_path, Watched()):
        pass
    checkpoint = tmp_path / ".watched.checkpoint"
    if content is None:
        checkpoint.unlink()
    else:
        checkpoint.write_bytes(content)
    again = Watched()
    with following(tmp_path, again):
        pass
    assert (seqs(again), again.restored) == ([0], [None])


def test_a_follower_that_does_not_know_its_state_begins_anew(tmp_path: Path, log: CsvLog) -> None:
    class Other(Watched):
        def state(self) -> dict[str, Any]:
            return {"of": "another version"}

    store(log, outcome(0))
    with following(tmp_path, Other()):
        pass
    again = Watched()
    with following(tmp_path, again):
        pass
    assert seqs(again) == [0]
    assert again.restored == [{"of": "another version"}, None]


@pytest.mark.parametrize("how", ["cut", "replaced by a copy", "all of it at once"])
def test_rows_that_come_again_in_a_changed_file_are_known(
    tmp_path: Path, how: str, log: CsvLog
) -> None:
    path = tmp_path / "results.csv"
    follower = Watched()
    store(log, *(outcome(seq) for seq in range(5)))
    with following(tmp_path, follower) as process:
        process.until(lambda: len(follower.rows) == 5)
        whole = path.read_bytes()
        if how == "cut":
            path.write_bytes(whole[: whole.index(b"0-3,")])
        elif how == "replaced by a copy":
            path.with_name("copy").write_bytes(whole)
            path.with_name("copy").rename(path)
        else:
            path.write_bytes(whole.replace(b",glass", b",paper"))
        with closing(CsvLog(path)) as other:
            store(other, *(outcome(seq) for seq in range(7)))
        process.until(lambda: len(follower.rows) == 7)
    assert sorted(seqs(follower)) == list(range(7))


def test_what_is_no_row_or_event_is_counted_and_passed_over(tmp_path: Path, log: CsvLog) -> None:
    follower = Watched()
    store(log, outcome(0))
    with (tmp_path / "results.csv").open("ab") as file:
        file.write(b"rubbish\n0-1,0,1,nothing\n\xff,\xff\n\n")
    (tmp_path / "events.jsonl").write_bytes(b"[" * 5000 + b"\n{}\n" + b'{"id": 7}\n\xff\n')
    tell(tmp_path, "first")
    follower.refuses = StorageError("a moment")
    with following(tmp_path, follower) as process:
        process.until(lambda: process.notes("beat"))
        process.until(lambda: process.notes("beat"))
        follower.refuses = None
        process.until(lambda: any(n["malformed"] == 8 for n in process.notes("beat")))
        assert [event.id for event in follower.events] == ["first"]
        assert process.notes("beat")[-1:] in ([], [{"kind": "beat", "malformed": 8}])
    assert seqs(follower) == [0]


@pytest.mark.parametrize(
    ("error", "kind"), [(StorageError("queue: locked"), "storage"), (DiskFull("f"), "disk_full")]
)
def test_one_that_cannot_write_lives_falls_behind_says_so_once_and_catches_up(
    tmp_path: Path, log: CsvLog, error: Exception, kind: str
) -> None:
    follower = Watched()
    follower.refuses = error
    heard: list[dict[str, Any]] = []

    def notes(kind: str) -> list[dict[str, Any]]:
        heard.extend(process.supervisor.receive())
        return [note for note in heard if note["kind"] == kind]

    store(log, *(outcome(seq) for seq in range(300)))
    with following(tmp_path, follower) as process:
        process.until(lambda: notes("incident"))
        beats = len(notes("beat"))
        process.until(lambda: len(notes("beat")) > beats + 2)
        assert max(note["behind_rows"] for note in notes("follower")) > 100
        assert len(notes("incident")) == 1
        follower.refuses = None
        process.until(lambda: len(follower.rows) == 300)
        process.until(lambda: len(notes("incident")) == 2)
    assert [note["event"] for note in notes("incident")] == [kind, "storage_again"]
    assert notes("incident")[0]["text"] == f"waits: {error}"
    assert seqs(follower) == list(range(300))


def test_one_whose_supervisor_is_gone_takes_what_still_comes_and_leaves(
    tmp_path: Path, log: CsvLog
) -> None:
    follower = Watched()
    with following(tmp_path, follower) as process:
        process.until(lambda: process.notes("ready"))
        process.supervisor.close()
        store(log, outcome(0))
        process.until(process.process.done)
    assert seqs(follower) == [0]


def test_alerts_that_are_killed_raise_nothing_twice(tmp_path: Path, log: CsvLog) -> None:
    """A checkpoint from before the last alerts, as a kill leaves it."""

    def opened() -> AbstractContextManager[Station]:
        def main(context: ProcessContext) -> None:
            alerts = Alerts(context.run_dir / "alerts.jsonl", context.settings.alerts)
            with closing(Following(context, alerts, Passed())) as process:
                process.run()

        return station("sink", "alerts", main, tmp_path)

    store(log, unsure(0))
    with opened():
        pass
    checkpoint = tmp_path / ".alerts.checkpoint"
    before = checkpoint.read_bytes()
    store(log, unsure(1), unsure(2))
    tell(tmp_path, "first")
    with opened():
        pass
    for content in (before, None):
        if content is None:
            checkpoint.unlink()
        else:
            checkpoint.write_bytes(content)
        with opened():
            pass
        ids = [alert["id"] for alert in raised(tmp_path / "alerts.jsonl")]
        assert sorted(ids) == ["first", *(f"low_confidence-0-{seq}" for seq in range(3))]


def test_one_that_falls_far_behind_says_so_once_until_it_has_caught_up(
    tmp_path: Path, log: CsvLog
) -> None:
    follower = Watched()
    follower.at_most = 0
    heard: list[dict[str, Any]] = []

    def told() -> list[str]:
        heard.extend(process.supervisor.receive())
        return [note["event"] for note in heard if note["kind"] == "incident"]

    store(log, *(outcome(seq) for seq in range(20_000)))
    with following(tmp_path, follower) as process:
        process.until(lambda: told() == ["behind"])
        follower.at_most = 10**6
        process.until(lambda: told() == ["behind", "caught_up"])
        process.until(lambda: len(follower.rows) == 20_000)
    (behind, caught_up) = (note["text"] for note in heard if note["kind"] == "incident")
    assert behind.endswith(" rows behind csv_log")
    assert caught_up == "has caught up with csv_log"
