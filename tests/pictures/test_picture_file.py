from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pictures.picture_file import SUFFIXES, Limits, Picture, Unreadable, read, size_px

LIMITS = Limits(pixels=1_000_000.0)
RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
ORIENTATION = 0x0112


def quadrants() -> Picture:
    """Red, green / blue, white: four flat corners that tell every orientation."""
    picture = np.empty((32, 48, 3), np.uint8)
    picture[:16, :24], picture[:16, 24:] = RED, GREEN
    picture[16:, :24], picture[16:, 24:] = BLUE, WHITE
    return picture


def saved(path: Path, image: Image.Image, **options: Any) -> Path:
    image.save(path, **options)
    return path


def png(
    width_px: int, height_px: int, bits: int, colour: int, levels: NDArray[Any] | None = None
) -> bytes:
    """A PNG file; without `levels` one that ends after telling its size."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width_px, height_px, bits, colour, 0, 0, 0)
    rows = b"" if levels is None else b"".join(b"\0" + row.tobytes() for row in levels)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows))


def tiff(
    width_px: int, height_px: int, bits: int, levels: bytes, white_is_zero: bool = False
) -> bytes:
    """A grey TIFF file as Pillow writes none: levels, then (tag, value) of its only frame."""
    entries = {256: width_px, 257: height_px, 258: bits, 259: 1, 262: int(not white_is_zero)}
    entries |= {273: 8, 277: 1, 278: height_px, 279: len(levels)}
    told = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries.items())
    start = struct.pack("<I", 8 + len(levels))
    return b"II*\0" + start + levels + struct.pack("<H", len(entries)) + told + bytes(4)


def grey(levels: NDArray[Any]) -> Picture:
    return np.repeat(levels.astype(np.uint8)[..., None], 3, axis=-1)


@pytest.mark.parametrize("suffix", sorted(SUFFIXES))
def test_every_kind_of_file_that_is_taken_for_a_picture_can_be_read(tmp_path, suffix):
    path = saved(tmp_path / f"a{suffix}", Image.fromarray(quadrants()))

    picture = read(path, LIMITS)

    assert picture.shape == (32, 48, 3)
    assert picture.dtype == np.uint8
    assert np.abs(picture[4, 4].astype(int) - RED).max() < 8
    assert np.abs(picture[28, 44].astype(int) - WHITE).max() < 8


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif"])
def test_a_lossless_file_is_read_bit_by_bit(tmp_path, suffix):
    noise = np.random.default_rng(2).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    path = saved(tmp_path / f"a{suffix}", Image.fromarray(noise))

    assert np.array_equal(read(path, LIMITS), noise)


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

    assert np.array_equal(read(path, LIMITS), quadrants())


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_size_by_the_header_is_the_size_that_is_read(tmp_path, orientation, suffix):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    path = saved(tmp_path / f"a{suffix}", Image.fromarray(quadrants()), exif=exif)

    assert size_px(path, LIMITS) == read(path, LIMITS).shape[:2]


def test_a_grey_file_becomes_rgb(tmp_path):
    path = saved(tmp_path / "a.png", Image.new("L", (5, 4), 100))

    assert np.array_equal(read(path, LIMITS), np.full((4, 5, 3), 100))


def test_a_black_and_white_file_becomes_rgb(tmp_path):
    path = saved(tmp_path / "a.png", Image.new("1", (5, 4), 1))

    assert np.array_equal(read(path, LIMITS), np.full((4, 5, 3), 255))


SHADES = np.arange(0, 65536, 256, dtype=np.uint16).reshape(16, 16) + np.uint16(255)
"""Every high byte once; all but the last are white to a decoder that clips at 255."""


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_a_grey_file_of_sixteen_bits_keeps_its_shades(tmp_path, suffix):
    path = saved(tmp_path / f"a{suffix}", Image.fromarray(SHADES))

    assert np.array_equal(read(path, LIMITS), grey(SHADES >> 8))


def test_sixteen_bits_are_the_same_levels_in_grey_and_in_colour(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(png(16, 16, 16, 2, np.repeat(SHADES[..., None], 3, axis=-1).astype(">u2")))

    assert np.array_equal(read(path, LIMITS), grey(SHADES >> 8))


def test_a_grey_ppm_of_sixteen_bits_keeps_its_shades(tmp_path):
    path = tmp_path / "a.ppm"
    path.write_bytes(b"P5 16 16 65535 " + SHADES.astype(">u2").tobytes())

    assert np.array_equal(read(path, LIMITS), grey(SHADES >> 8))


def test_a_grey_tiff_whose_zero_is_white_is_turned_round(tmp_path):
    path = tmp_path / "a.tif"
    path.write_bytes(tiff(16, 16, 16, SHADES.astype("<u2").tobytes(), white_is_zero=True))

    assert np.array_equal(read(path, LIMITS), grey(255 - (SHADES >> 8)))


def test_a_grey_tiff_of_twelve_bits_keeps_its_shades(tmp_path):
    path = tmp_path / "a.tif"
    path.write_bytes(tiff(2, 1, 12, b"\xff\xf8\x00"))  # the levels fff and 800

    assert np.array_equal(read(path, LIMITS), grey(np.array([[255, 128]])))


def test_a_grey_file_of_sixteen_bits_is_read_upright(tmp_path):
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    stored = Image.fromarray(np.rot90(SHADES).copy())
    path = saved(tmp_path / "a.png", stored, exif=exif)

    assert np.array_equal(read(path, LIMITS), grey(SHADES >> 8))


@pytest.mark.parametrize("kind", [np.float32, np.int32])
def test_a_file_of_which_nobody_knows_what_is_white_is_refused(tmp_path, kind):
    path = saved(tmp_path / "a.tif", Image.fromarray(SHADES.astype(kind)))

    with pytest.raises(Unreadable, match="cannot be read: none of its levels is known as white"):
        read(path, LIMITS)


def test_transparency_is_left_out(tmp_path):
    path = saved(tmp_path / "a.png", Image.new("RGBA", (5, 4), (10, 20, 30, 40)))

    assert np.array_equal(read(path, LIMITS), np.full((4, 5, 3), (10, 20, 30)))


def test_a_grey_file_with_transparency_becomes_rgb(tmp_path):
    path = saved(tmp_path / "a.png", Image.new("LA", (5, 4), (10, 40)))

    assert np.array_equal(read(path, LIMITS), np.full((4, 5, 3), 10))


def test_a_palettes_transparency_is_left_out_without_a_warning(tmp_path):
    palette = Image.fromarray(quadrants()).quantize(4)
    path = saved(tmp_path / "a.png", palette, transparency=b"\x00\x40\x80\xff")

    assert np.array_equal(read(path, LIMITS), quadrants())


def test_a_palette_file_shows_its_colours(tmp_path):
    palette = Image.fromarray(quadrants()).quantize(4)
    path = saved(tmp_path / "a.png", palette)

    assert np.array_equal(read(path, LIMITS), quadrants())


def test_a_cmyk_jpeg_becomes_rgb(tmp_path):
    path = saved(tmp_path / "a.jpg", Image.new("CMYK", (16, 16), (0, 255, 255, 0)), quality=95)

    picture = read(path, LIMITS)

    assert np.abs(picture.astype(int) - RED).max() < 8


def test_the_first_picture_of_an_animation_is_the_picture(tmp_path):
    frames = [Image.new("RGB", (6, 5), colour) for colour in (RED, GREEN)]
    path = saved(
        tmp_path / "a.webp", frames[0], save_all=True, append_images=frames[1:], lossless=True
    )

    assert np.array_equal(read(path, LIMITS), np.full((5, 6, 3), RED))


def test_a_picture_just_at_the_limit_is_read(tmp_path):
    path = saved(tmp_path / "a.png", Image.new("RGB", (1000, 1000)))

    assert read(path, LIMITS).shape == (1000, 1000, 3)


@pytest.mark.parametrize("side_px", [12_000, 60_000, 2**31 - 1])
def test_a_decompression_bomb_is_refused_by_its_header(tmp_path, side_px):
    path = tmp_path / "bomb.png"
    path.write_bytes(png(side_px, side_px, 8, 2))

    with pytest.raises(Unreadable, match=r"megapixels, more than the limit = 1|cannot be read"):
        read(path, LIMITS)


def test_the_limit_is_the_callers_and_not_the_decoders(tmp_path):
    """Pillow warns from 89 megapixels on; up to the limit that is no news."""
    path = tmp_path / "wide.png"
    path.write_bytes(png(10_000, 9_500, 8, 2))

    with pytest.raises(Unreadable, match="cannot be read"):  # there is but a header
        read(path, Limits(pixels=100e6))


@pytest.mark.parametrize("suffix", sorted(SUFFIXES))
def test_a_file_that_is_cut_off_is_unreadable(tmp_path, suffix):
    noise = np.random.default_rng(3).integers(0, 256, (32, 48, 3), dtype=np.uint8)
    path = saved(tmp_path / f"cut{suffix}", Image.fromarray(noise))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    with pytest.raises(Unreadable, match=r"cannot be read|not a picture"):
        read(path, LIMITS)


def test_a_folder_is_unreadable(tmp_path):
    with pytest.raises(Unreadable, match="cannot be read: is a folder"):
        read(tmp_path, LIMITS)


@pytest.mark.parametrize("target", ["pipe", "/dev/zero"])
def test_what_is_no_file_is_refused_without_waiting(tmp_path, target):
    os.mkfifo(tmp_path / "pipe")
    path = tmp_path / "a.jpg"
    path.symlink_to(tmp_path / target)

    with pytest.raises(Unreadable, match=r"^cannot be read: is not a regular file"):
        read(path, LIMITS)
