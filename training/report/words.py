"""Figures in words, and tables, as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from training.evaluate.interval import Share
from training.metrics import percent

NONE = "–"
"""Stands for a figure that does not apply."""

SCORES = {"ece": "Calibration error (ECE)", "nll": "NLL, nats", "brier": "Brier score"}
"""Keys of the scores of probabilities, lower is better, and their names."""


def interval(share: Share) -> str:
    """`93.6% (90.4% to 95.8%)`."""
    return f"{percent(share.value)} ({percent(share.low)} to {percent(share.high)})"


def counted(share: Mapping[str, Any]) -> Share:
    """The share that a file holds as `right` of `pictures`."""
    return Share(share["right"], share["pictures"])


def ms(value: float | None) -> str:
    """Milliseconds."""
    return NONE if value is None else f"{value:.1f} ms"


def megabytes(size_bytes: int) -> str:
    """`8.9 MB`, of a million bytes each."""
    return f"{size_bytes / 1e6:.1f} MB"


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table whose first column is words and whose others are figures."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    lines = [head, rule, *[[_cell(value) for value in row] for row in rows]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def bullets(facts: Mapping[str, str]) -> str:
    """A line for each fact."""
    return "\n".join(f"- {name}: {value}" for name, value in facts.items())


def confused(pairs: Sequence[Mapping[str, Any]]) -> str:
    """`glass taken for plastic (4), …`."""
    named = [f"{pair['true']} taken for {pair['predicted']} ({pair['count']})" for pair in pairs]
    return ", ".join(named) or "none"


def machine(described: Mapping[str, Any] | None) -> str:
    """A sentence on where something was measured."""
    if not described:
        return "The file does not say on which machine."
    versions = ", ".join(
        f"{name} {described[name]}" for name in ("onnxruntime", "torch") if name in described
    )
    return (
        f"Measured on {described['processor']}, {described['cores']} cores, "
        f"{described['system']}, Python {described['python']}, {versions}."
    )


def _cell(value: object) -> str:
    text = NONE if value is None else str(value)
    return text.replace("|", "\\|")
