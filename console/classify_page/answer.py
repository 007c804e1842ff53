"""The answer about one picture: the winner, how sure the model is, and what came next."""

from __future__ import annotations

from console.classify_page.upload_session import Asked
from console.widgets import Text, attribute, block, panel, text, toggle
from line.observe.classify_protocol import PictureAnswer
from line.observe.percent import percent

_BARS = 5
_RIGHT_HALF = 0.5


class AnswerPanel:
    """Winner, gauge with the model's threshold, the five best classes, and the times."""

    def __init__(self) -> None:
        with panel("Answer") as region:
            attribute(region, "aria-live", "polite")
            self._nothing = text("p", "", "empty")
            self._complaint = text("p", "", "complaint")
            with block("div", "stack answer") as self._answer:
                with block("div", "winner"):
                    self._winner = text("p", "", "winner-name")
                    self._confidence = text("p", "", "winner-share")
                    self._sure = text("p", "", "badge")
                self._gauge = _Gauge()
                with block("ol", "bars") as bars:
                    attribute(bars, "aria-label", f"The {_BARS} best classes")
                    self._bars = [_Bar() for _ in range(_BARS)]
                with block("dl", "times"):
                    self._times = {
                        name: _time(name) for name in ("Inference", "Reading", "Saliency")
                    }
        self.show(None)

    def show(self, asked: Asked | None) -> None:
        answer = asked.answer if asked else None
        self._nothing.set_visibility(asked is None)
        self._nothing.set_text(
            "What the model makes of a picture stands here." if not asked else ""
        )
        self._complaint.set_text(asked.complaint if asked else "")
        self._answer.set_visibility(answer is not None)
        if asked is None or answer is None:
            return
        name, confidence = answer.ranking[0]
        self._winner.set_text(name)
        self._confidence.set_text(percent(confidence))
        self._sure.set_text(_sure_in_words(asked))
        toggle(self._sure, "low", asked.low_confidence)
        toggle(self._sure, "good", not asked.low_confidence and answer.threshold is not None)
        self._gauge.show(confidence, answer.threshold)
        for rank, bar in enumerate(self._bars):
            bar.show(*(answer.ranking[rank] if rank < len(answer.ranking) else (None, 0.0)))
        self._show_times(answer)

    def _show_times(self, answer: PictureAnswer) -> None:
        self._times["Inference"].set_text(f"{answer.latency_ms:.1f} ms")
        self._times["Reading"].set_text(f"{answer.reading_ms:.1f} ms")
        found = answer.saliency
        missing = answer.saliency_fault or "not asked for"
        self._times["Saliency"].set_text(f"{found.latency_ms:.0f} ms" if found else missing)


class _Gauge:
    """The winner's probability from 0 to 100 %; what lies below the threshold is hatched."""

    def __init__(self) -> None:
        with block("div", "gauge-box"):
            with block("div", "gauge") as self._gauge:
                self._unsure = block("span", "gauge-unsure")
                self._fill = block("span", "gauge-fill")
                self._mark = block("span", "gauge-mark")
            self._label = text("p", "", "gauge-label")
        for name, value in (("role", "meter"), ("aria-valuemin", 0), ("aria-valuemax", 100)):
            attribute(self._gauge, name, value)

    def show(self, confidence: float, threshold: float | None) -> None:
        percent = f"{100 * confidence:.1f}"
        attribute(self._gauge, "aria-valuenow", percent)
        attribute(self._gauge, "aria-label", f"Confidence; {_threshold_in_words(threshold)}")
        self._fill.style(f"width: {percent}%")
        toggle(self._fill, "low", threshold is not None and confidence < threshold)
        at = threshold or 0.0
        self._unsure.style(f"width: {100 * at:.1f}%")
        self._mark.style(f"left: {100 * at:.1f}%")
        self._mark.set_visibility(threshold is not None)
        toggle(self._label, "from-right", at > _RIGHT_HALF)
        self._label.style(f"--at: {100 * at:.1f}%")
        self._label.set_text(_threshold_in_words(threshold))


class _Bar:
    def __init__(self) -> None:
        with block("li", "bar-row") as self._row:
            self._name = text("span", "", "bar-name")
            with block("span", "bar-track"):
                self._bar = block("span", "bar")
            self._share = text("span", "", "bar-share")

    def show(self, name: str | None, share: float) -> None:
        self._row.set_visibility(name is not None)
        self._name.set_text(name or "")
        self._bar.style(f"width: {100 * share:.2f}%")
        self._share.set_text(percent(share))


def _time(name: str) -> Text:
    with block("div"):
        text("dt", name)
        return text("dd")


def _sure_in_words(asked: Asked) -> str:
    if asked.low_confidence:
        return "low-confidence: left on the belt"
    if asked.answer is not None and asked.answer.threshold is None:
        return "the model names no threshold"
    return "sure enough to sort"


def _threshold_in_words(threshold: float | None) -> str:
    if threshold is None:
        return "no threshold in the model's file"
    return f"threshold {100 * threshold:.1f} %"
