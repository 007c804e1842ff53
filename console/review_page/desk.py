"""One person's place at the review queue: what is before them, what they said, what is left.

Nothing here knows of a browser. All methods touch the disk; call them in a thread.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import Any
from uuid import uuid4

from console.review_page.item_leases import Wanted, give_back, lend, lend_this, renew
from line.errors import BadInput
from line.outcome import decode_top3
from line.run_files.review_file import NONE_OF_THESE, Label, QueuedItem, ReviewFile
from line.run_files.run_folder import classes_of, row_of


@dataclass(frozen=True, slots=True)
class Question:
    """An item that somebody is asked about."""

    frame_id: str
    image: str | None
    """relative to RUN_DIR/review; None: the item was not queued, so its picture was not kept"""
    ranking: tuple[tuple[str, float], ...]
    """(class, probability), best first, as far as the row has it; empty without an answer"""
    reason: str
    """why it was queued; or, for an item that was not, its verdict"""
    margin: float | None
    scheduled_s: float
    said: tuple[Label, ...]
    """what people said about it, in order"""

    @property
    def guess(self) -> str | None:
        """The model's best class."""
        return self.ranking[0][0] if self.ranking else None

    @property
    def decided(self) -> str | None:
        """The label that counts."""
        return self.said[-1].label if self.said else None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the queue is labelled. Items that were labelled without being queued do not count."""

    queued: int
    decided: int
    by_class: dict[str, int]
    """queued items by predicted class"""
    by_reason: dict[str, int]
    by_person: dict[str, int]
    """labels that stand, whoever was overruled included"""
    latest: tuple[Label, ...]
    """the last labels given, newest first"""


class Desk:
    """What one page works on. `who` signs the labels."""

    def __init__(self, run_dir: Path, who: str) -> None:
        """Raises BadInput if `run_dir` is no run folder."""
        self.classes = classes_of(run_dir)
        self.run_dir = run_dir
        self.who = who
        self.wanted = Wanted()
        self.revisit = False
        """go through what is decided already, newest first, in place of what is not"""
        self.question: Question | None = None
        self._holder = uuid4().hex
        self._passed_over: list[str] = []
        self._given: list[tuple[int, str]] = []
        """numbers and items of the labels given here, for `undo`"""
        self._lock = RLock()

    def look_for(self, wanted: Wanted, *, revisit: bool) -> Question | None:
        """Go on with other items."""
        with self._lock:
            self.wanted, self.revisit = wanted, revisit
            self._passed_over.clear()
            return self.take_next()

    def take_next(self) -> Question | None:
        """The next item, which nobody else is given meanwhile; None if there is none left."""
        with self._lock, self._open() as file:
            find = self._find_decided if self.revisit else self._find_undecided
            item = find(file)
            if item is None and self._passed_over:
                self._passed_over.clear()
                item = find(file)
            self.question = None if item is None else _question(item, file)
            return self.question

    def pass_over(self, frame_id: str) -> Question | None:
        """Leave this item for later, or for somebody else."""
        with self._lock:
            if self._is_before_us(frame_id):
                self._passed_over.append(frame_id)
                self.take_next()
            return self.question

    def answer(self, frame_id: str, label: str) -> Question | None:
        """Say what the item is, and take the next one.

        An answer about an item that is no longer before this person is ignored: a key pressed
        twice must not label a picture that was not seen yet.

        Raises:
            BadInput: if the label is neither a class of the run nor NONE_OF_THESE, or cannot be
                written; the item stays.
        """
        with self._lock:
            if not self._is_before_us(frame_id):
                return self.question
            if label not in (*self.classes, NONE_OF_THESE):
                classes = ", ".join(self.classes)
                raise BadInput(f"{label!r} is not a class of this run ({classes})")
            with self._open() as file:
                self._given.append((file.label(frame_id, label, self.who), frame_id))
            self._passed_over.append(frame_id)
            return self.take_next()

    def undo(self) -> Question | None:
        """Take back the label given last, and look at its item again; the same if there is none."""
        with self._lock:
            if self._given:
                number, frame_id = self._given[-1]
                with self._open() as file:
                    file.withdraw(number, self.who)
                self._given.pop()
                with suppress(ValueError):
                    self._passed_over.remove(frame_id)
                self.look_at(frame_id)
            return self.question

    @property
    def can_undo(self) -> bool:
        """Whether a label was given here that still stands."""
        return bool(self._given)

    def look_at(self, frame_id: str) -> Question:
        """Any item of the run, decided or not, queued or not.

        Raises:
            BadInput: if the run has no such item.
        """
        with self._lock, self._open() as file:
            item = file.item(frame_id)
            if item is None:
                self.question = _of_row(row_of(self.run_dir, frame_id), file)
            else:
                lend_this(file, self._holder, frame_id)
                self.question = _question(item, file)
            return self.question

    def stay(self) -> None:
        """Still here: nobody else is given what is before this person."""
        with self._lock, self._open() as file:
            renew(file, self._holder)

    def leave(self) -> None:
        """Others may have what was before this person."""
        with self._lock, self._open() as file:
            give_back(file, self._holder)

    def progress(self) -> Progress:
        """How far the whole queue is, whatever is looked for."""
        with self._open() as file:
            items, said = file.items(), file.history()
        labelled = {label.frame_id for label in said}
        return Progress(
            queued=len(items),
            decided=sum(item.frame_id in labelled for item in items),
            by_class=dict(Counter(item.predicted_class for item in items)),
            by_reason=dict(Counter(item.reason for item in items)),
            by_person=dict(Counter(label.who for label in said)),
            latest=tuple(reversed(said[-8:])),
        )

    def _find_undecided(self, file: ReviewFile) -> QueuedItem | None:
        return lend(file, self._holder, self.wanted, self._passed_over)

    def _find_decided(self, file: ReviewFile) -> QueuedItem | None:
        give_back(file, self._holder)
        items = {item.frame_id: item for item in file.items() if self.wanted.includes(item)}
        newest_first = dict.fromkeys(label.frame_id for label in reversed(file.history()))
        left = (name for name in newest_first if name in items and name not in self._passed_over)
        return next((items[name] for name in left), None)

    def _is_before_us(self, frame_id: str) -> bool:
        return self.question is not None and self.question.frame_id == frame_id

    @contextmanager
    def _open(self) -> Iterator[ReviewFile]:
        """The queue, for one short transaction or two; everything it may raise becomes BadInput."""
        try:
            with ReviewFile(self.run_dir / "review") as file:
                yield file
        except (OSError, sqlite3.Error) as error:
            raise BadInput(f"{self.run_dir / 'review'}: {error}") from None


def _question(item: QueuedItem, file: ReviewFile) -> Question:
    return Question(
        frame_id=item.frame_id,
        image=item.image,
        ranking=_ranking(item.top3),
        reason=item.reason,
        margin=item.margin,
        scheduled_s=item.scheduled_s,
        said=tuple(file.history(item.frame_id)),
    )


def _of_row(row: dict[str, Any], file: ReviewFile) -> Question:
    ranking = _ranking(row.get("top3", ""))
    return Question(
        frame_id=row["frame_id"],
        image=None,
        ranking=ranking,
        reason=row.get("verdict", ""),
        margin=ranking[0][1] - ranking[1][1] if len(ranking) > 1 else None,
        scheduled_s=float(row.get("scheduled_s") or 0),
        said=tuple(file.history(row["frame_id"])),
    )


def _ranking(top3: str) -> tuple[tuple[str, float], ...]:
    try:
        return tuple(decode_top3(top3))
    except ValueError:
        return ()
