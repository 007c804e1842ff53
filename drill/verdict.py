"""What one drill found, as JSON and as tables.

Works on what `FaultRecord.facts` gives, of one storm or of several together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from statistics import median
from typing import Any

from drill.audit import Audit
from drill.fault_events import EventWatch, alarms_told, faults_told
from drill.page import NONE, Table, seconds
from drill.plan import Injection
from drill.soak import MEMORY_SHARE, Growth
from drill.storm import Storm
from line.settings import Settings

Facts = dict[str, Any]

ROLES = ("worker", "dispatcher", "sink", "camera")
BLOWS = {"kill": "killed", "stop": "frozen"}
"""Kinds that hit a process and nothing else, and what they do to it."""


def spread(values: Iterable[float | None]) -> Facts:
    """How many there are but for None, their median and their maximum (None without any)."""
    known = [value for value in values if value is not None]
    return {
        "count": len(known),
        "median": round(median(known), 3) if known else None,
        "max": round(max(known), 3) if known else None,
    }


def recovery_of_kind(kind: str, records: Sequence[Facts]) -> Facts:
    """Spread of the recoveries in seconds: until all that was hit is back and a row was written."""
    return spread(record["healed_s"] for record in records if record["kind"] == kind)


def recovery_by_role(records: Sequence[Facts]) -> list[Facts]:
    """For each kind of blow and role: how many were `hit`, and the spread until they were back."""
    found = []
    for kind, done in BLOWS.items():
        for role in ROLES:
            hits = [
                hit
                for record in records
                if record["kind"] == kind
                for hit in record["hit"]
                if hit["role"] == role
            ]
            if hits:
                times = [hit["back_s"] for hit in hits]
                found.append({"role": role, "blow": done, "hit": len(hits), **spread(times)})
    return found


def within(records: Sequence[Facts], kind: str, role: str, limit_s: float) -> tuple[int, int]:
    """Of the processes of a role that came back from a blow: how many in time, and how many."""
    times = [
        hit["back_s"]
        for record in records
        if record["kind"] == kind
        for hit in record["hit"]
        if hit["role"] == role and hit["back_s"] is not None
    ]
    return sum(time <= limit_s for time in times), len(times)


Verdict = dict[str, Any]

FREEZE_MARGIN_S = 2.0
"""A frozen worker is to be back within its lease and this."""


def verdict(
    settings: Settings,
    kinds: Sequence[str],
    storm: Storm,
    by_scenario: Sequence[Injection],
    audited: Audit,
    grown: Sequence[Growth],
    notes: Sequence[str],
    watch: EventWatch,
) -> Verdict:
    """JSON values. `passed`: the run came to its end, and each item has exactly one row.

    Also each fault that the line had to notice is an event, and each that outlasted its delay an
    alarm.

    `recovery_s` of a kind: from the injection until every process that it hit is back and a row
    was written; `median` and `max` are None where nothing had to recover.
    """
    records = [record.facts() for record in storm.records]
    told = faults_told(storm.records, watch)
    limits = settings.alerts
    alarms = alarms_told(watch, limits.on_delay_s, limits.off_delay_s)
    return {
        "passed": audited.is_clean
        and storm.status == 0
        and not audited.strange_models
        and not any(each.is_too_much for each in grown)
        and not any(each.is_silent for each in told)
        and not (alarms.short or alarms.missing),
        "runner_status": storm.status,
        "faults": {
            kind: {
                "injected": sum(record["kind"] == kind for record in records)
                + sum(each.kind == kind for each in by_scenario),
                "skipped": sum(each.kind == kind for each in storm.skipped),
                "recovery_s": recovery_of_kind(kind, records),
            }
            for kind in kinds
        },
        "roles": recovery_by_role(records),
        "freeze_limit_s": settings.worker.lease_s + FREEZE_MARGIN_S,
        "audit": asdict(audited),
        "growth": [{**asdict(each), "share": round(each.share, 4)} for each in grown],
        "notes": list(notes),
        "fault_records": records,
        "faults_told": [asdict(each) for each in told],
        "alarms": asdict(alarms),
    }


def verdict_word(found: Mapping[str, Any]) -> str:
    """The outcome and its reason."""
    return f"{'passed' if found['passed'] else 'FAILED'}: {reason(found)}"


def verdict_tables(found: Mapping[str, Any]) -> list[Table]:
    """Faults, processes, what grew, and the items."""
    growth = growth_tables(found["growth"])
    told = told_tables(found["faults_told"], [found["alarms"]])
    return [*recovery_tables(found), *told, *growth, _balance(found["audit"])]


def recovery_tables(found: Mapping[str, Any]) -> list[Table]:
    """By kind of fault; and by role, of what kills and stops have hit."""
    kinds = []
    for kind, facts in found["faults"].items():
        times = facts["recovery_s"]
        counts = (str(facts["injected"]), str(times["count"] or NONE))
        if kind == "clock":
            counts = ("all along", NONE)
        kinds.append((kind, *counts, seconds(times["median"]), seconds(times["max"])))
    tables = [
        Table(
            "Faults, and the time until all is ready again and a row was written",
            ("fault", "injected", "recovered", "median", "longest"),
            kinds,
        )
    ]
    if found["roles"]:
        tables.append(
            Table(
                "Processes killed or frozen, and the time until they were back",
                ("process", "hit", "back", "median", "longest"),
                [_role(facts) for facts in found["roles"]],
            )
        )
    frozen = [record for record in found["fault_records"] if record["kind"] == "stop"]
    in_time, back = within(frozen, "stop", "worker", found["freeze_limit_s"])
    if back:
        tables[-1] = tables[-1].with_note(
            f"Frozen workers back within their lease and {FREEZE_MARGIN_S:g} s, "
            f"{found['freeze_limit_s']:g} s in all: {in_time} of {back}."
        )
    return tables


def told_tables(told: Sequence[Facts], alarms: Sequence[Facts]) -> list[Table]:
    """The events that told of the faults, and the alarms; of one storm or of several."""
    rows = []
    for kind in dict.fromkeys(each["kind"] for each in told):
        own = [each for each in told if each["kind"] == kind]
        events = ", ".join(dict.fromkeys(each["event"] for each in own if each["event"]))
        times = spread(each["after_s"] for each in own)
        silent = sum(each["is_silent"] for each in own)
        counts = (str(len(own)), events or NONE, str(times["count"]))
        rows.append((kind, *counts, seconds(times["median"]), seconds(times["max"]), str(silent)))
    kinds: Counter[str] = Counter()
    for each in alarms:
        kinds.update(each["kinds"])
    names = ", ".join(f"{name} {count}" for name, count in kinds.most_common()) or "none"
    short, missing = (sum(len(each[key]) for each in alarms) for key in ("short", "missing"))
    note = (
        f"Without an event are faults to processes that were about to end, and full disks with "
        f"nothing to write. Alarms raised: {kinds.total()} ({names}); that came and went within "
        f"their delay: {short}; outages that outlasted it without an alarm: {missing}."
    )
    headings = ("fault", "processes hit", "event", "told", "median", "longest", "silent")
    return [Table("Faults, and the time until an event of each stood", headings, rows, note=note)]


def _role(facts: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        f"{facts['role']} {facts['blow']}",
        str(facts["hit"]),
        str(facts["count"]),
        seconds(facts["median"]),
        seconds(facts["max"]),
    )


def growth_tables(growth: Sequence[Mapping[str, Any]]) -> list[Table]:
    """Empty where the drill was too short to judge any."""
    if not growth:
        return []
    rows = [
        (
            each["who"],
            each["what"],
            f"{each['before']:.1f}",
            f"{each['after']:.1f}",
            f"{each['share']:+.1%}",
            "too much" if each["is_too_much"] else "fine",
        )
        for each in growth
    ]
    return [
        Table(
            f"Growth behind the first five minutes; memory may grow by {MEMORY_SHARE:.0%}",
            ("who", "what", "early", "late", "growth", ""),
            rows,
        )
    ]


def _balance(audit: Mapping[str, Any]) -> Table:
    expected = "" if audit["expected"] is None else f" of {audit['expected']} that the seed gives"
    rows = {
        "items fed": f"{audit['fed']}{expected}",
        "rows": str(audit["rows"]),
        "lost": str(audit["lost"]),
        "duplicates": str(audit["duplicates"]),
        "without a reason": str(audit["unexplained"]),
        "verdicts": ", ".join(f"{name} {count}" for name, count in audit["verdicts"].items()),
        "longest gap": f"{seconds(audit['longest_gap_s'])} between two decisions",
    }
    return Table("Items, counted from outside", ("", "found"), list(rows.items()))


def reason(found: Mapping[str, Any]) -> str:
    """Why it passed or not, in a few words."""
    audit = found["audit"]
    if found["runner_status"] is None:
        return "the line was stuck: no row for a long time"
    if audit["lost"] or audit["duplicates"] or audit["unexplained"]:
        return "items without exactly one row, or without a reason on it"
    if audit["strange_models"]:
        return f"answered by models that nobody ordered: {', '.join(audit['strange_models'])}"
    silent = [each["process"] for each in found["faults_told"] if each["is_silent"]]
    if silent:
        return f"faults without an event: {', '.join(silent)}"
    if found["alarms"]["missing"]:
        return f"down for long without an alarm: {', '.join(found['alarms']['missing'])}"
    if found["alarms"]["short"]:
        return f"alarms that came and went: {', '.join(found['alarms']['short'])}"
    if found["runner_status"]:
        return f"the runner ended with status {found['runner_status']}"
    grown = [each["who"] for each in found["growth"] if each["is_too_much"]]
    if grown:
        return f"{', '.join(grown)} grew too much"
    return "every item has exactly one row"
