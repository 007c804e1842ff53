"""All steps in turn, from the first that is not up to date.

OUT/pipeline.json    each step's command, seconds, exit code, inputs and outputs
OUT/logs/STEP.log    what it printed
OUT/STEP/            what it wrote
OUT/models/NAME.*    the model, and its card
"""

from __future__ import annotations

import fcntl
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from training.errors import BadInput, StepFailed
from training.folders import class_names
from training.pipeline.child import last_line, run_child
from training.pipeline.options import PipelineSettings
from training.pipeline.record import Done, Record, fingerprints
from training.pipeline.step import Step
from training.pipeline.steps import Plan
from training.report.sources import PIPELINE_FILE
from training.settings import best_of
from training.split_folders import split_folders
from training.whole_file import naming

INTERRUPTED = 130
GOES_ON = "interrupted; the same command goes on from here"
LOCK_FILE = "pipeline.lock"


def pipeline(settings: PipelineSettings, config: Path | None, console: Console) -> None:
    """Run every step that is not up to date.

    Raises BadInput for bad options, before anything is written, and StepFailed, with the step's
    exit code, if one fails or is interrupted.
    """
    _check(settings)
    with _locked(settings.out) as lock:
        run = Pipeline(settings, config, console, lock)
        for step in Plan(settings, config).steps():
            run.bring_up_to_date(step)


class Pipeline:
    """The state of one pipeline: what is recorded, and whether anything has been done anew."""

    def __init__(
        self, settings: PipelineSettings, config: Path | None, console: Console, lock: int
    ) -> None:
        self._logs = settings.out / "logs"
        self._logs.mkdir(exist_ok=True)
        self._record = Record(settings.out)
        self._record.forget(settings.skip)
        self._console = console
        self._lock = lock
        self._changed = False

    def bring_up_to_date(self, step: Step) -> None:
        """Run the step, unless it is done already and so are all before it."""
        before = self._record.of(step.name)
        why = before.why_not_done(step) if before else "it has not run yet"
        if why is None and self._changed:
            why = "a step before it has run"
        if why is None:
            self._say(f"{step.name}: skipped, nothing has changed since it was done")
            return
        resumed = self._cut_off(step, before)
        self._changed = True
        self._say(f"{step.name}: {why}" + (", goes on where it was" if resumed else ""))
        for note in step.notes:
            self._say(f"  {note}")
        if not resumed:
            _clear(step)
        self._run(step, step.resume if resumed else ())

    def _cut_off(self, step: Step, before: Done | None) -> bool:
        """Whether the step was begun with the same inputs and can go on from there."""
        begun = before is not None and before.exit_code != 0 and before.same_work(step)
        return begun and step.resumes_from is not None and step.resumes_from.is_file()

    def _run(self, step: Step, more: tuple[str, ...]) -> None:
        log = self._logs / f"{step.name}.log"
        done = Done(
            step=step.name,
            command=step.command,
            configured=step.configured,
            started=datetime.now(UTC).isoformat(timespec="seconds"),
            inputs=fingerprints(step.inputs),
            log=str(log),
        )
        self._record.put(done)
        self._say(f"  $ {step.command}{''.join(f' {word}' for word in more)}")
        with naming(log):
            log.write_text(
                "" if not more else f"{log.read_text(encoding='utf-8')}\n", encoding="utf-8"
            )
        for output in step.outputs:
            output.parent.mkdir(parents=True, exist_ok=True)
        began = time.monotonic()
        code = self._wait(step, more, log)
        seconds = round(time.monotonic() - began, 1)
        outputs = fingerprints(step.outputs) if code == 0 else {}
        self._record.put(replace(done, seconds=seconds, exit_code=code, outputs=outputs))
        if code:
            reason = GOES_ON if code == INTERRUPTED else last_line(log)
            raise StepFailed(step.name, code, log, reason)
        if step.tells_all:
            for line in log.read_text(encoding="utf-8", errors="replace").splitlines()[:-1]:
                self._say(f"  {line}")
        self._say(f"  {seconds} s: {last_line(log)}")

    def _wait(self, step: Step, more: tuple[str, ...], log: Path) -> int:
        with self._console.status(step.name) as status:

            def look(line: str) -> None:
                status.update(f"{step.name}  [dim]{escape(line[:100])}[/dim]")

            try:
                return run_child((*step.arguments, *more), log, self._lock, look)
            except KeyboardInterrupt:
                return INTERRUPTED

    def _say(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False)


def _clear(step: Step) -> None:
    """Remove what an earlier run of the step wrote: some steps want an empty folder."""
    shutil.rmtree(step.folder, ignore_errors=True)
    for output in step.outputs:
        if not output.is_dir():
            output.unlink(missing_ok=True)


def _check(settings: PipelineSettings) -> None:
    """Raise BadInput for what would fail only after other steps have taken their time."""
    source, out, weights = settings.source, settings.out, settings.weights
    given = split_folders(source)
    if len(class_names(given.get("train", source))) < 2:
        raise BadInput(f"--source {source}: at least two class folders are needed")
    if "prepare" in settings.skip and "val" not in given:
        raise BadInput(f"--skip prepare: {source} has no train/ and val/")
    if weights not in (None, "imagenet", "none") and not best_of(Path(weights)).is_file():
        raise BadInput(f"--weights {weights}: no such file")
    if out.resolve().is_relative_to(source.resolve()):
        raise BadInput(f"--out {out}: is inside --source {source}")
    if out.is_dir() and any(out.iterdir()) and not (out / PIPELINE_FILE).is_file():
        raise BadInput(f"--out {out}: is not empty, and not of an earlier pipeline")


@contextmanager
def _locked(out: Path) -> Iterator[int]:
    """The descriptor of a lock on `out`, which one pipeline and its children hold.

    While it is held, SIGTERM is what Ctrl-C is. Raises BadInput if another pipeline holds it.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        file = (out / LOCK_FILE).open("w")
    except OSError as error:
        raise BadInput(f"--out {out}: {error.strerror or error}") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise BadInput(f"--out {out}: another pipeline is at work there") from error
        before = signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            yield file.fileno()
        finally:
            signal.signal(signal.SIGTERM, before)
