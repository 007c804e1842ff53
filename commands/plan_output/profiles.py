"""The profiles that virtual time is asked to go by: whether they fit, and their names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from line.errors import BadInput
from line.settings import Settings
from planner.profile import Profile
from workers.model_file import find


def fitting_profile(settings: Settings, path: Path, model: Path | None) -> Profile:
    """The profile in a file.

    Raises:
        BadInput: naming the file, if it holds none; if it was measured with another model than the
            one asked for, or with other pictures, or such of another size, than the settings'; or
            if its model does not know the residue class.
    """
    profile = Profile.load(path)
    if model is not None and sha256(find(model).read_bytes()).hexdigest() != profile.model_sha256:
        raise BadInput(
            f"{path}: was measured with another model than {model}; see run_line.py profile"
        )
    if profile.source != settings.source.spec:
        raise BadInput(
            f"{path}: was measured with pictures of {profile.source}, "
            f"source.spec is {settings.source.spec}"
        )
    known, drawn = profile.picture_px, settings.drawn_px
    if known is not None and drawn is not None and known != drawn:
        raise BadInput(
            f"{path}: was measured with pictures of {known[1]}x{known[0]}, and camera.width_px and "
            f"camera.height_px say {drawn[1]}x{drawn[0]}; measure these: run_line.py profile"
        )
    residue = settings.belt.residue_class
    if residue and residue not in profile.classes:
        names = ", ".join(profile.classes)
        raise BadInput(
            f"belt.residue_class: {residue!r} is not a class of the profile {path} ({names}); "
            "set it to one of them, or to none: --set belt.residue_class="
        )
    return profile


def names_of(paths: Sequence[Path]) -> list[str]:
    """File names without suffix, each with as many folders before it as tell it from the others.

    Raises:
        BadInput: naming a file that is given twice.
    """
    files = Counter(path.absolute() for path in paths)
    for path in paths:
        if files[path.absolute()] > 1:
            raise BadInput(f"--profile {path}: is given twice")
    parts = [path.absolute().with_suffix("").parts for path in paths]
    return [_name(own, parts) for own in parts]


def _name(own: tuple[str, ...], every: Sequence[tuple[str, ...]]) -> str:
    length = 1
    while length < len(own) and sum(each[-length:] == own[-length:] for each in every) > 1:
        length += 1
    return str(Path(*own[-length:]))
