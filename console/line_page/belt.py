"""The belt, and under its chutes a card for each bin with its purity and recovery."""

from __future__ import annotations

from dataclasses import dataclass

from console.line_page.belt_view import MOST_UNDER_CHUTES, BeltView
from console.live import LiveLine, Status
from console.run_facts import RunFacts
from console.widgets import Text, attribute, block, hint, text, toggle
from line.observe.percent import percent

_PURITY = "Purity = right items ejected into this bin ÷ all items ejected into it"
_RECOVERY = "Recovery = items of the class ejected into its bin ÷ its items fed"


@dataclass(frozen=True, slots=True)
class BinFigures:
    """One bin's counts so far; shares are None where nothing is known to divide by."""

    ejected: int
    purity: float | None
    recovery: float | None

    @classmethod
    def of(cls, status: Status, name: str) -> BinFigures:
        counts = status.get("bins", {}).get(name, {})
        fed, ejected, right = (counts.get(key, 0) for key in ("fed", "ejected", "right"))
        if not any(b.get("fed") for b in status.get("bins", {}).values()):
            return cls(ejected, None, None)  # nobody knows the truth
        return cls(ejected, right / ejected if ejected else None, right / fed if fed else None)


class BeltPanel:
    """The drawing, to scale, and the bins."""

    def __init__(self, run: RunFacts) -> None:
        self._residue = run.settings.belt.residue_class
        with block("section", "panel belt-panel") as region:
            attribute(region, "aria-label", "Belt")
            with block("div", "belt-frame"):
                self._view = BeltView(run)
            with block("div", "bins") as bins:
                columns = len(run.bins) + bool(self._residue)
                bins.style(f"--columns: {columns}")
                toggle(bins, "many", columns > MOST_UNDER_CHUTES)
                self._bins = {name: _BinCard(name) for name in run.bins}
                self._rest = _ResidueCard(self._residue) if self._residue else None

    def show_belt(self, live: LiveLine) -> None:
        """To be called several times a second."""
        self._view.follow(live)

    def show(self, live: LiveLine) -> None:
        """To be called about twice a second."""
        if not live.status:
            return
        for name, card in self._bins.items():
            card.show(BinFigures.of(live.status, name))
        if self._rest is not None:
            verdicts = live.status.get("verdicts", {})
            left = ("residue_ok", "low_confidence", "missed", "late", "expired")
            self._rest.show(sum(verdicts.get(v, 0) for v in left))


class _BinCard:
    def __init__(self, name: str) -> None:
        with block("div", "bin"):
            with block("div", "bin-head"):
                text("h3", name)
                self._count = text("span", "–", "bin-count")
            self._purity = _share("purity", _PURITY)
            self._recovery = _share("recovery", _RECOVERY)

    def show(self, figures: BinFigures) -> None:
        self._count.set_text(f"{figures.ejected:,}")
        self._purity.set_text(percent(figures.purity))
        self._recovery.set_text(percent(figures.recovery))


class _ResidueCard:
    def __init__(self, name: str) -> None:
        with block("div", "bin residue"):
            with block("div", "bin-head"):
                text("h3", f"residue ({name})")
                self._count = text("span", "–", "bin-count")
            text("p", "What nothing ejects runs off the end of the belt.", "dim")

    def show(self, count: int) -> None:
        self._count.set_text(f"{count:,}")


def _share(word: str, formula: str) -> Text:
    with hint(block("div", "bin-share"), formula) as line:
        toggle(line, "low", False)
        text("span", word, "dim")
        return text("span", "–", "number")
