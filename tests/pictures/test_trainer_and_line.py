"""Trainer, line, `classify` and the console's uploads see the same pixels, or refuse alike."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageOps

from line import pictures
from line.errors import PictureError
from tests.pictures.test_picture_file import ORIENTATION, png
from training.errors import BadInput
from training.pictures import open_picture
from workers.classify import Unanswered, classify
from workers.model import Model

NOISE: NDArray[np.uint8] = np.random.default_rng(5).integers(0, 256, (24, 40, 4), dtype=np.uint8)
RGB = Image.fromarray(NOISE[..., :3])
SMOOTH = RGB.resize((90, 60), Image.Resampling.BICUBIC)
DIM: NDArray[np.uint16] = np.random.default_rng(6).integers(0, 2 * 60 * 256, (40, 50)).astype("u2")
"""Mean 60 of 255, in 16 bits."""
LYING = Image.Exif()
LYING[ORIENTATION] = 6


def deep_colour(path: Path) -> None:
    levels = np.random.default_rng(7).integers(0, 65536, (24, 40, 3)).astype(">u2")
    path.write_bytes(png(40, 24, 16, 2, levels))


ORDINARY: dict[str, Callable[[Path], None]] = {
    "plain.jpg": lambda path: SMOOTH.save(path),
    "progressive.jpg": lambda path: SMOOTH.save(path, progressive=True),
    "rotated.jpg": lambda path: SMOOTH.save(path, exif=LYING),
    "grey.jpg": lambda path: SMOOTH.convert("L").save(path),
    "cmyk.jpg": lambda path: SMOOTH.convert("CMYK").save(path),
    "plain.png": lambda path: RGB.save(path),
    "rotated.png": lambda path: RGB.save(path, exif=LYING),
    "grey.png": lambda path: RGB.convert("L").save(path),
    "grey_alpha.png": lambda path: RGB.convert("L").convert("LA").save(path),
    "alpha.png": lambda path: Image.fromarray(NOISE).save(path),
    "palette.png": lambda path: RGB.quantize(16).save(path, transparency=3),
    "bit.png": lambda path: RGB.convert("1").save(path),
    "deep_colour.png": deep_colour,
    "plain.bmp": lambda path: RGB.save(path),
    "plain.webp": lambda path: SMOOTH.save(path),
    "alpha.webp": lambda path: Image.fromarray(NOISE).save(path, lossless=True),
    "plain.tif": lambda path: RGB.save(path),
    "plain.ppm": lambda path: RGB.save(path),
}
"""Files that a decoder alone reads rightly: what it gives has never been changed."""
ODD: dict[str, Callable[[Path], None]] = {
    "deep_grey.png": lambda path: Image.fromarray(DIM).save(path),
    "deep_grey.tif": lambda path: Image.fromarray(DIM).save(path),
    "palette_of_opacities.png": lambda path: RGB.quantize(4).save(
        path, transparency=b"\x00\x40\x80\xff"
    ),
    "frames.tif": lambda path: RGB.save(path, save_all=True, append_images=[SMOOTH]),
}
REFUSED: dict[str, Callable[[Path], None]] = {
    "float.tif": lambda path: Image.fromarray(DIM.astype(np.float32)).save(path),
    "cut.png": lambda path: cut(path, RGB),
    "cut.jpg": lambda path: cut(path, SMOOTH),
    "renamed.png": lambda path: RGB.save(path, "GIF"),
    "text.jpg": lambda path: path.write_text("no picture") and None,
    "none.jpg": lambda path: None,
    "folder.jpg": lambda path: path.mkdir(),
}


@pytest.fixture(scope="module")
def model(tiny_model: Path) -> Model:
    return Model.load(tiny_model, "onnxruntime")


def cut(path: Path, image: Image.Image) -> None:
    image.save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def seen_by_both(path: Path) -> NDArray[np.uint8]:
    line = pictures.read(path, max_pixels=1e6)
    sent = pictures.read_content(path.read_bytes(), path.name, max_pixels=1e6)
    trainer = np.asarray(open_picture(path))
    assert line.dtype == trainer.dtype == np.uint8
    assert np.array_equal(line, trainer)
    assert np.array_equal(line, sent)
    return line


@pytest.mark.parametrize("name", ORDINARY)
def test_an_ordinary_file_is_the_same_to_both_and_as_its_decoder_reads_it(tmp_path, name):
    path = tmp_path / name
    ORDINARY[name](path)

    with Image.open(path) as image:
        decoded = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    assert np.array_equal(seen_by_both(path), decoded)


@pytest.mark.parametrize("name", ODD)
def test_an_odd_file_is_the_same_to_both(tmp_path, name):
    path = tmp_path / name
    ODD[name](path)

    assert seen_by_both(path).shape[-1] == 3


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_a_dim_grey_file_of_sixteen_bits_is_as_dim_to_both(tmp_path, suffix):
    path = tmp_path / f"dim{suffix}"
    Image.fromarray(DIM).save(path)

    picture = seen_by_both(path)

    assert picture.mean() == pytest.approx((DIM >> 8).mean())
    assert picture.mean() == pytest.approx(60, abs=2)


@pytest.mark.parametrize("name", REFUSED)
def test_what_one_refuses_all_do_in_the_same_words(tmp_path, name, model):
    path = tmp_path / name
    REFUSED[name](path)

    with pytest.raises(PictureError, match=f"^{path}: ") as refused:
        pictures.read(path, max_pixels=1e6)
    with pytest.raises(BadInput) as refused_by_trainer:
        open_picture(path)
    assert str(refused_by_trainer.value) == str(refused.value)
    (answer,) = classify(model, [path], threshold=0.5, max_pixels=1e6)
    assert isinstance(answer, Unanswered)
    assert answer.reason == str(refused.value)
    if path.is_file():
        with pytest.raises(PictureError) as refused_when_sent:
            pictures.read_content(path.read_bytes(), str(path), max_pixels=1e6)
        assert str(refused_when_sent.value) == str(refused.value)
