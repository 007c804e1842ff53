"""Make a tree that `train` can read: split, checked, with hashes.

OUT/train/CLASS/…  OUT/val/CLASS/…  OUT/test/CLASS/…
OUT/class_index.json    {"0": "cardboard", …}
OUT/manifest.json       where it came from, and the SHA-256 of every file
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Collection, Iterable
from pathlib import Path

from rich.console import Console

from training.errors import BadInput
from training.folders import (
    PictureFolder,
    class_names,
    is_utf8,
    read_folder,
    whole_or_not_at_all,
)
from training.prepare.choosing import Chosen, choose
from training.prepare.options import PrepareSettings
from training.prepare.trashnet import Archive, bring, lay_out, trashnet
from training.split_folders import SPLITS
from training.unreadable import in_one_line, refusal, unreadable_among
from training.whole_file import file_sha256, replace_text

Parts = dict[str, PictureFolder]


def prepare(
    settings: PrepareSettings, console: Console, published: Archive | None = None
) -> dict[str, int]:
    """Write the prepared tree and return the number of pictures per part.

    What was passed over, left out or kept together is said. `published` is the set that `trashnet`
    asks for, TrashNet if not given. Raises BadInput and then leaves `out` untouched.
    """
    source, out = settings.source, settings.out
    if (source is None) is not settings.trashnet:
        raise BadInput("SOURCE, --trashnet: give one of them, a folder or --trashnet")
    if settings.archive and not settings.trashnet:
        raise BadInput("--archive: goes with --trashnet")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BadInput(f"--out {out}: exists and is not an empty folder")
    if source is None:
        return _prepare_published(published or trashnet(), settings, console)
    chosen = choose(source, settings, console)
    counts = _write_tree(chosen, str(source), settings)
    for note in chosen.notes:
        console.print(in_one_line(note), markup=False)
    return counts


def _prepare_published(
    archive: Archive, settings: PrepareSettings, console: Console
) -> dict[str, int]:
    copy = bring(archive, settings.archive, settings.endpoint, settings.cache, console)
    with whole_or_not_at_all(settings.out):
        hashes = lay_out(archive, copy, settings.out)
        parts = _published_parts(settings.out)
        return _write_facts(archive.address, settings, Chosen(parts), hashes)


def _write_tree(chosen: Chosen, source: str, settings: PrepareSettings) -> dict[str, int]:
    out = settings.out
    with whole_or_not_at_all(out):
        hashes: dict[str, str] = {}
        renamed = 0
        for part, folder in chosen.parts.items():
            for path in folder.paths:
                name = _name_in_text(f"{part}/{path.as_posix()}", hashes)
                renamed += not is_utf8(str(path))
                hashes[name] = _place(folder.root / path, out / name, settings)
        if renamed:
            chosen.notes.append(
                f"names that are not UTF-8: {renamed}; their bytes now stand as %XX"
            )
        return _write_facts(source, settings, chosen, hashes)


def _name_in_text(path: str, taken: Collection[str]) -> str:
    """The path with each byte that is not UTF-8 as %XX, and as no other file is called."""
    name = "".join(c if is_utf8(c) else f"%{ord(c) - 0xDC00:02X}" for c in path)
    while name in taken:
        stem, dot, suffix = name.rpartition(".")
        name = f"{stem}_{dot}{suffix}"
    return name


def _published_parts(root: Path) -> Parts:
    """The parts of a set that was laid out by us, every picture read once. Raises BadInput."""
    classes = class_names(root / "train")
    parts = {name: read_folder(root / name, classes) for name in SPLITS if (root / name).is_dir()}
    files = [folder.root / path for folder in parts.values() for path in folder.paths]
    if unreadable := unreadable_among(files):
        raise refusal(unreadable, "the copy of the set is damaged")
    return parts


def _place(source: Path, target: Path, settings: PrepareSettings) -> str:
    """Link or copy one picture; returns its SHA-256."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if settings.copy_files:
        shutil.copyfile(source, target)
    else:
        _link_or_copy(source, target)
    return file_sha256(target)


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source.resolve(), target)
    except OSError:  # another file system, or one without hard links
        shutil.copyfile(source, target)


def _write_facts(
    source: str, settings: PrepareSettings, chosen: Chosen, hashes: dict[str, str]
) -> dict[str, int]:
    """Write class_index.json and manifest.json; returns the number of pictures per part."""
    parts = chosen.parts
    classes = parts["train"].classes
    write_class_index(settings.out / "class_index.json", classes)
    manifest = {
        "format": 1,
        "source": in_one_line(source),
        "classes": list(classes),
        "seed": settings.seed,
        "counts": {
            split: dict(zip(classes, folder.counts(), strict=True))
            for split, folder in parts.items()
        },
        "left_out": {in_one_line(str(f)): why for f, why in sorted(chosen.left_out.items())},
        "notes": [in_one_line(note) for note in chosen.notes],
        "sha256": hashes,
    }
    text = json.dumps(manifest, indent=2, ensure_ascii=False)
    replace_text(settings.out / "manifest.json", text + "\n")
    return {part: len(folder) for part, folder in parts.items()}


def write_class_index(path: Path, classes: Iterable[str]) -> None:
    """`{"0": "cardboard", …}`: output position → class name."""
    index = {str(position): name for position, name in enumerate(classes)}
    text = json.dumps(index, indent=2, ensure_ascii=False)
    replace_text(path, text + "\n")
