"""A worker on another host: two network namespaces and a wire between them that can be cut."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest

from tests.remote_workers import RemoteWorker, new_keys, remote_options
from tests.running_line import RunningLine, assert_accounted, poll

LINE, FAR = "10.213.7.1", "10.213.7.2"
CUT_S = 10.0


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


class Wire:
    """Two hosts, `line` and `far`, and a cable."""

    def __init__(self) -> None:
        self.line, self.far = f"scr-line-{os.getpid()}", f"scr-far-{os.getpid()}"
        for host in (self.line, self.far):
            ip("netns", "add", host)
            ip("-n", host, "link", "set", "lo", "up")
        ip(
            "-n",
            self.line,
            "link",
            "add",
            "wire",
            "type",
            "veth",
            "peer",
            "wire",
            "netns",
            self.far,
        )
        for host, address in ((self.line, LINE), (self.far, FAR)):
            ip("-n", host, "address", "add", f"{address}/24", "dev", "wire")
            ip("-n", host, "link", "set", "wire", "up")

    def set(self, state: str) -> None:
        ip("-n", self.far, "link", "set", "wire", state)

    @staticmethod
    def on(host: str) -> tuple[str, ...]:
        """What to put before a command so that it runs on that host."""
        return "ip", "netns", "exec", host

    def remove(self) -> None:
        for host in (self.line, self.far):
            subprocess.run(["ip", "netns", "delete", host], check=False, capture_output=True)


@pytest.fixture
def wire(capsys: pytest.CaptureFixture[str]) -> Iterator[Wire]:
    made = None
    try:
        if os.geteuid() != 0 or shutil.which("ip") is None:
            raise PermissionError("needs root and the ip command")
        made = Wire()
    except (PermissionError, subprocess.CalledProcessError) as error:
        with capsys.disabled():
            print(f"\nNOT TESTED: a cut wire between two hosts: {error}")
        pytest.skip(f"no network namespaces: {error}")
    try:
        yield made
    finally:
        made.remove()


class FarLine(RunningLine):
    """A line on one of the hosts."""

    def __init__(self, prefix: tuple[str, ...], run_dir: Path, *arguments: object) -> None:
        super().__init__(run_dir, *arguments)
        self._command = [*prefix, *self._command]


@pytest.mark.parametrize("speed", ["1", pytest.param("max", marks=pytest.mark.soak)])
def test_a_wire_that_is_cut_for_ten_seconds_loses_nothing(
    wire: Wire, tmp_path: Path, tiny_model: Path, slow_model: Path, speed: str
) -> None:
    keys = new_keys(tmp_path / "keys", "press")
    address = f"tcp://{LINE}:5555"
    model = tiny_model if speed == "1" else slow_model
    size = ("--interval", 0.1, "--items", 200) if speed == "1" else ("--items", 300)
    options = (
        "--model",
        model,
        "--workers",
        0,
        "--speed",
        speed,
        *size,
        *remote_options(address, keys),
    )
    worker = ("--connect", address, "--keys", keys / "for-press", "--model", model)
    with (
        FarLine(wire.on(wire.line), tmp_path / "run", *options) as line,
        RemoteWorker(tmp_path / "w.log", *worker, prefix=wire.on(wire.far)) as press,
    ):
        line.wait_for_rows(15)
        wire.set("down")
        back = monotonic() + CUT_S
        press.wait_for("no answer; trying")
        poll(lambda: monotonic() >= back, "the wire is mended")
        wire.set("up")
        press.wait_for("joined", times=2)
        before = line.rows_written()
        status, summary = line.finish()
        rows = line.rows()
        assert status == 0
        assert_accounted(summary, rows)
        assert summary["verdicts"].get("failed", 0) == 0
        again = rows["worker"].iloc[before:].dropna()
        assert len(again), "it works again"
        assert again.str.startswith("press#").all()
        if speed == "1":
            assert summary["verdicts"]["expired"] > 0, "nobody was there for 10 s"
            in_time = rows["queue_ms"].dropna() < summary["deadline_ms"]
            assert in_time.all(), "no inference began after the deadline"
        else:
            assert rows["worker"].notna().all()
