"""Make a tree that `train` can read: split, checked, with hashes.

OUT/train/CLASS/…  OUT/val/CLASS/…  OUT/test/CLASS/…
OUT/class_index.json    {"0": "cardboard", …}
OUT/manifest.json       where it came from, and the SHA-256 of every file
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from rich.console import Console

from training.errors import BadInput
from training.folders import PictureFolder, class_names, read_folder, whole_or_not_at_all
from training.pictures import check_picture
from training.prepare.options import PrepareSettings
from training.prepare.trashnet import Archive, bring, lay_out, trashnet
from training.whole_file import file_sha256, replace_text

SPLITS = ("train", "val", "test")

Splits = dict[str, PictureFolder]


def prepare(
    settings: PrepareSettings, console: Console, published: Archive | None = None
) -> dict[str, int]:
    """Write the prepared tree and return the number of pictures per split.

    Every picture is decoded once, before anything is written, so that a bad one is found here and
    not in the third epoch. `published` is the set that `trashnet` asks for, TrashNet if not given.
    Raises BadInput and then leaves `out` untouched.
    """
    source, out = settings.source, settings.out
    if (source is None) is not settings.trashnet:
        raise BadInput("SOURCE, --trashnet: give one of them, a folder or --trashnet")
    if settings.archive and not settings.trashnet:
        raise BadInput("--archive: goes with --trashnet")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BadInput(f"--out {out}: exists and is not an empty folder")
    if source is not None:
        given = (source / "train").is_dir()
        splits = _given_splits(source) if given else _new_splits(source, settings)
        return _write_tree(splits, str(source), settings)
    return _prepare_published(published or trashnet(), settings, console)


def _prepare_published(
    archive: Archive, settings: PrepareSettings, console: Console
) -> dict[str, int]:
    copy = bring(archive, settings.archive, settings.endpoint, settings.cache, console)
    with whole_or_not_at_all(settings.out):
        hashes = lay_out(archive, copy, settings.out)
        splits = _given_splits(settings.out)
        _check_pictures(splits)
        return _write_facts(archive.address, settings, splits, hashes)


def _write_tree(splits: Splits, source: str, settings: PrepareSettings) -> dict[str, int]:
    out = settings.out
    _check_pictures(splits)
    with whole_or_not_at_all(out):
        hashes = {
            f"{split}/{path.as_posix()}": _place(folder.root / path, out / split / path, settings)
            for split, folder in splits.items()
            for path in folder.paths
        }
        return _write_facts(source, settings, splits, hashes)


def _check_pictures(splits: Splits) -> None:
    for folder in splits.values():
        for path in folder.paths:
            check_picture(folder.root / path)


def _given_splits(source: Path) -> Splits:
    classes = _two_or_more(source / "train")
    if not (source / "val").is_dir():
        raise BadInput(f"{source}: has train/ but no val/")
    present = [split for split in SPLITS if (source / split).is_dir()]
    return {split: read_folder(source / split, classes) for split in present}


def _new_splits(source: Path, settings: PrepareSettings) -> Splits:
    if settings.val_share == 0 or settings.val_share + settings.test_share >= 1:
        raise BadInput("--val-share, --test-share: val must get some, and train what is left")
    _two_or_more(source)
    folder = read_folder(source)
    chosen = _stratify(folder, settings)
    everything = range(len(folder))
    return {
        split: folder.without(frozenset(folder.paths[i] for i in set(everything) - indices))
        for split, indices in chosen.items()
        if indices
    }


def _stratify(folder: PictureFolder, settings: PrepareSettings) -> dict[str, set[int]]:
    """Indices per split: each class shuffled by the seed and cut at the same shares."""
    rng = np.random.default_rng(settings.seed)
    chosen: dict[str, set[int]] = {split: set() for split in SPLITS}
    for label, name in enumerate(folder.classes):
        members = [i for i, other in enumerate(folder.labels) if other == label]
        val = max(1, round(settings.val_share * len(members)))
        test = round(settings.test_share * len(members))
        if len(members) - val - test < 1:
            raise BadInput(f"{folder.root / name}: {len(members)} pictures are too few to split")
        order = [int(i) for i in rng.permutation(members)]
        chosen["val"] |= set(order[:val])
        chosen["test"] |= set(order[val : val + test])
        chosen["train"] |= set(order[val + test :])
    return chosen


def _two_or_more(root: Path) -> tuple[str, ...]:
    classes = class_names(root)
    if len(classes) < 2:
        raise BadInput(f"{root}: {len(classes)} class folders, at least two are needed")
    return classes


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
    source: str, settings: PrepareSettings, splits: Splits, hashes: dict[str, str]
) -> dict[str, int]:
    """Write class_index.json and manifest.json; returns the number of pictures per split."""
    classes = splits["train"].classes
    write_class_index(settings.out / "class_index.json", classes)
    manifest = {
        "format": 1,
        "source": source,
        "classes": list(classes),
        "seed": settings.seed,
        "counts": {
            split: dict(zip(classes, folder.counts(), strict=True))
            for split, folder in splits.items()
        },
        "sha256": hashes,
    }
    text = json.dumps(manifest, indent=2, ensure_ascii=False)
    replace_text(settings.out / "manifest.json", text + "\n")
    return {split: len(folder) for split, folder in splits.items()}


def write_class_index(path: Path, classes: Iterable[str]) -> None:
    """`{"0": "cardboard", …}`: output position → class name."""
    index = {str(position): name for position, name in enumerate(classes)}
    text = json.dumps(index, indent=2, ensure_ascii=False)
    replace_text(path, text + "\n")
