"""How a model was judged, alone or beside another one: figures, curves, confusion, worst pictures.

The first evaluation is drawn in the first look of console.charts, the second in the second.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from console.charts import Line, legend, line_chart, percent_axis
from console.models_page.evaluation import Evaluation, Figures
from console.tables import head_row, scrolled
from console.widgets import attribute, block, hint, panel, text
from line.observe.percent import percent

_FIGURES: tuple[tuple[str, str, Callable[[Figures], str]], ...] = (
    ("accuracy", "right answers ÷ pictures", lambda f: percent(f.accuracy.value)),
    (
        "its 95 % interval",
        "Wilson's, from the pictures counted",
        lambda f: f"{100 * f.accuracy.low:.1f} to {100 * f.accuracy.high:.1f} %",
    ),
    ("macro F1", "F1 averaged over the classes", lambda f: f"{f.macro.get('f1', 0):.3f}"),
    (
        "calibration error",
        "ECE: how far confidence and share of right answers are apart, averaged over bins",
        lambda f: f"{100 * f.calibration.before.ece:.1f} points",
    ),
    (
        "log likelihood loss",
        "mean of −ln p(true class)",
        lambda f: f"{f.calibration.before.nll:.3f} nats",
    ),
    ("Brier score", "0 is best, 2 is worst", lambda f: f"{f.calibration.before.brier:.3f}"),
    (
        "area under risk–coverage",
        "errors among the accepted, averaged over all shares accepted; less is better",
        lambda f: f"{100 * f.selection.aurc:.2f} %",
    ),
    ("time a picture", "median, one thread", lambda f: f"{f.latency.median_ms:.1f} ms"),
    ("pictures", "in the folder that it was judged on", lambda f: f"{f.pictures:,}"),
)


def show_judged(shown: Sequence[Evaluation], worst: Callable[[Evaluation], str]) -> None:
    """One evaluation, or two side by side; `worst` gives the address of a page of errors."""
    names = _names(shown)
    with block("div", "judged"):
        _figures(shown, names)
        _per_class(shown, names)
        _risk_coverage(shown, names)
        _reliability(shown, names)
        for evaluation, name in zip(shown, names, strict=True):
            _confusion(evaluation, name)
        for evaluation, name in zip(shown, names, strict=True):
            if evaluation.has_worst:
                _worst(name, worst(evaluation))


def _names(shown: Sequence[Evaluation]) -> list[str]:
    names = [evaluation.model_name for evaluation in shown]
    if len(set(names)) < len(names):
        return [f"{name} ({one.folder.name})" for name, one in zip(names, shown, strict=True)]
    return names


def _figures(shown: Sequence[Evaluation], names: Sequence[str]) -> None:
    heads, legend_note = _heads(names)
    note = " · ".join(part for part in (f"on {shown[0].figures.data}", legend_note) if part)
    region = panel("Figures", note=note)
    with region, scrolled("Table of figures"), block("table", "table judged-table"):
        head_row((("", ""), *((head, "num") for head in heads)))
        with block("tbody"):
            for label, words, value in _FIGURES:
                with block("tr"):
                    with block("th") as head:
                        attribute(head, "scope", "row")
                        hint(text("span", label), words)
                    for evaluation in shown:
                        text("td", value(evaluation.figures), "num")


def _heads(names: Sequence[str]) -> tuple[list[str], str]:
    """Words over the columns, and what they stand for: of two models letters, or B is hidden."""
    if len(names) == 1:
        return list(names), ""
    letters = list("AB"[: len(names)])
    return letters, " · ".join(f"{x}: {name}" for x, name in zip(letters, names, strict=True))


def _per_class(shown: Sequence[Evaluation], names: Sequence[str]) -> None:
    heads, note = _heads(names)
    letters = heads if len(names) > 1 else [""]
    columns = [("class", ""), ("pictures", "num")]
    for letter in letters:
        columns += [(f"{word} {letter}".strip(), "num") for word in ("precision", "recall")]
    region = panel("Classes", note=note or heads[0])
    with region, scrolled("Figures of each class"), block("table", "table classes-table"):
        head_row(columns)
        with block("tbody"):
            for name, first in shown[0].figures.per_class.items():
                with block("tr"):
                    attribute(text("th", name), "scope", "row")
                    text("td", f"{first.pictures:,}", "num")
                    for evaluation in shown:
                        _shares(evaluation.figures, name)


def _shares(figures: Figures, name: str) -> None:
    found = figures.per_class.get(name)
    for share in (found.precision, found.recall) if found else (None, None):
        text("td", percent(share), "num")


def _risk_coverage(shown: Sequence[Evaluation], names: Sequence[str]) -> None:
    with panel("Risk and coverage", note="accept the surest, and how many of them are wrong"):
        lines = [
            Line(name, evaluation.risk_coverage, number)
            for number, (name, evaluation) in enumerate(zip(names, shown, strict=True))
            if evaluation.steps
        ]
        if not lines:
            text("p", "No risk_coverage.csv in the folder.", "empty")
            return
        worst = max(risk for line in lines for _, risk in line.points)
        top = next(t for t in (0.02, 0.04, 0.08, 0.12, 0.2, 0.4, 1.0) if worst <= t)
        line_chart(
            f"Errors among the accepted against the share accepted: {', '.join(names)}",
            percent_axis("accepted"),
            percent_axis("wrong among them", top),
            lines,
        )
        legend(names)


def _reliability(shown: Sequence[Evaluation], names: Sequence[str]) -> None:
    with panel("Reliability", note="on the diagonal, confidence means what it says"):
        lines = [
            Line(name, [(b.confidence, b.accuracy) for b in evaluation.reliability], number, True)
            for number, (name, evaluation) in enumerate(zip(names, shown, strict=True))
            if evaluation.steps
        ]
        if not lines:
            text("p", "No risk_coverage.csv in the folder.", "empty")
            return
        line_chart(
            f"Share of right answers against confidence: {', '.join(names)}",
            percent_axis("mean confidence of the bin"),
            percent_axis("right"),
            lines,
            diagonal=True,
        )
        legend(names)


def _confusion(evaluation: Evaluation, name: str) -> None:
    with panel(f"Confusion of {name}", note="rows are true, columns predicted"):
        if not evaluation.confusion:
            text("p", "No confusion.csv in the folder.", "empty")
            return
        classes = evaluation.figures.model.classes
        with scrolled(f"Counts of {name}"), block("table", "confusion"):
            head_row((("", ""), *((of, "num") for of in classes)))
            with block("tbody"):
                for number, of in enumerate(classes):
                    _confusion_row(of, evaluation.confusion[number], number)


def _confusion_row(of: str, counts: Sequence[int], number: int) -> None:
    total = sum(counts) or 1
    with block("tr"):
        attribute(text("th", of), "scope", "row")
        for column, count in enumerate(counts):
            kind = "right" if column == number else "wrong"
            cell = text("td", f"{count:,}" if count else "·", f"cell {kind if count else 'none'}")
            cell.style(f"--share: {100 * count / total:.0f}%")


def _worst(name: str, address: str) -> None:
    with panel(f"Worst pictures of {name}", "wide", note="the errors it is surest of"):
        page = block("iframe", "worst")
        attribute(page, "src", address)
        attribute(page, "title", f"Errors of {name}")
        attribute(page, "sandbox", "")
        attribute(page, "loading", "lazy")
