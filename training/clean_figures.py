"""Which pictures give figures that are clean: they taught the model nothing and chose nothing."""

from __future__ import annotations

from pathlib import Path

from training.folders import split_of

CAUTIONS = {
    "train": "the model has learnt these pictures: figures on them say nothing about others",
    "val": "val chose the best epoch, and the variant in eight bits if there is one: figures on it "
    "are a little too good",
}


NOT_CLEAN_ON_VAL = f"not clean: {CAUTIONS['val']}"


def caution_about(folder: Path) -> str:
    """What keeps figures on a folder of pictures from being clean; "" if nothing is known to."""
    return CAUTIONS.get(split_of(folder.resolve().name) or "", "")
