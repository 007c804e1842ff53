"""When the feeder sets items on the belt: a function of (seed, camera, sequence) alone."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, islice, takewhile

from line.events import Surge
from line.pace import feeder_pace
from line.settings import InfeedSettings, Settings
from producers.randomness import Purpose
from producers.sources import RecordedSource, Source
from producers.streams import streams


def arrivals(infeed: InfeedSettings, min_gap_s: float, seed: int, camera: int) -> Iterator[float]:
    """Belt times (s) at which items 0, 1, 2 … are fed, ascending, without end.

    *regular*: one interval apart. *poisson*: exponential gaps, shifted by the feeder's shortest gap
    so that the mean rate holds. *bursts*: the same, but time stands still during the pauses.
    """
    mean_gap_s = max(60 / infeed.items_per_min, min_gap_s)
    if infeed.process == "regular":
        for fed in count(1):
            yield fed * mean_gap_s  # a sum would drift past the run's duration
    feeding_s = 0.0
    for rng in streams(seed, camera, Purpose.ARRIVAL):
        feeding_s += min_gap_s + rng.exponential(mean_gap_s - min_gap_s)
        yield _with_pauses(feeding_s, infeed) if infeed.process == "bursts" else feeding_s


def lane_arrivals(settings: Settings, camera: int, available: int | None) -> Iterator[float]:
    """Arrivals of one lane, ended by the run's duration, its number of items and its source.

    `items` and the `available` pictures (None = endless) are dealt to the lanes in turn.
    """
    min_gap_s = settings.belt.min_gap_m / settings.belt.speed_m_per_s
    feed = arrivals(settings.infeed, min_gap_s, settings.line.seed, camera)
    surges = [e for e in settings.events if isinstance(e, Surge) and e.index == camera]
    if surges:
        pace = feeder_pace(surges)
        feed = (pace.duration_s(0.0, fed_s) for fed_s in feed)
    for limit in (settings.line.items or None, available):
        if limit is not None:
            feed = islice(feed, len(range(camera, limit, settings.line.cameras)))
    if settings.line.duration_s:
        feed = takewhile(lambda fed_s: fed_s <= settings.line.duration_s, feed)
    return feed


def source_arrivals(source: Source, settings: Settings, camera: int) -> Iterator[float]:
    """Arrivals of one lane: the feeder's, or those of a recording."""
    if isinstance(source, RecordedSource):
        return source.arrivals(camera, settings.belt.speed_m_per_s)
    return lane_arrivals(settings, camera, source.length)


def _with_pauses(feeding_s: float, infeed: InfeedSettings) -> float:
    bursts, within_s = divmod(feeding_s, infeed.burst_s)
    return bursts * (infeed.burst_s + infeed.pause_s) + within_s
