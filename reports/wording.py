"""How figures and verdicts are shown, the same in the terminal and in the report.

Colours are of Okabe and Ito's set, which people with any colour vision can tell apart; the report
adds a pattern to the second of each pair, and every mark has its name beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from line.model.facts import short_hash
from line.observe.percent import NONE, percent
from line.outcome import Verdict


@dataclass(frozen=True, slots=True)
class Entry:
    """One verdict's line in a legend."""

    verdict: Verdict
    meaning: str
    terminal_colour: str
    """as rich names it; the page's colours stand in report.css under the verdict's name"""


LEGEND = (
    Entry(Verdict.SORTED, "right bin, in time", "#2b8fd6"),
    Entry(Verdict.RESIDUE_OK, "rightly left on the belt", "#7cc4ee"),
    Entry(Verdict.LOW_CONFIDENCE, "left on the belt on purpose", "#e3b324"),
    Entry(Verdict.MISSED, "wrongly left on the belt", "#f0a36b"),
    Entry(Verdict.MISSORTED, "wrong bin", "#d55e00"),
    Entry(Verdict.LATE, "answer after the deadline", "#cc79a7"),
    Entry(Verdict.EXPIRED, "deadline passed before a worker began", "#b58aa5"),
    Entry(Verdict.DROPPED, "never left the camera", "#8a8f98"),
    Entry(Verdict.FAILED, "could not be processed", "#5f6670"),
)
"""Every verdict once, from what the line is for to what it should never do."""


EJECTED = "ejected in time; whether into the right bin is unknown"
"""What `sorted` means where items have no true class."""


def meaning(entry: Entry, has_truth: bool) -> str:
    """What a verdict means; without a true class nobody knows what was the right bin."""
    if not has_truth and entry.verdict is Verdict.SORTED:
        return EJECTED
    return entry.meaning


_TIMES = "\N{MULTIPLICATION SIGN}"


def number(value: float | None, unit: str = "") -> str:
    """Three significant digits, thousands set apart, and the unit."""
    if value is None:
        return NONE
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    text = f"{value:,.{digits}f}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    return f"{text} {unit}" if unit else text


def count(value: int, noun: str = "") -> str:
    """A whole number, thousands set apart, and the noun in its plural where needed."""
    text = f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    return f"{text} {noun}{'' if value == 1 else 's'}" if noun else text


def balance(summary: Mapping[str, Any]) -> str:
    """Whether every item fed has its one row: `fed 240 = logged 240, lost 0, duplicates 0`."""
    items = summary["items"]
    logged, duplicates = items["logged"], items["duplicates"]
    if summary["ended"] is None:
        return f"fed unknown (cut off), logged {logged}, duplicates {duplicates}"
    sign = "=" if items["fed"] == logged else "≠"
    lost = items["lost"]
    return f"fed {items['fed']} {sign} logged {logged}, lost {lost}, duplicates {duplicates}"


def balance_state(summary: Mapping[str, Any]) -> Literal["good", "bad", "unsure"]:
    """How `balance` is to be taken; `unsure` if nobody knows how many items were fed."""
    if summary["items"]["lost"] or summary["items"]["duplicates"]:
        return "bad"
    return "unsure" if summary["ended"] is None else "good"


def ending(ended: str | None) -> str:
    """How the run ended, from `summary["ended"]`."""
    known = {
        "finished": "finished",
        "drained": "stopped early and drained",
        "stopped": "stopped",
        None: "cut off (no run.json)",
    }
    return known.get(ended, str(ended))


def clock(summary: Mapping[str, Any]) -> str:
    """What the clock means for the figures."""
    if summary.get("clock") == "virtual":
        return _multiplier(summary, "virtual time") + "; simulated"
    return _multiplier(summary, "real time")


def _multiplier(summary: Mapping[str, Any], time: str) -> str:
    speed = summary["speed"]
    if isinstance(speed, str):
        return "clock max: the camera waited for the line, so nothing had a deadline"
    belt = f"{summary['effective_belt_speed_m_per_s']:.1f} m/s"
    had = summary["belt_speeds_m_per_s"]
    if had is None:
        return f"clock {_TIMES}{speed:g}: {time}; what was ordered of the belt is not known"
    if had != [summary["effective_belt_speed_m_per_s"]] * 2:
        ran = belt_speed(summary)
        return (
            f"clock {_TIMES}{speed:g} at the start: {time}, the belt ran at {ran} by the wall clock"
        )
    if speed == 1:
        return f"clock {_TIMES}1: {time}, the belt ran at {belt}"
    nominal = f"{summary['effective_belt_speed_m_per_s'] / speed:.1f} m/s {_TIMES} {speed:g}"
    return (
        f"clock {_TIMES}{speed:g}: the belt ran at an effective {belt} ({nominal}), "
        f"inference did not {'speed up' if speed > 1 else 'slow down'}"
    )


def failures(summary: Mapping[str, Any], most: int = 3) -> str:
    """Why items failed, the most frequent first: `12 × the model gives nan for 'glass'`."""
    found = [each for each in summary["reasons"] if each["verdict"] == "failed"]
    parts = [f"{each['items']} {_TIMES} {each['reason']}" for each in found[:most]]
    return "; ".join([*parts, "…"] if len(found) > most else parts) or NONE


def loss(summary: Mapping[str, Any]) -> str:
    """What was not recovered, and to what it was lost, the largest cause first."""
    if summary["loss"] is None:
        return "unknown: the items carry no true class"
    found = summary["loss"]["all"]
    fed, lost = found["fed"], found["not_recovered"]
    causes = sorted(found["causes"].items(), key=lambda pair: -pair[1]["items"])
    parts = [f"{name} {amount['items']}" for name, amount in causes if amount["items"]]
    shares = f"{percent(lost['items'] / fed['items'])} of the items"
    if fed["mass_g"]:
        shares += f" · {percent(lost['mass_g'] / fed['mass_g'])} of the mass"
    if lost["t_per_h"] is not None:
        shares += f" · {number(lost['t_per_h'])} t/h · value {number(lost['value_per_h'])}/h"
    return f"{shares}: {', '.join(parts)}" if parts else "nothing"


def latency(summary: Mapping[str, Any]) -> str:
    """The latency percentiles, in wall milliseconds."""
    figures = summary["latency_ms"]
    if figures is None:
        return "no answers"
    return " · ".join(f"{name} {number(value)}" for name, value in figures.items()) + " ms"


def deadline(summary: Mapping[str, Any]) -> str:
    """The deadline that items had, in wall milliseconds; from the shortest to the longest."""
    value, had = summary["deadline_ms"], summary["deadlines_ms"]
    if value is None:
        return "no deadline"
    least, most = had or (value, value)
    return f"deadline {_span(least, most, 'ms')}"


def belt_speed(summary: Mapping[str, Any]) -> str:
    """How fast the belt ran by the wall clock, from the slowest to the fastest."""
    had = summary["belt_speeds_m_per_s"]
    return NONE if had is None else _span(had[0], had[1], "m/s")


def _span(least: float, most: float, unit: str) -> str:
    """`350 to 750 ms`; one figure where both read the same."""
    low, high = number(least), number(most)
    return number(most, unit) if low == high else f"{low} to {high} {unit}"


def faults(summary: Mapping[str, Any]) -> str:
    """The faults that were injected, with their belt times, in that order."""
    parts = []
    for fault in summary["faults"]:
        lasting = f" for {fault['duration_s']:g} s" if "duration_s" in fault else ""
        parts.append(f"{fault['action']} {fault['process']} at {fault['at_s']:g} s{lasting}")
    return ", ".join(parts) or "none"


def models(summary: Mapping[str, Any]) -> str:
    """The models that were to serve, by file, short hash and rows, in the order of their orders."""
    return ", ".join(
        f"{Path(model['path']).name} {model_name(model)}: {count(model['rows'], 'row')}"
        for model in summary["models"]
    )


def model_name(model: Mapping[str, Any]) -> str:
    """As rows have it: short hash, and the engine where that is not the default; "" if unknown."""
    return short_hash(model["sha256"], model["engine"]) if model["sha256"] else ""


def shadow_models(summary: Mapping[str, Any]) -> str:
    """What each shadow model beside the line came to."""
    return "; ".join(map(_shadow, summary["shadow"]))


def _shadow(found: Mapping[str, Any]) -> str:
    shares = (found["agreement"], found["accuracy"]["shadow"], found["accuracy"]["served"])
    agreement, own, other = map(percent, shares)
    items = count(found["items"], "item")
    return f"{found['model']} agreed on {agreement} of {items}, accuracy {own} beside {other}"


def restarts(summary: Mapping[str, Any]) -> str:
    """The restarts of each role that had any."""
    parts = [f"{role} {times}" for role, times in summary["restarts"].items() if times]
    return ", ".join(parts) or "none"


def drift(noticed: Mapping[str, Any]) -> str:
    """`camera-0: light is lower since item 0-812: 41 % instead of 60 %; over at item 0-1410`."""
    over = noticed["over"]
    return f"{noticed['text']}; {f'over at item {over}' if over else 'stood at the end'}"
