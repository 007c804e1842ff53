"""Signals that end a run, sent to this process."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from line.process.signals import Interrupts, hangups_held


@pytest.fixture(autouse=True)
def own_handler() -> Iterator[None]:
    """A hang-up that nobody takes fails the test instead of ending all of them."""

    def fail(*_: object) -> None:
        raise AssertionError("SIGHUP reached whoever was there before")

    before = signal.signal(signal.SIGHUP, fail)
    yield
    signal.signal(signal.SIGHUP, before)


def send(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


def test_hangups_are_one_interrupt_however_many_come() -> None:
    with Interrupts() as interrupts:
        for _ in range(3):
            send(signal.SIGHUP)
        assert interrupts.count == 1
        send(signal.SIGTERM)
        assert interrupts.count == 2


def test_what_whoever_started_this_process_has_blocked_counts() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    with Interrupts() as interrupts:
        send(signal.SIGINT)
        assert interrupts.count == 1


def test_a_hangup_waits_until_it_can_end_the_run_in_order() -> None:
    with hangups_held():
        send(signal.SIGHUP)
        with Interrupts() as interrupts:
            assert interrupts.count == 1
        send(signal.SIGHUP)  # while the accounts are made


def test_a_hangup_that_was_ignored_before_is_none() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with hangups_held(), Interrupts() as interrupts:
        send(signal.SIGHUP)
        assert interrupts.count == 0
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
