"""From a folder of pictures, or TrashNet's archive, to a split and checked one with hashes."""

from __future__ import annotations
