"""How a share is written, wherever the line and what shows it write one."""

from __future__ import annotations

NONE = "–"
"""In place of a figure that there is not."""


def percent(share: float | None) -> str:
    """A share in 0..1. Never rounded up to "100 %" nor down to "0 %"."""
    if share is None:
        return NONE
    if 0.9995 <= share < 1:
        return ">99.9 %"
    if 0 < share < 0.0005:
        return "<0.1 %"
    return f"{100 * share:.1f} %"
