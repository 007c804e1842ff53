"""What items met on their way through the measured line, and in what company."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from planner.measure.load_run import Seen
from planner.measure.profile_values import POINTS
from planner.measure.rows import Answer, ms
from planner.measure.slowness import RunSlowness
from planner.profile import HEADWAY_MS, LatencySample, LatencySamples, Service

_QUICKEST_S = 0.002
"""What leaves the camera within so much was not made late, however little a picture takes."""
_SHARES = np.linspace(0.0, 1.0, POINTS)


def samples_of(
    alike: Sequence[Seen], workers: int | None, service: Sequence[Service], picture_ms: float
) -> Iterator[LatencySamples]:
    """Of items for which a worker was free and the picture ready; of runs at one pace.

    `service`: of these runs; `picture_ms`: that the camera takes over a picture, amply.
    """
    curves = _Curves(service)
    items = tuple(sample for seen in alike for sample in _samples(seen, curves, picture_ms / 1000))
    if items:
        yield LatencySamples(workers=workers, items_per_s=alike[0].fed_per_s, items=items)


def _samples(seen: Seen, curves: _Curves, picture_s: float) -> Iterator[LatencySample]:
    """In the order in which they came."""
    slowness = RunSlowness(seen)
    company = {(run.worker, run.started_s): run.company for run in seen.runs}
    published = sorted(answer.published_s for answer in seen.answers)
    ended = sorted(answer.ended_s for answer in seen.answers)
    belt, finished_s = seen.settings.belt, -math.inf
    ride_s = belt.infeed_to_camera_m / belt.speed_m_per_s
    for before_s, a, after_s in _neighbours(seen.answers):
        busy = bisect_left(published, a.published_s) - bisect_left(ended, a.published_s)
        finished_s = max(finished_s, a.triggered_s - ride_s) + picture_s
        is_ready = finished_s < a.triggered_s or a.published_s < a.triggered_s + _QUICKEST_S
        if not (is_ready and 0 <= busy < seen.workers):
            continue
        alongside = company.get((a.worker, a.started_s), busy + 1.0)
        yield LatencySample(
            headway_ms=min(HEADWAY_MS, ms(a.triggered_s - before_s)),
            follower_ms=min(HEADWAY_MS, ms(after_s - a.triggered_s)),
            busy=busy,
            publish_ms=ms((a.published_s - a.triggered_s) / seen.slowness),
            to_worker_ms=ms((a.started_s - a.published_s) / seen.slowness),
            inference=curves.share(
                ms((a.ended_s - a.started_s) / slowness.at(a.started_s)), alongside
            ),
            decision_ms=ms((a.decided_s - a.ended_s) / seen.slowness),
        )


def _neighbours(answers: Iterable[Answer]) -> Iterator[tuple[float, Answer, float]]:
    """(moment of the trigger before, item, moment of the one behind), in order of triggers."""
    ordered = sorted(answers, key=lambda answer: answer.triggered_s)
    moments_s = [-math.inf, *(answer.triggered_s for answer in ordered), math.inf]
    return zip(moments_s, ordered, moments_s[2:], strict=False)


class _Curves:
    """The quantile functions of inferences of one frame, by the company they were in."""

    def __init__(self, service: Iterable[Service]) -> None:
        self._ms = {
            each.busy: np.interp(_SHARES, np.linspace(0.0, 1.0, len(each.ms)), each.ms)
            for each in service
            if each.batch == 1
        }

    def share(self, duration_ms: float, company: float) -> float:
        """How many inferences in such company were quicker."""
        if not self._ms:
            return 0.5
        known = sorted(self._ms)
        above = next((busy for busy in known if busy >= company), known[-1])
        below = max((busy for busy in known if busy <= company), default=known[0])
        part = (company - below) / (above - below) if above > below else 0.0
        curve = (1 - part) * self._ms[below] + part * self._ms[above]
        return round(float(np.interp(duration_ms, curve, _SHARES)), 4)
