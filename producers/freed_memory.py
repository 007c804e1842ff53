"""Memory that is freed stays with the process, for a process that makes one picture after another.

By default the C library gives large blocks back to the kernel as soon as they are free. Each page
of the next picture is then asked for anew, which takes as long as decoding it.
"""

from __future__ import annotations

import ctypes

_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
"""Of mallopt(3)."""
_MOST_BYTES = 64 << 20
"""A larger block, or more than that at the end of the heap, is given back all the same."""


def keep_freed_memory() -> None:
    """From now on; does nothing where the C library is not glibc."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _MOST_BYTES)
        mallopt(_M_TRIM_THRESHOLD, _MOST_BYTES)
