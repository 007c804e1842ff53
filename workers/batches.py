"""Times a model's batches before the first frame comes, where they may be given by slack."""

from __future__ import annotations

from time import monotonic

import numpy as np

from line.dispatch.batch_times import FEW, LONGEST_BATCH_S, fitted, gains
from line.errors import ModelError
from line.messages import MOST_BATCH, BatchTimes
from line.pictures import Picture
from workers.model import Model
from workers.probe import noise

_TRIES = 3
_SURE_TRIES = 8


def batch_times(model: Model, height_px: int, width_px: int) -> BatchTimes | None:
    """What batches of pictures of this size take, each size run once at least; None: no gain.

    A model that gains nothing is seen by a few inferences of one picture and of four.
    """
    most = model.takes.batch or MOST_BATCH
    if most < FEW:
        return None
    picture = noise(*model.takes.within(height_px, width_px))
    try:
        few_s = _least_s(model, picture, FEW)
        times_s = {1: _least_s(model, picture, 1)}
    except ModelError:
        return None
    if not gains(times_s[1], few_s):
        return None
    # Beside others at work one picture easily seems to take longer: whoever seems to gain by
    # batches is looked at again.
    times_s[1] = min(times_s[1], _least_s(model, picture, 1, _SURE_TRIES))
    if not gains(times_s[1], few_s):
        return None
    for size in range(2, most + 1):
        try:
            _classify_s(model, picture, size)
            if size & (size - 1) == 0:  # a power of two; the line goes between them
                times_s[size] = _least_s(model, picture, size)
        except ModelError:
            most = size - 1
            break
        if times_s.get(size, 0.0) > LONGEST_BATCH_S:
            break
    return fitted(times_s, most)


def _least_s(model: Model, picture: Picture, size: int, tries: int = _TRIES) -> float:
    """Others at work apart; the first run of a size takes several times as long."""
    return max(min(_classify_s(model, picture, size) for _ in range(tries)), 1e-6)


def _classify_s(model: Model, picture: Picture, size: int) -> float:
    batch = np.repeat(picture, size, axis=0)
    started = monotonic()
    model.classify(batch)
    return monotonic() - started
