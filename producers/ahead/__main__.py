"""`python -m producers.ahead RUN_DIR CAMERA MEMORY CHANNEL PARENT NICE`: pictures for a camera.

It is told which pictures are wanted, and in which slot of the shared memory each is to lie; it says
which are there. A picture that cannot be made is left to the camera, which knows what to say of it.
Once the belt runs it yields the processor to everybody. It leaves when the channel ends, and dies
with the camera.
"""

from __future__ import annotations

import select
import sys
from collections import deque
from pathlib import Path
from time import monotonic, process_time
from typing import Any

from line.errors import ScraplineError
from line.own_file import LARGEST_JSON, read_regular
from line.process.control_channel import ControlChannel
from line.process.priority import yield_process
from line.process.signals import die_with
from line.settings import Settings
from producers.ahead.slots import write
from producers.belt import BeltItem
from producers.photographer import photographer
from producers.shot import ShotMaker
from producers.sources import open_source

_TELL_S = 0.05
"""Between two times that it says what is there: each wakes the camera."""


def main(arguments: list[str]) -> int:
    run_dir, camera, memory_fd, channel_fd, parent, nice = arguments
    die_with(int(parent))
    yield_process(int(nice))
    channel = ControlChannel.inherited(int(channel_fd))
    path = Path(run_dir)
    settings = Settings.model_validate_json(read_regular(path / "settings.json", LARGEST_JSON))
    try:
        source = open_source(settings, path)
    except ScraplineError as error:
        channel.send("error", text=str(error))
        return int(error.exit_code)
    make = ShotMaker.of(photographer(source, settings, int(camera)), settings)
    slot_bytes = settings.message.picture_bytes
    channel.send("ready")
    wanted: deque[list[Any]] = deque()
    made: list[tuple[int, ...]] = []
    tell = 0.0
    while _heard_of(channel, wanted):
        seq, trigger_s, slot = wanted.popleft()
        if not made:
            tell = monotonic() + _TELL_S
        made.append(_made(make, BeltItem(seq, 0.0, trigger_s), int(memory_fd), slot, slot_bytes))
        if not wanted or monotonic() >= tell:
            channel.send("made", pictures=made, processor_s=process_time())
            made = []
    return 0


def _heard_of(channel: ControlChannel, wanted: deque[list[Any]]) -> bool:
    """Add what is wanted; wait until something is. False when the camera is gone."""
    while not channel.broken:
        for note in channel.receive():
            if note["kind"] == "yield":
                yield_process(note["nice"])
            else:
                wanted.extend(note["items"])
        channel.flush()
        if wanted:
            return not channel.broken
        writing = [channel] if channel.pending else []
        select.select([channel], writing, [])
    return False


def _made(
    make: ShotMaker, item: BeltItem, memory_fd: int, slot: int, slot_bytes: int
) -> tuple[int, ...]:
    """Number, bytes, height, width, checksum and levels; the number alone if there is none."""
    try:
        shot = make(item)
        if not shot.error:
            write(memory_fd, slot, slot_bytes, shot.data)
    except (MemoryError, OSError):
        return (item.seq,)
    if shot.error:
        return (item.seq,)
    return item.seq, len(shot.data), shot.height_px, shot.width_px, shot.crc32, *shot.levels


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
