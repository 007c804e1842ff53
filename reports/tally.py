"""All that is asked of the rows of a run, from one look at each: memory does not grow with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from line.errors import BadInput
from line.outcome import Verdict
from line.promise.observed import BinLabels
from line.run_files.csv_blocks import Tell
from reports.charts.tables import Reasons, WorkerLoads
from reports.cross_table import CrossTable
from reports.distribution import Distribution
from reports.results import ResultsFile
from reports.stages import Slowest
from reports.timeline import Timeline

_SLOWEST = 12
_MISTAKES = 8
_LEAST_SURE = 24
_MOST_MODELS = 10_000


class Tally:
    """Counts of the rows that were added, each item once.

    `prices`: value of a tonne by class. `bins`: is given what lies in those of which a purity was
    promised.
    """

    def __init__(self, prices: Mapping[str, float], bins: BinLabels) -> None:
        self._bins = bins
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
        self.least_sure: list[dict[str, Any]] = []
        """rows of the answered items with the least confidence, the least sure first"""
        self.deadlines_ms: tuple[float, float] | None = None
        """the shortest and the longest that an answered item had, wall clock"""

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
        self._add_least_sure(items)
        self._add_deadlines(items)
        self._add_to_bins(items)

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

    def _add_least_sure(self, items: pd.DataFrame) -> None:
        answered = items[items["confidence"].notna()]
        found = answered.nsmallest(_LEAST_SURE, "confidence").to_dict("records")
        every = [*self.least_sure, *({str(k): v for k, v in row.items()} for row in found)]
        self.least_sure = sorted(every, key=lambda row: float(row["confidence"]))[:_LEAST_SURE]

    def _add_deadlines(self, items: pd.DataFrame) -> None:
        found = (items["latency_ms"] + items["slack_ms"]).dropna()
        if len(found):
            known = self.deadlines_ms or (float("inf"), float("-inf"))
            self.deadlines_ms = (
                min(known[0], float(found.min())),
                max(known[1], float(found.max())),
            )

    def _add_to_bins(self, items: pd.DataFrame) -> None:
        inside = items[items["predicted_class"].isin(self._bins.names)]
        columns = (inside[name] for name in ("frame_id", "verdict", "predicted_class", "model"))
        truth = inside["true_class"].astype(object).where(inside["true_class"].notna(), None)
        for frame_id, verdict, predicted, model, true_class in zip(*columns, truth, strict=True):
            self._bins.take(frame_id, verdict, true_class, predicted, model)


def tally_of(path: Path, prices: Mapping[str, float], bins: BinLabels, tell: Tell) -> Tally:
    """Of the results.csv at `path`. Raises BadInput if it cannot be read or is none."""
    tally, file = Tally(prices, bins), ResultsFile(path, tell)
    for items in file:
        try:
            tally.add(items)
        except ValueError as error:
            raise BadInput(f"{path}: {error}") from None
    tally.duplicates = file.duplicates
    return tally
