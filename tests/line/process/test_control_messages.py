"""Whatever a process says to its supervisor, in every kind of note."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest

from line.config import load
from line.errors import DecodeError
from line.observe.live_picture import picture
from line.observe.metrics import render
from line.observe.snapshot import Snapshot
from line.observe.status import Status
from line.observe.status_note import status_note
from line.process.control_channel import ControlMessage, decode_note
from line.process.control_messages import KINDS, NoteCheck, Speaker
from line.run_files.run_folder import RunFolder
from line.supervise.child import Child, ProcessSpec
from tests.broken_process import break_processes
from tests.running_line import UndisturbedLine, assert_accounted, poll

JITTER = {"p50": 0.1, "p95": 0.15, "p99": 0.2, "max": 0.3, "count": 4}
PICTURES = {"ahead": 2, "live": 1, "processor_ms": 17}
BELT = {
    "at": 12.5,
    "fed": 3,
    "belt_s": 1.5,
    "on_belt": 1,
    "window": 2,
    "jitter_ms": JITTER,
    "pictures": PICTURES,
}
STATS = {
    "logged": 3,
    "classified": 2,
    "verdicts": {"sorted": 2, "dropped": 1},
    "in_time": 2,
    "accuracy": None,
    "latency_ms": {"p50": 1.0, "p95": 2.0, "p99": None},
    "latency_s": {"bounds": [0.1, 0.2], "counts": [1, 1, 0], "sum": 0.2},
    "reasons": {"dropped": {"the window was full": 1}},
    "bins": {"glass": {"fed": 2, "ejected": 1, "right": 1}},
    "last_row": 12.5,
}
GOOD: dict[str, tuple[Speaker, dict[str, Any]]] = {
    "ready": ("worker", {}),
    "beat": ("observer", {"malformed": 2}),
    "error": ("worker", {"text": "no model"}),
    "engine_failed": ("worker", {"text": "openvino gives nan for 'glass'"}),
    "incident": ("log", {"id": "disk_full-1", "event": "disk_full", "text": "waits"}),
    "belt": ("camera", BELT),
    "finished": ("camera", BELT),
    "preparing": ("camera", {"made": 3, "wanted": 10, "done": False}),
    "processor": ("worker", {"parts": {"starting": 0.7, "inference": 1.5}}),
    "progress": ("camera", {"reached_s": 0.0, "resume_s": None}),
    "event": ("camera", {"number": 0}),
    "flow": ("dispatcher", {"waiting": 1, "held": 2, "loads": {"worker-0#1": [1, 5]}}),
    "suspect": ("dispatcher", {"process": "worker-0#1"}),
    "stats": ("log", STATS),
    "review": ("follower", {"queued": 3}),
    "alerts": ("follower", {"count": 1, "fresh": [["info", "item 0-1: unsure"]]}),
    "follower": ("follower", {"behind_rows": 10}),
    "placed": ("placement", {"connected": True, "nodes": 3, "cpus": 8.0, "workers": 2}),
}
STRANGE: tuple[Any, ...] = (
    None,
    True,
    -1,
    1.5,
    10**400,
    float("nan"),
    float("inf"),
    "x",
    "\ud800\x1b[2J\n" * 9,
    "x" * 100_000,
    [],
    {},
    [[[]]],
    {"": {"": None}},
    ["x", 1],
    json.loads("[" * 500 + "]" * 500),
)


def test_every_kind_has_an_example() -> None:
    assert set(GOOD) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_note_that_fits_is_handed_on_as_it_is(kind: str) -> None:
    speaker, facts = GOOD[kind]
    note = json.loads(json.dumps({"kind": kind, **facts}))
    check = NoteCheck(speaker)
    assert json.loads(json.dumps(check.passed(note))) == note
    assert check.refused == 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_note_of_somebody_who_has_no_business_with_it_is_counted(kind: str) -> None:
    if kind in ("ready", "beat", "error", "incident", "processor"):
        return
    speaker: Speaker = "camera" if kind == "engine_failed" else "worker"
    check = NoteCheck(speaker)
    assert check.passed({"kind": kind, **GOOD[kind][1]}) is None
    assert check.refused == 1


def mutated(facts: Any, rng: random.Random) -> Any:
    """The facts with something strange in the place of one of their values, or without it."""
    facts = copy.deepcopy(facts)
    places: list[tuple[Any, Any]] = []

    def collect(value: Any) -> None:
        if isinstance(value, dict | list):
            keys = list(value) if isinstance(value, dict) else list(range(len(value)))
            for key in keys:
                places.append((value, key))
                collect(value[key])

    collect(facts)
    if not places:
        return {"malformed": rng.choice(STRANGE)}
    holder, key = rng.choice(places)
    if rng.random() < 0.1:
        del holder[key]
    elif isinstance(holder, dict) and rng.random() < 0.1:
        holder[rng.choice(("", "x" * 10_000, "\x1b]0;x"))] = holder.pop(key)
    else:
        holder[key] = rng.choice(STRANGE)
    return facts


def test_no_note_breaks_who_hears_or_shows_it() -> None:
    rng = random.Random("notes")
    status = Status(load(assignments=["line.workers=2", "decision.threshold=0.5"], environment={}))
    checks = {kind: NoteCheck(speaker) for kind, (speaker, _) in GOOD.items()}
    passed = refused = 0
    for number in range(6000):
        kind = KINDS[number % len(KINDS)]
        try:
            line = json.dumps({"kind": kind, **mutated(GOOD[kind][1], rng)}).encode()
            note = checks[kind].passed(decode_note(line))
        except DecodeError:
            continue
        if note is None:
            refused += 1
            continue
        passed += 1
        status.take("camera-0" if kind in ("belt", "finished") else "somebody", note)
        if number % 7 == 0:
            snapshot = Snapshot.of(status)
            render(snapshot)
            json.dumps(snapshot.facts(snapshot.taken), allow_nan=False)
            json.dumps(status_note(status), allow_nan=False)
            picture(status, 1.0, 80)
            status.jitter_ms()
    assert passed > 100
    assert refused > 3000


def test_a_process_that_tells_of_too_much_is_not_heeded_for_a_while() -> None:
    check = NoteCheck("worker")
    told = [
        check.passed({"kind": "incident", "id": str(n), "event": "x", "text": "y"})
        for n in range(1000)
    ]
    assert sum(note is not None for note in told) == 30
    assert check.refused == 970


def test_what_a_child_says_and_cannot_be_read_or_heeded_is_counted(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.logs.mkdir()
    spec = ProcessSpec("worker", "worker-0", 0, "tests.garbling_child")
    child = Child(spec, 1, folder, tmp_path)
    notes: list[ControlMessage] = []
    poll(lambda: notes.extend(child.notes()) or notes, "a note")
    poll(child.ended, "the end")
    child.close()
    assert notes == [{"kind": "beat", "malformed": 2}]
    assert child.refused == 2


_SAYS_STRANGE_THINGS = """
import json, random
rng = random.Random(sys.orig_argv[-1])
values = [None, True, -1, 10**400, float("nan"), "x", [], {}, [[]], {"a": {}}, "\\\\ud800", [1, 2]]
kinds = %r + ["", "kill", 7, None, [], {}]
names = ["malformed", "strangers", "text", "id", "event", "fed", "belt_s", "on_belt", "window",
         "jitter_ms", "reached_s", "resume_s", "number", "waiting", "held", "loads", "process",
         "logged", "verdicts", "latency_s", "bins", "queued", "count", "fresh", "behind_rows",
         "parts"]
while True:
    time.sleep(0.05)  # or its own words would be torn: nobody takes turns on this channel
    note = {name: rng.choice(values) for name in names if rng.random() < 0.8}
    lines = [json.dumps({"kind": rng.choice(kinds), **note}), "nonsense", "[]", "{}", "7"]
    kind = rng.choice(kinds)
    if kind != "incident" and kind != "error":
        lines.append(json.dumps({"kind": kind}))
    if rng.random() < 0.1:
        lines.append("[" * 2000)
    try:
        os.write(CHANNEL, ("\\n".join(lines) + "\\n").encode())
    except OSError:
        pass
"""


def test_a_line_lives_on_whatever_its_processes_say(
    tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("worker-0", "csv_log", "dispatcher", "camera-0", "alerts")
    code = _SAYS_STRANGE_THINGS % ([kind for kind in KINDS if kind != "finished"],)
    break_processes(monkeypatch, tmp_path / "site", names, code)
    options = ("--items", 60, "--interval", 0.05, "--model", tiny_model, "--workers", 2)
    with UndisturbedLine(tmp_path / "run", *options) as line:
        status, summary = line.finish()
        assert status == 0
        assert_accounted(summary, line.rows())
        assert summary["items"]["fed"] == 60
        run = json.loads((line.run_dir / "run.json").read_text())
        assert run["malformed_messages"] > 100
