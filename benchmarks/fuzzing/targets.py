"""Everything of the line that reads bytes it did not write a moment ago, with good examples."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.fuzzing.mutations import Parts
from line import messages as msg
from line.codec import decode, encode
from line.config import DEFAULTS, SCENARIOS, load
from line.errors import BadInput, DecodeError
from line.outcome import Outcome, Verdict, encode_top3
from line.process.control_channel import decode_note
from line.run_files.results import HEADER, decode_row, encode_rows
from line.run_files.review_file import QueuedItem
from reports.results import read_results
from reports.review import read_queue
from sinks.csv_log import CHECKPOINT, CsvLog
from sinks.review_queue import ReviewQueue


@dataclass(frozen=True)
class Target:
    """A decoder. `feed` returns or raises `refuses`; anything else is a bug."""

    name: str
    share: int
    """inputs of a million that go to it"""
    feed: Callable[[Parts], object]
    refuses: type[Exception]
    examples: tuple[Parts, ...]


@contextmanager
def targets() -> Iterator[tuple[Target, ...]]:
    """All decoders; those that read files do so in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        yield (
            Target("messages", 920_000, decode, DecodeError, _messages()),
            Target("notes", 40_000, lambda p: decode_note(_joined(p)), DecodeError, _NOTES),
            Target("rows", 30_000, lambda p: decode_row(_joined(p).decode()), ValueError, _ROWS),
            Target("settings", 4_000, _settings(folder), BadInput, _tables()),
            Target("results.csv", 3_000, _results(folder), BadInput, (_RESULTS,)),
            Target("review queue", 3_000, _queue(folder), BadInput, (_a_queue(folder),)),
        )


def _joined(parts: Parts) -> bytes:
    return b"".join(parts)


# -- what reads files ---------------------------------------------------------------------------


def _settings(folder: Path) -> Callable[[Parts], object]:
    def feed(parts: Parts) -> object:
        path = folder / "odd.toml"
        path.write_bytes(_joined(parts))
        return load(config=path, environment={})

    return feed


def _results(folder: Path) -> Callable[[Parts], object]:
    """The log that opens the file again, and the accounts that read it."""

    def feed(parts: Parts) -> object:
        path = folder / "results.csv"
        path.write_bytes(_joined(parts))
        table = folder / "table.csv"
        table.write_bytes(_joined(parts))
        with suppress(BadInput):
            read_results(table)
        (folder / CHECKPOINT).unlink(missing_ok=True)
        with closing(CsvLog(path)) as log:
            return log.facts()

    return feed


def _queue(folder: Path) -> Callable[[Parts], object]:
    """The sink that opens the queue again, and the accounts that read it."""

    def feed(parts: Parts) -> object:
        review = folder / "review"
        review.mkdir(exist_ok=True)
        for old in review.glob("queue.sqlite*"):
            old.unlink()
        (review / "queue.sqlite").write_bytes(_joined(parts))
        with suppress(BadInput):
            read_queue(review)
        with ReviewQueue(review) as queue:
            return queue.items(), queue.labels()

    return feed


# -- good examples --------------------------------------------------------------------------------

_OUTCOME = Outcome(
    camera=0,
    seq=17,
    scheduled_s=2.125,
    true_class="glass",
    predicted_class="glass",
    confidence=0.9,
    top3=encode_top3([("glass", 0.9), ("metal", 0.1)]),
    verdict=Verdict.SORTED,
    latency_ms=21.5,
    slack_ms=728.5,
    worker="worker-0#1",
    attempts=1,
    model="0123456789ab",
    mass_g=210.0,
    queue_ms=15.25,
    inference_ms=6.25,
    picture_crc32=4294967295,
    published_ms=1.5,
    dispatched_ms=2.25,
    energy=-2.5,
)
_UNSEEN = msg.Unseen(0, 18, 2.25, None, 50.0, Verdict.DROPPED, 'overrun: "full", it was')
_FRAME = msg.Frame(0, 17, 2.125, 7.5, 7.75, 8.25, "glass", 210.0, "raw", 2, 3, 99)


def _messages() -> tuple[Parts, ...]:
    plain = (
        msg.Hello("worker", "worker-0", 1, 2),
        msg.Hello("worker", "worker-0", 1, 2, msg.BatchTimes(0.008, 0.001, 16)),
        msg.Welcome("1-7.5"),
        msg.Who(),
        msg.Beat(),
        msg.UnseenItems((_UNSEEN, _UNSEEN)),
        msg.Acknowledged((1, 2, 300), (2,)),
        msg.Result(0, 17, (0.9, 0.1), 7.6, 0.01, "0123456789ab", -2.5),
        msg.Refusal(0, 17, Verdict.EXPIRED, "too late"),
        msg.Rows((_OUTCOME, _OUTCOME)),
        msg.Stored(((0, 17), (1, 2))),
    )
    encoded = [encode(message) for message in plain]
    encoded += [encode(_FRAME, bytes(18)), encode(msg.ShadowItem(_OUTCOME, "raw", 2, 3), bytes(18))]
    return tuple(tuple(bytes(part) for part in parts) for parts in encoded)


_NOTES: tuple[Parts, ...] = (
    (b'{"kind": "beat", "malformed": 0}',),
    (b'{"kind": "processor", "parts": {"starting": 0.7, "belt": 1.5}}',),
    (b'{"kind": "belt", "fed": 17, "belt_s": 2.1, "jitter_ms": {"p50": 0.1, "count": 17}}',),
    (b'{"kind": "alerts", "count": 1, "fresh": [["info", "item 0-17: glass"]]}',),
)
_ROWS: tuple[Parts, ...] = ((encode_rows([_OUTCOME]),),)
_RESULTS: Parts = (HEADER.encode(), encode_rows([_OUTCOME]), encode_rows([_OUTCOME]))


def _tables() -> tuple[Parts, ...]:
    return tuple((path.read_bytes(),) for path in (DEFAULTS, *sorted(SCENARIOS.glob("*.toml"))))


def _a_queue(folder: Path) -> Parts:
    review = folder / "example"
    item = QueuedItem("0-17", "images/0-17.png", "glass", 0.4, 0.1, "glass:0.4", "margin", 2.1, 99)
    with ReviewQueue(review) as queue:
        queue.add([item])
        queue.label("0-17", "metal", "ada")
    with closing(sqlite3.connect(review / "queue.sqlite")) as database:
        database.execute("PRAGMA journal_mode = DELETE")  # one file without a log beside it
    return ((review / "queue.sqlite").read_bytes(),)
