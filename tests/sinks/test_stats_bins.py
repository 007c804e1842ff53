"""What the CSV log counts for each bin: purity and recovery are made of it."""

from __future__ import annotations

from line.outcome import Outcome, Verdict
from sinks.running_stats import RunningStats


def outcome(seq: int, true_class: str | None, taken_for: str | None, verdict: Verdict) -> Outcome:
    return Outcome(
        camera=0,
        seq=seq,
        scheduled_s=0.0,
        true_class=true_class,
        predicted_class=taken_for,
        verdict=verdict,
        mass_g=50.0,
    )


def test_bins_count_what_was_fed_ejected_and_right() -> None:
    stats = RunningStats(())
    stats.count(outcome(0, "glass", "glass", Verdict.SORTED))
    stats.count(outcome(1, "glass", "paper", Verdict.MISSORTED))
    stats.count(outcome(2, "glass", "glass", Verdict.LATE))
    stats.count(outcome(3, "paper", None, Verdict.DROPPED))
    assert stats.facts()["bins"] == {
        "glass": {"fed": 3, "ejected": 1, "right": 1},
        "paper": {"fed": 1, "ejected": 1, "right": 0},
    }


def test_without_truth_nothing_counts_as_fed() -> None:
    stats = RunningStats(())
    stats.count(outcome(0, None, "glass", Verdict.SORTED))
    assert stats.facts()["bins"] == {"glass": {"ejected": 1, "right": 0}}
