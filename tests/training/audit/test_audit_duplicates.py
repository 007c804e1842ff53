"""audit: which pictures are found to be the same, and which of them are left out."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the trainer needs torch")
pytest.importorskip("cleanlab", reason="the audit needs cleanlab")

from PIL import Image, ImageEnhance

from training.audit.duplicates import (
    Kind,
    Mark,
    Pair,
    group_numbers,
    near_pairs,
    perceptual_hashes,
    same_pictures,
)
from training.audit.exclusion import exclusions, write_exclusions
from training.audit.findings import Findings, take_census
from training.audit.reading import SIDE_PX, Scan, list_pictures, scan
from training.errors import BadInput
from training.folders import read_exclusions

BITS, CORRELATION = 10, 0.95


def scene(seed: int) -> Image.Image:
    """A picture of soft coloured patches that no other seed resembles, 160×120."""
    patches = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(patches).resize((160, 120), Image.Resampling.BICUBIC)


def on_plain_ground(number: int) -> Image.Image:
    """A small thing on a sheet lit from one side, as in a photo box; each number elsewhere."""
    rng = np.random.default_rng(number)
    y, x = np.mgrid[0:120, 0:160]
    light = 210 - 0.004 * ((x - 30) ** 2 + (y - 20) ** 2) + rng.normal(0, 2, (120, 160))
    left, top = 10 + 20 * (number % 6), 10 + 15 * (number // 6)
    light[top : top + 25, left : left + 35] = rng.integers(20, 120)
    return Image.fromarray(light.clip(0, 255).astype(np.uint8)).convert("RGB")


def place(root: Path, **pictures: Image.Image) -> Path:
    """Save pictures; `train_glass_a` becomes train/glass/a.png."""
    for name, picture in pictures.items():
        path = root.joinpath(*name.split("_")).with_suffix(".png")
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(path)
    return root


def read(root: Path) -> Scan:
    listing = list_pictures(root)
    return scan(listing, listing.entries)


def found(scanned: Scan) -> list[Pair]:
    prints = scanned.readable
    return [*same_pictures(prints), *near_pairs(prints, BITS, CORRELATION)]


def left_out(root: Path) -> set[str]:
    scanned = read(root)
    sizes = (print_.size_px for print_ in scanned.readable.values())
    census = take_census(scanned.listing, sizes)
    findings = Findings(scanned, census, 0, tuple(found(scanned)), None, ())
    return {entry.name for entry in exclusions(findings, label_errors=False)}


def test_same_file_and_same_pixels_are_told_apart(tmp_path: Path) -> None:
    root = place(tmp_path, train_glass_a=scene(1), train_glass_b=scene(1), train_glass_c=scene(2))
    scene(1).save(root / "train/glass/d.bmp")
    pairs = {(p.first.name[-5:], p.second.name[-5:]): p.kind for p in found(read(root))}
    assert pairs == {("a.png", "b.png"): Kind.SAME_FILE, ("a.png", "d.bmp"): Kind.SAME_PIXELS}


def test_marks_say_what_a_pair_does(tmp_path: Path) -> None:
    root = place(
        tmp_path,
        train_glass_a=scene(1),
        train_metal_a=scene(1),
        train_paper_a=scene(2),
        val_paper_a=scene(2),
        train_paper_b=scene(3),
        train_paper_c=scene(3),
        train_glass_d=scene(4),
        val_metal_d=scene(4),
    )
    marks = {frozenset((p.first.name, p.second.name)): p.marks for p in found(read(root))}
    assert marks == {
        frozenset(("train/glass/a.png", "train/metal/a.png")): (Mark.CONFLICT,),
        frozenset(("train/paper/a.png", "val/paper/a.png")): (Mark.LEAKAGE,),
        frozenset(("train/paper/b.png", "train/paper/c.png")): (Mark.WITHIN,),
        frozenset(("train/glass/d.png", "val/metal/d.png")): (Mark.CONFLICT, Mark.LEAKAGE),
    }


def test_many_copies_make_few_pairs_but_every_conflict(tmp_path: Path) -> None:
    copies = {f"train_{label}_{n}": scene(1) for label in ("glass", "metal") for n in range(12)}
    pairs = found(read(place(tmp_path, **copies, val_paper_x=scene(1))))
    assert len(pairs) == 11 + 11 + 3
    assert sum(Mark.CONFLICT in pair.marks for pair in pairs) == 3


def test_a_shot_saved_scaled_or_exposed_anew_is_near(tmp_path: Path) -> None:
    original = scene(5)
    poor = io.BytesIO()
    original.save(poor, "JPEG", quality=25)
    root = place(
        tmp_path,
        glass_original=original,
        glass_poor=Image.open(poor),
        glass_small=original.resize((90, 70)),
        glass_bright=ImageEnhance.Brightness(original).enhance(1.15),
        **{f"glass_other{n}": scene(n) for n in range(20, 50)},
    )
    pairs = found(read(root))
    assert {pair.kind for pair in pairs} == {Kind.NEAR}
    names = {path.stem for pair in pairs for path in (pair.first.path, pair.second.path)}
    assert names == {"original", "poor", "small", "bright"}
    assert len(pairs) == 6
    assert [p.correlation for p in pairs] == sorted((p.correlation for p in pairs), reverse=True)
    assert all(CORRELATION <= p.correlation <= 1 and p.bits <= BITS for p in pairs)


def test_plain_backgrounds_are_not_near(tmp_path: Path) -> None:
    things = {f"glass_thing{n}": on_plain_ground(n) for n in range(30)}
    empty = {f"glass_empty{n}": Image.new("RGB", (160, 120), (n, n, n)) for n in range(200, 210)}
    prints = read(place(tmp_path, **things, **empty)).readable
    thumbnails = np.stack([print_.thumbnail for print_ in prints.values()]).astype(np.float32)
    hashes = perceptual_hashes(thumbnails)
    alike = np.bitwise_count(hashes[:, None] ^ hashes[None]) <= BITS
    assert alike.sum() > len(prints)  # the hash alone is not enough
    assert near_pairs(prints, BITS, CORRELATION) == []


def test_hash_is_blind_to_exposure() -> None:
    y, x = np.mgrid[0:SIDE_PX, 0:SIDE_PX].astype(np.float32)
    waves = 100 + 40 * np.sin(x / 3) + 30 * np.cos(y / 5 + x / 7)
    first, second = perceptual_hashes(np.stack([waves, 1.2 * waves + 10]))
    assert first == second
    assert perceptual_hashes(waves[None].transpose(0, 2, 1))[0] != first


def test_pairs_are_found_across_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scenes = {f"glass_{n:02}": scene(n) for n in range(30)}
    prints = read(place(tmp_path, **scenes, glass_z=scene(3).resize((90, 70)))).readable
    whole = near_pairs(prints, BITS, CORRELATION)
    monkeypatch.setattr("training.audit.duplicates.BLOCK", 7)
    assert near_pairs(prints, BITS, CORRELATION) == whole
    assert [(p.first.path.stem, p.second.path.stem) for p in whole] == [("03", "z")]


def test_limits_that_fit_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.audit.duplicates.MOST_PAIRS", 2)
    sizes = {f"glass_{n}": scene(1).resize((100 + n, 80)) for n in range(5)}
    prints = read(place(tmp_path, **sizes)).readable
    with pytest.raises(BadInput, match=r"--near-bits 10, --near-correlation 0\.95: more than 2"):
        near_pairs(prints, BITS, CORRELATION)


def test_groups_join_what_pairs_connect(tmp_path: Path) -> None:
    scenes = {f"glass_{n}": scene(n) for n in range(5)}
    entries = list(read(place(tmp_path, **scenes)).readable)
    chain = [Pair(entries[0], entries[2], Kind.NEAR), Pair(entries[4], entries[2], Kind.NEAR)]
    numbers = group_numbers(entries, chain)
    assert numbers[0] == numbers[2] == numbers[4]
    assert len(set(numbers.tolist())) == 3
    assert len(set(group_numbers(entries, []).tolist())) == 5


def test_of_doubles_the_held_out_one_stays(tmp_path: Path) -> None:
    root = place(
        tmp_path,
        test_glass_a=scene(1),
        val_glass_a=scene(1),
        train_glass_a=scene(1).resize((90, 70)),
        train_glass_b=scene(2),
        train_glass_c=scene(2),
        val_glass_d=scene(3),
        val_glass_e=scene(3),
        train_glass_f=scene(3).resize((90, 70)),
        train_glass_g=scene(4),
    )
    assert left_out(root) == {
        "val/glass/a.png",
        "train/glass/a.png",
        "train/glass/c.png",
        "val/glass/e.png",
        "train/glass/f.png",
    }


def test_of_a_conflict_no_copy_stays(tmp_path: Path) -> None:
    root = place(
        tmp_path,
        train_glass_a=scene(1),
        train_glass_b=scene(1),
        train_metal_c=scene(1),
        train_metal_d=scene(2),
        val_glass_e=scene(2).resize((90, 70)),
        train_glass_f=scene(3),
    )
    names = ("train/glass/a", "train/glass/b", "train/metal/c", "train/metal/d", "val/glass/e")
    assert left_out(root) == {f"{name}.png" for name in names}


def test_a_train_picture_like_a_conflicting_val_picture_goes_too(tmp_path: Path) -> None:
    """The list does not take pictures out of val/, so what is like them must not be learned."""
    near = scene(1).resize((90, 70))
    root = place(tmp_path, test_metal_a=scene(1), val_glass_a=scene(1), train_glass_a=near)
    assert "train/glass/a.png" in left_out(root)


def test_exclusions_are_read_back_as_written(tmp_path: Path) -> None:
    root = place(tmp_path / "data", train_glass_a=scene(1), train_metal_b=scene(2))
    for name in ("odd#1.png", " blank.png", "two\nlines.png"):
        scene(3).save(root / "train" / "glass" / name)
    reasons = dict.fromkeys(list_pictures(root).entries, "why #1")
    unnamed = write_exclusions(tmp_path / "new" / "out.txt", root, reasons)
    assert {entry.path.name for entry in unnamed} == {"odd#1.png", "two\nlines.png"}
    excluded = read_exclusions(tmp_path / "new" / "out.txt", root)
    assert {path.as_posix() for path in excluded} == {
        "train/glass/a.png",
        "train/glass/ blank.png",
        "train/metal/b.png",
    }
