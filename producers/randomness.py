"""Where every random number of a belt comes from.

A stream belongs to one item and one purpose. It is a function of (seed, camera, sequence, purpose)
alone, so an item looks and arrives the same whatever came before it, in whichever process, and
however often it is asked for. Drawing one more number for one purpose never disturbs another.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """What a stream is drawn for. The values are part of every seeded belt: only ever append."""

    ARRIVAL = 0
    ITEM = 1
    PICTURE = 2
    OPTICS = 3
    ORDER = 4
    DAMAGE = 5
    TWIN = 6
    FAILURE = 7
    CELL = 8


def stream(seed: int, camera: int, seq: int, purpose: Purpose) -> np.random.Generator:
    """The generator of one item of one camera, for one purpose; fresh at each call.

    All four numbers must be at least 0; ValueError otherwise. Python's `hash()` has no part in it,
    for it differs between processes.
    """
    words = np.random.SeedSequence([seed, camera, seq, int(purpose)])
    return np.random.Generator(np.random.PCG64(words))
