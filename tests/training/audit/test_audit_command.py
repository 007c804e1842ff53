"""audit as a user meets it: one folder with every fault, the files, the exit codes."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the trainer needs torch")
pytest.importorskip("cleanlab", reason="the audit needs cleanlab")

from PIL import Image
from small_runs import write_pictures

from pictures.picture_folder import NO_FILE
from training.audit.reading import list_pictures, scan
from training.cli import main
from training.folders import read_exclusions

Refused = Callable[..., str]


@pytest.fixture
def faulty(tmp_path: Path) -> Path:
    """train/ and val/ with a conflict, a leak, a double, a torn file and a thin class."""
    root = tmp_path / "faulty & <b>bold"
    write_pictures(root / "train", 6)
    write_pictures(root / "val", 3)
    shutil.copy(root / "train/brown/brown0.png", root / "train/green/conflict.png")
    shutil.copy(root / "val/grey/grey1.png", root / "train/grey/leak.png")
    shutil.copy(root / "train/grey/grey2.png", root / "train/grey/a[red]<i>&double.png")
    torn = root / "train/brown/brown5.png"
    torn.write_bytes(torn.read_bytes()[:70])
    (root / "val/green/green0.png").unlink()
    (root / "train/green/notes.txt").touch()
    return root


def audited(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["audit", *map(str, arguments)])
    return int(ended.value.code or 0)


def test_every_fault_is_reported(
    faulty: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "out"
    assert audited(faulty, "--out", out, "--least-pictures", 3) == 0
    report = json.loads((out / "audit.json").read_text(encoding="utf-8"))
    assert report["pictures"] == 29
    assert report["ignored_files"] == 1
    [torn] = report["unreadable"]
    assert torn["path"] == "train/brown/brown5.png"
    assert str(tmp_path) not in torn["reason"]
    pairs = {
        (d["first"]["path"], d["second"]["path"]): (d["kind"], *d["marks"])
        for d in report["duplicates"]
    }
    double = ("train/grey/a[red]<i>&double.png", "train/grey/grey2.png")
    assert pairs == {
        ("train/brown/brown0.png", "train/green/conflict.png"): ("same file", "across labels"),
        ("train/grey/leak.png", "val/grey/grey1.png"): ("same file", "across splits"),
        double: ("same file", "within a split"),
    }
    assert report["labels"] is None
    assert report["classes"]["train"]["pictures"] == {"brown": 6, "green": 7, "grey": 8}
    assert report["classes"]["train"]["imbalance"] == pytest.approx(8 / 6)
    assert report["thin_classes"] == [{"split": "val", "label": "green", "pictures": 2}]
    assert report["sizes_px"] == [{"height": 32, "width": 40, "pictures": 28}]

    screen = capsys.readouterr().out
    assert "29 pictures, 21 in train, 8 in val" in screen
    assert "train/brown/brown5.png" in screen
    assert "Sizes, width × height: 40 × 32 (28)" in screen
    assert "Labels were not checked: that needs --weights or --model." in screen


def test_csv_has_a_row_per_finding(faulty: Path, tmp_path: Path) -> None:
    audited(faulty, "--out", tmp_path, "--least-pictures", 3)
    with (tmp_path / "audit.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert sorted(row["finding"] for row in rows) == [
        "same file",
        "same file",
        "same file",
        "thin class",
        "unreadable",
    ]
    [conflict] = [row for row in rows if row["marks"] == "across labels"]
    assert (conflict["path"], conflict["other_path"], conflict["other_label"]) == (
        "train/brown/brown0.png",
        "train/green/conflict.png",
        "green",
    )


class Page(HTMLParser):
    """What a browser makes of the page: tags, where pictures come from, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.sources: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.sources += [str(value) for name, value in attrs if name == "src"]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_page_is_self_contained_and_escapes_names(faulty: Path, tmp_path: Path) -> None:
    audited(faulty, "--out", tmp_path)
    text = (tmp_path / "audit.html").read_text(encoding="utf-8")
    page = Page(text)
    assert len(page.sources) == 6
    assert all(source.startswith("data:image/jpeg;base64,") for source in page.sources)
    assert not re.search(r"https?:|<script|<link|url\(", text)
    assert "Audit of faulty & <b>bold" in page.text
    assert "train/grey/a[red]<i>&double.png" in page.text
    assert page.tags.count("tr") > 0


def test_number_of_pictures_on_the_page_is_bounded(faulty: Path, tmp_path: Path) -> None:
    for number in range(6):
        name = f"train/green/more{number}.png"
        shutil.copy(faulty / "train/green/green1.png", faulty / name)
    audited(faulty, "--out", tmp_path, "--pictured", 2)
    page = Page((tmp_path / "audit.html").read_text(encoding="utf-8"))
    assert len(page.sources) == 2 + 2 + 4
    assert "7, the first 2 shown; all are in audit.csv" in page.text


def test_what_to_exclude_is_what_train_reads(faulty: Path, tmp_path: Path) -> None:
    file = tmp_path / "exclude.txt"
    assert audited(faulty, "--out", tmp_path, "--exclude-to", file) == 0
    assert {path.as_posix() for path in read_exclusions(file, faulty)} == {
        "train/brown/brown0.png",
        "train/brown/brown5.png",
        "train/green/conflict.png",
        "train/grey/grey2.png",
        "train/grey/leak.png",
    }


def test_strict_fails_after_everything_is_written(
    faulty: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "exclude.txt"
    assert audited(faulty, "--out", tmp_path, "--exclude-to", file, "--strict") == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line == (
        "error: --strict: unreadable files: 1, pairs across labels: 1, pairs across splits: 1"
    )
    assert file.is_file()
    assert (tmp_path / "audit.html").is_file()


def test_strict_passes_a_clean_folder(data: Path, tmp_path: Path) -> None:
    assert audited(data, "--out", tmp_path, "--strict") == 0


def test_folder_of_classes_without_splits(tmp_path: Path) -> None:
    root = write_pictures(tmp_path / "all", 4)
    (root / "rust").mkdir()
    listing = list_pictures(root)
    assert (listing.splits, listing.classes) == (("all",), ("brown", "green", "grey", "rust"))
    assert audited(root, "--out", tmp_path) == 0
    report = json.loads((tmp_path / "audit.json").read_text(encoding="utf-8"))
    assert report["classes"]["all"]["imbalance"] is None
    assert {"split": "all", "label": "rust", "pictures": 0} in report["thin_classes"]


def test_files_that_are_no_pictures_are_findings(tmp_path: Path) -> None:
    root = write_pictures(tmp_path, 2)
    (root / "grey/empty.jpg").touch()
    (root / "grey/text.png").write_text("no picture")
    (root / "grey/nowhere.png").symlink_to(root / "gone.png")
    whole = Image.open(root / "green/green0.png")
    whole.save(root / "grey/torn.jpg")
    content = (root / "grey/torn.jpg").read_bytes()
    (root / "grey/torn.jpg").write_bytes(content[: len(content) // 2])
    listing = list_pictures(root)
    scanned = scan(listing, listing.entries)
    assert {entry.path.name for entry in scanned.unreadable} == {
        "empty.jpg",
        "text.png",
        "torn.jpg",
    }
    assert listing.passed_over == {NO_FILE: 1}
    assert len(scanned.readable) == 6


def test_decoders_complaint_is_a_finding(tmp_path: Path) -> None:
    root = write_pictures(tmp_path, 2)
    exif = Image.Exif()
    exif[0x010E] = "a description long enough to be stored apart"
    path = root / "grey/worn.jpg"
    Image.open(root / "green/green0.png").save(path, exif=exif)
    content = bytearray(path.read_bytes())
    content[content.index(b"Exif") + 10 : content.index(b"Exif") + 14] = b"\xff\xff\xff\x7f"
    path.write_bytes(content)
    listing = list_pictures(root)
    scanned = scan(listing, listing.entries)
    assert [entry.path.name for entry in scanned.damaged] == ["worn.jpg"]


def test_name_that_no_screen_can_show(tmp_path: Path) -> None:
    root = write_pictures(tmp_path / "in", 2)
    (root / "grey/grey0.png").rename(
        root / "grey" / b"gr\xe9y\n\x1b[0m.png".decode(errors="surrogateescape")
    )
    file = tmp_path / "exclude.txt"
    shutil.copytree(root / "grey", root / "green", dirs_exist_ok=True)
    assert audited(root, "--out", tmp_path, "--exclude-to", file) == 0
    report = json.loads((tmp_path / "audit.json").read_text(encoding="utf-8"))
    names = {pair["first"]["path"] for pair in report["duplicates"]}
    assert r"green/gr\udce9y\n\x1b[0m.png" in names
    assert len(read_exclusions(file, root)) == 2


def test_bad_input_is_named(data: Path, tmp_path: Path, refused: Refused) -> None:
    assert f"{tmp_path / 'no'}: no such folder" in refused("audit", tmp_path / "no")
    (tmp_path / "empty" / "class").mkdir(parents=True)
    assert "empty: no pictures in class folders" in refused("audit", tmp_path / "empty")
    (tmp_path / "file").touch()
    assert f"--out {tmp_path / 'file'}: " in refused("audit", data, "--out", tmp_path / "file")
    assert "--exclude-to " in refused(
        "audit", data, "--out", tmp_path / "out", "--exclude-to", tmp_path
    )
    assert "--near-correlation: " in refused("audit", data, "--near-correlation", 0.1)
    assert "--folds: " in refused("audit", data, "--folds", 1)


@pytest.mark.skipif("TRASHNET_DIR" not in os.environ, reason="TRASHNET_DIR is not set")
def test_known_conflicts_of_trashnet(tmp_path: Path) -> None:
    """Two of the three byte-identical pairs; glass176's double lies in the test part."""
    trashnet = Path(os.environ["TRASHNET_DIR"]).resolve()
    for name in ("train/glass", "train/metal", "val/plastic"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).symlink_to(trashnet / name)
    assert audited(tmp_path / "in", "--out", tmp_path, "--strict") == 1
    report = json.loads((tmp_path / "audit.json").read_text(encoding="utf-8"))
    conflicts = [d for d in report["duplicates"] if "across labels" in d["marks"]]
    assert [(d["first"]["path"], d["second"]["path"], d["kind"]) for d in conflicts] == [
        ("train/glass/glass115.jpg", "train/metal/metal91.jpg", "same file"),
        ("train/glass/glass389.jpg", "val/plastic/plastic332.jpg", "same file"),
    ]
