"""Ways to train, by name: a TOML table of train options each, laid over the defaults.

A value is looked for in this order, the last one found wins: defaults.toml, the preset, the
checkpoint that a run goes on from, the user's `--config` file, the command line.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from training.errors import BadInput
from training.options import load, read_table
from training.train.options import TrainSettings

FOLDER = Path(__file__).parent
NAMES = ("compact", "classic", "two-phase", "best")


def read_preset(name: str) -> dict[str, Any]:
    """The options that a preset sets; none for the empty name. BadInput lists the known names."""
    if not name:
        return {}
    if name not in NAMES:
        raise BadInput(f"--preset {name}: not one of {', '.join(NAMES)}")
    return tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))


def train_settings(
    flags: Mapping[str, Any],
    config: Path | None = None,
    resumed: Mapping[str, Any] | None = None,
) -> TrainSettings:
    """Options of `train` from all five sources; `resumed` are those of the run that goes on.

    Raises BadInput for a wrong value, and for another preset than the resumed run's: it would
    change nothing, since the run's own options lie above it.
    """
    name = {**read_table(config, TrainSettings), **flags}.get("preset", "")
    preset = read_preset(str(name))
    if resumed is not None and name and name != resumed.get("preset"):
        began = resumed.get("preset") or "none"
        raise BadInput(f"--preset {name}: the run began with {began}, whose options it keeps")
    return load(TrainSettings, flags, config, {**preset, **(resumed or {})})
