"""The camera: what light, lens, exposure and sensor make of a clean picture of the belt."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from line.errors import BadInput
from line.pictures import Picture
from producers.exposure import exposed


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
        width_px = picture.shape[1]
        if self.is_identity(belt_speed_m_s, belt_time_s, lamp_factor, width_px):
            return picture
        return exposed(
            picture,
            self.blur_px(belt_speed_m_s, width_px),
            self.lamp_level(belt_time_s, lamp_factor),
            self.vignetting,
            self.noise,
            rng,
        )


def _require(name: str, value: float, holds: bool, allowed: str) -> None:
    if not (math.isfinite(value) and holds):
        raise BadInput(f"optics {name}: {value} must be {allowed}")
