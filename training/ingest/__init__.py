"""Labels that people gave, from wherever they gave them, into a folder to train on."""

from __future__ import annotations
