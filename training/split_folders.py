"""The parts of a set that comes in parts, by the names that people use.

train          what a model learns
val            what chooses its best epoch, and its variant in eight bits
test           what it is judged by; it chooses nothing
calibration    what its temperature and threshold are fitted on; it chooses nothing else
"""

from __future__ import annotations

from pathlib import Path

from training.errors import BadInput
from training.folders import class_names, split_of

SPLITS = ("train", "val", "test", "calibration")


def split_folders(root: Path) -> dict[str, Path]:
    """The folder of each part that is there, in the order of SPLITS; {} for a folder of classes.

    A folder comes in parts if it has one for training that holds folders; one that holds pictures
    itself is a class of that name. Raises BadInput if two folders are the same part, if there is
    none for training beside the others, and if there is no such folder.
    """
    names = [name for name in class_names(root) if split_of(name)]
    training = [name for name in names if split_of(name) == "train"]
    if not any(class_names(root / name) for name in training):
        if names and not training and names == list(class_names(root)):
            raise BadInput(f"{root}: has {names[0]}/ but no train/")
        return {}
    found: dict[str, Path] = {}
    for split in SPLITS:
        folders = [name for name in names if split_of(name) == split]
        if len(folders) > 1:
            raise BadInput(f"{root}: {'/ and '.join(folders)}/ are both its {split} part")
        found.update((split, root / name) for name in folders)
    return found


def split_folder(root: Path, split: str) -> Path:
    """Where a part of a set lies; ROOT/SPLIT where the set is not there.

    Raises BadInput as above, and for a set that comes in parts and lacks this one.
    """
    folders = split_folders(root) if root.is_dir() else {}
    if folders and split not in folders:
        there = ", ".join(f"{folder.name}/" for folder in folders.values())
        raise BadInput(f"{root}: has {there} but no {split}/; `prepare` divides a folder")
    return folders.get(split, root / split)
