"""The optional OpenCV, which reads videos and cameras."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from line.errors import BadInput
from line.pictures import Picture


def opencv(wanted_for: str) -> Any:
    """The module `cv2`. Raises BadInput, saying how to install it, where there is none."""
    try:
        return import_module("cv2")
    except ImportError:
        raise BadInput(
            f"{wanted_for}: needs OpenCV; install it with: pip install -r requirements/video.txt"
        ) from None


def to_rgb(frame: Any) -> Picture:
    """OpenCV's BGR frame as a picture of its own."""
    return np.ascontiguousarray(frame[:, :, ::-1], dtype=np.uint8)
