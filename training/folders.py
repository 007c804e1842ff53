"""A folder of pictures: one sub-folder per class, pictures at any depth below it."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from rich.console import Console

from pictures.class_names import complaint_about_names
from pictures.picture_folder import LOOSE, FoundPictures, in_words, is_passed_over
from training.errors import BadInput
from training.folder_lock import only_one


@dataclass(frozen=True)
class PictureFolder:
    """What is in a folder: `paths[i]` (relative to `root`) shows `classes[labels[i]]`."""

    root: Path
    classes: tuple[str, ...]
    paths: tuple[Path, ...]
    labels: tuple[int, ...]
    passed_over: Mapping[str, int] = field(default_factory=dict)
    """what else lies there, by kind"""

    def __len__(self) -> int:
        return len(self.paths)

    def counts(self) -> list[int]:
        """Pictures per class, in class order."""
        return [self.labels.count(label) for label in range(len(self.classes))]

    def without(self, excluded: frozenset[Path]) -> PictureFolder:
        """The same folder less some pictures, named relative to its root."""
        kept = [i for i, path in enumerate(self.paths) if path not in excluded]
        return replace(
            self,
            paths=tuple(self.paths[i] for i in kept),
            labels=tuple(self.labels[i] for i in kept),
        )


def joined(root: Path, parts: Sequence[PictureFolder]) -> PictureFolder:
    """Folders under one root, of the same classes, as one."""
    return PictureFolder(
        root=root,
        classes=parts[0].classes,
        paths=tuple((p.root / path).relative_to(root) for p in parts for path in p.paths),
        labels=tuple(label for p in parts for label in p.labels),
    )


def class_names(root: Path) -> tuple[str, ...]:
    """Sorted names of a folder's class folders; hidden ones and the system's own are none.

    Raises BadInput, naming the folder, if there is none or one is called as no class can be.
    """
    if not root.is_dir():
        raise BadInput(f"{root}: no such folder")
    names = sorted(d.name for d in root.iterdir() if d.is_dir() and not is_passed_over(d.name))
    if names and (complaint := complaint_about_names(names)):
        raise BadInput(f"{root}: {complaint}")
    return tuple(names)


def is_utf8(name: str) -> bool:
    """Whether a file's name is text: the system keeps bytes, which may be of another encoding."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def read_folder(root: Path, classes: Sequence[str] | None = None) -> PictureFolder:
    """List a folder of class folders, in a stable order.

    With `classes` (the order of the labels) the folder may lack a class, but may not have
    another. Raises BadInput for an unknown class, one without pictures, or no class at all.
    """
    names = class_names(root)
    if not names:
        raise BadInput(f"{root}: no class folders")
    known = tuple(classes) if classes is not None else names
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise BadInput(f"{root / unknown[0]}: class is not one of {', '.join(known)}")
    found = found_pictures(root)
    by_class: dict[str, list[Path]] = {name: [] for name in names}
    passed_over = Counter(found.passed_over)
    for path in map(Path, found.paths):
        if len(path.parts) > 1:
            by_class[path.parts[0]].append(path)
        else:
            passed_over[LOOSE] += 1
    for name, paths in by_class.items():
        if not paths:
            others = said(found_pictures(root / name).passed_over)
            raise BadInput(f"{root / name}: class folder without pictures{others}")
        paths.sort()
    return PictureFolder(
        root,
        known,
        tuple(path for paths in by_class.values() for path in paths),
        tuple(known.index(name) for name, paths in by_class.items() for _ in paths),
        passed_over,
    )


def found_pictures(root: Path) -> FoundPictures:
    """All pictures below a folder. Raises BadInput, naming the folder that cannot be read."""
    if not root.is_dir():
        raise BadInput(f"{root}: no such folder")
    try:
        return FoundPictures.below(root)
    except OSError as error:
        raise BadInput(f"{error.filename}: {error.strerror or error}") from error


def loose_pictures(root: Path) -> FoundPictures:
    """Every picture at any depth of a folder. Raises BadInput if there is none."""
    found = found_pictures(root)
    if not found.paths:
        raise BadInput(f"{root}: no pictures{said(found.passed_over)}")
    return found


def said(passed_over: Mapping[str, int]) -> str:
    """`; passed over: 12 .HEIC, 3 hidden`, or "" if there is nothing."""
    return f"; passed over: {in_words(passed_over)}" if passed_over else ""


def say_passed_over(console: Console, root: Path, passed_over: Mapping[str, int]) -> None:
    """Print a line about what is in a folder beside its pictures, if there is anything."""
    if passed_over:
        shown = ascii(str(root))[1:-1] if not is_utf8(str(root)) else str(root)
        console.print(f"{shown}: passed over {in_words(passed_over)}", markup=False)


def read_exclusions(file: Path, data: Path) -> frozenset[Path]:
    """Pictures named in `file`, one path relative to `data` a line; `#` starts a comment.

    Raises BadInput if a line names no picture, because a misspelt one would be trained on.
    """
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise BadInput(f"--exclude {file}: {error.strerror}") from error
    names = set()
    for number, line in enumerate(lines, start=1):
        name = line.split("#")[0].strip()
        if name and not (data / name).is_file():
            raise BadInput(f"{file}, line {number}: no picture {data / name}")
        if name:
            names.add(Path(name))
    return frozenset(names)


@contextmanager
def whole_or_not_at_all(folder: Path) -> Iterator[None]:
    """Make a new or empty folder for the body to fill; if the body fails, nothing is left of it.

    Raises BadInput if the folder is not empty, or another process fills it.
    """
    with only_one(folder, "another preparation"):
        if any(folder.iterdir()):
            raise BadInput(f"--out {folder}: exists and is not an empty folder")
        try:
            yield
        except BaseException:
            for entry in folder.iterdir():
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
            raise


def set_name(root: Path) -> str:
    """A set's name: its folder's, or the parent's where that only says which split it is."""
    resolved = root.resolve()
    return resolved.parent.name if split_of(resolved.name) else resolved.name


_SPLIT_NAMES = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
    "calibration": "calibration",
}
"""What people call the parts of a set, in lower case; each is accepted in any."""


def split_of(name: str) -> str | None:
    """Which part of a set a folder of this name is: `Valid` → `val`; None if it is none."""
    return _SPLIT_NAMES.get(name.lower())
