"""Sites larger than a line: cells side by side, each a line with its own dispatcher and machine.

A dispatcher serves so many cameras and workers, and so does a machine; a large site is built of
many of them, which share nothing. So they are simulated one after the other, in the memory of one.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from line.settings import Settings
from planner.profile import Profile
from planner.sim.line_figures import Figures
from planner.sim.measured import Measured
from planner.sim.supervisor import Failures
from planner.sim.twin import simulate
from producers.randomness import Purpose


def simulate_cells(
    settings: Settings,
    profile: Profile,
    cells: int,
    *,
    failures: Failures | None = None,
    measured: Measured | None = None,
) -> Figures:
    """The figures of all cells together. `settings` describe each; each has a seed of its own.

    The first has that of the settings, so one cell is the line itself. `measured`: see `simulate`.
    Raises as that does, and ValueError for less than one cell.
    """
    if cells < 1:
        raise ValueError(f"cells: {cells} must be at least 1")
    run = partial(simulate, profile=profile, failures=failures, measured=measured)
    figures = run(settings)
    for cell in range(1, cells):
        figures.merge(run(_of_cell(settings, cell)))
    return figures


def _of_cell(settings: Settings, cell: int) -> Settings:
    words = np.random.SeedSequence([settings.line.seed, cell, int(Purpose.CELL)])
    seed = int(words.generate_state(1, np.uint64)[0] >> 1)
    line = settings.line.model_copy(update={"seed": seed})
    return settings.model_copy(update={"line": line})
