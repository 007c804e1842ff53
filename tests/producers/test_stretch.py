from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from producers.sources.stretch import _weights, stretched

SIZES = [
    ((384, 512), (320, 240)),
    ((100, 130), (320, 240)),
    ((37, 53), (48, 32)),
    ((2, 700), (320, 240)),
    ((1, 1), (32, 32)),
    ((240, 320), (320, 240)),
    ((240, 700), (320, 240)),
    ((700, 300), (299, 333)),
    ((1400, 2100), (320, 240)),
]
"""(height, width) of the file, (width, height) of the camera; the last two are left to Pillow."""


def harsh(height_px: int, width_px: int, seed: int) -> np.ndarray:
    """Noise, or black and white alone, where Lanczos overshoots most."""
    noise = np.random.default_rng(seed).integers(0, 256, (height_px, width_px, 3), dtype=np.uint8)
    return noise if seed % 2 == 0 else np.where(noise > 127, 255, 0).astype(np.uint8)


def by_pillow(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return np.array(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS))


def lanczos(x: float) -> float:
    return float(np.sinc(x) * np.sinc(x / 3)) if abs(x) < 3 else 0.0


def matrix(source_px: int, target_px: int) -> np.ndarray:
    """The filter in float64, pixel by pixel."""
    shrink = source_px / target_px
    width = max(shrink, 1.0)
    rows = np.array(
        [
            [lanczos((s + 0.5 - (t + 0.5) * shrink) / width) for s in range(source_px)]
            for t in range(target_px)
        ]
    )
    return rows / rows.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(("shape", "size"), SIZES)
def test_a_picture_is_stretched_as_pillow_does_within_a_level(shape, size, seed):
    picture = harsh(*shape, seed)
    own = stretched(picture, *size)
    assert own.dtype == np.uint8
    assert own.flags.c_contiguous
    assert np.abs(own.astype(int) - by_pillow(picture, size)).max() <= 1


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(("shape", "size"), [((96, 128), (80, 60)), ((20, 26), (64, 48))])
def test_it_is_within_a_level_of_the_filter_in_float64(shape, size, seed):
    picture = harsh(*shape, seed)
    across = np.einsum("ts,ysc->ytc", matrix(shape[1], size[0]), picture.astype(float))
    down = np.einsum("ts,sxc->txc", matrix(shape[0], size[1]), np.clip(across, 0, 255))
    exact = np.rint(np.clip(down, 0, 255))
    assert np.abs(stretched(picture, *size) - exact).max() <= 1


def test_the_picture_itself_is_left_as_it_is_and_may_be_read_only():
    picture = harsh(96, 128, 0)
    before = picture.copy()
    picture.flags.writeable = False
    stretched(picture, 80, 60)
    assert np.array_equal(picture, before)


@pytest.mark.parametrize("level", [0, 1, 127, 255])
def test_an_even_picture_stays_even(level):
    picture = np.full((384, 512, 3), level, np.uint8)
    assert (stretched(picture, 320, 240) == level).all()


@pytest.mark.parametrize(
    ("source_px", "target_px"), [(512, 320), (7, 320), (1280, 320), (333, 332), (4, 513)]
)
def test_no_sum_is_too_large_to_be_exact(source_px, target_px):
    assert np.abs(_weights(source_px, target_px)).sum(axis=1).max() < 2
