from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from PIL import Image

from line import pictures
from line.errors import PictureError

MAX_PIXELS = 1_000_000.0
X_RESOLUTION = 0x011A
ORIENTATION = 0x0112
SMOOTH = np.stack(
    np.broadcast_arrays(np.arange(48)[None, :] * 5, np.arange(32)[:, None] * 7, np.uint8(90)), -1
).astype(np.uint8)
"""A picture [32, 48, 3] that a JPEG of high quality hardly changes."""


def saved(path: Path, image: Image.Image, **options: Any) -> Path:
    image.save(path, **options)
    return path


# -- on the message plane ------------------------------------------------------------------------


@given(
    picture=npst.arrays(
        np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12), st.just(3)), fill=st.nothing()
    )
)
def test_a_raw_picture_comes_back_bit_by_bit(picture):
    height_px, width_px, _ = picture.shape
    data = pictures.encode(picture, "raw", 90)

    assert len(data) == picture.size
    assert np.array_equal(pictures.decode(data, "raw", height_px, width_px), picture)


def test_a_raw_picture_is_read_in_place():
    data = bytearray(pictures.encode(SMOOTH, "raw", 90))
    picture = pictures.decode(data, "raw", 32, 48)

    data[0] = 77

    assert picture[0, 0, 0] == 77


def test_a_jpeg_comes_back_nearly_the_same():
    data = pictures.encode(SMOOTH, "jpeg", 95)
    picture = pictures.decode(data, "jpeg", 32, 48)

    assert picture.shape == SMOOTH.shape
    assert picture.dtype == np.uint8
    assert np.abs(picture.astype(int) - SMOOTH).mean() < 3


def test_a_jpeg_of_lower_quality_is_smaller():
    noise = np.random.default_rng(1).integers(0, 256, (32, 48, 3), dtype=np.uint8)

    assert len(pictures.encode(noise, "jpeg", 10)) < len(pictures.encode(noise, "jpeg", 95)) / 2


@pytest.mark.parametrize("wrap", [bytes, bytearray, memoryview])
@pytest.mark.parametrize("encoding", ["raw", "jpeg"])
def test_whatever_holds_the_bytes_can_be_decoded(encoding, wrap):
    data = pictures.encode(SMOOTH, encoding, 95)

    assert pictures.decode(wrap(data), encoding, 32, 48).shape == (32, 48, 3)


def test_a_grey_jpeg_becomes_rgb():
    buffer = io.BytesIO()
    Image.new("L", (48, 32), 100).save(buffer, "JPEG")

    picture = pictures.decode(buffer.getvalue(), "jpeg", 32, 48)

    assert picture.shape == (32, 48, 3)
    assert np.abs(picture.astype(int) - 100).max() <= 1


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
def test_a_truncated_jpeg_is_a_picture_error(share):
    data = pictures.encode(SMOOTH, "jpeg", 95)

    with pytest.raises(PictureError, match="JPEG cannot be read"):
        pictures.decode(data[: int(share * len(data))], "jpeg", 32, 48)


def test_a_jpeg_of_another_size_than_announced_is_a_picture_error():
    data = pictures.encode(SMOOTH, "jpeg", 95)

    with pytest.raises(PictureError, match=r"\(48, 32\), expected \(32, 48\)"):
        pictures.decode(data, "jpeg", 48, 32)


def test_a_png_is_not_taken_for_a_jpeg():
    buffer = io.BytesIO()
    Image.fromarray(SMOOTH).save(buffer, "PNG")

    with pytest.raises(PictureError, match="JPEG cannot be read"):
        pictures.decode(buffer.getvalue(), "jpeg", 32, 48)


@given(data=st.data())
def test_a_damaged_jpeg_is_a_picture_or_a_picture_error_and_nothing_else(data):
    damaged = bytearray(pictures.encode(SMOOTH, "jpeg", 95))
    for _ in range(data.draw(st.integers(1, 8))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))

    try:
        picture = pictures.decode(damaged, "jpeg", 32, 48)
    except PictureError:
        return
    assert picture.shape == (32, 48, 3)


# -- files -----------------------------------------------------------------------------------------


def test_a_file_whose_exif_is_damaged_is_a_picture_error_that_names_it(tmp_path):
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    exif[X_RESOLUTION] = 72.0
    path = saved(tmp_path / "odd.jpg", Image.fromarray(SMOOTH), exif=exif)
    whole = path.read_bytes()
    damaged = whole.replace(b"\x01\x1a\x00\x05", b"\x01\x1a\x00\x07")  # bytes for a fraction
    assert damaged != whole
    path.write_bytes(damaged)
    with pytest.raises(PictureError, match=r"odd\.jpg: cannot be read"):
        pictures.read(path, MAX_PIXELS)


def test_a_picture_over_the_limit_is_refused_with_path_size_and_setting(tmp_path):
    path = saved(tmp_path / "large.png", Image.new("RGB", (1001, 1000)))

    with pytest.raises(PictureError) as raised:
        pictures.read(path, MAX_PIXELS)

    for word in (str(path), "1001x1000", "source.max_megapixels = 1"):
        assert word in str(raised.value)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "not a picture"), (b"a,b\n1,2\n", "not a picture"), (b"\xff\xd8\xff", "a.jpg")],
    ids=["empty", "text", "three bytes of a JPEG"],
)
def test_what_is_no_picture_is_refused_with_its_path(tmp_path, content, reason):
    path = tmp_path / "a.jpg"
    path.write_bytes(content)

    with pytest.raises(PictureError, match=reason) as raised:
        pictures.read(path, MAX_PIXELS)
    assert str(path) in str(raised.value)


def test_a_file_that_is_not_there_is_a_picture_error_that_says_so(tmp_path):
    with pytest.raises(PictureError, match=r"gone\.jpg: cannot be read: No such file"):
        pictures.read(tmp_path / "gone.jpg", MAX_PIXELS)


@pytest.mark.skipif(os.name != "posix", reason="file names are bytes on POSIX only")
def test_the_reason_can_be_sent_even_if_the_files_name_is_no_text(tmp_path):
    path = tmp_path / os.fsdecode(b"gl\xffss.jpg")
    path.write_bytes(b"not a picture")

    with pytest.raises(PictureError) as raised:
        pictures.read(path, MAX_PIXELS)

    assert "not a picture" in str(raised.value).encode().decode()


def test_a_file_that_was_sent_is_read_under_the_name_it_came_with(tmp_path):
    content = saved(tmp_path / "a.png", Image.fromarray(SMOOTH)).read_bytes()

    assert np.array_equal(pictures.read_content(content, "mine.png", MAX_PIXELS), SMOOTH)
    with pytest.raises(PictureError, match=r"^mine\.png: cannot be read: "):
        pictures.read_content(content[:90], "mine.png", MAX_PIXELS)
