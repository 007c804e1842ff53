"""`python -m workers.check FILE PROVIDER`: what a model file is, as one line of JSON.

The supervisor asks before a running line takes a model; it has no time to load one itself.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from line.errors import BadInput


def main(arguments: list[str]) -> int:
    """Prints the facts of the model, or the `error` that it has."""
    path, provider = arguments
    os.nice(19)
    try:
        print(json.dumps(_facts(Path(path), provider)))
    except BadInput as error:
        print(json.dumps({"error": str(error)}))
    return 0


def _facts(path: Path, provider: str) -> dict[str, object]:
    from workers.model import Model, find  # loads ONNX Runtime, which takes a while

    model = Model.load(find(path), provider)
    named = "threshold" in model.engine.metadata
    return {**model.facts.model_dump(), "threshold": model.threshold if named else None}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
