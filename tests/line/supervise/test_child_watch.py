"""What wakes the supervisor, with a real child."""

from __future__ import annotations

import selectors
from pathlib import Path

import pytest

from line.run_files.run_folder import RunFolder
from line.supervise import child_watch
from line.supervise.child import Child, ProcessSpec
from line.supervise.child_watch import NOTES, ChildWatch
from tests.running_line import TIMEOUT_S, poll


@pytest.fixture
def child(tmp_path: Path) -> Child:
    """One that says something and ends."""
    folder = RunFolder(tmp_path)
    folder.logs.mkdir()
    return Child(ProcessSpec("worker", "worker-0", 0, "tests.garbling_child"), 1, folder, tmp_path)


def descriptors() -> int:
    """How many this process has open."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def woken_by(selector: selectors.BaseSelector, timeout_s: float = TIMEOUT_S) -> set[str]:
    return {key.data for key, _ in selector.select(timeout_s)}


def test_a_death_ends_the_sleep_that_words_do_not(child: Child) -> None:
    before = descriptors()
    with selectors.DefaultSelector() as selector:
        watch = ChildWatch(selector)
        watch.add(child)
        watch.listen(at_once=False)
        assert woken_by(selector) == {"worker-0"}
        assert watch.speakers() == ["worker-0"]
        watch.listen(at_once=True)
        assert woken_by(selector) == {"worker-0", NOTES}
        watch.remove(child)
        assert woken_by(selector, 0) == set()
        watch.close()
    assert descriptors() == before
    poll(child.ended, "the end")
    child.close()


def test_where_no_descriptor_tells_of_a_death_words_always_wake(
    child: Child, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child_watch.sys, "platform", "another")
    with selectors.DefaultSelector() as selector:
        watch = ChildWatch(selector)
        watch.add(child)
        watch.listen(at_once=False)
        assert woken_by(selector) == {NOTES}
        watch.remove(child)
        watch.close()
    poll(child.ended, "the end")
    child.close()
