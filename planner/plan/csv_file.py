"""`plan.csv`: a row for each combination."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from line.csv_cells import cell_of
from line.errors import BadInput
from planner.plan.answer import Target
from planner.plan.run import MEASURES, Result

_PLACE = (
    "cameras",
    "threshold",
    "camera_to_ejector_m",
    "items_per_min",
    "belt_speed_m_per_s",
    "workers",
)


def write_csv(path: Path, results: Sequence[Result], names: Sequence[str], target: Target) -> None:
    """Each measure as its mean, and as the half width of its 95 % confidence interval (`_ci`).

    `deaths`: runs in which the line died.

    `names`: of the plan's profiles. Raises BadInput, naming the file, if it cannot be written.
    """
    measures = [column for name in MEASURES for column in (name, f"{name}_ci")]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["profile", *_PLACE, "items", "meets_target", "deaths", *measures])
            for result in results:
                cell = result.cell
                numbers = (
                    f"{number:.6g}"
                    for name in MEASURES
                    for number in (result.measures[name].mean, result.measures[name].half)
                )
                place = [f"{getattr(cell, name):g}" for name in _PLACE]
                met = "true" if target.is_met(result) else "false"
                deaths = len(result.deaths)
                profile = cell_of(names[cell.profile])
                writer.writerow([profile, *place, result.items, met, deaths, *numbers])
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}") from None
