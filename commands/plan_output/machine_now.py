"""Whether this machine is now as it was when a profile of it was measured."""

from __future__ import annotations

import math
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from line.process.priority import usable_cores
from line.settings import Settings
from planner.measure import this_machine as machine
from planner.profile import Profile
from workers.model import Model

_LOOK_S = 0.7
_LOOKS = 3
"""The calmest of them counts: what passes by is no reason not to plan."""
_SAME = 1.25
"""Times as long, or as short: an inference varies by less on a machine that is itself."""
_BUSY = 0.2
"""Of the cores, kept busy by others."""


def doubts(profiles: Sequence[Profile], settings: Settings) -> list[str]:
    """Why profiles of this machine do not hold now, a sentence each. Takes some seconds.

    A profile of another machine is taken as it is: whoever plans for that machine knows why.
    """
    found = []
    own = [profile for profile in profiles if _is_of_this_machine(profile)]
    if own:
        cores = usable_cores()
        looks = [machine.busy_cores(_LOOK_S) for _ in range(_LOOKS)]
        busy = min((look for look in looks if look is not None), default=0.0)
        if busy > _BUSY * cores:
            found.append(
                f"other programs keep {busy:.1f} of {cores} cores busy now, which a plan does not "
                "know of: end them"
            )
    for profile in own:
        found += _of_version(profile) + _of_speed(profile, settings)
    return found


def _is_of_this_machine(profile: Profile) -> bool:
    known = profile.machine
    return (known.cpu, known.cores) == (machine.cpu_name(), usable_cores())


def _of_version(profile: Profile) -> list[str]:
    known, installed = profile.machine.onnxruntime, machine.runtime_version()
    if known == installed:
        return []
    return [
        f"{_name(profile)} was measured with ONNX Runtime {known}, and {installed} is installed: "
        "measure again with run_line.py profile"
    ]


def _of_speed(profile: Profile, settings: Settings) -> list[str]:
    path = Path(profile.model_path)
    try:
        found = sha256(path.read_bytes()).hexdigest()
    except OSError:
        return []  # on this machine the model is elsewhere by now
    if found != profile.model_sha256 or not profile.inference_ms:
        return []
    model = Model.open(path, profile.engine, profile.model_sha256)
    size_px = model.takes.within(settings.camera.height_px, settings.camera.width_px)
    times_ms = [
        1000 * machine.bare_inference_s(model.classify, size_px, _LOOK_S) for _ in range(_LOOKS)
    ]
    now_ms = min(times_ms, key=lambda ms: abs(math.log(ms / profile.inference_ms)))
    if 1 / _SAME <= now_ms / profile.inference_ms <= _SAME:
        return []
    return [
        f"an inference of {_name(profile)} takes {now_ms:.1f} ms now, and took "
        f"{profile.inference_ms:.1f} ms when this machine was measured: measure again with "
        "run_line.py profile"
    ]


def _name(profile: Profile) -> str:
    return Path(profile.model_path).name
