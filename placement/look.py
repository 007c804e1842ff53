"""`python -m placement.look`: whether there is a cluster, and what it has.

`[placement]` as JSON on standard input, the answer as JSON on standard output. A
process of its own: Ray may hang, and ends a process that has lost its cluster.
"""

from __future__ import annotations

import json
import os
import sys

from line.connection_settings import PlacementSettings
from line.errors import BadInput
from placement.cluster import Nodes, connect


def main() -> None:
    settings = PlacementSettings.model_validate_json(sys.stdin.buffer.read())
    said = os.dup(1)  # what Ray prints is for nobody
    os.dup2(2, 1)
    try:
        nodes = Nodes.of(connect(settings).nodes(), settings)
        found: dict[str, object] = {"nodes": len(nodes.ids), "cpus": nodes.cpus, "room": nodes.room}
    except BadInput as error:
        found = {"error": str(error)}
    with os.fdopen(said, "w") as answer:
        json.dump(found, answer)
    os._exit(0)  # whatever threads Ray has


if __name__ == "__main__":
    main()
