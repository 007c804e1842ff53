"""What an audit writes: its files, and its summary on the terminal."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from training.audit.duplicates import Kind, Mark, Pair
from training.audit.findings import Findings
from training.audit.reading import Entry
from training.folders import say_passed_over
from training.whole_file import replace_table, replace_text

COLUMNS = (
    "finding",
    "marks",
    "path",
    "split",
    "label",
    "other_path",
    "other_split",
    "other_label",
    "bits",
    "correlation",
    "probability",
    "other_probability",
    "detail",
)


def write_json(path: Path, findings: Findings) -> None:
    """Everything, as one object."""
    text = json.dumps(findings.as_dict(), indent=2, ensure_ascii=False)
    replace_text(path, text + "\n")


def write_csv(path: Path, findings: Findings) -> None:
    """One row per finding; columns that a kind of finding lacks stay empty."""
    rows = ([row.get(column, "") for column in COLUMNS] for row in _rows(findings))
    replace_table(path, [COLUMNS, *rows])


def _rows(findings: Findings) -> Iterator[dict[str, Any]]:
    for entry, reason in findings.scan.unreadable.items():
        yield {"finding": "unreadable", **_entry(entry), "detail": reason}
    for entry, reason in findings.scan.damaged.items():
        yield {"finding": "damaged", **_entry(entry), "detail": reason}
    for pair in findings.pairs:
        yield {
            "finding": pair.kind.value,
            "marks": "; ".join(mark.value for mark in pair.marks),
            **_entry(pair.first),
            "other_path": pair.second.name,
            "other_split": pair.second.split,
            "other_label": pair.second.label,
            "bits": pair.bits,
            "correlation": round(pair.correlation, 4),
        }
    for error in findings.label_errors:
        yield {
            "finding": "label error",
            **_entry(error.entry),
            "other_label": error.suggested,
            "probability": round(error.probability, 4),
            "other_probability": round(error.suggested_probability, 4),
        }
    for split, label, number in findings.census.thin(findings.least):
        yield {"finding": "thin class", "split": split, "label": label, "detail": number}


def _entry(entry: Entry) -> dict[str, str]:
    return {"path": entry.name, "split": entry.split, "label": entry.label}


def print_findings(findings: Findings, console: Console, shown: int) -> None:
    """Print the tables; `shown` findings of each kind."""
    listing, census = findings.scan.listing, findings.census
    splits = ", ".join(f"{sum(n.values())} in {split}" for split, n in census.counts.items())
    console.print(Text(f"{listing.root}: {len(listing.entries)} pictures, {splits}"))
    say_passed_over(console, listing.root, listing.passed_over)
    _print(console, _summary(findings))
    _print(console, _classes(findings))
    console.print(Text(_sizes(findings, shown)))
    thin = [(f"{label} in {split}", str(n)) for split, label, n in census.thin(findings.least)]
    _print_first(console, "Thin classes", ("class", "pictures"), thin, shown)
    _print_first(console, "Unreadable", ("file", "why"), _unreadable(findings), shown)
    for mark, title in ((Mark.CONFLICT, "Two labels"), (Mark.LEAKAGE, "In two splits")):
        _print_first(console, title, ("picture", "and", "are"), _pairs(findings, mark), shown)
    columns = ("picture", "labelled", "rather", "probabilities")
    _print_first(console, "Likely label errors", columns, _label_errors(findings), shown)
    for note in findings.notes:
        console.print(Text(note))


def _summary(findings: Findings) -> Table:
    table = _table("Findings", ("finding", "all", *(mark.value for mark in Mark)), numbers_from=1)
    table.add_row("unreadable files", str(len(findings.scan.unreadable)))
    table.add_row("damaged, but readable", str(len(findings.scan.damaged)))
    for kind in Kind:
        pairs = [pair for pair in findings.pairs if pair.kind is kind]
        marked = [sum(mark in pair.marks for pair in pairs) for mark in Mark]
        table.add_row(f"pairs: {kind.value}", str(len(pairs)), *map(str, marked))
    errors = str(len(findings.label_errors)) if findings.labels else "not checked"
    table.add_row("likely label errors", errors)
    thin = findings.census.thin(findings.least)
    table.add_row(f"thin classes (< {findings.least})", str(len(thin)))
    return table


def _classes(findings: Findings) -> Table:
    counts = findings.census.counts
    table = _table("Pictures per class", ("class", *counts), numbers_from=1)
    for label in findings.scan.listing.classes:
        cells = [Text(label)]
        for split in counts:
            number = counts[split][label]
            cells.append(Text(str(number), style="bold" if number < findings.least else ""))
        table.add_row(*cells)
    ratios = [findings.census.imbalance(split) for split in counts]
    shares = [f"{ratio:.1f}" if ratio else "–" for ratio in ratios]
    table.add_row("largest ÷ smallest", *shares, style="dim")
    return table


def _sizes(findings: Findings, shown: int) -> str:
    sizes = findings.census.sizes
    common = [f"{width} × {height} ({n})" for (height, width), n in sizes.most_common(shown)]
    others = [f"{len(sizes) - shown} others"] if len(sizes) > shown else []
    return f"Sizes, width × height: {', '.join(common + others)}"


def _unreadable(findings: Findings) -> list[tuple[str, ...]]:
    return [(entry.name, why) for entry, why in findings.scan.unreadable.items()]


def _pairs(findings: Findings, mark: Mark) -> list[tuple[str, ...]]:
    return [(pair.first.name, pair.second.name, _likeness(pair)) for pair in findings.marked(mark)]


def _likeness(pair: Pair) -> str:
    return f"near, {pair.correlation:.3f}" if pair.kind is Kind.NEAR else pair.kind.value


def _label_errors(findings: Findings) -> list[tuple[str, ...]]:
    return [
        (
            e.entry.name,
            e.entry.label,
            e.suggested,
            f"{e.probability:.3f}, {e.suggested_probability:.3f}",
        )
        for e in findings.label_errors
    ]


def _print_first(
    console: Console,
    title: str,
    columns: Sequence[str],
    rows: Sequence[Iterable[str]],
    shown: int,
) -> None:
    if not rows or not shown:
        return
    count = f"first {shown} of {len(rows)}" if shown < len(rows) else str(len(rows))
    table = _table(f"{title} ({count})", columns)
    for row in rows[:shown]:
        table.add_row(*(Text(cell) for cell in row))
    _print(console, table)


def _table(title: str, columns: Iterable[str], numbers_from: int | None = None) -> Table:
    table = Table(title=title, title_justify="left", box=None, header_style="dim", pad_edge=False)
    for position, name in enumerate(columns):
        right = numbers_from is not None and position >= numbers_from
        table.add_column(name, justify="right" if right else "left", overflow="fold")
    return table


def _print(console: Console, table: Table) -> None:
    console.print()
    # The console of the commands does not wrap; a table has to, or it is cut.
    console.print(table, soft_wrap=False)
