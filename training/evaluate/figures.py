"""Every figure of an evaluation, in one JSON-ready dictionary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import binomtest  # type: ignore[import-untyped]

from training.evaluate.answers import Answers, Ints, Way
from training.evaluate.calibration_scores import scores, with_temperature
from training.evaluate.interval import Share
from training.evaluate.model_file import ModelFile
from training.evaluate.novelty import novelty
from training.evaluate.options import EvaluateSettings
from training.evaluate.risk_coverage import RiskCoverage
from training.folders import PictureFolder
from training.machine import describe_machine
from training.metrics import Confusion


@dataclass(frozen=True)
class Evaluation:
    """What was asked and answered; `ways[-1]` is the way that the figures are about."""

    model: ModelFile
    folder: PictureFolder
    ways: Sequence[Way]
    answers_by_way: Sequence[Answers]
    novel: Answers | None
    temperature: float | None

    @property
    def answers(self) -> Answers:
        """Answers of the way asked for."""
        return self.answers_by_way[-1]

    @property
    def labels(self) -> Ints:
        """True classes `[n]`."""
        return np.array(self.folder.labels, dtype=np.int64)

    @property
    def confusion(self) -> Confusion:
        """Counts of the way asked for."""
        return Confusion.of(self.folder.classes, self.labels, self.answers.predicted)

    @property
    def curve(self) -> RiskCoverage:
        """Risk against coverage, by the confidence that the file gives."""
        return RiskCoverage.of(self.answers.confidence, self.answers.predicted == self.labels)


def figures(evaluation: Evaluation, settings: EvaluateSettings) -> dict[str, Any]:
    """All figures. Shares are 0…1, times milliseconds, NLL nats; null: not asked for."""
    confusion = evaluation.confusion
    summary = confusion.summary()
    right, pictures = int(confusion.counts.trace()), int(confusion.counts.sum())
    return {
        "model": _model(evaluation.model),
        "data": str(settings.data),
        "shown": evaluation.ways[-1].name,
        **summary,
        "accuracy": Share(right, pictures).as_dict(),
        "calibration": _calibration(evaluation, settings),
        "selection": _selection(evaluation.curve, settings.precision),
        "novelty": _novelty(evaluation, settings),
        "latency": _latency(evaluation.answers),
        "machine": describe_machine(),
        "ways": _ways(evaluation, settings),
    }


def _model(model: ModelFile) -> dict[str, Any]:
    return {
        "file": str(model.path),
        "kind": model.engine.kind,
        "sha256": model.sha256,
        "bytes": model.size_bytes,
        "classes": list(model.classes),
        "temperature": model.temperature,
    }


def _calibration(evaluation: Evaluation, settings: EvaluateSettings) -> dict[str, Any]:
    probabilities, labels = evaluation.answers.probabilities, evaluation.labels
    bins = {"bins": settings.bins, "binning": settings.binning}
    before = scores(probabilities, labels, settings.bins, settings.binning)
    if evaluation.temperature is None:
        return {**bins, "before": before, "temperature": None, "after": None}
    after = with_temperature(probabilities, evaluation.temperature)
    return {
        **bins,
        "before": before,
        "temperature": evaluation.temperature,
        "fitted_on": str(settings.calibrate_on),
        "after": scores(after, labels, settings.bins, settings.binning),
    }


def _selection(curve: RiskCoverage, wanted: Sequence[float]) -> dict[str, Any]:
    choices = {precision: curve.for_precision(precision) for precision in wanted}
    return {
        "aurc": curve.aurc,
        "excess_aurc": curve.excess_aurc,
        "at_precision": [
            {"wanted": precision, "reached": choice.as_dict() if choice else None}
            for precision, choice in choices.items()
        ],
    }


def _novelty(evaluation: Evaluation, settings: EvaluateSettings) -> dict[str, Any] | None:
    if evaluation.novel is None:
        return None
    return {
        "folder": str(settings.novel),
        "pictures": len(evaluation.novel.probabilities),
        "scores": novelty(evaluation.answers, evaluation.novel),
    }


def _latency(answers: Answers) -> dict[str, float]:
    median, p95 = np.percentile(answers.times_ms, [50, 95])
    return {
        "median_ms": float(median),
        "p95_ms": float(p95),
        "pictures": len(answers.times_ms),
        "threads": 1,
        "batch": 1,
    }


def _ways(evaluation: Evaluation, settings: EvaluateSettings) -> list[dict[str, Any]]:
    plain = evaluation.answers_by_way[0].predicted == evaluation.labels
    rows = []
    for way, answers in zip(evaluation.ways, evaluation.answers_by_way, strict=True):
        right = answers.predicted == evaluation.labels
        mended, broken = int((right & ~plain).sum()), int((plain & ~right).sum())
        rows.append(
            {
                "shown": way.name,
                "accuracy": Share(int(right.sum()), len(right)).as_dict(),
                "gain": float(right.mean() - plain.mean()),
                "mended": mended,
                "broken": broken,
                "p_value": _mcnemar(mended, broken),
                **scores(answers.probabilities, evaluation.labels, settings.bins, settings.binning),
                "latency": _latency(answers),
            }
        )
    return rows


def _mcnemar(mended: int, broken: int) -> float:
    """Probability of so uneven a split if neither way were better: McNemar's test, exact."""
    if mended + broken == 0:
        return 1.0
    return float(binomtest(mended, mended + broken).pvalue)
