"""What was ordered of the line while it ran, as far as it still holds.

It travels in session.json, so that restarted processes and resumed runs hold to it as well.
"""

from __future__ import annotations

from pydantic import BaseModel, Field

from line.belt_changes import BeltChange


class Standing(BaseModel):
    """Of one run, over all its sessions."""

    changes: list[BeltChange] = Field(default_factory=list)
    """of the belts, ascending in time"""
    threshold: float | None = None
    """in place of the settings'"""
    workers: int | None = None
    """in place of the settings'"""
    orders: int = 0
    """carried out, of all kinds"""
