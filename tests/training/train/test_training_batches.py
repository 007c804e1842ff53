"""Loading processes that cannot hand their pictures over, and pictures that are gone."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the trainer needs torch")

import torch
from rich.console import Console
from small_runs import SILENT, small_run, write_pictures

from training.errors import BadInput
from training.train.batches import TrainBatches
from training.train.splits import epoch_order, open_splits

ROOM_BYTES = 20_000  # a batch of 8 pictures of 32×32 is 98 kB


@contextmanager
def little_shared_memory() -> Iterator[None]:
    """No piece of shared memory, which is a file, may be larger than a fifth of a batch."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM_BYTES, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_without_shared_memory_the_run_loads_its_pictures_itself(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = small_run(data, tmp_path, workers=2)
    splits = open_splits(settings)
    batches = TrainBatches(splits, settings, Console(soft_wrap=True))
    with little_shared_memory():
        labels = [labels for _, labels in batches.epoch(seed=5)]
        again = [labels for _, labels in batches.epoch(seed=5)]
    [line] = capsys.readouterr().out.splitlines()
    assert line.startswith("--workers 2: ")
    assert "/dev/shm" in line
    assert line.endswith("goes on without them")
    order = epoch_order(splits.train, settings, torch.Generator().manual_seed(5))
    wanted = [splits.train.labels[i] for i in order]
    assert len(labels) == len(batches) == 3
    assert torch.cat(labels).tolist() == torch.cat(again).tolist() == wanted


def test_a_picture_that_went_away_is_one_line_with_loading_processes_too(tmp_path: Path) -> None:
    for part in ("train", "val"):
        write_pictures(tmp_path / part, 3)
    settings = small_run(tmp_path, tmp_path / "run", workers=1, memory_gb=0)
    batches = TrainBatches(open_splits(settings), settings, SILENT)
    (tmp_path / "train/green/green1.png").unlink()
    with pytest.raises(BadInput) as error:
        list(batches.epoch(seed=0))
    assert str(error.value).startswith(f"{tmp_path / 'train/green/green1.png'}: cannot be read")
    assert "\n" not in str(error.value)
