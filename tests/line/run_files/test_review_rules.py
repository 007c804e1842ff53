from __future__ import annotations

from dataclasses import replace

import pytest

from line.outcome import UNLIKE, Outcome, Verdict, encode_top3
from line.run_files.review_rules import margin, proposal
from tests.sinks.test_active_learning import SEED, doubtful, limits, sure
from tests.sinks.test_csv_log import outcome


def test_an_item_whose_two_best_classes_are_close_is_proposed() -> None:
    assert proposal(doubtful(0), limits(), SEED) == "margin"
    assert proposal(sure(0), limits(), SEED) is None


def test_what_is_unlike_what_the_model_was_made_of_is_proposed_as_that() -> None:
    for made in (doubtful, sure):
        strange = replace(made(0), verdict=Verdict.LOW_CONFIDENCE, reason=UNLIKE)
        assert proposal(strange, limits(), SEED) == "novelty"


def test_an_item_just_at_the_margin_is_clear_enough() -> None:
    at_the_margin = outcome(0, top3="glass:0.5000|paper:0.2500|metal:0.2500")
    assert proposal(at_the_margin, limits(margin=0.25), SEED) is None


def test_nothing_is_proposed_where_nobody_reviews() -> None:
    assert proposal(doubtful(0), limits(enabled=False), SEED) is None


@pytest.mark.parametrize("verdict", [Verdict.DROPPED, Verdict.EXPIRED, Verdict.FAILED])
def test_an_item_that_no_model_answered_for_is_never_proposed(verdict: Verdict) -> None:
    unanswered = outcome(0, predicted_class=None, confidence=None, top3="", verdict=verdict)
    assert proposal(unanswered, limits(random_share=1.0), SEED) is None


@pytest.mark.parametrize(
    ("top3", "gap"),
    [("a:0.5|b:0.3|c:0.2", 0.2), ("a:0.6|b:0.4", 0.2), ("a:1.0", 1.0), ("", 1.0)],
)
def test_the_margin_is_the_gap_between_the_two_best(top3: str, gap: float) -> None:
    assert margin(outcome(0, top3=top3)) == pytest.approx(gap)


@pytest.mark.parametrize(("share", "drawn"), [(0.0, 0), (1.0, 50)])
def test_none_or_all_of_the_clear_items_may_be_drawn(share: float, drawn: int) -> None:
    rows = [sure(seq) for seq in range(50)]
    assert [proposal(row, limits(random_share=share), SEED) for row in rows].count(
        "random"
    ) == drawn


def test_the_draw_depends_on_seed_and_item_alone() -> None:
    def drawn(seed: int, rows: list[Outcome]) -> set[str]:
        review = limits(random_share=0.1)
        return {row.frame_id for row in rows if proposal(row, review, seed) == "random"}

    rows = [sure(seq) for seq in range(2000)]
    assert 100 < len(drawn(SEED, rows)) < 300
    assert drawn(SEED, rows) == drawn(SEED, rows[::-1])
    assert drawn(SEED, rows) != drawn(SEED + 1, rows)


def test_what_the_row_tells_is_what_the_dispatcher_knew() -> None:
    """Probabilities are rounded in the row: the rule reads the row's own text."""
    close = outcome(0, top3=encode_top3([("glass", 0.62504), ("paper", 0.37496)]))
    assert close.top3 == "glass:0.6250|paper:0.3750"
    assert proposal(close, limits(margin=0.25), SEED) is None
