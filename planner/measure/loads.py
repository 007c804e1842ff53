"""The loads that a line is measured under, as settings of runs.

- *calm*: one worker that has time, at three paces. What an item takes that meets nobody. Several
  workers at the slower two of them: each has longer rests than one would have, and is colder.
- *evenly*: as calm, or as busy, but in regular distance.
- *one by one*: the `max` clock and room for one frame, so that the camera sends the next item when
  the last one is acknowledged: its cycle is a whole round trip.
- *flood*: more items than the workers can do, for 1, 2, 4 … workers. What they do to one another,
  and to the camera.
- *brisk*: as many workers, with nearly all that they can do.
- *busy*: as many workers, two at least, at a share of what they could do, at random moments. What
  items meet on their way to a pool. At the end of the last one workers are killed.
"""

from __future__ import annotations

from line.settings import Settings

_FLOOD = 1.25
"""Offered items ÷ those that the workers could do if they did not disturb one another."""
_MOST_ITEMS_PER_S = 400.0
"""More than that the camera's own work would be what is measured."""
_FEWEST_ANSWERED = 0.72
"""Of a flood: below, it was so strong that the camera's own work is what was measured."""
_SMALLER_FLOOD = 1.25
"""Offered items ÷ those that were answered; with fewer the workers would at times be idle."""
_BRISK_SHARE = 0.85
_CALM = ((0.15, 20.0), (0.3, 40.0), (0.55, 80.0))
"""Paces: a share of what can be done, and items a second at most. The further items are
apart, the deeper processes and processors sleep between them."""
_EVERY_PICTURE = {"camera": {"window_frames": 256}}
"""Room for the pictures of all items that ride: none is made at the photo-eye."""
_NO_PICTURE = {"belt": {"infeed_to_camera_m": 0.0}}
"""No ride: each picture is made at the photo-eye, so that it can be seen how long that takes."""
_BUSY_SHARE = 0.6
_KILLS = 2
_RESTART_S = 3.0
"""Belt time that a killed worker is given to come back."""


def counts(workers: int) -> list[int]:
    """Numbers of workers to measure: 1, 2, 4 … and `workers`."""
    powers = [2**power for power in range(workers.bit_length())]
    return sorted({*(count for count in powers if count <= workers), workers})


def calm(settings: Settings, item_s: float, duration_s: float, workers: int = 1) -> list[Settings]:
    """Few items, then more, then many, each `item_s` of work for a worker or the camera.

    At random moments: what an item meets depends on what the camera is at.
    """
    rates = (min(most, share / item_s) for share, most in _CALM)
    easy = settings.replaced(_EVERY_PICTURE)
    return [_load(easy, workers, "poisson", rate, duration_s) for rate in rates]


def evenly(load: Settings) -> Settings:
    """As many items, in regular distance, for half the time.

    What comes evenly meets others in one way only, and which one differs from pace to pace.
    """
    shorter = {"duration_s": load.line.duration_s / 2}
    return load.replaced({"infeed": {"process": "regular"}, "line": shorter})


def one_by_one(settings: Settings, inference_s: float, duration_s: float) -> Settings:
    """One worker, one frame under way in the whole line."""
    items = max(30, round(duration_s / (inference_s + 0.02)))
    line = {"line": {"speed": "max", "items": items}, "camera": {"window_frames": 1}}
    return _load(settings, 1, "regular", 100.0, 0.0).replaced(line)


def flood(settings: Settings, inference_s: float, duration_s: float, workers: int) -> Settings:
    """More than `workers` can do, in regular distance."""
    rate = min(_MOST_ITEMS_PER_S, _FLOOD * workers / inference_s)
    return _load(settings, workers, "regular", rate, duration_s).replaced(_NO_PICTURE)


def smaller_flood(flood: Settings, answers_per_s: float) -> Settings | None:
    """What to measure as well if that flood was far too strong."""
    rate = flood.infeed.items_per_min / 60
    if answers_per_s >= _FEWEST_ANSWERED * rate:
        return None
    return flood.replaced({"infeed": {"items_per_min": 60 * _SMALLER_FLOOD * answers_per_s}})


def brisk(flood: Settings, answers_per_s: float) -> Settings:
    """A little less than the workers of that flood could do."""
    return flood.replaced({"infeed": {"items_per_min": 60 * _BRISK_SHARE * answers_per_s}})


def busy(settings: Settings, capacity_per_s: float, duration_s: float, workers: int) -> Settings:
    """A share of `capacity_per_s`, at random moments."""
    rate = min(_MOST_ITEMS_PER_S, _BUSY_SHARE * capacity_per_s)
    easy = settings.replaced(_EVERY_PICTURE)
    return _load(easy, workers, "poisson", rate, duration_s)


def with_kills(busy: Settings) -> Settings:
    """The same; at its end workers are killed, and the line goes on until they are back."""
    assert isinstance(busy.line.workers, int)
    kills = [
        {
            "action": "kill",
            "role": "worker",
            "index": number,
            "at_s": busy.line.duration_s + number * _RESTART_S,
        }
        for number in range(min(busy.line.workers, _KILLS))
    ]
    whole_s = busy.line.duration_s + _RESTART_S * len(kills)
    return busy.replaced({"line": {"duration_s": whole_s}, "events": kills})


def _load(
    settings: Settings, workers: int, process: str, items_per_s: float, duration_s: float
) -> Settings:
    """The line as it is set, with one lane, its belt as short as may be, and nothing beside it."""
    return settings.replaced(
        {
            "events": [],
            "line": {
                "workers": workers,
                "cameras": 1,
                "speed": 1.0,
                "items": 0,
                "duration_s": duration_s,
            },
            "infeed": {"process": process, "items_per_min": 60 * items_per_s},
            "belt": {"ejector_to_end_m": 0.0, "min_gap_m": 0.0},
            "source": {"order": "random"},
            "transport": {"listen": ""},
            "metrics": {"port": 0},
        },
    )
