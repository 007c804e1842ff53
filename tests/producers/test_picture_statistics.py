"""What a picture is like, by the numbers of pictures that are known; and the file that keeps it."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from line.drift.statistics import LEVELS
from line.run_files.picture_statistics import (
    NOTHING,
    StatisticsReader,
    StatisticsWriter,
    statistics_path,
)
from producers.picture_statistics import levels_of


def even(red: int, green: int, blue: int, height: int = 96, width: int = 128) -> np.ndarray:
    return np.full((height, width, 3), (red, green, blue), np.uint8)


def test_light_and_colour_are_those_of_an_even_picture() -> None:
    assert levels_of(even(128, 128, 128)) == (128, 0, 128, 128)
    light, _, red, blue = levels_of(even(200, 100, 50))
    assert light == round(350 / 3)
    assert red == pytest.approx(128 + 64, abs=1)
    assert blue == pytest.approx(128 - 64, abs=1)


def test_less_light_moves_the_light_alone_and_blur_the_sharpness_alone() -> None:
    sharp = np.random.default_rng(2).integers(60, 200, (120, 160, 3), dtype=np.uint8)
    light, sharpness, red, blue = levels_of(sharp)
    dim = levels_of((sharp * 0.6).astype(np.uint8))
    assert dim[0] < 0.65 * light
    assert np.abs(np.subtract(dim[1:], (sharpness, red, blue))).max() <= 1
    soft = np.asarray(Image.fromarray(sharp).filter(ImageFilter.GaussianBlur(2)))
    blurred = levels_of(soft)
    assert blurred[1] < sharpness - 24
    assert np.abs(np.subtract(blurred, (light, blurred[1], red, blue))).max() <= 2


@pytest.mark.parametrize("size", [(1, 1), (1, 4000), (4000, 1), (17, 3)])
@pytest.mark.parametrize("level", [0, 255])
def test_every_picture_has_levels_in_their_range(size: tuple[int, int], level: int) -> None:
    assert all(0 <= each < LEVELS for each in levels_of(even(level, 255 - level, level, *size)))


def test_the_file_gives_back_what_was_written_and_nothing_else(tmp_path: Path) -> None:
    with closing(StatisticsWriter(tmp_path, 3)) as writer:
        writer.write(5, (1, 2, 3, 255))
        writer.write(0, (9, 8, 7, 6))
        with closing(StatisticsReader(tmp_path)) as reader:
            assert reader.read(3, 5) == (1, 2, 3, 255)
            assert reader.read(3, 0) == (9, 8, 7, 6)
            assert reader.read(3, 4) == reader.read(3, 6) == reader.read(2, 0) == NOTHING
            writer.write(6, (4, 4, 4, 4))
            assert reader.read(3, 6) == (4, 4, 4, 4)


def test_a_link_or_pipe_in_its_place_is_neither_written_nor_read(tmp_path: Path) -> None:
    os.mkfifo(statistics_path(tmp_path, 1))
    with closing(StatisticsWriter(tmp_path, 1)) as writer:
        writer.write(0, (1, 1, 1, 1))
    other = tmp_path / "other"
    other.write_bytes(bytes(5))
    statistics_path(tmp_path, 0).symlink_to(other)
    with closing(StatisticsWriter(tmp_path, 0)) as writer:
        writer.write(0, (1, 1, 1, 1))
    assert other.read_bytes() == bytes(5)
    with closing(StatisticsReader(tmp_path)) as reader:
        assert reader.read(0, 0) == NOTHING
