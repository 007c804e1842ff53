"""The camera: what light, lens, exposure and sensor make of a clean picture of the belt."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from line.errors import BadInput
from line.pictures import Picture

_BANK_VALUES = 1 << 20
_WHITE_LEVEL = 255
_HALF = np.float32(0.5)
"""Added before the conversion to whole levels, which cuts off: together they round."""


@dataclass(frozen=True, slots=True)
class Optics:
    """One camera's view of the belt, applied to the pictures of any source.

    The default is a perfect camera: every effect off. Raises BadInput, naming the field, for a
    value that no camera has.
    """

    exposure_ms: float = 0.0  # how long the belt moves under the open shutter
    view_m: float = 0.4  # belt seen across the picture's width, along the travel
    lamp: float = 1.0  # light level at belt time 0; 1 is nominal
    lamp_drift_per_min: float = 0.0  # relative change of the light per minute of belt time
    vignetting: float = 0.0  # share of the light lost in the corners, 0 to 1
    noise: float = 0.0  # standard deviation of the sensor's noise, in grey levels of 0 to 255

    def __post_init__(self) -> None:
        _require("exposure_ms", self.exposure_ms, self.exposure_ms >= 0.0, "at least 0")
        _require("view_m", self.view_m, self.view_m > 0.0, "greater than 0")
        _require("lamp", self.lamp, self.lamp >= 0.0, "at least 0")
        _require("noise", self.noise, self.noise >= 0.0, "at least 0")
        _require("vignetting", self.vignetting, 0.0 <= self.vignetting <= 1.0, "from 0 to 1")
        _require("lamp_drift_per_min", self.lamp_drift_per_min, True, "a finite number")

    def blur_px(self, belt_speed_m_s: float, width_px: int) -> float:
        """How far the belt moves across the picture while the shutter is open.

        exposure [s] x belt speed [m/s] x width [px] / view [m].
        """
        return self.exposure_ms / 1000.0 * abs(belt_speed_m_s) * width_px / self.view_m

    def lamp_level(self, belt_time_s: float, lamp_factor: float = 1.0) -> float:
        """The light at a moment of the belt, never below 0; `lamp_factor` is what a fault does."""
        drift = 1.0 + self.lamp_drift_per_min * belt_time_s / 60.0
        return max(0.0, self.lamp * drift * lamp_factor)

    def is_identity(
        self, belt_speed_m_s: float, belt_time_s: float, lamp_factor: float, width_px: int
    ) -> bool:
        """Whether `expose` would leave a picture of this width as it is."""
        return (
            self.noise == 0.0
            and self.vignetting == 0.0
            and self.lamp_level(belt_time_s, lamp_factor) == 1.0
            and self.blur_px(belt_speed_m_s, width_px) <= 1.0
        )

    def expose(
        self,
        picture: Picture,
        *,
        belt_speed_m_s: float,
        belt_time_s: float,
        lamp_factor: float,
        rng: np.random.Generator,
    ) -> Picture:
        """The picture [height, width, 3] as this camera takes it at `belt_time_s`.

        Light first, then the sensor: smeared along x by the belt's travel, dimmed by lamp and lens,
        noise on top. The noise does not shrink with the light, so a dim picture is a noisy one.
        Where every effect is off the very same array comes back, and `rng` is left untouched.
        """
        height_px, width_px = picture.shape[:2]
        if self.is_identity(belt_speed_m_s, belt_time_s, lamp_factor, width_px):
            return picture
        smeared = _smeared(picture, self.blur_px(belt_speed_m_s, width_px))
        level = self.lamp_level(belt_time_s, lamp_factor)
        light = smeared * (_lens(height_px, width_px, self.vignetting) * np.float32(level))
        if self.noise > 0.0:
            light += _grain(light.size, self.noise, rng).reshape(light.shape)
        else:
            light += _HALF
        np.clip(light, 0, _WHITE_LEVEL, out=light)
        return light.astype(np.uint8)


def _require(name: str, value: float, holds: bool, allowed: str) -> None:
    if not (math.isfinite(value) and holds):
        raise BadInput(f"optics {name}: {value} must be {allowed}")


def _smeared(picture: Picture, length_px: float) -> Picture:
    """A running mean along x; a smear of up to one pixel cannot be told from none."""
    if length_px <= 1.0:
        return picture
    image = Image.fromarray(picture)
    # A box of radius r covers 2 r + 1 pixels, fractions included.
    return np.array(image.filter(ImageFilter.BoxBlur(((length_px - 1.0) / 2.0, 0.0))))


@lru_cache(maxsize=8)
def _lens(height_px: int, width_px: int, vignetting: float) -> npt.NDArray[np.float32]:
    """The share of light [height_px, width_px, 1] the lens lets through: 1 in the middle.

    The loss grows with the square of the distance from the middle and reaches `vignetting` in the
    corners.
    """
    y = np.linspace(-1.0, 1.0, height_px)[:, None]
    x = np.linspace(-1.0, 1.0, width_px)[None, :]
    share = 1.0 - vignetting * (x * x + y * y) / 2.0
    return share.astype(np.float32)[:, :, None]


def _grain(count: int, noise: float, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """`count` normal deviates of that strength, plus a half, from a random place in a fixed bank.

    Drawing 230,400 fresh deviates for a 320 x 240 picture takes longer than drawing its item. Two
    pictures may so share a grain, shifted; no classifier looks for that.
    """
    bank = _bank(noise)
    start = int(rng.integers(0, bank.size))
    if start + count <= bank.size:
        return bank[start : start + count]
    return np.take(bank, np.arange(start, start + count), mode="wrap")


@lru_cache(maxsize=2)
def _bank(noise: float) -> npt.NDArray[np.float32]:
    words = np.random.SeedSequence([20_240_229, 7])
    deviates = np.random.default_rng(words).standard_normal(_BANK_VALUES, dtype=np.float32)
    return deviates * np.float32(noise) + _HALF
