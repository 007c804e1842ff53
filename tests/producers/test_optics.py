from __future__ import annotations

import numpy as np
import pytest

from line.errors import BadInput
from producers.optics import Optics

GREY = np.full((60, 80, 3), 120, np.uint8)


def expose(
    optics: Optics,
    picture: np.ndarray = GREY,
    *,
    speed: float = 0.0,
    at_s: float = 0.0,
    lamp_factor: float = 1.0,
    seed: int = 0,
) -> np.ndarray:
    return optics.expose(
        picture,
        belt_speed_m_s=speed,
        belt_time_s=at_s,
        lamp_factor=lamp_factor,
        rng=np.random.default_rng(seed),
    )


def test_a_perfect_camera_hands_back_the_very_same_array():
    rng = np.random.default_rng(1)
    before = rng.bit_generator.state
    seen = Optics().expose(GREY, belt_speed_m_s=3.0, belt_time_s=60.0, lamp_factor=1.0, rng=rng)
    assert seen is GREY
    assert rng.bit_generator.state == before


@pytest.mark.parametrize(
    "optics",
    [
        Optics(noise=2.0),
        Optics(vignetting=0.3),
        Optics(lamp=0.8),
        Optics(exposure_ms=5.0),
        Optics(lamp_drift_per_min=-0.1),
    ],
)
def test_every_single_effect_changes_the_picture_and_not_the_original(optics):
    picture = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    original = picture.copy()
    assert not optics.is_identity(2.0, 60.0, 1.0, 80)
    seen = expose(optics, picture, speed=2.0, at_s=60.0)
    assert seen.shape == picture.shape
    assert seen.dtype == np.uint8
    assert not np.array_equal(seen, picture)
    assert np.array_equal(picture, original)


def test_blur_is_the_way_of_the_belt_during_the_exposure():
    optics = Optics(exposure_ms=4.0, view_m=0.4)
    assert optics.blur_px(1.5, 320) == pytest.approx(4.8)
    assert optics.blur_px(0.0, 320) == 0.0


def test_a_bright_post_is_smeared_along_the_travel_only():
    picture = np.zeros((40, 320, 3), np.uint8)
    picture[10:20, 160] = 250
    seen = expose(Optics(exposure_ms=4.0, view_m=0.32), picture, speed=1.25)  # 5 px
    assert (seen[15, 158:163] == 50).all()
    assert not seen[15, :158].any()
    assert not seen[15, 163:].any()
    assert not seen[9].any()
    assert not seen[20].any()


def test_a_belt_at_rest_is_not_smeared():
    picture = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    assert expose(Optics(exposure_ms=50.0), picture, speed=0.0) is picture


def test_the_lamp_dims_drifts_and_fails():
    assert (expose(Optics(lamp=0.5)) == 60).all()
    assert (expose(Optics(lamp_drift_per_min=-0.05), at_s=120.0) == 108).all()
    assert (expose(Optics(), lamp_factor=0.25) == 30).all()
    assert (expose(Optics(lamp=1.5), lamp_factor=2.0) == 255).all()


def test_the_light_never_falls_below_none():
    optics = Optics(lamp_drift_per_min=-0.5)
    assert optics.lamp_level(60.0) == 0.5
    assert optics.lamp_level(600.0) == 0.0
    assert (expose(optics, at_s=600.0) == 0).all()


def test_vignetting_is_lost_in_the_corners_and_spares_the_middle():
    seen = expose(Optics(vignetting=0.4))
    assert [seen[y, x, 0] for y in (0, -1) for x in (0, -1)] == [72] * 4
    assert seen[30, 40, 0] == 120
    assert seen[30, 0, 0] == pytest.approx(96, abs=1)


def test_noise_has_the_deviation_asked_for_and_no_bias():
    grain = expose(Optics(noise=6.0), np.full((240, 320, 3), 120, np.uint8)).astype(float) - 120
    assert grain.std() == pytest.approx(6.0, rel=0.03)
    assert grain.mean() == pytest.approx(0.0, abs=0.1)


def test_noise_is_the_same_for_the_same_stream_and_other_for_another():
    optics = Optics(noise=6.0)
    assert np.array_equal(expose(optics, seed=1), expose(optics, seed=1))
    assert not np.array_equal(expose(optics, seed=1), expose(optics, seed=2))


def test_a_picture_larger_than_the_noise_bank_is_covered_to_the_end():
    large = np.full((700, 900, 3), 120, np.uint8)
    seen = expose(Optics(noise=6.0), large)
    assert seen[-50:].std() == pytest.approx(6.0, rel=0.1)


def formula(
    picture: np.ndarray, smear_px: float, level: float, vignetting: float, noise: float, seed: int
) -> np.ndarray:
    """What `Optics` makes of a picture, pixel by pixel in float64, before it is whole levels."""
    height_px, width_px = picture.shape[:2]
    light = np.zeros(picture.shape)
    radius = (max(1.0, smear_px) - 1.0) / 2.0
    for step in range(-int(radius) - 1, int(radius) + 2):
        column = np.clip(np.arange(width_px) + step, 0, width_px - 1)
        light += picture[:, column] * np.clip(radius + 1.0 - abs(step), 0.0, 1.0)
    light /= 2.0 * radius + 1.0
    y, x = np.linspace(-1, 1, height_px)[:, None], np.linspace(-1, 1, width_px)
    light *= (level * (1.0 - vignetting * (x * x + y * y) / 2.0))[:, :, None]
    if noise > 0.0:
        words = np.random.SeedSequence([20_240_229, 7])
        bank = np.random.default_rng(words).standard_normal(1 << 20, dtype=np.float32)
        place = int(np.random.default_rng(seed).integers(0, bank.size))
        light += noise * np.resize(np.roll(bank, -place), picture.size).reshape(picture.shape)
    return np.clip(light, 0, 255)


@pytest.mark.parametrize(
    ("exposure_ms", "level", "vignetting", "noise"),
    [
        (1.0, 1.02, 0.15, 2.0),  # 1.7 px at 1.7 m/s and 0.32 m
        (1.0, 1.0, 0.0, 0.0),
        (2.2, 3.0, 0.3, 8.0),
        (4.6, 0.6, 0.0, 1.0),
        (0.4, 0.9, 1.0, 0.0),
        (9.0, 0.9, 0.2, 2.0),  # longer than 8 px
        (60.0, 1.0, 0.2, 0.0),
    ],
)
@pytest.mark.parametrize("shape", [(240, 320, 3), (7, 33, 3), (301, 640, 3)])
def test_every_pixel_is_within_a_level_of_the_formula(shape, exposure_ms, level, vignetting, noise):
    picture = np.random.default_rng(3).integers(0, 256, shape, dtype=np.uint8)
    optics = Optics(exposure_ms=exposure_ms, view_m=0.32, vignetting=vignetting, noise=noise)
    seen = expose(optics, picture, speed=1.7, lamp_factor=level, seed=5)
    smear_px = optics.blur_px(1.7, shape[1])
    exact = np.rint(formula(picture, smear_px, level, vignetting, noise, seed=5))
    assert np.abs(seen - exact).max() <= 1


def test_a_picture_of_other_rows_in_memory_is_exposed_alike():
    picture = np.random.default_rng(3).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    optics = Optics(exposure_ms=2.0, vignetting=0.2, noise=2.0)
    turned = np.asfortranarray(picture)
    turned.flags.writeable = False
    seen = expose(optics, turned, speed=2.0)
    assert seen.flags.c_contiguous
    assert np.array_equal(seen, expose(optics, picture, speed=2.0))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("exposure_ms", -1.0),
        ("view_m", 0.0),
        ("lamp", -0.1),
        ("lamp_drift_per_min", float("nan")),
        ("vignetting", 1.5),
        ("noise", float("inf")),
    ],
)
def test_what_no_camera_has_is_refused_by_name(field, value):
    with pytest.raises(BadInput, match=f"optics {field}: {value} must be"):
        Optics(**{field: value})
