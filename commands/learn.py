"""`run_line.py learn`: teach the model what people said of the items of recorded runs.

The trainer is called as a command, and read as the file that it leaves. OUT/ then holds

    labels/         the labelled pictures, a folder for each class
    model.onnx      the model that has learnt them
    learn.json      what it was before and is after, on labelled pictures that were left out
    replay-N/       run N fed again to it
    diff-N/         what changed on that belt, with pictures: diff.html
    logs/           what each step printed
"""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from commands.options import AsJson
from commands.printing import err, out, shown
from line.errors import BadInput, ScraplineError
from line.plain_text import plain
from line.section import DEFAULT_ENGINE

ROOT = Path(__file__).resolve().parent.parent
_LABELS_LEFT_OUT = 1
"""Exit status of `training ingest` where some labels have no picture; the others are taken in."""


class StepFailed(ScraplineError):
    """A command that this one calls has failed, though nothing was wrong with what it was given."""


def learn(
    run_dirs: Annotated[list[Path], typer.Argument(help="runs with labelled items")],
    base: Annotated[
        Path | None,
        typer.Option(help=".onnx file to begin with; not given: the model of the first run"),
    ] = None,
    old_data: Annotated[
        Path | None,
        typer.Option(help="class folders that the model is not to forget: its training pictures"),
    ] = None,
    into: Annotated[
        Path | None, typer.Option("--out", help="new folder for the model and what it changes")
    ] = None,
    swap_into: Annotated[
        Path | None, typer.Option("--swap", help="running line that is to get the model at the end")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Learn from labelled items, and show on the recorded belt what that changes."""
    runs = [path.absolute() for path in run_dirs]
    if as_json and swap_into is not None:
        raise BadInput("--json: not together with --swap, which says how it goes")
    if old_data is not None and not old_data.is_dir():
        raise BadInput(f"--old-data {old_data}: no such folder")
    if swap_into is not None:
        _check_running(swap_into)
    _check_runs(runs)
    classes, model = _model(runs[0], base)
    steps = Steps(_folder(into), quiet=as_json)
    try:
        for run in runs:
            steps.take_labels(run, classes)
        learnt = steps.refit(model, old_data)
    except BadInput:
        shutil.rmtree(steps.folder)  # it would be in the way of the next try
        raise
    pages = [steps.show_on_belt(number, run) for number, run in enumerate(runs, 1)]
    result = {
        "runs": [str(run) for run in runs],
        "base": str(model),
        "model": str(steps.model),
        **learnt,
        "diffs": [str(page) for page in pages],
    }
    steps.write(result)
    if as_json:
        print(json.dumps(result, indent=1))
    else:
        for page in pages:
            out.print(f"what changed on the belt: {shown(page)}", soft_wrap=True)
        out.print(f"{shown(steps.folder)}/learn.json  model.onnx", soft_wrap=True)
    _serve(steps.model, swap_into, quiet=as_json)


class Steps:
    """The commands that do it, each a process; its output is kept in a log.

    Each method raises BadInput with the command's own line for bad input, StepFailed for the rest.
    """

    def __init__(self, folder: Path, *, quiet: bool) -> None:
        self.folder = folder
        self.model = folder / "model.onnx"
        self._labels = folder / "labels"
        self._logs = folder / "logs"
        self._quiet = quiet
        try:
            self._logs.mkdir(parents=True)
            self._labels.mkdir()
        except OSError as error:
            raise BadInput(f"--out {folder}: {error.strerror or error}") from None

    def take_labels(self, run: Path, classes: tuple[str, ...]) -> None:
        """Pictures of a run's labelled items into the folder of labels."""
        index = self._logs / "classes.json"
        names = {str(number): name for number, name in enumerate(classes)}
        index.write_text(json.dumps(names), encoding="utf-8")
        if _labelled(run)[0]:
            words = ("-m", "training", "ingest", run, "--out", self._labels, "--classes", index)
            self._say(self._do("ingest", words, fine=(0, _LABELS_LEFT_OUT)))

    def refit(self, model: Path, old_data: Path | None) -> dict[str, Any]:
        """The model taught; what it is worth, as the trainer tells it."""
        report = self._logs / "refit.json"
        old = () if old_data is None else ("--old-data", old_data.absolute())
        files = ("--data", self._labels, *old, "--out", self.model, "--report", report)
        self._say(self._do("refit", ("-m", "training", "refit", model, *files)))
        found: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
        return found

    def show_on_belt(self, number: int, run: Path) -> Path:
        """Feed the run again to the new model; the page that compares the two."""
        again, page = self.folder / f"replay-{number}", self.folder / f"diff-{number}"
        runner = ROOT / "run_line.py"
        how = ("--model", self.model, "--engine", DEFAULT_ENGINE, "--speed", "max", "--quiet")
        self._do(f"replay-{number}", (runner, "replay", run, *how, "--run-dir", again))
        said = self._do(f"diff-{number}", (runner, "diff", run, again, "--out", page))
        self._say(f"{shown(run)}, fed again: {said.strip().splitlines()[0]}")
        return page / "diff.html"

    def write(self, result: dict[str, Any]) -> None:
        """learn.json."""
        text = json.dumps(result, indent=1, ensure_ascii=False) + "\n"
        (self.folder / "learn.json").write_text(text, encoding="utf-8")

    def _say(self, text: str) -> None:
        if not self._quiet:
            for line in text.splitlines():
                out.print(plain(line, 1000), soft_wrap=True)

    def _do(self, name: str, words: tuple[object, ...], fine: tuple[int, ...] = (0,)) -> str:
        """What the command printed."""
        done = subprocess.run(
            [sys.executable, *map(str, words)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="backslashreplace",
            check=False,
        )
        with (self._logs / f"{name}.log").open("a", encoding="utf-8") as log:
            log.write(f"$ python {shlex.join(map(str, words))}\n{done.stdout}{done.stderr}")
        last = plain((done.stderr.strip().splitlines() or ["no reason given"])[-1], 1000)
        reason = last.removeprefix("error: ")
        if done.returncode == BadInput.exit_code:
            raise BadInput(reason)
        if done.returncode not in fine:
            raise StepFailed(f"{name} ended with status {done.returncode}: {reason}")
        if done.returncode:
            err.print(reason, style="yellow", soft_wrap=True, markup=False)
        return done.stdout


def _folder(asked: Path | None) -> Path:
    """Raises BadInput where there is something already."""
    if asked is None:
        from line.config import load

        stamp = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
        asked = Path(load().results.dir) / f"{stamp}-learn"
    if asked.exists():
        raise BadInput(f"--out {asked}: is there already; name a new folder")
    return asked.absolute()


def _labelled(run: Path) -> tuple[int, int]:
    """Queued items of a run that somebody has given a class, and all of them."""
    from line.run_files.review_file import NONE_OF_THESE
    from line.run_files.said_labels import queued_answers

    queued = queued_answers(run / "review")
    return sum(each.label not in (None, NONE_OF_THESE) for each in queued), len(queued)


def _check_running(line: Path) -> None:
    """Before anything is learnt. Raises BadInput if no line runs there."""
    from line.observe.control_client import Control

    with Control.of(line):
        pass


def _check_runs(runs: list[Path]) -> None:
    """Raises BadInput for what cannot be fed again, or told apart, or has no label."""
    from commands.run_setup.replaying import replay_of

    for run in runs:
        replay_of(run, {}, with_faults=False)
    if len({run.name for run in runs}) < len(runs):
        raise BadInput("two of the runs have the same name, by which labels are told apart")
    if not any(_labelled(run)[0] for run in runs):
        waiting = sum(_labelled(run)[1] for run in runs)
        raise BadInput(
            f"{shown(runs[0])}: nobody has said yet what its queued items are ({waiting} wait); "
            f"label some with: run_line.py override {shown(runs[0])}"
        )


def _model(run: Path, base: Path | None) -> tuple[tuple[str, ...], Path]:
    """The classes of a run, and the file to begin with. Raises BadInput if that is not there."""
    from commands.run_setup.replaying import check_unchanged
    from line.supervise.resume import remember

    _, serving = remember(run)
    if base is None:
        check_unchanged(serving, run, "--base")
        return serving.classes, Path(serving.path).absolute()
    if not base.is_file():
        raise BadInput(f"--base {base}: no such file")
    return serving.classes, base.absolute()


def _serve(model: Path, line: Path | None, *, quiet: bool) -> None:
    """Into the running line that was named, or say how."""
    if line is not None:
        from commands.swap import swap

        swap(line, model)
    elif not quiet:
        words = f"run_line.py swap RUN_DIR --model {shlex.quote(shown(model))}"
        out.print(f"to have it serve on a running line: {words}", soft_wrap=True)
