"""Every command on a disk that fills: what was there is whole, what is new is whole or absent.

No file may grow beyond a byte that is drawn at random. FULL_DISK_SEEDS draws so many.
"""

from __future__ import annotations

import csv
import io
import json
import os
import random
import resource
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the trainer needs torch")

import onnx
import torch
from colour_models import blue, colour_model, green, red, write_colours
from PIL import Image
from small_runs import write_pictures

from training.cli import main

SEEDS = range(int(os.environ.get("FULL_DISK_SEEDS", "1")))
SMALL = ("--backbone", "mobilenet_v3_small", "--size-px", "32", "--weights", "none")


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file of this process may be longer than `size` bytes meanwhile."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture(scope="module")
def bench(data: Path, finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the commands read: `data`, `run`, `model.onnx` with its card, `colours`, `labels`."""
    root = tmp_path_factory.mktemp("bench")
    (root / "data").symlink_to(data)
    (root / "run").symlink_to(finished_run)
    colour_model(root / "model.onnx", format="1")
    (root / "model.md").write_text("# card\n")
    shades = range(60, 240, 20)
    mixed = [blue(n) for n in shades] + [red(200)], [green(n) for n in shades] + [blue(200)]
    write_colours(
        root / "colours", {"blue": mixed[0], "green": mixed[1], "red": [red(n) for n in shades]}
    )
    write_pictures(root / "unsplit", 6)
    pictures = write_pictures(root / "labels", 3, ("green",))
    choice = {"type": "choices", "value": {"choices": ["metal"]}, "from_name": "choice"}
    said = {"result": [choice], "completed_by": 3, "created_at": "2025-05-02T08:00:00Z"}
    tasks = [
        {"data": {"image": f"green/{path.name}"}, "annotations": [said]}
        for path in sorted((pictures / "green").iterdir())
    ]
    (pictures / "export.json").write_text(json.dumps(tasks))
    assert (
        run("evaluate", root / "model.onnx", "--data", root / "colours", "--out", root / "e") == 0
    )
    return root


def run(*arguments: object) -> int | str | None:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return ended.value.code


Command = Callable[[Path, Path], tuple[object, ...]]

# Commands whose files are replaced when they are given once more; made from the bench, into OUT.
AGAIN: dict[str, Command] = {
    "average": lambda b, out: ("average", b / "run", b / "run", "--out", out / "mean.pt"),
    "evaluate": lambda b, out: (
        *("evaluate", b / "model.onnx", "--data", b / "colours", "--out", out),
    ),
    "calibrate": lambda b, out: (
        *("calibrate", b / "model.onnx", "--data", b / "colours", "--out", out / "c.onnx"),
        *("--precision", "0.8", "--coverage", "0.8"),
    ),
    "audit": lambda b, out: (
        *("audit", b / "colours", "--out", out, "--exclude-to", out / "exclude.txt"),
    ),
    "select": lambda b, out: (
        *("select", b / "colours", "--model", b / "model.onnx", "--count", 20),
        *("--out", out / "list.csv"),
    ),
    "simulate": lambda b, out: (
        *(
            "simulate",
            "--data",
            b / "data",
            "--out",
            out,
            *SMALL,
            "--rounds",
            1,
            "--first",
            6,
            "--step",
            4,
        ),
        *("--seeds", 2, "--strategies", "margin"),
    ),
    "push": lambda b, out: ("push", b / "model.onnx", "--to", out, "--force"),
    "report": lambda b, out: ("report", b / "e", "--out", out),
    "ingest": lambda b, out: (
        *("ingest", b / "labels/export.json", "--out", out, "--images", b / "labels"),
    ),
}
# Those that want a place of their own each time.
ONCE: dict[str, Command] = {
    "prepare": lambda b, out: ("prepare", b / "unsplit", "--out", out, "--copy-files"),
    "train": lambda b, out: (
        *("train", "--data", b / "data", "--out", out, *SMALL, "--epochs", 1, "--batch", 8),
        *("--workers", 0, "--device", "cpu"),
    ),
}


def files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def assert_whole(path: Path, content: bytes) -> None:
    """A file of its kind, to its end."""
    match path.suffix:
        case ".json":
            json.loads(content)
        case ".png":
            Image.open(io.BytesIO(content)).load()
        case ".onnx":
            onnx.checker.check_model(onnx.load_model_from_string(content))
        case ".pt":
            torch.load(io.BytesIO(content), weights_only=True)
        case ".npz":
            assert len(np.load(io.BytesIO(content))["embeddings"])
        case ".csv":
            rows = list(csv.reader(io.StringIO(content.decode(), newline="")))
            assert len({len(row) for row in rows}) == 1
            assert content.endswith(b"\n")
        case ".html":
            assert content.rstrip().endswith(b"</html>")
        case ".md" | ".toml" | ".txt":
            assert content.endswith(b"\n")
        case ".lock":
            assert content == b""
        case other:
            raise AssertionError(f"{path}: what is a whole {other}?")


def assert_refused_whole(
    arguments: tuple[object, ...],
    out: Path,
    room: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = files(out) if out.exists() else {}
    capsys.readouterr()
    with largest_file(room):
        code = run(*arguments)
    error = capsys.readouterr().err
    assert code not in (0, None), f"with files of at most {room} bytes"
    [line] = error.splitlines()
    assert line.startswith("error: ")
    assert "File too large" in line
    after = files(out) if out.exists() else {}
    assert set(before) <= set(after)
    for path, content in after.items():
        if content != before.get(path):
            assert_whole(path, content)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", AGAIN)
def test_files_of_an_earlier_time_stay_whole(
    name: str, seed: int, bench: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    assert run(*AGAIN[name](bench, out)) == 0
    largest = max(len(content) for content in files(out).values())
    if name in ("simulate", "ingest"):  # what stands is not made again
        for made in (*out.glob("*.npz"), *out.glob("*/*.png"), *out.glob("history.csv")):
            made.unlink()
    room = random.Random(f"{name}{seed}").randrange(largest)
    assert_refused_whole(AGAIN[name](bench, out), out, room, capsys)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", ONCE)
def test_a_new_folder_holds_whole_files_or_none(
    name: str, seed: int, bench: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*ONCE[name](bench, tmp_path / "first")) == 0
    largest = max(len(content) for content in files(tmp_path / "first").values())
    room = random.Random(f"{name}{seed}").randrange(largest)
    out = tmp_path / "out"
    assert_refused_whole(ONCE[name](bench, out), out, room, capsys)
    if name == "prepare":
        assert not out.exists()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_pull_replaces_nothing_or_all(
    seed: int, bench: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("push", bench / "model.onnx", "--to", tmp_path / "shelf") == 0
    pull = ("pull", tmp_path / "shelf", "--out", tmp_path / "out")
    assert run(*pull) == 0
    room = random.Random(seed).randrange((bench / "model.onnx").stat().st_size)
    before = files(tmp_path / "out")
    assert_refused_whole((*pull, "--force"), tmp_path / "out", room, capsys)
    assert files(tmp_path / "out") == before


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", ["export", "quantize"])
def test_a_good_model_outlives_a_full_disk(
    name: str, seed: int, bench: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "models"
    out.mkdir()
    shutil.copy(bench / "model.onnx", out / "small.onnx")
    room = random.Random(f"{name}{seed}").randrange(500_000)
    given = {
        "export": ("--parity-pictures", 2),
        "quantize": (
            *("--data", bench / "data", "--report", out, "--methods", "minmax"),
            *("--pictures", 8, "--max-drop", 1),
        ),
    }[name]
    command = (name, bench / "run", "--out", out / "small.onnx", *given)
    assert_refused_whole(command, out, room, capsys)
    assert (out / "small.onnx").read_bytes() == (bench / "model.onnx").read_bytes()
