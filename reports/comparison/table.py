"""What changed from one run to another, in the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from line.observe.percent import NONE
from line.plain_text import plain
from reports import wording
from reports.comparison.cause import MEANINGS
from reports.comparison.changes import Change, Difference
from reports.comparison.compared_run import Item
from reports.wording import LEGEND

_ITEMS = 20
_SETTINGS = 12
_COLOURS = {entry.verdict: entry.terminal_colour for entry in LEGEND}


def print_difference(difference: Difference, console: Console) -> None:
    """Print the changes by cause and by what became of the items, and the first of them."""
    changed = wording.count(len(difference.changes), "item")
    shared = wording.count(difference.shared)
    console.print(Text(f"{changed} of {shared} changed", style="bold"))
    for run, only in zip((difference.a, difference.b), difference.only, strict=True):
        if only:
            console.print(Text(f"{wording.count(only, 'item')} only in {run.path}"))
    _print_settings(difference, console)
    if not difference.changes:
        return
    console.print()
    console.print(_causes(difference))
    console.print()
    console.print(_fates(difference))
    console.print()
    console.print(_items(difference.changes[:_ITEMS]))
    rest = len(difference.changes) - _ITEMS
    if rest > 0:
        console.print(Text(f"and {wording.count(rest)} more", style="dim"))


def _print_settings(difference: Difference, console: Console) -> None:
    differing = list(difference.settings())
    for name, before, after in differing[:_SETTINGS]:
        values = " → ".join(plain(str(value)) for value in (before, after))
        console.print(Text(f"  {plain(name)}: {values}", style="dim"), soft_wrap=True)
    if len(differing) > _SETTINGS:
        rest = wording.count(len(differing) - _SETTINGS, "other setting")
        console.print(Text(f"  and {rest}", style="dim"))


def _causes(difference: Difference) -> Table:
    table = _table("cause", "items", "")
    table.columns[1].justify = "right"
    for cause, amount in difference.by_cause().items():
        table.add_row(cause.value, str(amount), Text(MEANINGS[cause], style="dim"))
    return table


def _fates(difference: Difference) -> Table:
    table = _table("first run", "second run", "items")
    table.columns[2].justify = "right"
    for (before, after), amount in difference.by_fate().items():
        table.add_row(_verdict(before), _verdict(after), str(amount))
    return table


def _items(changes: tuple[Change, ...]) -> Table:
    table = _table("item", "is", "first run", "second run", "cause", "")
    for change in changes:
        table.add_row(
            Text(change.frame_id),
            Text(change.a.true_class or NONE),
            _became(change.a),
            _became(change.b),
            change.why.cause.value,
            Text(change.why.detail, style="dim"),
        )
    return table


def _became(item: Item) -> Text:
    text = _verdict(item.verdict.value)
    if item.predicted_class is not None:
        text.append(f" {item.predicted_class}", style="dim")
    return text


def _verdict(verdict: str) -> Text:
    text = Text()
    return text.append(verdict, style=next(c for v, c in _COLOURS.items() if v == verdict))


def _table(*headings: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table
