"""Files written by torch.save, read without running what is in them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from training.errors import BadInput


def read_stored(path: Path, what: str) -> Mapping[str, Any]:
    """The mapping that a file holds, on the CPU. BadInput if it is not `what`, naming the file."""
    if not path.is_file():
        raise BadInput(f"{path}: no such file")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # the unpickler raises whatever the bytes lead it to
        raise BadInput(f"{path}: not {what}") from error
    if not isinstance(content, Mapping):
        raise BadInput(f"{path}: not {what}")
    return content
