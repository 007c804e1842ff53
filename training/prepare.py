"""Make a tree that `train` can read: split, checked, with hashes.

OUT/train/CLASS/…  OUT/val/CLASS/…  OUT/test/CLASS/…
OUT/class_index.json    {"0": "cardboard", …}
OUT/manifest.json       where it came from, and the SHA-256 of every file
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from training.errors import BadInput
from training.folders import PictureFolder, class_names, read_folder
from training.options import PrepareSettings
from training.pictures import check_picture

SPLITS = ("train", "val", "test")

Splits = dict[str, PictureFolder]


def prepare(settings: PrepareSettings) -> dict[str, int]:
    """Write the prepared tree and return the number of pictures per split.

    Every picture is decoded once, before anything is written, so that a bad one is found here and
    not in the third epoch. Raises BadInput and then leaves `out` untouched.
    """
    source, out = settings.source, settings.out
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BadInput(f"--out {out}: exists and is not an empty folder")
    splits = _given_splits(source) if (source / "train").is_dir() else _new_splits(settings)
    for folder in splits.values():
        for path in folder.paths:
            check_picture(folder.root / path)
    hashes = {
        f"{split}/{path.as_posix()}": _place(folder.root / path, out / split / path, settings)
        for split, folder in splits.items()
        for path in folder.paths
    }
    _write_facts(settings, splits, hashes)
    return {split: len(folder) for split, folder in splits.items()}


def _given_splits(source: Path) -> Splits:
    classes = _two_or_more(source / "train")
    if not (source / "val").is_dir():
        raise BadInput(f"{source}: has train/ but no val/")
    present = [split for split in SPLITS if (source / split).is_dir()]
    return {split: read_folder(source / split, classes) for split in present}


def _new_splits(settings: PrepareSettings) -> Splits:
    if settings.val_share == 0 or settings.val_share + settings.test_share >= 1:
        raise BadInput("--val-share, --test-share: val must get some, and train what is left")
    _two_or_more(settings.source)
    folder = read_folder(settings.source)
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
    return hashlib.sha256(target.read_bytes()).hexdigest()


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source.resolve(), target)
    except OSError:  # another file system, or one without hard links
        shutil.copyfile(source, target)


def _write_facts(settings: PrepareSettings, splits: Splits, hashes: dict[str, str]) -> None:
    classes = splits["train"].classes
    write_class_index(settings.out / "class_index.json", classes)
    manifest = {
        "format": 1,
        "source": str(settings.source),
        "classes": list(classes),
        "seed": settings.seed,
        "counts": {
            split: dict(zip(classes, folder.counts(), strict=True))
            for split, folder in splits.items()
        },
        "sha256": hashes,
    }
    text = json.dumps(manifest, indent=2, ensure_ascii=False)
    (settings.out / "manifest.json").write_text(text + "\n", encoding="utf-8")


def write_class_index(path: Path, classes: Iterable[str]) -> None:
    """`{"0": "cardboard", …}`: output position → class name."""
    index = {str(position): name for position, name in enumerate(classes)}
    text = json.dumps(index, indent=2, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
