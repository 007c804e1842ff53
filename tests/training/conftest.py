"""Folders of small generated pictures, and one small network trained from them."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

import pytest
from small_runs import SILENT, small_run, write_pictures

from training.cli import main


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """Sums depend on how many threads share them: runs that are compared must use as many."""
    if importlib.util.find_spec("torch"):
        import torch

        torch.set_num_threads(1)


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with train/ and val/ of three classes."""
    root = tmp_path_factory.mktemp("data")
    write_pictures(root / "train", 8)
    write_pictures(root / "val", 3)
    return root


@pytest.fixture(scope="session")
def finished_run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run folder of two epochs, never interrupted."""
    from training.train.fit import fit

    out = tmp_path_factory.mktemp("runs") / "whole"
    fit(small_run(data, out), SILENT)
    return out


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run a command that must end with exit code 2 and one line on stderr; returns that line."""

    def run(*arguments: object) -> str:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        assert ended.value.code == 2
        [line] = capsys.readouterr().err.splitlines()
        return line

    return run
