from __future__ import annotations

import io
import os
import struct
import zlib
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
RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
X_RESOLUTION = 0x011A
ORIENTATION = 0x0112
SMOOTH = np.stack(
    np.broadcast_arrays(np.arange(48)[None, :] * 5, np.arange(32)[:, None] * 7, np.uint8(90)), -1
).astype(np.uint8)
"""A picture [32, 48, 3] that a JPEG of high quality hardly changes."""


def quadrants() -> pictures.Picture:
    """Red, green / blue, white: four flat corners that tell every orientation."""
    picture = np.empty((32, 48, 3), np.uint8)
    picture[:16, :24], picture[:16, 24:] = RED, GREEN
    picture[16:, :24], picture[16:, 24:] = BLUE, WHITE
    return picture


def saved(path: Path, image: Image.Image, **options: Any) -> Path:
    image.save(path, **options)
    return path


def png_header(width_px: int, height_px: int) -> bytes:
    """A PNG file that ends after telling its size."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width_px, height_px, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b""))


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


# -- files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", sorted(pictures.SUFFIXES))
def test_every_kind_of_file_that_is_taken_for_a_picture_can_be_read(tmp_path, suffix):
    path = saved(tmp_path / f"a{suffix}", Image.fromarray(quadrants()))

    picture = pictures.read(path, MAX_PIXELS)

    assert picture.shape == (32, 48, 3)
    assert picture.dtype == np.uint8
    assert np.abs(picture[4, 4].astype(int) - RED).max() < 8
    assert np.abs(picture[28, 44].astype(int) - WHITE).max() < 8


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif"])
def test_a_lossless_file_is_read_bit_by_bit(tmp_path, suffix):
    noise = np.random.default_rng(2).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    path = saved(tmp_path / f"a{suffix}", Image.fromarray(noise))

    assert np.array_equal(pictures.read(path, MAX_PIXELS), noise)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_read_upright(tmp_path, orientation):
    """EXIF says how the camera was held; each stored picture is turned so that it undoes it."""
    transpose = Image.Transpose
    stored = {
        1: None,
        2: transpose.FLIP_LEFT_RIGHT,
        3: transpose.ROTATE_180,
        4: transpose.FLIP_TOP_BOTTOM,
        5: transpose.TRANSPOSE,
        6: transpose.ROTATE_90,
        7: transpose.TRANSVERSE,
        8: transpose.ROTATE_270,
    }[orientation]
    image = Image.fromarray(quadrants())
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    path = saved(
        tmp_path / "a.png", image if stored is None else image.transpose(stored), exif=exif
    )

    assert np.array_equal(pictures.read(path, MAX_PIXELS), quadrants())


def test_a_file_whose_exif_is_damaged_is_a_picture_error_that_names_it(tmp_path):
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    exif[X_RESOLUTION] = 72.0
    path = saved(tmp_path / "odd.jpg", Image.fromarray(quadrants()), exif=exif)
    whole = path.read_bytes()
    damaged = whole.replace(b"\x01\x1a\x00\x05", b"\x01\x1a\x00\x07")  # bytes for a fraction
    assert damaged != whole
    path.write_bytes(damaged)
    with pytest.raises(PictureError, match=r"odd\.jpg: cannot be read"):
        pictures.read(path, MAX_PIXELS)


def test_a_grey_file_becomes_rgb(tmp_path):
    path = saved(tmp_path / "a.png", Image.new("L", (5, 4), 100))

    assert np.array_equal(pictures.read(path, MAX_PIXELS), np.full((4, 5, 3), 100))


def test_a_black_and_white_file_becomes_rgb(tmp_path):
    path = saved(tmp_path / "a.png", Image.new("1", (5, 4), 1))

    assert np.array_equal(pictures.read(path, MAX_PIXELS), np.full((4, 5, 3), 255))


def test_a_grey_file_of_sixteen_bits_keeps_its_shades(tmp_path):
    shades = np.arange(0, 65536, 256, dtype=np.uint16).reshape(16, 16)
    path = saved(tmp_path / "a.png", Image.fromarray(shades))

    picture = pictures.read(path, MAX_PIXELS)

    assert np.array_equal(picture, np.repeat((shades >> 8)[..., None], 3, axis=-1))


def test_transparency_is_left_out(tmp_path):
    path = saved(tmp_path / "a.png", Image.new("RGBA", (5, 4), (10, 20, 30, 40)))

    assert np.array_equal(pictures.read(path, MAX_PIXELS), np.full((4, 5, 3), (10, 20, 30)))


def test_a_grey_file_with_transparency_becomes_rgb(tmp_path):
    path = saved(tmp_path / "a.png", Image.new("LA", (5, 4), (10, 40)))

    assert np.array_equal(pictures.read(path, MAX_PIXELS), np.full((4, 5, 3), 10))


def test_a_palette_file_shows_its_colours(tmp_path):
    palette = Image.fromarray(quadrants()).quantize(4)
    path = saved(tmp_path / "a.png", palette)

    assert np.array_equal(pictures.read(path, MAX_PIXELS), quadrants())


def test_a_cmyk_jpeg_becomes_rgb(tmp_path):
    path = saved(tmp_path / "a.jpg", Image.new("CMYK", (16, 16), (0, 255, 255, 0)), quality=95)

    picture = pictures.read(path, MAX_PIXELS)

    assert np.abs(picture.astype(int) - RED).max() < 8


def test_the_first_picture_of_an_animation_is_the_picture(tmp_path):
    frames = [Image.new("RGB", (6, 5), colour) for colour in (RED, GREEN)]
    path = saved(
        tmp_path / "a.webp", frames[0], save_all=True, append_images=frames[1:], lossless=True
    )

    assert np.array_equal(pictures.read(path, MAX_PIXELS), np.full((5, 6, 3), RED))


def test_a_picture_over_the_limit_is_refused_with_path_size_and_setting(tmp_path):
    path = saved(tmp_path / "large.png", Image.new("RGB", (1001, 1000)))

    with pytest.raises(PictureError) as raised:
        pictures.read(path, MAX_PIXELS)

    for word in (str(path), "1001x1000", "source.max_megapixels = 1"):
        assert word in str(raised.value)


def test_a_picture_just_at_the_limit_is_read(tmp_path):
    path = saved(tmp_path / "a.png", Image.new("RGB", (1000, 1000)))

    assert pictures.read(path, MAX_PIXELS).shape == (1000, 1000, 3)


@pytest.mark.parametrize("side_px", [12_000, 60_000, 2**31 - 1])
def test_a_decompression_bomb_is_refused_by_its_header(tmp_path, side_px):
    path = tmp_path / "bomb.png"
    path.write_bytes(png_header(side_px, side_px))

    with pytest.raises(PictureError, match=r"bomb\.png"):
        pictures.read(path, MAX_PIXELS)


def test_the_limit_is_the_settings_and_not_the_decoders(tmp_path):
    """Pillow warns from 89 megapixels on; up to `source.max_megapixels` that is no news."""
    path = tmp_path / "wide.png"
    path.write_bytes(png_header(10_000, 9_500))

    with pytest.raises(PictureError, match="cannot be read"):  # there is but a header
        pictures.read(path, max_pixels=100e6)


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


@pytest.mark.parametrize("suffix", sorted(pictures.SUFFIXES))
def test_a_file_that_is_cut_off_is_a_picture_error_that_names_it(tmp_path, suffix):
    noise = np.random.default_rng(3).integers(0, 256, (32, 48, 3), dtype=np.uint8)
    path = saved(tmp_path / f"cut{suffix}", Image.fromarray(noise))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    with pytest.raises(PictureError, match=rf"cut\{suffix}"):
        pictures.read(path, MAX_PIXELS)


def test_a_file_that_is_not_there_is_a_picture_error_that_says_so(tmp_path):
    with pytest.raises(PictureError, match=r"gone\.jpg: cannot be read: No such file"):
        pictures.read(tmp_path / "gone.jpg", MAX_PIXELS)


def test_a_folder_is_a_picture_error(tmp_path):
    with pytest.raises(PictureError, match="cannot be read: is a folder"):
        pictures.read(tmp_path, MAX_PIXELS)


@pytest.mark.parametrize("target", ["pipe", "/dev/zero"])
def test_what_is_no_file_is_refused_without_waiting(tmp_path, target):
    os.mkfifo(tmp_path / "pipe")
    path = tmp_path / "a.jpg"
    path.symlink_to(tmp_path / target)

    with pytest.raises(PictureError, match=r"a\.jpg: cannot be read: is not a regular file"):
        pictures.read(path, MAX_PIXELS)


@pytest.mark.skipif(os.name != "posix", reason="file names are bytes on POSIX only")
def test_the_reason_can_be_sent_even_if_the_files_name_is_no_text(tmp_path):
    path = tmp_path / os.fsdecode(b"gl\xffss.jpg")
    path.write_bytes(b"not a picture")

    with pytest.raises(PictureError) as raised:
        pictures.read(path, MAX_PIXELS)

    assert "not a picture" in str(raised.value).encode().decode()
