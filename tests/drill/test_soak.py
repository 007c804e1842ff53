"""Growth is found where a process lives long, and where it is replaced again and again."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from drill.soak import WARM_UP_S, Growth, Sample, judge

STEP_S = 5


def life(
    name: str,
    pid: int,
    born_s: float,
    dies_s: float,
    rss_mb: Callable[[float], float] = lambda age_s: 100.0,
    open_files: Callable[[float], int] = lambda age_s: 12,
) -> list[Sample]:
    """Samples of one process; what it takes is a function of its age."""
    times = range(int(born_s), int(dies_s), STEP_S)
    return [Sample(t, name, pid, rss_mb(t - born_s), open_files(t - born_s), 3) for t in times]


def too_much(samples: Iterable[Sample]) -> list[tuple[str, str]]:
    return [(each.who, each.what) for each in judge(samples) if each.is_too_much]


def test_a_short_soak_is_not_judged() -> None:
    assert judge(life("runner", 1, 0, 1.5 * WARM_UP_S)) == []
    assert judge([]) == []


def test_a_long_life_is_judged_behind_its_first_five_minutes() -> None:
    def warms_up(age_s: float) -> float:
        return 100 + min(age_s, WARM_UP_S - STEP_S)

    (found,) = judge(life("runner", 1, 0, 1800, warms_up))
    assert found == Growth("runner", "rss_mb", 395, 395, is_too_much=False)
    assert found.share == 0


def test_a_long_life_that_grows_by_more_than_two_percent_is_named() -> None:
    assert too_much(life("runner", 1, 0, 1800, lambda age_s: 100 + age_s / 1000)) == []
    assert too_much(life("runner", 1, 0, 1800, lambda age_s: 100 + age_s / 300)) == [
        ("runner", "rss_mb")
    ]


def test_open_files_are_counted_too() -> None:
    leaking = life("alerts", 1, 0, 1800, open_files=lambda age_s: 12 + int(age_s / 200))
    assert too_much(leaking) == [("alerts", "open_files")]


def incarnations(name: str, rss_mb: Callable[[float, float], float]) -> list[Sample]:
    """One a minute; what each takes is a function of its birth and its age."""
    samples: list[Sample] = []
    for pid, born_s in enumerate(range(0, 1800, 60), 1):
        samples += life(name, pid, born_s, born_s + 60, lambda age, b=born_s: rss_mb(b, age))
    return samples


def test_short_lives_are_compared_at_equal_ages() -> None:
    (found,) = judge(incarnations("worker-0", lambda born_s, age_s: 50 + age_s))
    assert (found.who, found.share, found.is_too_much) == ("worker, of equal age", 0, False)


def test_processes_that_start_larger_and_larger_are_named_by_role() -> None:
    growing = incarnations("csv_log", lambda born_s, age_s: 50 + age_s + born_s / 100)
    steady = incarnations("worker-1", lambda born_s, age_s: 110)
    assert too_much([*growing, *steady]) == [("csv_log, of equal age", "rss_mb")]
