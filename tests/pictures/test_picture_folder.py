"""One folder as people have them: line, classify and trainer take the same files from it."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image
from rich.console import Console

from line.errors import BadInput as LineBadInput
from pictures.picture_folder import HIDDEN_FOLDER, FoundPictures, in_words
from producers.sources.picture_list import list_pictures as listed_by_line
from training.audit.reading import list_pictures as listed_by_audit
from training.errors import BadInput
from training.folders import read_folder
from training.pipeline.record import fingerprint
from training.selection.choose_pictures import read_pool
from workers.classify import picture_files

TAKEN = [
    "glass/a.png",
    "glass/b.JPG",
    "glass/deeper/c.png",
    "linked/a.png",
    "metal/a.png",
    os.fsdecode(b"metal/caf\xe9.png"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "set"
    picture = tmp_path / "picture.png"
    Image.new("RGB", (8, 6), "red").save(picture)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "a.png").write_bytes(picture.read_bytes())
    others = [
        *("glass/._a.png", "glass/.hidden.png", ".DS_Store", "glass/.DS_Store"),
        *("__MACOSX/glass/._a.png", "__MACOSX/glass/a.png", "metal/@eaDir/a.png"),
        *(".cache/a.png", "glass/.thumbnails/a.png"),
        *("glass/d.HEIC", "glass/e.HEIC", "metal/f.gif", "metal/Thumbs.db", "metal/README"),
    ]
    for name in (*TAKEN, *others):
        if not name.startswith("linked/"):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(picture.read_bytes())
    (root / "linked").symlink_to(elsewhere)
    (root / "glass" / "circle").symlink_to(root)
    (root / "glass" / "nowhere.png").symlink_to(root / "gone.png")
    (root / "glass" / "folder.png").mkdir()
    os.mkfifo(root / "metal" / "pipe.png")
    return root


PASSED_OVER = {
    "hidden": 4,
    "hidden folders": 2,
    "folders of the system's own": 2,
    "links to folders": 1,
    "named as pictures, but no files": 2,
    ".HEIC": 2,
    ".gif": 1,
    ".db": 1,
    "without a suffix": 1,
}


def test_every_part_takes_the_same_files(folder: Path) -> None:
    silent = Console(quiet=True)
    assert listed_by_line(folder, 1000).paths == TAKEN
    assert [os.fspath(p.relative_to(folder)) for p in picture_files([folder])] == TAKEN
    assert [os.fspath(path) for path in read_folder(folder).paths] == TAKEN
    assert [os.fspath(entry.path) for entry in listed_by_audit(folder).entries] == TAKEN
    assert [os.fspath(path) for path in read_pool(folder, silent)] == TAKEN


def test_every_part_takes_the_same_classes(folder: Path) -> None:
    classes = ("glass", "linked", "metal")
    assert listed_by_line(folder, 1000).classes == classes
    assert read_folder(folder).classes == classes
    assert listed_by_audit(folder).classes == classes


def test_what_is_passed_over_is_counted_by_kind(folder: Path) -> None:
    assert Counter(FoundPictures.below(folder).passed_over) == PASSED_OVER
    assert Counter(read_folder(folder).passed_over) == PASSED_OVER
    assert Counter(listed_by_audit(folder).passed_over) == PASSED_OVER
    assert listed_by_line(folder, 1000).passed_over == in_words(PASSED_OVER)
    assert in_words(PASSED_OVER).startswith("4 hidden, 2 .HEIC, 2 folders of the system's own")


def test_a_folder_without_pictures_says_what_lies_there(tmp_path: Path) -> None:
    (tmp_path / "glass").mkdir()
    for number in range(3):
        (tmp_path / "glass" / f"{number}.HEIC").touch()
    for refused in (
        lambda: listed_by_line(tmp_path, 10),
        lambda: picture_files([tmp_path]),
        lambda: read_folder(tmp_path),
        lambda: listed_by_audit(tmp_path),
        lambda: read_pool(tmp_path, Console(quiet=True)),
    ):
        with pytest.raises((LineBadInput, BadInput), match=r"passed over: 3 \.HEIC"):
            refused()


def test_a_thousand_kinds_are_told_in_a_line() -> None:
    assert in_words({HIDDEN_FOLDER: 1, ".HEIC": 1}) == "1 .HEIC, 1 hidden folder"
    told = in_words({f".{number}": 1 for number in range(1000)})
    assert told.endswith(", 992 others")
    assert len(told) < 100


def test_a_class_folder_has_a_name_that_is_text(folder: Path) -> None:
    (folder / "glass").rename(folder / os.fsdecode(b"gl\xe9s"))
    with pytest.raises(BadInput, match=r"gl\\udce9s' holds a character that cannot be printed"):
        read_folder(folder)


@pytest.mark.parametrize("name", ["gl|ass", "=1+1", " glass", "g" * 101])
def test_a_class_folder_is_called_as_a_class_of_a_model_may_be(folder: Path, name: str) -> None:
    (folder / "glass").rename(folder / name)
    with pytest.raises(BadInput, match=f"{folder}: class name "):
        read_folder(folder)


def test_a_file_managers_hidden_file_changes_no_fingerprint(folder: Path) -> None:
    before = fingerprint(folder)
    (folder / "metal" / ".DS_Store").write_text("new")
    assert fingerprint(folder) == before
    (folder / "metal" / "b.png").write_text("new")
    assert fingerprint(folder) != before
