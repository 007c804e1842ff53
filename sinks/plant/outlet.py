"""What an outlet is: a place outside of the run folder that rows, events and labels go to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from line.outcome import Outcome
from line.run_files.said_labels import SaidLabel
from sinks.follower import LineEvent

_MOST_CAMERAS = 4096
_MOST_ATTEMPTS = 2**31
_MOST_CRC32 = 2**32
_MOST_SEQ = 2**53


class Outlet(Protocol):
    """A new kind of plant sink is one file with this in it.

    A method returns when what it was given stands at the other end for good. What is given again
    counts once there. All raise StorageError, in one line, where the other end is away or refuses;
    the same may be given again then. None is called while another has not returned.
    """

    def put_rows(self, rows: Sequence[Outcome]) -> None:
        """Rows of items, each of which `is_storable`."""

    def put_events(self, events: Sequence[LineEvent]) -> None:
        """Events and alarms."""

    def put_labels(self, labels: Sequence[SaidLabel]) -> None:
        """All that people have said of items so far, also what they took back."""

    def close(self) -> None:
        """Let go of the other end. Never raises."""


def is_storable(row: Outcome) -> bool:
    """Whether whole numbers are in their range, and texts without the character that ends a text.

    A row of the line always is; a file may hold anything.
    """
    texts = (row.reason, row.top3, row.worker, row.model, row.true_class, row.predicted_class)
    return (
        0 <= row.camera < _MOST_CAMERAS
        and 0 <= row.seq < _MOST_SEQ
        and 0 <= row.attempts < _MOST_ATTEMPTS
        and 0 <= (row.picture_crc32 or 0) < _MOST_CRC32
        and not any(text and "\0" in text for text in texts)
    )
