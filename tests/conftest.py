"""What all tests share."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from tests.dispatcher_stage import Stage
from tests.tiny_model import write_tiny_model

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # the tests were started in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)  # children inherit it

hypothesis.settings.register_profile("busy", deadline=None)  # the machine may be at other work
hypothesis.settings.load_profile("busy")


_LONGEST = {
    "test_browser",
    "test_engine_change",
    "test_line_on_cluster",
    "test_pipeline_command",
    "test_profile",
    "test_readme",
    "test_remote_worker",
    "test_resume",
    "test_training_resume",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take longest come first: none is left over at the end."""
    items.sort(key=lambda item: item.path.stem not in _LONGEST)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of the right shape that takes no time."""
    return write_tiny_model(tmp_path_factory.mktemp("model") / "tiny.onnx")


@pytest.fixture(scope="session")
def slow_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that takes tens of milliseconds a picture."""
    return write_tiny_model(tmp_path_factory.mktemp("model") / "slow.onnx", work=4)


@pytest.fixture(scope="session", autouse=True)
def _no_settings_from_outside() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment:
        for name in [name for name in os.environ if name.startswith("SCRAPLINE_")]:
            environment.delenv(name)
        # A line that makes no pictures ahead begins a few seconds sooner.
        environment.setenv("SCRAPLINE_CAMERA__PREPARE", "live")
        # Each process costs half a second of processor: a test that needs more says so.
        environment.setenv("SCRAPLINE_LINE__WORKERS", "1")
        environment.setenv("SCRAPLINE_REVIEW__ENABLED", "false")
        # The machine may be busy: a process is killed for its silence only where a test says so.
        environment.setenv("SCRAPLINE_SUPERVISOR__HANG_S", "600")
        environment.setenv("SCRAPLINE_SUPERVISOR__START_S", "600")
        yield


@pytest.fixture
def short_dir() -> Iterator[Path]:
    """The path of a socket is limited, and pytest's own folders are long."""
    path = Path(tempfile.mkdtemp(dir="/tmp"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def stage(short_dir: Path) -> Iterator[Stage]:
    with Stage(short_dir) as stage:
        yield stage
