"""From a classifier made elsewhere to a model file of the line."""

from __future__ import annotations
