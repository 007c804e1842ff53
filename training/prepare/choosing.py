"""Which picture of a source goes where, and which stay out: read, compared, divided.

Every picture is read once, whole, before anything is written, so that a bad one is found here and
not in the third epoch.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from rich.console import Console
from rich.progress import track

from training.audit.groups import alike_groups
from training.audit.reading import Entry, Fingerprint, fingerprint
from training.errors import BadInput
from training.folders import PictureFolder, class_names, read_folder, say_passed_over
from training.prepare.grouping import Grouping
from training.prepare.options import PrepareSettings
from training.prepare.splitting import Shares, split
from training.split_folders import SPLITS, split_folders
from training.unreadable import reason_of, refusal

WHOLE = "all"
HELD_OUT_FIRST = ("test", "calibration", "val", "train")
MOST_SAID = 5


@dataclass
class Chosen:
    """The parts of the prepared set; pictures left out, each with the reason; what to say."""

    parts: dict[str, PictureFolder]
    left_out: dict[Path, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def choose(source: Path, settings: PrepareSettings, console: Console) -> Chosen:
    """Read the source and decide. Raises BadInput that names the folder, file or option."""
    given = split_folders(source)
    classes = _two_or_more(given.get("train", source))
    parts = {
        name: read_folder(folder, classes) for name, folder in (given or {WHOLE: source}).items()
    }
    for folder in parts.values():
        say_passed_over(console, folder.root, folder.passed_over)
    chosen = Chosen(parts)
    if given and (others := sorted(set(class_names(source)) - {f.name for f in given.values()})):
        chosen.notes.append(f"{source}: passed over {', '.join(others)}, no part of the set")
    prints = _read(chosen, source, settings, console)
    if shares := _shares_lacking(given, settings):
        _divide(chosen, prints, shares, settings)
    if given and settings.keep_together:
        _leave_out_leaks(chosen, prints, settings)
    _note_conflicts(chosen, prints)
    _note_small_classes(chosen)
    return chosen


Prints = Mapping[Path, Fingerprint]
"""Of each picture, by its whole path."""


def _read(chosen: Chosen, source: Path, settings: PrepareSettings, console: Console) -> Prints:
    """Read all; what cannot be read is refused or, if so wanted, left out."""
    files = [folder.root / path for folder in chosen.parts.values() for path in folder.paths]
    prints: dict[Path, Fingerprint] = {}
    unreadable: dict[Path, str] = {}
    quiet = not console.is_terminal
    for file in track(files, "reading", console=console, transient=True, disable=quiet):
        try:
            prints[file] = fingerprint(file)
        except BadInput as error:
            unreadable[file] = reason_of(file, error)
    if unreadable and not settings.skip_bad:
        remedy = f"--skip-bad leaves out what is bad, `python -m training audit {source}` shows it"
        out = settings.out
        raise refusal(unreadable, remedy, out.with_name(f"{out.name}.unreadable.txt"))
    _leave_out(chosen, {file: f"not readable: {why}" for file, why in unreadable.items()})
    for folder in chosen.parts.values():
        left = dict(zip(folder.classes, folder.counts(), strict=True))
        for name in class_names(folder.root):
            if not left[name]:
                raise BadInput(f"{folder.root / name}: class folder without readable pictures")
    if unreadable:
        chosen.notes.append(_told("unreadable, left out", list(unreadable)))
    return prints


def _shares_lacking(given: Collection[str], settings: PrepareSettings) -> dict[str, float]:
    """The parts that the source lacks, and their shares; a set with val may do without test."""
    wanted = {"val": settings.val_share, "test": settings.test_share}
    if "val" in given:
        wanted = {}
    wanted["calibration"] = settings.calibration_share
    lacking = {
        part: share
        for part, share in wanted.items()
        if part not in given and (share or part == "val")
    }
    if lacking.get("val") == 0 or sum(lacking.values()) >= 1:
        names = "--val-share, --test-share, --calibration-share"
        raise BadInput(f"{names}: val must get some, and train what is left")
    return lacking


def _divide(
    chosen: Chosen, prints: Prints, shares: Mapping[str, float], settings: PrepareSettings
) -> None:
    """Split the whole folder, or train where the source comes in parts and lacks some."""
    whole = chosen.parts.pop(WHOLE, None) or chosen.parts.pop("train")
    entries = [
        Entry(path, WHOLE, whole.classes[label])
        for path, label in zip(whole.paths, whole.labels, strict=True)
    ]
    grouping = Grouping(entries, [prints[whole.root / path] for path in whole.paths], settings)
    chosen.notes += grouping.notes
    try:
        part_of = split(
            [entry.label for entry in entries],
            grouping.groups.tolist(),
            Shares(shares, settings.seed),
        )
    except BadInput as error:
        raise BadInput(f"{whole.root}/{error}") from None
    for name in ("train", *shares):
        kept = [i for i, part in enumerate(part_of) if part == name]
        if kept:
            chosen.parts[name] = _picked(whole, kept)
        else:
            chosen.notes.append(f"there is no {name}/: every class has too few pictures for one")
    chosen.parts = {name: chosen.parts[name] for name in SPLITS if name in chosen.parts}


def _leave_out_leaks(chosen: Chosen, prints: Prints, settings: PrepareSettings) -> None:
    """Of pictures that stand alike in several parts, keep those of the part most held out."""
    places = [
        (name, folder.root / path, folder.labels[i])
        for name, folder in chosen.parts.items()
        for i, path in enumerate(folder.paths)
    ]
    groups = alike_groups(
        [prints[file] for _, file, _ in places], settings.near_bits, settings.near_correlation
    ).tolist()
    parts_of: dict[int, set[str]] = defaultdict(set)
    for group, (name, _, _) in zip(groups, places, strict=True):
        parts_of[group].add(name)
    leaks: dict[tuple[str, int], dict[Path, str]] = defaultdict(dict)
    for group, (name, file, label) in zip(groups, places, strict=True):
        keeper = next(part for part in HELD_OUT_FIRST if part in parts_of[group])
        if keeper != name:
            leaks[name, label][file] = f"as one in {keeper}"
    for (name, label), files in leaks.items():
        folder = chosen.parts[name]
        if name == "train" and len(files) == folder.labels.count(label):
            chosen.notes.append(
                f"{folder.classes[label]}: every picture of train/ is like one in val/ or test/; "
                "they stay, and what is measured on them says little about others"
            )
            continue
        _leave_out(chosen, files)
        what = f"{folder.classes[label]}: left out of {name}/, as val/ or test/ has alike ones"
        chosen.notes.append(_told(what, list(files)))


def _note_conflicts(chosen: Chosen, prints: Prints) -> None:
    """Say which identical pictures stand in two classes."""
    first: dict[bytes, tuple[str, Path]] = {}
    conflicts: list[Path] = []
    for folder in chosen.parts.values():
        for path, label in zip(folder.paths, folder.labels, strict=True):
            file, name = folder.root / path, folder.classes[label]
            known, other = first.setdefault(prints[file].pixel_hash, (name, file))
            if known != name:
                conflicts += [other, file]
    if conflicts:
        chosen.notes.append(_told("one picture in two classes", list(dict.fromkeys(conflicts))))


def _note_small_classes(chosen: Chosen) -> None:
    counts = {part: folder.counts() for part, folder in chosen.parts.items()}
    of_class = [sum(numbers) for numbers in zip(*counts.values(), strict=True)]
    for part, folder in chosen.parts.items():
        lacking = [
            f"{name} ({in_all} in all)"
            for name, number, in_all in zip(folder.classes, counts[part], of_class, strict=True)
            if not number
        ]
        if lacking:
            chosen.notes.append(f"{part}/ has no picture of {_first(lacking)}")


def _leave_out(chosen: Chosen, files: Mapping[Path, str]) -> None:
    chosen.left_out |= files
    for name, folder in chosen.parts.items():
        kept = [i for i, path in enumerate(folder.paths) if folder.root / path not in files]
        chosen.parts[name] = _picked(folder, kept)


def _picked(folder: PictureFolder, indices: Collection[int]) -> PictureFolder:
    return replace(
        folder,
        paths=tuple(folder.paths[i] for i in indices),
        labels=tuple(folder.labels[i] for i in indices),
    )


def _two_or_more(root: Path) -> tuple[str, ...]:
    classes = class_names(root)
    if len(classes) < 2:
        raise BadInput(f"{root}: {len(classes)} class folders, at least two are needed")
    return classes


def _told(what: str, files: Sequence[Path]) -> str:
    return f"{what}: {len(files)} pictures, {_first([str(file) for file in files])}"


def _first(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_SAID} more" if len(names) > MOST_SAID else ""
    return ", ".join(names[:MOST_SAID]) + more
