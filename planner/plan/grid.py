"""What a plan varies, and every combination of it."""

from __future__ import annotations

import itertools
import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import Field, ValidationError

from line.errors import BadInput
from line.section import Fraction, Section
from line.settings import Settings

MOST_CELLS = 5000
"""Combinations in one plan."""

Speed = Annotated[float, Field(ge=0.001, le=20)]
Rate = Annotated[float, Field(gt=0, le=10**6)]
Distance = Annotated[float, Field(gt=0, le=50)]
Workers = Annotated[int, Field(ge=1, le=100_000)]
Cameras = Annotated[int, Field(ge=1, le=10_000)]
Number = TypeVar("Number", int, float)


class Grid(Section):
    """Values to be combined; the keys of a grid file."""

    belt_speed_m_per_s: tuple[Speed, ...] = Field(min_length=1)
    items_per_min: tuple[Rate, ...] = Field(
        description="per lane; none: items keep their distance, so that a faster belt brings more"
    )
    workers: tuple[Workers, ...] = Field(min_length=1)
    cameras: tuple[Cameras, ...] = Field(min_length=1)
    threshold: tuple[Fraction, ...] = Field(description="none: the own one of each profile")
    camera_to_ejector_m: tuple[Distance, ...] = Field(min_length=1)

    def cells(self, settings: Settings, thresholds: Sequence[float]) -> list[Cell]:
        """Every combination, for each profile; `thresholds`: the profiles' own.

        Raises:
            BadInput: there are too many.
        """
        lists = self.model_dump().values()
        count = len(thresholds) * math.prod(len(set(values)) or 1 for values in lists)
        if count > MOST_CELLS:
            raise BadInput(f"{count} combinations; a plan has at most {MOST_CELLS}")
        return [
            cell
            for profile, own in enumerate(thresholds)
            for cell in self._combinations(settings, profile, own)
        ]

    def _combinations(
        self, settings: Settings, profile: int, own_threshold: float
    ) -> Iterator[Cell]:
        items_per_m = settings.infeed.items_per_min / settings.belt.speed_m_per_s
        for cameras, threshold, distance_m, rate, speed, workers in itertools.product(
            _unique(self.cameras),
            _unique(self.threshold) or (own_threshold,),
            _unique(self.camera_to_ejector_m),
            _unique(self.items_per_min) or (None,),
            _unique(self.belt_speed_m_per_s),
            _unique(self.workers),
        ):
            yield Cell(
                profile=profile,
                cameras=cameras,
                threshold=threshold,
                camera_to_ejector_m=distance_m,
                given_items_per_min=rate,
                items_per_min=items_per_m * speed if rate is None else rate,
                belt_speed_m_per_s=speed,
                workers=workers,
            )


@dataclass(frozen=True, slots=True)
class Cell:
    """One combination."""

    profile: int
    """which of the plan's profiles"""
    cameras: int
    threshold: float
    camera_to_ejector_m: float
    given_items_per_min: float | None
    """per lane; None: it goes with the belt's speed"""
    items_per_min: float
    """per lane, as it is at this speed"""
    belt_speed_m_per_s: float
    workers: int

    @property
    def group(self) -> tuple[float | None, ...]:
        """What it shares with the cells that differ in belt speed and workers alone."""
        return (
            self.profile,
            self.cameras,
            self.threshold,
            self.camera_to_ejector_m,
            self.given_items_per_min,
        )

    def settings(self, base: Settings, cameras: int, workers: int) -> Settings:
        """`base` as this combination has it, for one line of so many cameras and workers.

        Where the clock is `max`, which has no deadlines to keep, it runs at 1.

        Raises:
            BadInput: naming the combination, where a line cannot be so.
        """
        line = {"cameras": cameras, "workers": workers, "speed": paced(base.line.speed)}
        try:
            return base.replaced(
                {
                    "line": line,
                    "belt": {
                        "speed_m_per_s": self.belt_speed_m_per_s,
                        "camera_to_ejector_m": self.camera_to_ejector_m,
                    },
                    "infeed": {"items_per_min": self.items_per_min},
                    "decision": {"threshold": self.threshold},
                },
            )
        except BadInput as error:
            raise BadInput(
                f"{self.belt_speed_m_per_s:g} m/s, {self.items_per_min:g} items/min, "
                f"{self.camera_to_ejector_m:g} m to the ejector: {error}"
            ) from None


def paced(speed: float | str) -> float:
    """The clock that is planned: 1 in place of `max`, which has no deadlines."""
    return 1.0 if isinstance(speed, str) else speed


def grid_of(
    defaults: Mapping[str, object], file: Path | None, options: Mapping[str, object | None]
) -> Grid:
    """Options over the file over the defaults; all of them have the keys of `Grid`.

    Raises:
        BadInput: naming the file or option, the key, and what is wrong with it.
    """
    in_file = {} if file is None else _read(file)
    given = {key: value for key, value in options.items() if value is not None}
    try:
        return Grid.model_validate({**defaults, **in_file, **given})
    except ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][0]) if first["loc"] else ""
        origin = str(file) if key in in_file and key not in given else "option"
        what = "unknown key" if first["type"] == "extra_forbidden" else first["msg"]
        raise BadInput(f"{origin}: {key}: {what}") from None


def _read(file: Path) -> dict[str, object]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise BadInput(f"{file}: {error.strerror or error}") from None
    except ValueError as error:
        raise BadInput(f"{file}: not TOML: {error}") from None


def _unique(values: tuple[Number, ...]) -> tuple[Number, ...]:
    """Ascending, each once."""
    return tuple(sorted(set(values)))
