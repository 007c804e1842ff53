"""Nodes that cannot serve, and how an actor knows that its node is one, without a cluster."""

from __future__ import annotations

import signal

from placement.failed_starts import FailedStarts
from placement.left_out import LeftOut


def test_a_worker_that_fails_again_and_again_is_started_less_often_and_says_why() -> None:
    failed = FailedStarts()
    waits = [failed.note(2, "error: openvino is not installed", 1.0) for _ in range(2)]
    assert failed.reason == ""  # as while the model changes
    waits += [failed.note(2, "error: openvino is not installed", 1.0) for _ in range(6)]
    assert failed.reason == "openvino is not installed"
    assert waits == sorted(waits)
    assert waits[0] < waits[2] < waits[-1] == 60.0


def test_whoever_was_killed_or_served_long_has_not_failed() -> None:
    failed = FailedStarts()
    for _ in range(9):
        assert failed.note(-signal.SIGKILL, "joined", 1.0) == 0.0
        failed.note(2, "error: the GPU is full", 3600.0)
    assert failed.reason == ""
    for _ in range(3):
        failed.note(-signal.SIGSEGV, "joined", 1.0)
    assert failed.reason == "its worker ends with SIGSEGV"
    failed.forget()
    assert failed.reason == ""


def test_each_reason_is_told_once_and_another_model_is_tried_where_one_failed() -> None:
    left_out = LeftOut()
    assert left_out.add("a", "no openvino", for_good=False)
    assert not left_out.add("a", "no openvino", for_good=False)
    assert left_out.add("b", "no numpy", for_good=True)
    assert left_out.nodes == ["a", "b"]
    assert left_out.another_model()
    assert "a" not in left_out
    assert left_out.nodes == ["b"]
    assert not left_out.another_model()
    assert not left_out.add("a", "no openvino", for_good=False)
