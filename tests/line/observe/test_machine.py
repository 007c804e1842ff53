"""Hand-made readings of a machine's processors, and what is said of them."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from line.observe.machine import Cores, Machine, Reading

TWO = Cores(2, 2.0)
LATE = {"p50": 0.2, "p95": 12.0, "p99": 30.5, "max": 40.0, "count": 500}
IN_TIME = {"p50": 0.2, "p95": 0.9, "p99": 3.0, "max": 40.0, "count": 500}


def machine(seconds: Iterable[tuple[float, float, float]], cores: Cores = TWO) -> Machine:
    """After seconds in each of which the line, others and the host used so much of the cores."""
    made = Machine(cores)
    at = line_s = busy_s = steal_s = 100.0
    made.take(Reading(at, busy_s, steal_s, line_s))
    for line, others, steal in seconds:
        at += 1.0
        line_s += line
        busy_s += line + others
        steal_s += steal
        made.take(Reading(at, busy_s, steal_s, line_s))
    return made


def test_full_cores_are_said_with_who_used_them():
    made = machine([(1.6, 0.4, 0.0)] * 41 + [(0.5, 0.1, 0.0)] * 19)

    assert made.limits(None) == [
        "the cores were full for 41 of 60 s: the line used 1.6 and other programs 0.4 of 2"
    ]


def test_nothing_is_said_of_a_machine_that_was_not_the_limit():
    made = machine([(1.0, 0.4, 0.0)] * 58 + [(2.0, 0.0, 0.0)] * 2)

    assert made.limits(IN_TIME) == []
    facts = made.facts(IN_TIME)
    assert facts is not None
    assert facts["limits"] == []
    assert facts["full_s"] == 2.0


def test_the_host_of_a_virtual_machine_is_named():
    assert machine([(0.5, 0.1, 0.4)] * 30).limits(None) == [
        "the host of this machine took 0.4 of 2 cores for others (steal)"
    ]
    (said,) = machine([(0.8, 0.4, 0.8)] * 30).limits(None)
    assert said == (
        "the cores were full for 30 of 30 s: the line used 0.8 and other programs 0.4 of 2, "
        "and the host took 0.8"
    )


def test_a_line_at_the_end_of_what_its_group_is_granted_is_at_the_limit():
    made = machine([(1.5, 0.2, 0.0)] * 10, Cores(8, 1.5))

    assert made.limits(None) == [
        "the cores were full for 10 of 10 s: the line used 1.5 and other programs 0.2 of 1.5"
    ]


def test_a_camera_late_at_its_own_triggers_is_said():
    calm = machine([(0.2, 0.1, 0.0)] * 5)

    assert calm.limits(LATE) == [
        "a camera was late at its own triggers: one in 20 by 12.0 ms or more, one in 100 by 30.5 ms"
    ]
    assert calm.limits({**LATE, "count": 99}) == []


def test_the_live_view_speaks_of_the_last_seconds():
    made = machine([(2.0, 0.0, 0.0)] * 30 + [(0.1, 0.0, 0.0)] * 10)

    assert made.limits_lately(None) == []
    assert len(made.limits(None)) == 1


def test_figures_are_shares_of_the_cores():
    facts = machine([(1.0, 0.5, 0.1)] * 19 + [(0.0, 1.5, 0.1)]).facts(IN_TIME)

    assert facts is not None
    assert (facts["cores"], facts["sampled_s"], facts["full_s"]) == (2.0, 20.0, 0.0)
    assert facts["line"] == {"mean": pytest.approx(0.475), "p95": 0.5}
    assert facts["others"] == {"mean": pytest.approx(0.275), "p95": 0.25}
    assert facts["steal"] == {"mean": pytest.approx(0.05), "p95": 0.05}
    assert facts["triggers_ms"] == {"p95": 0.9, "p99": 3.0}


@pytest.mark.parametrize(
    "later",
    [Reading(1.0, 9.0, 9.0, 9.0), Reading(0.5, 9.0, 9.0, 9.0), Reading(2.0, 0.0, 0.0, 0.0)],
)
def test_a_clock_that_does_not_go_on_breaks_nothing(later: Reading):
    made = Machine(TWO)
    made.take(Reading(1.0, 5.0, 5.0, 5.0))
    made.take(later)

    facts = made.facts(None)
    assert facts is None or facts["line"] == {"mean": 0.0, "p95": 0.0}
    assert made.limits(None) == []
