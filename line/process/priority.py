"""The processor: how many cores there are, and how far a process or a thread yields them to others.

Yielding is never a reason to die.

All is relative to what the process was started with: whoever starts a line with `nice` wants it to
yield as a whole, and nobody but root may take that back.

Linux weighs sessions against one another before it looks at the processes in them, where
/proc/sys/kernel/sched_autogroup_enabled is 1, and each process of a line has a session of its own.
There the nice value has to be the session's as well.
"""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from pathlib import Path
from time import sleep

LOWEST = 19
"""The nice value of whoever yields to everybody."""
_AUTOGROUP = Path("/proc/self/autogroup")
_TRIES = 100
_RETRY_S = 0.1
"""A user who is not root may change one session of the machine in a tenth of a second."""


def usable_cores() -> int:
    """Cores that this process may use, which may be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def yield_process(nice: int = 0) -> None:
    """Have this process yield by `nice` (0 to 19) more than it was started with.

    With 0 its session, if it has one of its own, comes to yield as far as the process does.
    """
    with suppress(OSError):  # not allowed: it has the priority that it has
        own = os.nice(nice)
        if own > 0 and os.getsid(0) == os.getpid():
            threading.Thread(target=_yield_session, daemon=True).start()


def yield_thread(nice: int) -> None:
    """Have this thread yield by `nice` (0 to 19) more than its process was started with.

    Linux has a priority for each thread; elsewhere this would change the whole process, and does
    nothing.
    """
    if sys.platform == "linux":
        thread = threading.get_native_id()
        with suppress(OSError):
            own = os.getpriority(os.PRIO_PROCESS, thread)
            os.setpriority(os.PRIO_PROCESS, thread, min(LOWEST, own + nice))


def _yield_session() -> None:
    for _ in range(_TRIES):
        try:
            _AUTOGROUP.write_text(str(os.getpriority(os.PRIO_PROCESS, os.getpid())))
        except (BlockingIOError, InterruptedError):
            sleep(_RETRY_S)
        except OSError:
            return  # a kernel without autogroups, or one that does not let us
        else:
            return
