"""Compares what was promised of bins with the labels that come in while the line runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from math import inf
from pathlib import Path
from time import monotonic
from typing import Any

from line.errors import BadInput
from line.observe.percent import percent
from line.outcome import Outcome
from line.promise.observed import BinLabels, Observed
from line.run_files.said_labels import queued_answers
from line.settings import Settings
from sinks.alarm_kinds import PROMISE_BROKEN
from sinks.line_troubles import Trouble

_LABELS_S = 5.0
"""People's labels are looked at this often."""


class PromiseWatch:
    """`review`: the folder of the review queue. `clock` is monotonic."""

    def __init__(
        self, settings: Settings, review: Path, clock: Callable[[], float] = monotonic
    ) -> None:
        self._labels = BinLabels(settings)
        self._promised = settings.decision.promised
        self._review = review
        self._clock = clock
        self._next_look = -inf
        self._observed: Observed = self._labels.observed(())
        self._news: list[str] = []
        self._complaint = ""

    def take(self, row: Outcome) -> None:
        """One item more."""
        if self._promised:
            self._labels.take(
                row.frame_id, row.verdict, row.true_class, row.predicted_class, row.model
            )

    def look(self) -> None:
        """Now and then at the labels; a queue that cannot be read is told of once."""
        now = self._clock()
        if not self._promised or now < self._next_look:
            return
        self._next_look = now + _LABELS_S
        try:
            answers = queued_answers(self._review)
        except BadInput as error:
            answers = []
            if str(error) != self._complaint:
                self._news.append(f"labels do not count for what was promised: {error}")
            self._complaint = str(error)
        self._observed = self._labels.observed(answers)

    def broken(self) -> Iterator[Trouble]:
        """Promises that the labels have refuted."""
        for each in self._promised:
            found = self._observed[each.class_name]
            if found.is_broken:
                text = (
                    f"{each.class_name}: {percent(each.purity)} pure was promised, and of "
                    f"{found.labelled} labelled items in its bin {found.right} are right "
                    f"({percent(found.right / found.labelled)})"
                )
                yield Trouble(PROMISE_BROKEN, each.class_name, text)

    def facts(self) -> list[dict[str, Any]]:
        """For the status."""
        return [
            {
                "class_name": each.class_name,
                "purity": each.purity,
                "threshold": each.threshold,
                "model": each.model,
                "right": self._observed[each.class_name].right,
                "labelled": self._observed[each.class_name].labelled,
                "is_broken": self._observed[each.class_name].is_broken,
            }
            for each in self._promised
        ]

    def news(self) -> list[str]:
        """What somebody should be told, since last asked."""
        news, self._news = self._news, []
        return news

    def state(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return self._labels.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        """Inverse of `state`. Raises KeyError, TypeError or ValueError for anything else."""
        self._labels.restore(state)
