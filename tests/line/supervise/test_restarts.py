from __future__ import annotations

import pytest

from line.config import load
from line.settings import SupervisorSettings
from line.supervise.restarts import LONG_LIFE_S, SERVED_S, Death, Restarts


def supervisor(**changes: int) -> SupervisorSettings:
    return load(environment={}).supervisor.model_copy(update=changes)


def restarts(**changes: int) -> Restarts:
    return Restarts(supervisor(**changes))


def test_a_process_that_has_served_is_started_again_at_once() -> None:
    record = restarts()
    assert [record.delay_s(now, served_s=SERVED_S) for now in (10.0, 20.0, 30.0)] == [0.0] * 3


def test_one_that_fails_at_starting_waits_twice_as_long_each_time_up_to_five_seconds() -> None:
    record = restarts(failed_starts=8)
    delays = [record.delay_s(10.0 * n, served_s=0.0) for n in range(8)]
    assert delays == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, None]


def test_a_single_failed_start_may_be_one_too_many() -> None:
    assert restarts(failed_starts=1).delay_s(0.0, served_s=0.0) is None


def test_having_served_forgives_earlier_failed_starts() -> None:
    record = restarts(failed_starts=3)
    assert record.delay_s(1.0, served_s=0.0) == 0.2
    assert record.delay_s(2.0, served_s=0.9) == 0.4
    assert record.delay_s(3.0, served_s=1.1) == 0.0
    assert record.delay_s(4.0, served_s=0.0) == 0.2


def test_the_budget_of_a_minute_gives_up_even_on_one_that_served() -> None:
    record = restarts(restarts_per_min=3)
    assert [record.delay_s(now, served_s=5.0) for now in (0.0, 10.0, 20.0, 30.0)] == [0, 0, 0, None]


def test_deaths_older_than_a_minute_do_not_count() -> None:
    record = restarts(restarts_per_min=3)
    assert [record.delay_s(25.0 * n, served_s=5.0) for n in range(20)] == [0.0] * 20


def test_a_budget_of_nothing_gives_up_at_the_first_death() -> None:
    assert restarts(restarts_per_min=0).delay_s(0.0, served_s=100.0) is None


@pytest.mark.parametrize("failed_starts", [2, 100])
def test_the_delay_stays_bounded_however_many_starts_are_allowed(failed_starts: int) -> None:
    record = restarts(failed_starts=failed_starts)
    delays = [record.delay_s(60.1 * n, served_s=0.0) for n in range(failed_starts)]
    assert delays[-1] is None
    assert max(delay for delay in delays if delay is not None) <= 5.0


# -- lives that a process ends itself -------------------------------------------------------------


def test_one_that_fails_again_and_again_soon_after_its_start_is_given_up() -> None:
    record = restarts(failed_starts=3)
    delays = [record.delay_s(100.0 * n, 30.0, Death.FAILED) for n in range(3)]
    assert delays == [0.0, 0.0, None]
    assert record.why == "ended 3 times in a row within 60 s of service"


def test_work_does_not_excuse_an_error_but_it_excuses_a_crash() -> None:
    """A picture may crash a process that has worked on others; an error is the program's own."""
    idle, busy = restarts(failed_starts=3), restarts(failed_starts=3)
    for n in range(50):
        assert busy.delay_s(100.0 * n, 5.0, Death.CRASHED, worked=True) == 0.0
    crashes = [idle.delay_s(100.0 * n, 5.0, Death.CRASHED, worked=False) for n in range(3)]
    assert crashes == [0.0, 0.0, None]


def test_what_others_kill_is_started_again_however_often() -> None:
    record = restarts(failed_starts=3)
    assert {record.delay_s(2.0 * n, 1.5, Death.KILLED) for n in range(1000)} == {0.0}


def test_a_kill_in_between_neither_counts_nor_forgives() -> None:
    record = restarts(failed_starts=3)
    deaths = [Death.FAILED, Death.KILLED, Death.FAILED, Death.KILLED, Death.FAILED]
    delays = [record.delay_s(100.0 * n, 5.0, death) for n, death in enumerate(deaths)]
    assert delays == [0.0, 0.0, 0.0, 0.0, None]


def test_a_long_life_forgives_errors_before_it() -> None:
    record = restarts(failed_starts=2)
    lives = [(5.0, Death.FAILED), (LONG_LIFE_S, Death.FAILED), (5.0, Death.FAILED)]
    assert [record.delay_s(100.0 * n, s, death) for n, (s, death) in enumerate(lives)] == [0.0] * 3
