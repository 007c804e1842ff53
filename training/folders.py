"""A folder of pictures: one sub-folder per class, pictures at any depth below it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from pictures import picture_file
from training.errors import BadInput

SUFFIXES = picture_file.SUFFIXES


@dataclass(frozen=True)
class PictureFolder:
    """What is in a folder: `paths[i]` (relative to `root`) shows `classes[labels[i]]`."""

    root: Path
    classes: tuple[str, ...]
    paths: tuple[Path, ...]
    labels: tuple[int, ...]

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
    """Sorted names of a folder's class folders. BadInput if there is no such folder."""
    if not root.is_dir():
        raise BadInput(f"{root}: no such folder")
    return tuple(sorted(d.name for d in root.iterdir() if d.is_dir() and d.name[0] != "."))


def read_folder(root: Path, classes: Sequence[str] | None = None) -> PictureFolder:
    """List a folder of class folders, in a stable order.

    With `classes` (the order of the labels) the folder may lack a class, but may not have
    another. Raises BadInput for an unknown class, one without pictures, or no class at all.
    """
    found = class_names(root)
    if not found:
        raise BadInput(f"{root}: no class folders")
    known = tuple(classes) if classes is not None else found
    unknown = sorted(set(found) - set(known))
    if unknown:
        raise BadInput(f"{root / unknown[0]}: class is not one of {', '.join(known)}")
    paths: list[Path] = []
    labels: list[int] = []
    for name in found:
        pictures = _pictures(root, name)
        paths += pictures
        labels += [known.index(name)] * len(pictures)
    return PictureFolder(root, known, tuple(paths), tuple(labels))


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
    """Make a new or empty folder for the body to fill; if the body fails, nothing is left of it."""
    made = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        for entry in folder.iterdir():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        if made:
            folder.rmdir()
        raise


def set_name(root: Path) -> str:
    """A set's name: its folder's, or the parent's where that only says which split it is."""
    resolved = root.resolve()
    return resolved.parent.name if resolved.name in {"train", "val", "test"} else resolved.name


def _pictures(root: Path, name: str) -> list[Path]:
    files = sorted((root / name).rglob("*"))
    pictures = [f.relative_to(root) for f in files if f.suffix.lower() in SUFFIXES]
    if not pictures:
        raise BadInput(f"{root / name}: class folder without pictures")
    return pictures
