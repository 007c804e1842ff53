"""The process that makes pictures ahead: the same bytes, and replaced whatever ends it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from line.settings import Settings
from producers.ahead.maker import Made, Maker, Wanted
from producers.ahead.slots import Slots
from producers.belt import BeltItem
from producers.photographer import photographer
from producers.shot import Shot, ShotMaker
from producers.sources import open_source
from tests.producers.test_reader import prepared
from tests.producers.test_sources import save
from tests.running_line import ROOT, is_alive, poll


class Ahead:
    """A maker and its memory, over a run folder."""

    def __init__(self, run_dir: Path, settings: Settings) -> None:
        slot_bytes = settings.message.picture_bytes
        self.slots = Slots(10**8, slot_bytes)
        self.maker = Maker(run_dir, 0, settings, self.slots.fd)
        self.made: dict[int, Made] = {}

    def until(self, condition: Callable[[], Any], what: str) -> Any:
        def look() -> Any:
            self.made.update({made.seq: made for made in self.maker.look()})
            return condition()

        return poll(look, what)

    def make(self, items: list[BeltItem]) -> None:
        """So that all of them are answered; picture N in slot N."""
        self.until(lambda: self.maker.is_ready, "the maker")
        self.made.clear()
        self.maker.ask([Wanted(item.seq, item.trigger_s, item.seq) for item in items])
        self.until(lambda: len(self.made) == len(items), "the pictures")

    def shot(self, seq: int, settings: Settings) -> Shot:
        made = self.made[seq]
        data = self.slots.read(seq, made.size)
        facts = (settings.camera.encoding, made.height_px, made.width_px, made.crc32)
        return Shot(data, *facts, levels=made.levels)

    @property
    def pid(self) -> int:
        found = children(os.getpid())
        assert len(found) == 1
        return found[0]

    def close(self) -> None:
        self.maker.close()
        self.slots.close()


def children(parent: int) -> list[int]:
    """Processes of the project that a process has started and that run."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            continue
        if int(fields[1]) == parent and fields[0] not in "ZX" and b"producers.ahead" in words:
            found.append(int(entry.name))
    return found


def belt_items(count: int) -> list[BeltItem]:
    return [BeltItem(seq, seq / 3, seq / 3 + 0.5) for seq in range(count)]


@pytest.fixture
def drawn(tmp_path: Path) -> Settings:
    return prepared(
        tmp_path, tmp_path / "run", source__spec="procedural", camera__lamp_drift_per_min=-0.5
    )


@pytest.fixture
def ahead(drawn: Settings, tmp_path: Path) -> Iterator[Ahead]:
    with closing(Ahead(tmp_path / "run", drawn)) as ahead:
        yield ahead


def test_its_pictures_are_those_of_the_camera(ahead: Ahead, drawn: Settings) -> None:
    items = belt_items(5)
    ahead.make(items)
    with closing(open_source(drawn)) as source:
        live = ShotMaker.of(photographer(source, drawn, 0), drawn)
        assert [ahead.shot(item.seq, drawn) for item in items] == [live(item) for item in items]
    assert ahead.maker.processor_s > 0


def test_files_that_are_no_pictures_are_left_to_the_camera(tmp_path: Path) -> None:
    for number in range(4):
        save(tmp_path / "shown" / f"{number}.png", 40 * number)
    (tmp_path / "shown" / "none.png").write_bytes(b"no picture")
    settings = prepared(tmp_path / "shown", tmp_path / "run", camera__encoding="jpeg")
    with closing(Ahead(tmp_path / "run", settings)) as ahead:
        items = belt_items(5)
        ahead.make(items)
        with closing(open_source(settings, tmp_path / "run")) as source:
            live = ShotMaker.of(photographer(source, settings, 0), settings)
            for item in items:
                shot = live(item)
                if shot.error:
                    assert ahead.made[item.seq].size == 0
                else:
                    assert ahead.shot(item.seq, settings) == shot


def test_one_that_is_killed_is_replaced(ahead: Ahead) -> None:
    ahead.make(belt_items(1))
    spent_s = ahead.maker.processor_s
    os.kill(ahead.pid, signal.SIGKILL)
    ahead.until(lambda: ahead.maker.deaths, "its death")
    assert ahead.maker.last_death == "killed by SIGKILL"
    assert not ahead.maker.is_ready
    ahead.make(belt_items(2))
    assert ahead.maker.processor_s > spent_s


def test_one_that_hangs_is_replaced(tmp_path: Path) -> None:
    settings = prepared(
        *(tmp_path, tmp_path / "run"),
        source__spec="procedural",
        source__read_s=0.1,
        supervisor__hang_s=0.1,
    )
    with closing(Ahead(tmp_path / "run", settings)) as ahead:
        ahead.until(lambda: ahead.maker.is_ready, "the maker")
        os.kill(ahead.pid, signal.SIGSTOP)
        ahead.maker.ask([Wanted(0, 0.0, 0)])
        ahead.until(lambda: ahead.maker.deaths, "its death")
        assert ahead.maker.last_death == "hung"
        ahead.until(lambda: ahead.maker.is_ready, "the next one")


def test_one_that_cannot_work_is_given_up(tmp_path: Path) -> None:
    settings = prepared(tmp_path, tmp_path / "run", source__spec="procedural")
    settings_file = tmp_path / "run" / "settings.json"
    settings_file.write_text(settings_file.read_text().replace('"procedural"', '"/nowhere"'))
    with closing(Ahead(tmp_path / "run", settings)) as ahead:
        ahead.until(lambda: ahead.maker.is_given_up, "the end of all tries")
        assert "pictures.list: missing" in ahead.maker.last_death
        assert ahead.maker.look() == []
        assert children(os.getpid()) == []


def test_it_ends_with_its_camera(drawn: Settings, tmp_path: Path) -> None:
    program = f"""
from pathlib import Path
import time
from line.config import load
from producers.ahead.maker import Maker
from producers.ahead.slots import Slots
settings = load(environment={{}})
slots = Slots(10**6, 10**6)
maker = Maker(Path({str(tmp_path / "run")!r}), 0, settings, slots.fd)
while not maker.is_ready:
    maker.look()
    time.sleep(0.01)
print("ready", flush=True)
time.sleep(600)
"""
    camera = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE)
    try:
        assert camera.stdout is not None
        assert camera.stdout.readline() == b"ready\n"
        (maker,) = children(camera.pid)
    finally:
        camera.kill()
        camera.communicate()
    poll(lambda: not is_alive(maker), "the maker's end")
