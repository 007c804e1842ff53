"""--resume after kill -9: the same weights, to the last bit, as a run that was left alone."""

from __future__ import annotations

import csv
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="the trainer needs torch")

import torch
from rich.console import Console
from small_runs import SILENT, small_run

from training.checkpoint import Checkpoint, load_checkpoint
from training.cli import main
from training.errors import BadInput
from training.train.fit import Run, fit
from training.train.run_folder import how_to_go_on

Refused = Callable[..., str]

DEADLINE_S = 120
EPOCHS = 4
SMALL = (
    *("--weights", "none", "--backbone", "mobilenet_v3_small", "--device", "cpu"),
    *("--size-px", "32", "--stored-px", "36", "--batch", "4", "--epochs", str(EPOCHS)),
)
COSINE = (
    *("--workers", "0", "--schedule", "cosine", "--freeze-epochs", "1", "--mix", "0.7"),
    *("--ema-decay", "0.9", "--balance", "sampler", "--patience-epochs", "3"),
)
PLATEAU = (
    *("--workers", "2", "--schedule", "plateau", "--plateau-epochs", "1", "--optimizer", "adam"),
    *("--weight-decay", "1e-4", "--ema-decay", "0", "--rotation-deg", "20", "--head", "dense"),
    *("--memory-gb", "0"),
)


def train(out: Path, *options: object) -> subprocess.Popen[str]:
    """Start a run in a process group of its own, so that its data workers can be killed with it.

    It yields the processor to the test, which must see each epoch before the next one is over.
    """
    command = ["nice", sys.executable, "-m", "training", "train", "--out", out, *options]
    return subprocess.Popen(
        [str(part) for part in command],
        cwd=Path(__file__).parents[3],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def finish(process: subprocess.Popen[str]) -> None:
    output, _ = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0, output


def kill_after(process: subprocess.Popen[str], out: Path, epochs: int) -> None:
    """Kill a run as soon as it has written down so many epochs, and is inside the next one."""
    deadline = time.monotonic() + DEADLINE_S
    while epochs_done(out) < epochs:
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert epochs_done(out) < EPOCHS


def epochs_done(out: Path) -> int:
    """As last.pt has it, which must be whole at any time; -1 before there is one."""
    return len(load_checkpoint(out / "last.pt").history) if (out / "last.pt").exists() else -1


def assert_same(given: Path, wanted: Path) -> None:
    for name in ("last.pt", "best.pt"):
        one, other = load_checkpoint(given / name), load_checkpoint(wanted / name)
        assert untimed(one.history) == untimed(other.history)
        assert (one.metrics, one.steps) == (other.metrics, other.steps)
        assert_same_tensors(one, other)
    for name in ("metrics.json", "confusion.csv", "errors.html"):
        same = (given / name).read_text().replace(given.name, wanted.name)
        assert same == (wanted / name).read_text()
    assert untimed(rows(given)) == untimed(rows(wanted))


def assert_same_tensors(one: Checkpoint, other: Checkpoint) -> None:
    for state, wanted in ((one.weights, other.weights), (one.model, other.model)):
        assert state.keys() == wanted.keys()
        assert [key for key, value in state.items() if not torch.equal(value, wanted[key])] == []
    momenta, others = one.optimizer["state"], other.optimizer["state"]
    assert momenta.keys() == others.keys()
    for number, memory in momenta.items():
        assert all(torch.equal(value, others[number][key]) for key, value in memory.items())


def untimed(history: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in row.items() if key != "seconds"} for row in history]


def rows(out: Path) -> list[dict[str, str]]:
    with (out / "history.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.timeout(4 * DEADLINE_S)
@pytest.mark.parametrize(
    "options",
    [
        pytest.param(COSINE, id="cosine"),
        pytest.param(PLATEAU, id="plateau", marks=pytest.mark.soak),
    ],
)
def test_a_killed_run_ends_as_if_it_had_been_left_alone(
    options: tuple[str, ...], data: Path, tmp_path: Path
) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    with train(whole, "--data", data, *SMALL, *options) as undisturbed:
        kill_after(train(killed, "--data", data, *SMALL, *options), killed, epochs=0)
        kill_after(train(killed, "--resume"), killed, epochs=2)
        finish(train(killed, "--resume"))
        finish(undisturbed)
    assert_same(killed, whole)


def stopped_run(data: Path, out: Path, **options: object) -> Checkpoint:
    """A run that stops after the first of two epochs."""
    Run(small_run(data, out, **options), SILENT).one_epoch()
    return load_checkpoint(out / "last.pt")


@pytest.fixture(scope="module")
def one_epoch(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that has stopped so."""
    out = tmp_path_factory.mktemp("stopped") / "run"
    stopped_run(data, out)
    return out


def copied_run(run: Path, out: Path) -> Checkpoint:
    """The run in another folder, as if it had been there from the beginning."""
    shutil.copytree(run, out)
    start = load_checkpoint(out / "last.pt")
    there = Checkpoint(**{**vars(start), "settings": {**start.settings, "out": str(out)}})
    there.save(out / "last.pt")
    return there


@pytest.mark.parametrize("fault", ["ahead", "behind", "torn", "gone"])
def test_history_follows_the_checkpoint(
    fault: str, one_epoch: Path, finished_run: Path, tmp_path: Path
) -> None:
    start = copied_run(one_epoch, tmp_path / "run")
    file = tmp_path / "run/history.csv"
    header, first = file.read_text().splitlines()
    texts = {"ahead": f"{header}\n{first}\n2,9,9,9\n", "behind": header, "torn": header[:7]}
    if fault == "gone":
        file.unlink()
    else:
        file.write_text(texts[fault])
    run = Run(start.train_settings(), SILENT, start)
    assert [row["epoch"] for row in rows(tmp_path / "run")] == ["1"]
    run.one_epoch()
    assert untimed(rows(tmp_path / "run")) == untimed(rows(finished_run))


def test_best_ahead_of_last_is_made_again(
    one_epoch: Path, finished_run: Path, tmp_path: Path
) -> None:
    """As when a run is killed after it wrote best.pt, and before last.pt."""
    out = tmp_path / "whole"
    start = copied_run(one_epoch, out)
    fit(start.train_settings(), SILENT, start)
    (out / ".last.pt.partial").write_bytes(b"torn")
    start.save(out / "last.pt")
    assert not (out / ".last.pt.partial").exists()
    fit(start.train_settings(), SILENT, start)
    assert_same(out, finished_run)


def test_a_new_run_does_not_replace_an_earlier_one(data: Path, one_epoch: Path) -> None:
    before = (one_epoch / "last.pt").read_bytes()
    with pytest.raises(BadInput, match="holds a run"):
        Run(small_run(data, one_epoch), SILENT)
    assert (one_epoch / "last.pt").read_bytes() == before


def test_options_given_with_resume_count(data: Path, tmp_path: Path) -> None:
    start = stopped_run(data, tmp_path, warmup_epochs=0, schedule="plateau")
    settings = start.train_settings().model_copy(update={"rate": 0.5, "epochs": 2})
    Run(settings, SILENT, start).one_epoch()
    assert load_checkpoint(tmp_path / "last.pt").history[-1]["rate"] == 0.5


def test_a_run_of_another_network_is_not_gone_on_with(
    one_epoch: Path, tmp_path: Path, refused: Refused
) -> None:
    out = tmp_path / "run"
    copied_run(one_epoch, out)
    resume = ("train", "--resume", "--out", out)
    line = refused(*resume, "--backbone", "resnet18")
    assert line == f"error: --resume: {out} was trained with --backbone mobilenet_v3_small"
    assert "with --head linear" in refused(*resume, "--head", "dense")


def test_a_run_of_other_classes_is_not_gone_on_with(one_epoch: Path, tmp_path: Path) -> None:
    start = copied_run(one_epoch, tmp_path / "run")
    other = Checkpoint(**{**vars(start), "classes": ("brown", "green", "rust")})
    with pytest.raises(BadInput, match="trained on other classes: brown, green, rust"):
        Run(start.train_settings(), SILENT, other)


def test_no_run_to_resume(tmp_path: Path, refused: Refused) -> None:
    line = refused("train", "--resume", "--out", tmp_path)
    assert line == f"error: --resume: {tmp_path} holds no run: there is no last.pt"
    assert "--out: is required with --resume" in refused("train", "--resume")
    (tmp_path / "last.pt").write_bytes(b"torn")
    assert "last.pt: not a checkpoint" in refused("train", "--resume", "--out", tmp_path)


def test_what_is_not_as_it_was_is_said_and_the_schedule_goes_on(data: Path, tmp_path: Path) -> None:
    start = stopped_run(data, tmp_path, batch=8)
    changed = {"batch": 4, "size_px": 48, "epochs": 2}
    settings = start.train_settings().model_copy(update=changed)
    with (tmp_path / "log").open("w") as log:
        fit(settings, Console(file=log, soft_wrap=True), start)
    said = (tmp_path / "log").read_text().splitlines()[1]
    assert said == "--resume: from epoch 2 on with --size-px 48 (was 32), --batch 4 (was 8)"
    ended = load_checkpoint(tmp_path / "last.pt")
    assert ended.steps == 2 * (24 // 4), "as many as if all epochs had had the batch"
    assert 0 < ended.history[-1]["rate"] < 1e-4, "the last step, of a peak of 1e-3"
    with (tmp_path / "log").open("w") as log:
        Run(ended.train_settings(), Console(file=log, soft_wrap=True), ended).announce()
    assert "--resume" not in (tmp_path / "log").read_text()


HOLD = """
import sys
from pathlib import Path
from training.train.run_folder import TrainingFolder
TrainingFolder(Path(sys.argv[1])).lock()
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def held(folder: Path, code: str = HOLD) -> Iterator[None]:
    """Another process holds the folder; it is killed in the end."""
    with subprocess.Popen(
        [sys.executable, "-c", code, str(folder)],
        cwd=Path(__file__).parents[3],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        yield
        other.kill()


def test_one_training_at_a_time_works_in_a_folder(
    data: Path, one_epoch: Path, tmp_path: Path, refused: Refused
) -> None:
    out = tmp_path / "run"
    copied_run(one_epoch, out)
    before = {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    for folder in (out, fresh):
        with held(folder):
            start = ("--resume",) if folder == out else ("--data", data, *SMALL)
            line = refused("train", "--out", folder, *start)
            assert line == f"error: --out {folder}: another training is at work there"
    assert before == {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}
    assert [path.name for path in fresh.iterdir()] == ["train.lock"]
    Run(load_checkpoint(out / "last.pt").train_settings(), SILENT, load_checkpoint(out / "last.pt"))


HOLD_WHOLLY = """
import sys
from pathlib import Path
from training.folder_lock import only_one
with only_one(Path(sys.argv[1]), "this test"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("name", ["audit", "evaluate", "prepare"])
def test_one_process_at_a_time_writes_to_a_folder(
    name: str, data: Path, finished_run: Path, tmp_path: Path, refused: Refused
) -> None:
    commands = {
        "audit": ((data,), "another audit"),
        "evaluate": (
            (finished_run / "best.pt", "--data", data / "val"),
            "another evaluation",
        ),
        "prepare": ((data / "train",), "another preparation"),
    }
    arguments, holder = commands[name]
    out = tmp_path / "out"
    with held(out, HOLD_WHOLLY):
        line = refused(name, *arguments, "--out", out)
        assert line == f"error: --out {out}: {holder} is at work there"
    assert not list(out.iterdir())


def test_whoever_interrupts_a_training_is_told_how_to_go_on(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "a run"

    def interrupt() -> None:
        deadline = time.monotonic() + DEADLINE_S
        while epochs_done(out) < 1 and time.monotonic() < deadline:
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    options = ("--workers", "0", "--epochs", "5000", "--ema-decay", "0")
    command = ["train", "--data", data, "--out", out, *SMALL, *options]
    waits = threading.Thread(target=interrupt, daemon=True)
    waits.start()
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in command])
    waits.join()
    assert ended.value.code == 130
    [line] = capsys.readouterr().err.splitlines()
    how = f"`python -m training train --resume --out '{out}'` goes on after the last whole epoch"
    assert line == f"error: interrupted; {how}"
    assert how_to_go_on(tmp_path).startswith("interrupted before anything was written")
