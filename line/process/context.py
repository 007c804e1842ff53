"""What a child process is told when it starts: its arguments, its settings, its control channel."""

from __future__ import annotations

import argparse
import atexit
import math
import signal
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from line.errors import ExitCode, ScraplineError
from line.model.facts import ModelFacts
from line.own_file import LARGEST_JSON, read_regular
from line.plain_text import plain
from line.process.control_channel import ControlChannel
from line.process.priority import yield_process
from line.process.processor_time import ProcessorTime, User
from line.process.signals import be_told_of_parents_end
from line.run_files.session import Session
from line.section import LOG
from line.settings import Settings

_BEAT_S = 0.5
_BEATS = 4
"""At least so many within the time after which a silent process is killed."""


@dataclass(frozen=True)
class ProcessContext:
    """Who this process is. `index` counts the processes of a role from 0."""

    role: str
    name: str
    index: int
    incarnation: int
    run_dir: Path
    runtime_dir: Path
    settings: Settings
    model: ModelFacts
    channel: ControlChannel
    rings: tuple[int, ...] = ()
    """descriptors of the pictures' memory, see `line.process.picture_ring`: a camera's own, of all
    cameras for whoever reads pictures; empty: they travel in the messages"""

    @property
    def identity(self) -> str:
        """Name on the message plane, fresh for every incarnation."""
        return f"{self.name}#{self.incarnation}"

    @cached_property
    def processor(self) -> ProcessorTime:
        """What this process uses of the processor."""
        sink: User = "log" if self.name == LOG else "follower"
        users: dict[str, User] = {
            "camera": "camera",
            "dispatcher": "dispatcher",
            "worker": "worker",
            "console": "console",
            "shadow": "shadow",
            "placement": "placement",
        }
        return ProcessorTime(users.get(self.role, sink))

    @property
    def beat_s(self) -> float:
        """Between two signs of life, some of which may be late."""
        return min(_BEAT_S, self.settings.supervisor.hang_s / _BEATS)

    def add_processor_time(self) -> None:
        """To the next note, once a second; to be called before every sign of life."""
        parts = self.processor.due()
        if parts is not None:
            self.channel.add("processor", parts=parts)

    def tell_last_processor_time(self) -> None:
        """When the process ends."""
        self.channel.send("processor", parts=self.processor.seconds())


def arguments(
    role: str,
    name: str,
    index: int,
    incarnation: int,
    run_dir: Path,
    runtime_dir: Path,
    fd: int,
    model: str = "",
    rings: Iterable[int] = (),
) -> list[str]:
    """The command-line arguments that `enter_process` understands.

    `model`: short hash of the model that the process loads; empty = the run's own.

    `rings`: see `ProcessContext`.
    """
    return [
        f"--role={role}",
        f"--name={name}",
        f"--index={index}",
        f"--incarnation={incarnation}",
        f"--run-dir={run_dir}",
        f"--runtime-dir={runtime_dir}",
        f"--channel={fd}",
        f"--model={model}",
        f"--rings={','.join(map(str, rings))}",
    ]


def enter_process(argv: Sequence[str] | None = None) -> ProcessContext:
    """Read the arguments, tie this process's life to its parent's, leave Ctrl-C to the parent."""
    parser = argparse.ArgumentParser(description="A process of the line; started by run_line.py.")
    for text in ("role", "name"):
        parser.add_argument(f"--{text}", required=True)
    for number in ("index", "incarnation", "channel"):
        parser.add_argument(f"--{number}", type=int, required=True)
    for path in ("run-dir", "runtime-dir"):
        parser.add_argument(f"--{path}", type=Path, required=True)
    parser.add_argument("--model", default="")
    parser.add_argument("--rings", default="")
    given = parser.parse_args(argv)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    channel = ControlChannel.inherited(given.channel)
    yield_process()
    try:
        settings = Settings.model_validate_json(
            read_regular(given.run_dir / "settings.json", LARGEST_JSON)
        )
        model = _model(given.run_dir, given.model)
    except (OSError, ValueError, KeyError, ScraplineError) as error:
        # A ValidationError of pydantic is a ValueError, and of many lines.
        said = plain(f"{given.run_dir}: what the run has written down cannot be read: {error}")
        channel.send("error", text=said)
        with suppress(OSError):
            print(said, file=sys.stderr)
        raise SystemExit(int(ExitCode.BAD_INPUT)) from None
    _end_with_parent(2 * settings.supervisor.stop_s)
    context = ProcessContext(
        role=given.role,
        name=given.name,
        index=given.index,
        incarnation=given.incarnation,
        run_dir=given.run_dir,
        runtime_dir=given.runtime_dir,
        settings=settings,
        model=model,
        channel=channel,
        rings=tuple(map(int, filter(None, given.rings.split(",")))),
    )
    atexit.register(context.tell_last_processor_time)
    return context


def leave(context: ProcessContext, error: ScraplineError) -> int:
    """Tell the supervisor in one line why this process cannot go on; the exit status."""
    context.channel.send("error", text=str(error))
    with suppress(OSError):  # a log file that has no room
        print(error, file=sys.stderr)
    return int(error.exit_code)


def _model(run_dir: Path, short_hash: str) -> ModelFacts:
    own = ModelFacts.load(run_dir)
    if short_hash in ("", own.short_hash):
        return own
    return Session.load(run_dir).overrides.known(short_hash)


def _end_with_parent(grace_s: float) -> None:
    """A last resort beside the channel, for a child that does not look at it: an alarm ends it."""
    if sys.platform == "linux":
        signal.signal(signal.SIGUSR1, lambda *_: signal.alarm(math.ceil(grace_s)))
        be_told_of_parents_end(signal.SIGUSR1)
