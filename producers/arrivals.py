"""When the feeder sets items on the belt: a function of (seed, camera, sequence) alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import count

from line.events import Surge
from line.pace import feeder_pace
from line.settings import InfeedSettings, Settings
from producers.feed import Feed, FeedMark
from producers.randomness import Purpose, streams
from producers.sources import RecordedSource, Source


class FeederFeed:
    """What a feeder sets on the belt, ended by the run's duration, its items and its source.

    `items` and the `available` pictures (None = endless) are dealt to the lanes in turn.
    """

    def __init__(self, settings: Settings, camera: int, available: int | None) -> None:
        self._settings = settings
        self._camera = camera
        limits = [limit for limit in (settings.line.items or None, available) if limit is not None]
        lanes = [len(range(camera, limit, settings.line.cameras)) for limit in limits]
        self._items = min(lanes, default=math.inf)
        self._until_s = settings.line.duration_s or math.inf
        self._belt_s = _belt_time(settings, camera)

    def since(self, mark: FeedMark) -> Iterator[tuple[float, float]]:
        belt, seed = self._settings.belt, self._settings.line.seed
        min_gap_s = belt.min_gap_m / belt.speed_m_per_s
        times = feeder_times(self._settings.infeed, min_gap_s, seed, self._camera, mark)
        seq = mark.seq
        while seq < self._items:
            feeder_s = next(times)
            belt_s = self._belt_s(feeder_s)
            if belt_s > self._until_s:
                return
            yield feeder_s, belt_s
            seq += 1


class RecordedFeed:
    """What passed a photo-eye once, at the same moments. Nothing has to be drawn for it."""

    def __init__(self, source: RecordedSource, settings: Settings, camera: int) -> None:
        self._source = source
        self._camera = camera
        self._speed_m_per_s = settings.belt.speed_m_per_s

    def since(self, mark: FeedMark) -> Iterator[tuple[float, float]]:
        for moment_s in self._source.arrivals(self._camera, self._speed_m_per_s, mark.seq):
            yield moment_s, moment_s


def feeder_times(
    infeed: InfeedSettings, min_gap_s: float, seed: int, camera: int, mark: FeedMark
) -> Iterator[float]:
    """The feeder's own times (s) of items `mark.seq`, `mark.seq` + 1 …, ascending, without end.

    *regular*: one interval apart. *poisson* and *bursts*: exponential gaps, shifted by the feeder's
    shortest gap so that the mean rate holds.
    """
    mean_gap_s = max(60 / infeed.items_per_min, min_gap_s)
    if infeed.process == "regular":
        for fed in count(mark.seq + 1):
            yield fed * mean_gap_s  # a sum would drift past the run's duration
    feeder_s = mark.feeder_s
    for rng in streams(seed, camera, Purpose.ARRIVAL, mark.seq):
        feeder_s += min_gap_s + rng.exponential(mean_gap_s - min_gap_s)
        yield feeder_s


def arrivals(infeed: InfeedSettings, min_gap_s: float, seed: int, camera: int) -> Iterator[float]:
    """Belt times (s) of items 0, 1, 2 … of a lane without surges, ascending, without end.

    In *bursts* time stands still for the feeder during the pauses.
    """
    for feeder_s in feeder_times(infeed, min_gap_s, seed, camera, FeedMark()):
        yield _with_pauses(feeder_s, infeed) if infeed.process == "bursts" else feeder_s


def lane_arrivals(settings: Settings, camera: int, available: int | None) -> Iterator[float]:
    """Belt times (s) at which a lane's items are fed, see `FeederFeed`."""
    return (belt_s for _, belt_s in FeederFeed(settings, camera, available).since(FeedMark()))


def feed_of(source: Source, settings: Settings, camera: int) -> Feed:
    """The feed of one lane: the feeder's, or that of a recording."""
    if isinstance(source, RecordedSource):
        return RecordedFeed(source, settings, camera)
    return FeederFeed(settings, camera, source.length)


def source_arrivals(source: Source, settings: Settings, camera: int) -> Iterator[float]:
    """Belt times (s) of one lane's items, from the first on."""
    return (belt_s for _, belt_s in feed_of(source, settings, camera).since(FeedMark()))


def _belt_time(settings: Settings, camera: int) -> Callable[[float], float]:
    """From the feeder's own time to belt time: pauses between bursts first, then surges."""
    infeed = settings.infeed
    surges = [e for e in settings.events if isinstance(e, Surge) and e.index == camera]
    pace = feeder_pace(surges) if surges else None
    paused = infeed.process == "bursts"

    def belt_s(feeder_s: float) -> float:
        fed_s = _with_pauses(feeder_s, infeed) if paused else feeder_s
        return fed_s if pace is None else pace.duration_s(0.0, fed_s)

    return belt_s


def _with_pauses(feeder_s: float, infeed: InfeedSettings) -> float:
    bursts, within_s = divmod(feeder_s, infeed.burst_s)
    return bursts * (infeed.burst_s + infeed.pause_s) + within_s
