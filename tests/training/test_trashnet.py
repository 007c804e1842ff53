"""prepare --trashnet: a published set brought, checked and split as its makers did."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the trainer needs torch")
pytest.importorskip("huggingface_hub", reason="the hub has the set")

from local_server import LocalHub
from small_archive import LARGEST_BYTES, SPLIT, packed, published, small_pictures, write_files
from small_runs import SILENT

from training.errors import BadInput
from training.options import load
from training.prepare.options import PrepareSettings
from training.prepare.prepared_folder import prepare
from training.prepare.trashnet import trashnet

Refused = Callable[..., str]
ARCHIVE, ZIPPED = published()
AT_HUB = f"/datasets/someone/small/resolve/{'f' * 40}/small.zip"


@pytest.fixture
def hub() -> Iterator[LocalHub]:
    """A hub that has the set."""
    with LocalHub() as hub:
        hub.files[AT_HUB] = ZIPPED
        yield hub


def prepared(root: Path, **options: object) -> dict[str, int]:
    """Prepare the small set in ROOT/out, with the cache beside it."""
    given = {"trashnet": True, "out": root / "out", "cache": root / "cache", **options}
    return prepare(load(PrepareSettings, given), SILENT, ARCHIVE)


def refusal(root: Path, **options: object) -> str:
    """What is said where the small set cannot be prepared; nothing may be left of it."""
    with pytest.raises(BadInput) as refused:
        prepared(root, **options)
    assert not (root / "out").exists()
    line = str(refused.value)
    assert "\n" not in line
    return line


def listing(root: Path) -> list[str]:
    return sorted(p.relative_to(root).as_posix() for p in root.rglob("*.jpg"))


EXPECTED = sorted(f"{part}/{name}" for name, part in SPLIT.items())


def test_trashnet_as_its_makers_describe_it() -> None:
    archive = trashnet()
    assert Counter(archive.split.values()) == {"train": 1768, "val": 328, "test": 431}
    classes = Counter(name.split("/")[0] for name in archive.split)
    assert classes == {
        "cardboard": 403,
        "glass": 501,
        "metal": 410,
        "paper": 594,
        "plastic": 482,
        "trash": 137,
    }
    assert archive.split["trash/trash44.jpg"] == "test"
    assert archive.split["glass/glass7.jpg"] == "val"


def test_from_the_hub_split_as_published(hub: LocalHub, tmp_path: Path) -> None:
    assert prepared(tmp_path, endpoint=hub.url) == {"train": 5, "val": 2, "test": 2}
    assert listing(tmp_path / "out") == EXPECTED
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())
    assert manifest["source"] == f"hf://datasets/someone/small@{'f' * 40}/small.zip"
    assert sorted(manifest["sha256"]) == EXPECTED
    picture = (tmp_path / "out/val/glass/glass4.jpg").read_bytes()
    assert picture == small_pictures()["glass/glass4.jpg"]


def test_what_was_downloaded_is_used_again(hub: LocalHub, tmp_path: Path) -> None:
    prepared(tmp_path, endpoint=hub.url)
    prepared(tmp_path, endpoint="http://127.0.0.1:1", out=tmp_path / "again")
    assert listing(tmp_path / "again") == EXPECTED


def test_interrupted_download_goes_on_where_it_broke_off(hub: LocalHub, tmp_path: Path) -> None:
    hub.cut_after = 1000
    assert "broke off, run it again" in refusal(tmp_path, endpoint=hub.url)
    hub.cut_after = None
    prepared(tmp_path, endpoint=hub.url)
    assert hub.requests[-1] == ("GET", AT_HUB, "bytes=1000-")
    assert listing(tmp_path / "out") == EXPECTED
    assert [p.name for p in (tmp_path / "cache").iterdir()] == ["small.zip"]


def test_leftover_that_does_not_fit_is_given_up(hub: LocalHub, tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/.small.zip.part").write_bytes(b"x" * len(ZIPPED))
    prepared(tmp_path, endpoint=hub.url)
    assert listing(tmp_path / "out") == EXPECTED
    other = tmp_path / "other"
    write_files(other, {"cache/.small.zip.part": b"x" * 1000})
    assert "SHA-256 is" in refusal(other, endpoint=hub.url)
    prepared(other, endpoint=hub.url)


def test_hub_that_has_something_else(hub: LocalHub, tmp_path: Path) -> None:
    hub.files[AT_HUB] = bytes(reversed(ZIPPED))
    assert "SHA-256 is" in refusal(tmp_path, endpoint=hub.url)
    hub.files[AT_HUB] = ZIPPED * 2
    assert f"more than the {len(ZIPPED)} bytes" in refusal(tmp_path, endpoint=hub.url)
    hub.files = {}
    assert "no such repository" in refusal(tmp_path, endpoint=hub.url)


def test_hub_out_of_reach_is_named_with_the_way_out(tmp_path: Path) -> None:
    line = refusal(tmp_path, endpoint="http://127.0.0.1:1")
    assert "hf://datasets/someone/small at http://127.0.0.1:1: cannot be reached" in line
    assert "--archive" in line


@pytest.mark.parametrize("form", ["zip", "repacked", "folder", "split folder", "address"])
def test_copy_handed_in(form: str, hub: LocalHub, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    pictures = small_pictures()
    if form in ("zip", "repacked"):
        copy.write_bytes(ZIPPED if form == "zip" else packed(pictures))
    elif form == "folder":
        write_files(copy, pictures)
    elif form == "split folder":
        write_files(copy, {f"{SPLIT[name]}/{name}": data for name, data in pictures.items()})
    given = hub.url + AT_HUB if form == "address" else str(copy)
    prepared(tmp_path, archive=given, endpoint="http://127.0.0.1:1")
    assert listing(tmp_path / "out") == EXPECTED


def without(pictures: dict[str, bytes], name: str) -> dict[str, bytes]:
    return {other: data for other, data in pictures.items() if other != name}


PICTURES = small_pictures()
BAD_COPIES = {
    "one missing": (
        packed(without(PICTURES, "metal/metal2.jpg")),
        "holds 8 of 9 pictures, metal/metal2.jpg is not there",
    ),
    "one too many": (packed({**PICTURES, "metal/metal9.jpg": b"-"}), "metal9.jpg is not a picture"),
    "another photograph": (
        packed({**PICTURES, "glass/glass1.jpg": PICTURES["glass/glass2.jpg"]}),
        "photographs differ",
    ),
    "way out": (packed({**PICTURES, "../../glass/glass1.jpg": b"-"}), "leads out of it"),
    "root": (packed({**PICTURES, "/glass/glass1.jpg": b"-"}), "leads out of it"),
    "twice": (packed({**PICTURES, "more/glass/glass1.jpg": b"-"}), "holds glass/glass1.jpg twice"),
    "too large": (
        packed({**PICTURES, "glass/glass1.jpg": bytes(LARGEST_BYTES + 1)}),
        f"glass/glass1.jpg: {LARGEST_BYTES + 1} bytes",
    ),
    "not a picture": (packed({**PICTURES, "glass/glass5.jpg": b"-"}), "glass5.jpg: not a picture"),
    "no zip": (b"<html>", "not a zip file"),
    "cut": (ZIPPED[:-30], "not a zip file"),
    "damaged": (
        packed(PICTURES).replace(PICTURES["glass/glass3.jpg"][-99:], bytes(99)),
        "glass/glass3.jpg: damaged",
    ),
}


@pytest.mark.parametrize("what", BAD_COPIES)
def test_copy_that_is_not_the_set(what: str, tmp_path: Path) -> None:
    data, said = BAD_COPIES[what]
    copy = tmp_path / "copy.zip"
    copy.write_bytes(data)
    line = refusal(tmp_path, archive=str(copy))
    assert said in line
    assert not list(tmp_path.rglob("*.jpg"))


def test_options_that_do_not_go_together(tmp_path: Path, data: Path, refused: Refused) -> None:
    out = ("--out", tmp_path / "out")
    assert "SOURCE, --trashnet: give one" in refused("prepare", *out)
    assert "SOURCE, --trashnet: give one" in refused("prepare", data, "--trashnet", *out)
    assert "--archive: goes with --trashnet" in refused("prepare", data, "--archive", "x", *out)
    assert f"--archive {tmp_path / 'no'}: no such file or folder" in refused(
        "prepare", "--trashnet", "--archive", tmp_path / "no", *out
    )
    assert not (tmp_path / "out").exists()
