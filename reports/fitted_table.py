"""A table as wide as the terminal: columns on the right are left out before all grow narrow."""

from __future__ import annotations

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from reports import wording

_LEAST_COLUMNS = 2
_FOLDED = 12
"""Columns of the terminal that a text needs to be read when it is folded."""
_WIDER_THAN_ANY = 1000
"""Columns; a table that is measured in a narrow terminal says that it fits."""


def fitted(table: Table, console: Console) -> Table:
    """`table` itself, with a line about the columns for which a terminal had no room.

    Columns that fold are as narrow as need be; all others are whole or not there.
    """
    if not console.is_terminal:
        return table
    for column in table.columns:
        column.no_wrap = column.overflow != "fold"
    left_out = 0
    while len(table.columns) > _LEAST_COLUMNS and _least_width(table, console) > console.width:
        left_out += bool(table.columns.pop().header)
    if left_out:
        table.caption = f"{wording.count(left_out, 'column')} more in a wider terminal"
        table.caption_justify = "left"
    return table


def _least_width(table: Table, console: Console) -> int:
    options = console.options.update(width=_WIDER_THAN_ANY)
    for column in table.columns:
        column.max_width = _FOLDED if column.overflow == "fold" else column.max_width
    width = Measurement.get(console, options, table).maximum
    for column in table.columns:
        column.max_width = None if column.overflow == "fold" else column.max_width
    return width
