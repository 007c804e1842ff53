"""`python -m benchmarks.hostile_worker`: a worker with keys that means ill, against a running line.

It joins and leaves, answers wrongly, answers what it was never given, sends odd messages of every
kind and every field, and does not read. Same seed, same messages, though not at the same moments.
Ends with status 1 if an item was lost or decided by a worker that did not hold it, if a process of
the line died, or if the line did not end.
"""

from __future__ import annotations

import csv
import json
import math
import signal
import subprocess
import tempfile
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from time import monotonic
from typing import Annotated, Any

import typer
import zmq

from benchmarks.entry import run
from benchmarks.fuzzing.live import PATIENCE_S, free_port, start, stop, wait_until_healthy
from benchmarks.fuzzing.mutations import Parts, mutate
from benchmarks.fuzzing.targets import targets
from line.codec import encode
from line.messages import Beat, ClockQuery, Frame, Hello, Message, Refusal, Result, Stored, Terms
from line.outcome import Verdict
from line.process.hub import REMOTE
from line.process.link import Link
from line.remote.curve import Lock
from line.remote.keys import WorkerKeys, make

app = typer.Typer(add_completion=False)
_KEYS = 12
_LIFE_MESSAGES = 3000
"""Most that one connection sends."""
_MB = 1e6


@dataclass
class Attack:
    """What was sent, and how the line fared. `summary` is its own."""

    sent: int = 0
    held: set[tuple[str, str]] = field(default_factory=set)
    """(worker, item) of every frame that came"""
    rows: Counter[str] = field(default_factory=Counter)
    """item → rows"""
    stolen: list[str] = field(default_factory=list)
    """items decided by a hostile worker that did not hold them"""
    growth_mb: float = 0.0
    """of the dispatcher's memory, at most"""
    seconds: float = 0.0
    summary: dict[str, Any] = field(default_factory=dict)

    @property
    def is_good(self) -> bool:
        items = self.summary["items"]
        died = sum(count for role, count in self.summary["restarts"].items() if role != "worker")
        once = all(count == 1 for count in self.rows.values())
        whole = len(self.rows) == items["fed"] and not (items["lost"] or items["duplicates"])
        return whole and once and not (self.stolen or died)

    def sentence(self) -> str:
        items, restarts = self.summary["items"], self.summary["restarts"]
        answered = sum(1 for worker, _ in self.held if worker)
        return (
            f"{self.sent} messages in {self.seconds:.0f} s, {answered} frames taken; "
            f"{items['fed']} items fed, {len(self.rows)} with a row, {items['lost']} lost, "
            f"{items['duplicates']} twice, {len(self.stolen)} decided by a worker that did not "
            f"hold them; processes restarted: {dict(restarts)}; the dispatcher's memory grew by "
            f"{self.growth_mb:.0f} MB at most."
        )


class _Connection(Link):
    """One connection of a hostile worker; sends whatever it likes, as far as there is room."""

    def __init__(self, address: str, keys: Path, name: str, incarnation: int) -> None:
        found = WorkerKeys.load(keys / f"for-{name}", None)
        self.identity = f"{name}#{incarnation}"
        super().__init__(address, self.identity, lock=Lock(found.pair, found.servers[0]))
        self.hello = Hello(REMOTE, name, incarnation, credit=2)
        self.model = "0" * 12
        self.holds: list[Frame] = []

    def put(self, parts: Parts) -> bool:
        try:
            self._dealer.send_multipart(parts, zmq.NOBLOCK)
        except zmq.Again:
            self.wait(0.01)
            return False
        return True

    def say(self, message: Message) -> bool:
        return self.put(tuple(bytes(part) for part in encode(message)))

    def listen(self, attack: Attack) -> None:
        for message, _ in self.receive():
            if isinstance(message, Terms):
                self.model = message.model[:12]
            elif isinstance(message, Frame):
                self.holds.append(message)
                attack.held.add((self.identity, f"{message.camera}-{message.seq}"))


class _Hostile:
    """Chooses by lot what a connection says."""

    def __init__(self, seed: int, examples: tuple[Parts, ...]) -> None:
        self._rng = Random(f"{seed} hostile")  # noqa: S311 - to be repeated, not to be secret
        self._examples = examples

    def live(self, connection: _Connection, attack: Attack, most: int) -> None:
        """One connection's life; it may leave with frames in its hands."""
        rng = self._rng
        reads = rng.random() < 0.8
        connection.say(connection.hello)
        ends = monotonic() + 5.0
        for _ in range(min(most, rng.randint(1, _LIFE_MESSAGES))):
            if monotonic() > ends or connection.loss:
                return
            if reads:
                connection.listen(attack)
            attack.sent += connection.put(self._parts(connection))

    def _parts(self, connection: _Connection) -> Parts:
        rng, lot = self._rng, self._rng.random()
        if lot < 0.3:
            return mutate(rng.choice(self._examples), self._examples, rng) or (b"",)
        if lot < 0.35:
            return (b"R2", b"x" * rng.randint(1, 60_000))
        if lot < 0.36:
            return (b"B1", *[b"x"] * rng.randint(2, 2000))
        return tuple(bytes(part) for part in encode(self._message(connection)))

    def _message(self, connection: _Connection) -> Message:
        rng = self._rng
        frame = connection.holds.pop() if connection.holds and rng.random() < 0.5 else None
        key = (frame.camera, frame.seq) if frame else (0, rng.randrange(5000))
        return rng.choice(
            (
                Result(
                    *key,
                    self._probabilities(),
                    self._number(),
                    self._number(),
                    self._model(connection),
                ),
                Result(*key, (0.5, 0.5, 0.0, 0.0, 0.0, 0.0), 0.0, 0.0, connection.model),
                Refusal(*key, rng.choice((Verdict.FAILED, Verdict.EXPIRED)), self._text()),
                Hello(
                    REMOTE, rng.choice((connection.hello.name, self._text())), 1, rng.randrange(99)
                ),
                connection.hello,
                Beat(),
                ClockQuery(self._number()),
                Stored(((0, rng.randrange(5000)),)),
            )
        )

    def _probabilities(self) -> tuple[float, ...]:
        return tuple(self._number() for _ in range(self._rng.choice((0, 1, 5, 6, 7, 1000))))

    def _number(self) -> float:
        rng = self._rng
        return rng.choice((0.0, 1.0, -1.0, math.inf, -math.inf, 1e300, rng.random(), monotonic()))

    def _text(self) -> str:
        rng = self._rng
        return rng.choice(("", "\x1b[2J", "=1+1", "a\nb,c", "\0", "é" * rng.randint(1, 5000)))

    def _model(self, connection: _Connection) -> str:
        return self._rng.choice((connection.model, "f" * 12, self._text()))


def attack_line(count: int, seed: int, *options: str) -> Attack:
    """Send `count` messages to a line that feeds items; `options` are the runner's.

    Raises:
        StageDied: if the line does not start.
    """
    attack = Attack()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir="/tmp")))
        keys = folder / "keys"
        names = [f"evil-{number}" for number in range(_KEYS)]
        make(keys, names, rotate=False)
        address, port = f"tcp://127.0.0.1:{free_port()}", free_port()
        remote = (f"--set=transport.listen={address}", f"--set=transport.keys={keys}")
        line = start(folder, port, (*remote, *options))
        stack.callback(stop, line)
        wait_until_healthy(line, port)
        dispatcher = _pid(folder / "run", "dispatcher")
        before = _resident_mb(dispatcher)
        hostile = _Hostile(seed, stack.enter_context(targets())[0].examples)
        began = monotonic()
        incarnation = 0
        while attack.sent < count and line.poll() is None:
            incarnation += 1
            name = names[incarnation % _KEYS]
            with _Connection(address, keys, name, incarnation) as connection:
                hostile.live(connection, attack, count - attack.sent)
            attack.growth_mb = max(attack.growth_mb, _resident_mb(dispatcher) - before)
        attack.seconds = monotonic() - began
        _conclude(line, folder / "run", attack)
    return attack


def _conclude(line: subprocess.Popen[str], run_dir: Path, attack: Attack) -> None:
    line.send_signal(signal.SIGINT)
    text, _ = line.communicate(timeout=PATIENCE_S)
    attack.summary = json.loads(text)
    with (run_dir / "results.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            item, worker = row["frame_id"], row["worker"]
            attack.rows[item] += 1
            if worker.startswith("evil-") and (worker, item) not in attack.held:
                attack.stolen.append(item)


def _pid(run_dir: Path, name: str) -> int:
    processes = json.loads((run_dir / "processes.json").read_bytes())["processes"]
    return next(int(process["pid"]) for process in processes if process["name"] == name)


def _resident_mb(pid: int) -> float:
    try:
        for text in Path(f"/proc/{pid}/status").read_text().splitlines():
            if text.startswith("VmRSS:"):
                return int(text.split()[1]) * 1024 / _MB
    except OSError:
        pass  # it died, which the summary says
    return 0.0


@app.command()
def main(
    messages: Annotated[int, typer.Option(min=1, help="to send")] = 1_000_000,
    seed: Annotated[int, typer.Option(min=0)] = 1,
) -> None:
    """Attack a running line with keys that it lets in; nothing may be lost."""
    attack = attack_line(messages, seed)
    print(attack.sentence())
    if not attack.is_good:
        raise typer.Exit(1)


if __name__ == "__main__":
    run(app)
