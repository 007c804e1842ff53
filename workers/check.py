"""`python -m workers.check FILE ENGINE HEIGHT WIDTH`: what a model is, as one line of JSON.

The supervisor asks before a running line takes a model; it has no time to load one itself. HEIGHT
and WIDTH are those of the line's pictures, 0 where they have sizes of their own.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import cast

from line.errors import BadInput
from line.process.priority import yield_process
from line.section import DEFAULT_ENGINE, EngineName

_YIELD = 5
"""Nice value: below the line, and enough to be done in time where others keep all cores busy."""


def main(arguments: list[str]) -> int:
    """Prints the facts of the model, or the `error` that it has."""
    path, engine, *sides = arguments
    height_px, width_px = map(int, sides)
    size = (height_px, width_px) if height_px and width_px else None
    yield_process(_YIELD)
    try:
        print(json.dumps(_facts(Path(path), cast(EngineName, engine), size)))
    except BadInput as error:
        print(json.dumps({"error": str(error)}))
    return 0


def _facts(path: Path, engine: EngineName, size: tuple[int, int] | None) -> dict[str, object]:
    from workers.model import Model  # loads ONNX Runtime, which takes a while
    from workers.model_file import find

    model = Model.load(find(path), engine, size=size)
    standby = None if engine == DEFAULT_ENGINE else model.default_threshold
    own = {
        "threshold": model.named_threshold,
        "standby_threshold": standby,
        "novelty_energy": model.novelty_energy,
    }
    return {**model.facts.model_dump(), **own}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
