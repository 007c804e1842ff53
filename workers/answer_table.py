"""Answers about picture files as a table for people, or as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from line.plain_text import plain
from workers.classify import Answer, Unanswered

_LONGEST_PATH = 1000


def print_answers(
    answers: Sequence[Answer | Unanswered], top: int, as_json: bool, out: Console, err: Console
) -> int:
    """Print the best `top` classes of each file; returns how many files have no answer."""
    unanswered = [a for a in answers if isinstance(a, Unanswered)]
    answered = [a for a in answers if isinstance(a, Answer)]
    if as_json:
        rows: list[dict[str, object]] = [
            {
                "path": str(a.path),
                "top": [{"class": name, "probability": round(p, 5)} for name, p in a.ranking[:top]],
                "low_confidence": a.low_confidence,
                "true_class": a.true_class,
                "latency_ms": round(a.latency_ms, 2),
            }
            for a in answered
        ]
        rows += [{"path": str(a.path), "error": a.reason} for a in unanswered]
        print(json.dumps(rows, indent=1))
    else:
        table = Table(box=None, pad_edge=False)
        table.add_column("picture", overflow="fold")
        table.add_column("class", no_wrap=True)
        table.add_column("confidence", justify="right", no_wrap=True)
        table.add_column("", no_wrap=True)
        table.add_column("next", no_wrap=True)
        for a in answered:
            (name, p), *others = a.ranking[:top]
            mark = Text("low confidence" if a.low_confidence else "", style="yellow")
            rest = Text("  ".join(f"{n} {q:.1%}" for n, q in others), style="dim")
            table.add_row(
                Text(plain(str(a.path), _LONGEST_PATH)), Text(name), f"{p:.1%}", mark, rest
            )
        out.print(table)
        judged = [a for a in answered if a.true_class is not None]
        if len(judged) > 1:
            right = sum(a.ranking[0][0] == a.true_class for a in judged)
            out.print(
                f"\n{right} of {len(judged)} as their folders say ({right / len(judged):.1%})"
            )
    for failure in unanswered:
        err.print(failure.reason, style="red", soft_wrap=True, markup=False)
    return len(unanswered)
