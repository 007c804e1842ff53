"""One training run: pictures in, epochs, checkpoints and figures out."""

from __future__ import annotations
