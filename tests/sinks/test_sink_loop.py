"""The log's loop over real sockets; the tests play dispatcher and supervisor."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, closing
from pathlib import Path

from line.messages import (
    Acknowledged,
    Beat,
    Hello,
    Rows,
    ShadowItem,
    Stored,
    Welcome,
    Who,
)
from line.outcome import Outcome, Verdict
from line.process.client import Client
from line.process.context import ProcessContext
from line.run_files.results import decode_row
from sinks.csv_log import CsvLog
from sinks.loop import Log, run
from tests.sinks.test_csv_log import outcome
from tests.workers.test_worker import Station, station

CREDIT = 8
TIMEOUT_S = 300.0


def log_station(
    run_dir: Path, make: Callable[[ProcessContext], AbstractContextManager[Log]]
) -> AbstractContextManager[Station]:
    """A log's process; `make` opens the log in the process's own thread."""

    def main(context: ProcessContext) -> None:
        with make(context) as log, Client(context, credit=CREDIT) as client:
            run(client, log)

    return station("sink", "csv_log", main, run_dir)


def csv_station(run_dir: Path) -> AbstractContextManager[Station]:
    return log_station(run_dir, lambda context: closing(CsvLog(context.run_dir / "results.csv")))


def row(item: Outcome) -> Rows:
    return Rows((item,))


def on_disk(run_dir: Path) -> list[Outcome]:
    lines = (run_dir / "results.csv").read_text().splitlines(keepends=True)
    return [decode_row(line) for line in lines[1:] if line.endswith("\n")]


def acknowledged(process: Station, count: int) -> list[Stored]:
    """`Stored` messages for `count` rows in all, however they were batched."""
    received: list[Stored] = []
    while sum(len(stored.keys) for stored in received) < count:
        received += process.hear(Stored)
    return received


class HeldUpLog:
    """Its disk is slow: a batch is written when the test says so."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.write = threading.Event()
        self.written: list[Outcome] = []

    def store(self, batch: Sequence[Outcome]) -> None:
        self.begun.set()
        assert self.write.wait(TIMEOUT_S)
        self.written += batch

    def report(self, client: Client) -> None:
        client.context.channel.send("held", written=len(self.written))

    def close(self) -> None:
        self.write.set()


def test_a_sink_says_hello_with_its_credit_and_is_ready_when_it_is_welcomed(tmp_path):
    with csv_station(tmp_path) as log:
        assert log.hear(Hello) == [Hello("sink", "csv_log", 1, CREDIT)]
        log.hear(Beat, 3)
        assert not log.notes("ready")
        log.send(Welcome("the first"))
        log.until(lambda: log.notes("ready"))
        log.send(Welcome("the second"))
        log.heard.clear()
        log.hear(Beat, 3)
        assert not log.notes("ready")  # it says so once


def test_rows_are_acknowledged_once_they_are_in_the_file(tmp_path):
    rows = [outcome(seq) for seq in range(20)]
    with csv_station(tmp_path) as log:
        log.hear(Hello)
        for item in rows:
            log.send(row(item))

        known = 0
        for stored in acknowledged(log, len(rows)):
            known += len(stored.keys)
            assert on_disk(tmp_path)[:known] == rows[:known]

    assert on_disk(tmp_path) == rows


def test_nothing_is_acknowledged_before_it_is_written(tmp_path):
    log = HeldUpLog()
    with log_station(tmp_path, lambda _: closing(log)) as process:
        process.hear(Hello)
        process.send(row(outcome(3)))
        process.until(log.begun.is_set)

        process.hub.wait(0.1)
        process.heard += [heard.message for heard in process.hub.receive()]
        assert not [m for m in process.heard if isinstance(m, Stored)]
        log.write.set()

        assert process.hear(Stored) == [Stored(((0, 3),))]
        assert log.written == [outcome(3)]


def test_rows_that_wait_together_are_written_together(tmp_path):
    log = HeldUpLog()
    batches: list[int] = []
    with log_station(tmp_path, lambda _: closing(log)) as process:
        process.hear(Hello)

        def one_then_five() -> bool:
            log.begun.clear()
            log.write.clear()
            process.send(row(outcome(0)))
            process.until(log.begun.is_set)
            for seq in range(1, 6):
                process.send(row(outcome(seq)))
            process.hub.wait(0.05)  # most likely they are there by then; if not, once more
            log.write.set()
            batches[:] = [len(stored.keys) for stored in acknowledged(process, 6)]
            return batches == [1, 5]

        process.until(one_then_five)


def test_a_repeated_row_is_acknowledged_and_the_first_one_stands(tmp_path):
    with csv_station(tmp_path) as log:
        log.hear(Hello)
        log.send(row(outcome(4)))
        log.hear(Stored)
        log.send(row(outcome(4, verdict=Verdict.LATE)))

        assert log.hear(Stored) == [Stored(((0, 4),))]

    assert on_disk(tmp_path) == [outcome(4)]


def test_the_next_incarnation_of_a_log_knows_what_the_last_one_wrote(tmp_path):
    with csv_station(tmp_path) as log:
        log.hear(Hello)
        log.send(row(outcome(4)))
        log.hear(Stored)

    with csv_station(tmp_path) as log:
        log.hear(Hello)
        log.send(row(outcome(4, verdict=Verdict.LATE)))
        assert log.hear(Stored) == [Stored(((0, 4),))]


def test_a_sink_reports_to_its_supervisor_while_it_runs(tmp_path):
    with csv_station(tmp_path) as log:
        log.hear(Hello)
        for seq in range(3):
            log.send(row(outcome(seq)))

        (note, *_) = log.until(lambda: [n for n in log.notes("stats") if n["logged"] == 3])

    assert note["verdicts"] == {"sorted": 3}
    assert note["accuracy"] == 1.0


def test_malformed_and_misdirected_messages_are_ignored(tmp_path):
    with csv_station(tmp_path) as log:
        log.hear(Hello)
        log.send(ShadowItem(outcome(0), "raw", 4, 6), b"too short for a picture")
        log.send(Acknowledged((0, 1), ()))
        log.send(row(outcome(2)))

        assert log.hear(Stored) == [Stored(((0, 2),))]


def test_a_sink_asked_who_it_is_says_hello_again(tmp_path):
    with csv_station(tmp_path) as log:
        hello = log.hear(Hello)
        log.send(Who())

        assert log.hear(Hello) == hello


def test_a_restarted_dispatcher_can_go_on_with_the_sink(tmp_path):
    with csv_station(tmp_path) as log:
        log.hear(Hello)
        log.send(Welcome("first"))
        log.send(row(outcome(0)))
        log.hear(Stored)
        log.restart_dispatcher()
        log.hear(Beat)
        log.send(Who())
        log.hear(Hello)
        log.send(Welcome("second"))
        for seq in (0, 1):
            log.send(row(outcome(seq)))

        answers = acknowledged(log, 2)

    assert [key for stored in answers for key in stored.keys] == [(0, 0), (0, 1)]
    assert on_disk(tmp_path) == [outcome(0), outcome(1)]


def test_a_sink_leaves_when_it_is_told_to_stop_and_reports_once_more(tmp_path):
    log = HeldUpLog()
    log.write.set()
    with log_station(tmp_path, lambda _: closing(log)) as process:
        process.hear(Hello)
        process.send(row(outcome(0)))
        process.hear(Stored)
        process.supervisor.send("stop")
        process.until(process.process.done)

        assert process.notes("held")[-1]["written"] == 1


def test_a_sink_whose_supervisor_is_gone_writes_what_still_comes_and_leaves(tmp_path):
    with csv_station(tmp_path) as log:
        log.hear(Hello)
        log.supervisor.close()
        log.send(row(outcome(0)))
        log.hear(Stored)
        log.until(log.process.done)

    assert on_disk(tmp_path) == [outcome(0)]
