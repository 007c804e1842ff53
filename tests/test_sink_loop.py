"""The sinks' common loop over real sockets; the tests play dispatcher and supervisor."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path

import numpy as np
import pytest

from line import pictures
from line.client import Client
from line.messages import (
    Beat,
    Hello,
    Notice,
    NoticeStored,
    Row,
    Stored,
    Want,
    Welcome,
    Who,
)
from line.outcome import Outcome, Verdict
from line.seat import Seat
from sinks.active_learning import ActiveLearning
from sinks.alerts import Alerts
from sinks.csv_log import CsvLog
from sinks.csv_rows import decode_row
from sinks.loop import Delivery, Receipt, Sink, run
from sinks.review_queue import ReviewQueue
from tests.test_csv_log import outcome
from tests.test_worker import Station, station

CREDIT = 8
TIMEOUT_S = 10.0


def sink_station(
    name: str, run_dir: Path, make: Callable[[Seat], AbstractContextManager[Sink]]
) -> AbstractContextManager[Station]:
    """A sink process; `make` opens the sink in the process's own thread."""

    def main(seat: Seat) -> None:
        with make(seat) as sink, Client(seat, credit=CREDIT) as client:
            run(client, sink)

    return station("sink", name, main, run_dir)


def csv_station(run_dir: Path) -> AbstractContextManager[Station]:
    return sink_station(
        "csv_log", run_dir, lambda seat: closing(CsvLog(seat.run_dir / "results.csv"))
    )


def row(item: Outcome) -> Row:
    return Row(item, "raw", 4, 6)


def on_disk(run_dir: Path) -> list[Outcome]:
    lines = (run_dir / "results.csv").read_text().splitlines(keepends=True)
    return [decode_row(line) for line in lines[1:] if line.endswith("\n")]


def acknowledged(process: Station, count: int) -> list[Stored]:
    """`Stored` messages for `count` rows in all, however they were batched."""
    received: list[Stored] = []
    while sum(len(stored.keys) for stored in received) < count:
        received += process.hear(Stored)
    return received


class HeldUpSink:
    """Its disk is slow: a batch is written when the test says so."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.write = threading.Event()
        self.written: list[Delivery] = []
        self.notices: list[Notice] = []

    def store(self, batch: list[Delivery]) -> Receipt:
        self.begun.set()
        assert self.write.wait(TIMEOUT_S)
        self.written += batch
        return Receipt(stored=[delivery.key for delivery in batch])

    def store_notice(self, notice: Notice) -> None:
        self.begun.set()
        assert self.write.wait(TIMEOUT_S)
        self.notices.append(notice)

    def report(self, client: Client) -> None:
        client.seat.leash.send("held", written=len(self.written))

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


@pytest.mark.parametrize("message", [row(outcome(3)), Notice("n-1", "restart", "killed")])
def test_nothing_is_acknowledged_before_it_is_written(tmp_path, message):
    sink = HeldUpSink()
    with sink_station("csv_log", tmp_path, lambda _: closing(sink)) as process:
        process.hear(Hello)
        process.send(message)
        process.until(sink.begun.is_set)

        process.hub.wait(0.1)
        process.heard += [heard for _, _, heard, _ in process.hub.receive()]
        assert not [m for m in process.heard if isinstance(m, Stored | NoticeStored)]
        sink.write.set()

        if isinstance(message, Notice):
            assert process.hear(NoticeStored) == [NoticeStored("n-1")]
            assert sink.notices == [message]
        else:
            assert process.hear(Stored) == [Stored(((0, 3),), ())]
            assert [delivery.row for delivery in sink.written] == [message]


def test_rows_that_wait_together_are_written_together(tmp_path):
    sink = HeldUpSink()
    batches: list[int] = []
    with sink_station("csv_log", tmp_path, lambda _: closing(sink)) as process:
        process.hear(Hello)

        def one_then_five() -> bool:
            sink.begun.clear()
            sink.write.clear()
            process.send(row(outcome(0)))
            process.until(sink.begun.is_set)
            for seq in range(1, 6):
                process.send(row(outcome(seq)))
            process.hub.wait(0.05)  # most likely they are there by then; if not, once more
            sink.write.set()
            batches[:] = [len(stored.keys) for stored in acknowledged(process, 6)]
            return batches == [1, 5]

        process.until(one_then_five)


def test_a_repeated_row_is_acknowledged_and_the_first_one_stands(tmp_path):
    with csv_station(tmp_path) as log:
        log.hear(Hello)
        log.send(row(outcome(4)))
        log.hear(Stored)
        log.send(row(outcome(4, verdict=Verdict.LATE)))

        assert log.hear(Stored) == [Stored(((0, 4),), ())]

    assert on_disk(tmp_path) == [outcome(4)]


def test_the_next_incarnation_of_a_log_knows_what_the_last_one_wrote(tmp_path):
    with csv_station(tmp_path) as log:
        log.hear(Hello)
        log.send(row(outcome(4)))
        log.hear(Stored)

    with csv_station(tmp_path) as log:
        log.hear(Hello)
        log.send(row(outcome(4, verdict=Verdict.LATE)))
        assert log.hear(Stored) == [Stored(((0, 4),), ())]


def test_the_review_sink_asks_for_the_picture_and_stores_what_comes(tmp_path):
    def make(seat: Seat) -> AbstractContextManager[Sink]:
        return _Review(seat)

    doubtful = outcome(2, top3="glass:0.4000|paper:0.3500|metal:0.2500", confidence=0.4)
    picture = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    with sink_station("active_learning", tmp_path, make) as review:
        review.hear(Hello)
        review.send(row(doubtful))
        assert review.hear(Want) == [Want(0, 2)]
        assert not [message for message in review.heard if isinstance(message, Stored)]

        review.send(Row(doubtful, "raw", 200, 200), pictures.encode(picture, "raw", 90))
        assert review.hear(Stored) == [Stored(((0, 2),), ())]
        with ReviewQueue(tmp_path / "review") as queue:
            assert [item.frame_id for item in queue.items()] == ["0-2"]
        review.until(lambda: [note for note in review.notes("review") if note["queued"] == 1])


class _Review(AbstractContextManager[Sink]):
    """The review sink together with its queue, as the sink's main opens it."""

    def __init__(self, seat: Seat) -> None:
        self._seat = seat
        self._queue = ReviewQueue(seat.run_dir / "review")

    def __enter__(self) -> Sink:
        settings = self._seat.settings
        return ActiveLearning(self._queue, settings.review, settings.line.seed)

    def __exit__(self, *details: object) -> None:
        self._queue.__exit__(None, None, None)


def test_a_notice_is_acknowledged_once_it_is_in_the_file(tmp_path):
    def make(seat: Seat) -> AbstractContextManager[Sink]:
        return closing(Alerts(seat.run_dir / "alerts.jsonl", seat.settings.alerts))

    with sink_station("alerts", tmp_path, make) as alerts:
        alerts.hear(Hello)
        for _ in range(2):
            alerts.send(Notice("n-1", "restart", "worker-0 was killed"))
            assert alerts.hear(NoticeStored) == [NoticeStored("n-1")]
            lines = (tmp_path / "alerts.jsonl").read_text().splitlines()
            assert [json.loads(line)["id"] for line in lines] == ["n-1"]
        (note, *_) = alerts.until(lambda: [n for n in alerts.notes("alerts") if n["fresh"]])

    assert (note["count"], note["fresh"]) == (1, [["warning", "worker-0 was killed"]])


def test_a_sink_reports_to_its_supervisor_while_it_runs(tmp_path):
    with csv_station(tmp_path) as log:
        log.hear(Hello)
        for seq in range(3):
            log.send(row(outcome(seq)))

        (note, *_) = log.until(lambda: [n for n in log.notes("board") if n["logged"] == 3])

    assert note["verdicts"] == {"sorted": 3}
    assert note["accuracy"] == 1.0


def test_malformed_and_misdirected_messages_are_ignored(tmp_path):
    with csv_station(tmp_path) as log:
        log.hear(Hello)
        log.send(Row(outcome(0), "raw", 4, 6), b"too short for a picture")
        log.send(Want(0, 1))
        log.send(row(outcome(2)))

        assert log.hear(Stored) == [Stored(((0, 2),), ())]


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
    sink = HeldUpSink()
    sink.write.set()
    with sink_station("csv_log", tmp_path, lambda _: closing(sink)) as process:
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
