"""All that is asked of the rows of a run, from one look at each: memory does not grow with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from line.errors import BadInput
from line.outcome import Verdict
from line.run_files.csv_blocks import Tell
from reports.charts.tables import Reasons, WorkerLoads
from reports.cross_table import CrossTable
from reports.distribution import Distribution
from reports.results import ResultsFile
from reports.stages import Slowest
from reports.timeline import Timeline

_SLOWEST = 12
_MISTAKES = 8
_MOST_MODELS = 10_000


class Tally:
    """Counts of the rows that were added, each item once.

    `prices`: value of a tonne by class. `wanted`: items whose true class is to be known by name.
    """

    def __init__(self, prices: Mapping[str, float], wanted: Collection[str] = ()) -> None:
        self.items = 0
        self.duplicates = 0
        self.low_confidence = 0
        self.table = CrossTable(prices)
        self.in_time, self.late = Distribution(), Distribution()
        """latencies of the answered items in wall ms; `late` of those with that verdict"""
        self.timeline = Timeline()
        self.loads = WorkerLoads()
        self.reasons = Reasons()
        self.slowest = Slowest(_SLOWEST)
        self.mistakes: list[dict[str, Any]] = []
        """rows of the items that were classified wrongly, the surest first"""
        self.models: Counter[str] = Counter()
        """answers of each model, by its short hash"""
        self.truths: dict[str, str] = {}
        """true class of each item wanted that has one"""
        self._wanted = frozenset(wanted)

    @property
    def answers(self) -> int:
        """Items that a model answered for."""
        return self.in_time.count + self.late.count

    def add(self, items: pd.DataFrame) -> None:
        """Take the next rows of results.csv, no item of which was there before.

        Raises:
            ValueError: if they cannot be of one run.
        """
        self.items += len(items)
        self.low_confidence += int(items["low_confidence"].sum())
        self.table.add(items)
        self._add_latencies(items)
        self.timeline.add(items)
        self.loads.add(items)
        self.reasons.add(items)
        self.slowest.add(items)
        self._add_mistakes(items)
        for model, answers in items["model"].value_counts().items():
            if model and answers and (model in self.models or len(self.models) < _MOST_MODELS):
                self.models[str(model)] += int(answers)
        if self._wanted:
            found = items[items["frame_id"].isin(self._wanted) & items["true_class"].notna()]
            self.truths |= dict(zip(found["frame_id"], found["true_class"], strict=True))

    def _add_latencies(self, items: pd.DataFrame) -> None:
        latency_ms = items["latency_ms"].to_numpy(np.float64)
        answered = ~np.isnan(latency_ms)
        late = (items["verdict"] == Verdict.LATE).to_numpy()
        self.in_time.add(latency_ms[answered & ~late])
        self.late.add(latency_ms[answered & late])

    def _add_mistakes(self, items: pd.DataFrame) -> None:
        wrong = items[items["verdict"].isin([Verdict.MISSORTED, Verdict.MISSED])]
        surest = wrong.nlargest(_MISTAKES, "confidence").to_dict("records")
        every = [*self.mistakes, *({str(k): v for k, v in row.items()} for row in surest)]
        self.mistakes = sorted(every, key=lambda row: -float(row["confidence"]))[:_MISTAKES]


def tally_of(path: Path, prices: Mapping[str, float], wanted: Collection[str], tell: Tell) -> Tally:
    """Of the results.csv at `path`. Raises BadInput if it cannot be read or is none."""
    tally, file = Tally(prices, wanted), ResultsFile(path, tell)
    for items in file:
        try:
            tally.add(items)
        except ValueError as error:
            raise BadInput(f"{path}: {error}") from None
    tally.duplicates = file.duplicates
    return tally
