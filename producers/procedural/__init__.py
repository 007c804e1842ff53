"""Pictures of scrap, drawn on the fly: one module per class, and what they share."""

from __future__ import annotations

from producers.procedural.scene import CLASSES, draw, prepare

__all__ = ["CLASSES", "draw", "prepare"]
