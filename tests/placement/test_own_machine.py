"""How an actor knows the line's own machine, and opens the cameras' memory there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from line.messages import Frame
from line.process.picture_ring import Pictures, RingWriter, make_memory
from placement import own_machine
from placement.own_machine import OwnMachine, open_memory

PICTURE = bytes(range(18))


@pytest.fixture
def memory() -> Iterator[int]:
    fd = make_memory()
    yield fd
    with suppress(OSError):
        os.close(fd)


@pytest.fixture
def own(memory: int, tmp_path: Path) -> OwnMachine:
    folder = tmp_path / "scrapline-run"
    folder.mkdir(mode=0o700)
    told = own_machine.own_machine("ipc://somewhere", folder, [memory])
    assert told is not None
    return told


def test_pictures_are_found_and_nothing_can_be_written(memory: int, own: OwnMachine) -> None:
    writer = RingWriter(memory, 4, len(PICTURE))
    handle = writer.put(0, PICTURE)
    (fd,) = opened = open_memory(own)
    frame = Frame(0, 0, 0.5, 1.0, 1.0, 9.0, "glass", 1.0, "raw", 2, 3, 7, handle)
    assert Pictures(opened).copy(frame, None) == PICTURE
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.write(fd, b"0")
    own_machine.close(opened)
    writer.close()


def test_a_machine_or_folder_or_process_that_is_another_is_not_it(
    memory: int, own: OwnMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert open_memory(own._replace(boot="another")) == ()
    assert open_memory(own._replace(folder=own.folder + "-gone")) == ()
    assert open_memory(own._replace(folder=str(Path(own.folder).parent))) == ()
    assert open_memory(own._replace(pid=os.getppid())) == ()
    with monkeypatch.context() as other:
        other.setattr(os, "geteuid", lambda: os.getuid() + 1)
        assert open_memory(own) == ()
    another = make_memory()
    os.dup2(another, memory)  # as where the process has ended, and others have its number
    os.close(another)
    assert open_memory(own) == ()


def test_a_folder_that_others_may_enter_is_not_the_runs(own: OwnMachine) -> None:
    Path(own.folder).chmod(0o755)
    assert open_memory(own) == ()


def test_without_memory_there_is_nothing_to_tell(tmp_path: Path) -> None:
    assert own_machine.own_machine("ipc://somewhere", tmp_path, []) is None
