"""Which pictures are worth labelling, and an experiment that says how much that saves."""

from __future__ import annotations
