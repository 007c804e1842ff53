from __future__ import annotations

import math
from dataclasses import replace

import pytest

from line.messages import (
    Frame,
    Result,
    Unseen,
)
from line.outcome import CLASSIFIED, IN_TIME, UNLIKE, Outcome, Verdict, decode_top3, encode_top3
from line.verdicts import Judge, unanswered, unseen

JUDGE = Judge(classes=("glass", "metal", "paper", "trash"), residue_class="trash", threshold=0.6)
FRAME = Frame(
    camera=2,
    seq=9,
    scheduled_s=1.25,
    triggered=100.0,
    published=100.0625,
    deadline=100.75,
    true_class="glass",
    mass_g=210.0,
    encoding="raw",
    height_px=1,
    width_px=1,
    picture_crc32=77,
)


def result(*probabilities: float) -> Result:
    return Result(2, 9, probabilities, started=100.25, inference_s=0.0625, model="0123456789ab")


@pytest.mark.parametrize(
    ("truth", "predicted", "confidence", "slack_s", "verdict"),
    [
        ("glass", "glass", 0.9, 0.1, Verdict.SORTED),
        ("glass", "glass", 0.6, 0.1, Verdict.SORTED),  # the threshold itself is enough
        ("glass", "glass", 0.9, 0.0, Verdict.SORTED),  # so is the deadline itself
        ("glass", "glass", 0.9, math.inf, Verdict.SORTED),
        ("glass", "glass", 0.599, 0.1, Verdict.LOW_CONFIDENCE),
        ("glass", "glass", 0.9, -0.001, Verdict.LATE),
        ("glass", "glass", 0.1, -0.001, Verdict.LATE),  # an answer that comes too late is no answer
        ("glass", "metal", 0.9, 0.1, Verdict.MISSORTED),
        ("trash", "metal", 0.9, 0.1, Verdict.MISSORTED),
        ("trash", "trash", 0.9, 0.1, Verdict.RESIDUE_OK),
        ("glass", "trash", 0.9, 0.1, Verdict.MISSED),
        ("glass", "trash", 0.1, 0.1, Verdict.LOW_CONFIDENCE),
        (None, "metal", 0.9, 0.1, Verdict.SORTED),
        (None, "trash", 0.9, 0.1, Verdict.RESIDUE_OK),
        (None, "metal", 0.1, 0.1, Verdict.LOW_CONFIDENCE),
        ("unheard of", "glass", 0.9, 0.1, Verdict.MISSORTED),
    ],
)
def test_each_case_has_its_verdict(
    truth: str | None, predicted: str, confidence: float, slack_s: float, verdict: Verdict
) -> None:
    assert JUDGE.verdict(truth, predicted, confidence, slack_s) is verdict


def test_without_a_residue_class_nothing_is_left_on_the_belt_for_its_class() -> None:
    judge = Judge(classes=JUDGE.classes, residue_class="", threshold=0.6)
    assert judge.verdict("trash", "trash", 0.9, 0.1) is Verdict.SORTED
    assert judge.verdict("glass", "trash", 0.9, 0.1) is Verdict.MISSORTED


def test_an_answer_becomes_a_full_outcome() -> None:
    outcome = JUDGE.classified(
        FRAME, result(0.7, 0.2, 0.1, 0.0), "worker-1#3", 2, dispatched=100.125, now=100.5
    )
    assert outcome == Outcome(
        camera=2,
        seq=9,
        scheduled_s=1.25,
        true_class="glass",
        predicted_class="glass",
        confidence=0.7,
        top3="glass:0.7000|metal:0.2000|paper:0.1000",
        low_confidence=False,
        verdict=Verdict.SORTED,
        latency_ms=500.0,
        slack_ms=250.0,
        worker="worker-1#3",
        attempts=2,
        model="0123456789ab",
        mass_g=210.0,
        queue_ms=250.0,
        inference_ms=62.5,
        picture_crc32=77,
        published_ms=62.5,
        dispatched_ms=125.0,
    )


def test_a_late_answer_keeps_what_the_model_said_and_has_negative_slack() -> None:
    outcome = JUDGE.classified(FRAME, result(0.4, 0.3, 0.2, 0.1), "worker-0#1", 1, 100.0, now=101.0)
    assert outcome.verdict is Verdict.LATE
    assert outcome.slack_ms == -250.0
    assert outcome.low_confidence
    assert outcome.predicted_class == "glass"


@pytest.mark.parametrize(
    ("energy", "verdict", "reason"),
    [
        (None, Verdict.SORTED, ""),
        (-2.0, Verdict.SORTED, ""),
        (-1.50004, Verdict.SORTED, ""),  # a row has four digits, and is judged by them
        (-1.4999, Verdict.LOW_CONFIDENCE, UNLIKE),
    ],
)
def test_what_is_stranger_than_the_limit_stays_on_the_belt_and_says_why(
    energy: float | None, verdict: Verdict, reason: str
) -> None:
    judge = replace(JUDGE, novelty_energy=-1.5)
    sure = replace(result(0.7, 0.2, 0.1, 0.0), energy=energy)
    outcome = judge.classified(FRAME, sure, "worker-0#1", 1, 100.0, now=100.5)
    assert (outcome.verdict, outcome.reason) == (verdict, reason)
    assert outcome.low_confidence is (verdict is Verdict.LOW_CONFIDENCE)
    assert outcome.energy == (None if energy is None else round(energy, 4))
    unsure = replace(result(0.4, 0.3, 0.2, 0.1), energy=energy)
    both = judge.classified(FRAME, unsure, "worker-0#1", 1, 100.0, now=100.5)
    assert (both.verdict, both.reason) == (Verdict.LOW_CONFIDENCE, reason)
    late = judge.classified(FRAME, sure, "worker-0#1", 1, 100.0, now=101.0)
    assert (late.verdict, late.reason) == (Verdict.LATE, "")
    assert JUDGE.classified(FRAME, sure, "w#1", 1, 100.0, now=100.5).verdict is Verdict.SORTED


def test_without_a_deadline_there_is_no_slack() -> None:
    frame = Frame(2, 9, 1.25, 100.0, 100.0, math.inf, None, 50.0, "raw", 1, 1, 0)
    outcome = JUDGE.classified(frame, result(0.0, 0.0, 1.0, 0.0), "worker-0#1", 1, None, now=1e6)
    assert outcome.slack_ms is None
    assert outcome.dispatched_ms is None
    assert outcome.verdict is Verdict.SORTED
    assert outcome.true_class is None


def test_of_equal_probabilities_the_first_class_wins() -> None:
    outcome = JUDGE.classified(FRAME, result(0.1, 0.4, 0.4, 0.1), "worker-0#1", 1, 100.2, now=100.5)
    assert outcome.predicted_class == "metal"


def test_a_frame_that_nobody_answered_for_keeps_what_is_known_of_it() -> None:
    outcome = unanswered(FRAME, Verdict.EXPIRED, "no worker was free", attempts=1, dispatched=100.5)
    assert outcome == Outcome(
        camera=2,
        seq=9,
        scheduled_s=1.25,
        true_class="glass",
        verdict=Verdict.EXPIRED,
        reason="no worker was free",
        attempts=1,
        mass_g=210.0,
        picture_crc32=77,
        published_ms=62.5,
        dispatched_ms=500.0,
    )


def test_an_item_without_a_frame_keeps_what_is_known_of_it() -> None:
    outcome = unseen(Unseen(0, 4, 2.5, None, 50.0, Verdict.DROPPED, "overrun"))
    assert outcome == Outcome(
        camera=0,
        seq=4,
        scheduled_s=2.5,
        true_class=None,
        verdict=Verdict.DROPPED,
        reason="overrun",
        mass_g=50.0,
    )


def test_the_groups_of_verdicts_follow_their_definitions() -> None:
    assert set(Verdict) - CLASSIFIED == {Verdict.EXPIRED, Verdict.DROPPED, Verdict.FAILED}
    assert {Verdict.LATE} == CLASSIFIED - IN_TIME


def test_a_ranking_survives_its_column() -> None:
    ranking = [("a:b", 0.5), ("metal", 0.25), ("paper", 0.125), ("trash", 0.0625)]
    assert encode_top3(ranking) == "a:b:0.5000|metal:0.2500|paper:0.1250"
    assert decode_top3(encode_top3(ranking)) == ranking[:3]
    assert decode_top3("") == []


@pytest.mark.parametrize("text", ["glass", "glass:", "glass:high", "glass:0.5|metal"])
def test_a_column_that_is_no_ranking_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"unpack|convert"):
        decode_top3(text)
