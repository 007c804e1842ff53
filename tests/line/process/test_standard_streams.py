"""What shows the line may break, the line may not: streams that are closed, full, gone or stuck."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import pytest

from line.process.standard_streams import Output
from tests.reports.test_folder import FACTS, mixed_rows, write_run
from tests.running_line import ROOT, poll

LONG_S = 100
RUN = [sys.executable, str(ROOT / "run_line.py")]


def shell(script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """`script` with `$@` as run_line.py and its arguments; `$?` of the runner is its own."""
    return subprocess.run(
        ["bash", "-c", script, "bash", *RUN, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=LONG_S,
        check=False,
        cwd=ROOT,
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    facts = {**FACTS, "fed": 12}
    return write_run(tmp_path_factory.mktemp("finished") / "run", mixed_rows(), facts)


# -- commands that print ------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["explain", "report", "diff", "--help"])
def test_a_reader_that_has_seen_enough_is_no_error(finished: Path, command: str) -> None:
    runs = {"--help": [], "diff": [finished, finished]}.get(command, [finished])
    ended = shell('"$@" | head -n 1 | cat; exit ${PIPESTATUS[0]}', command, *runs)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_error(finished: Path, closed: str) -> None:
    ended = shell(f'"$@" {closed}', "report", finished)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_no_file_of_a_run_gets_the_number_of_a_closed_stream(tmp_path: Path) -> None:
    """What is printed would be written into it."""
    program = (
        "from line.process.standard_streams import *; secure_streams(); print(open('/dev/zero'));"
        "import os, sys; os.write(1, b'x'); sys.exit(open('/dev/zero').fileno())"
    )
    ended = subprocess.run(
        ["bash", "-c", 'exec "$@" <&- >&- 2>&-', "bash", sys.executable, "-c", program],
        check=False,
        cwd=ROOT,
    )
    assert ended.returncode > 2


def test_a_full_disk_is_said_where_printing_is_all_there_is_to_do(finished: Path) -> None:
    ended = shell('"$@" >/dev/full', "explain", finished)
    assert ended.returncode == 2
    assert ended.stderr == "error: standard output: No space left on device\n"
    (finished / "summary.json").unlink(missing_ok=True)
    ended = shell('"$@" >/dev/full', "report", finished)
    assert ended.returncode == 0
    assert (finished / "summary.json").exists()
    assert shell('"$@" 2>/dev/full', "explain", finished / "nothing").returncode == 2


def test_names_that_the_terminal_cannot_show_are_escaped(tmp_path: Path) -> None:
    title = "größe \x1b[31m\udcff"
    run = write_run(tmp_path / "run", mixed_rows(), {**FACTS, "fed": 12}, {"title": "größe"})
    settings = json.loads((run / "settings.json").read_text())
    settings["title"] = title[:-1]
    (run / "settings.json").write_text(json.dumps(settings))
    odd = tmp_path / os.fsdecode(b"r\x1bun\xff")
    run.rename(odd)
    ended = shell('export PYTHONIOENCODING=ascii; "$@"', "report", odd)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert r"gr\xf6\xdfe \x1b[31m" in ended.stdout
    assert r"r\x1bun\udcff" in ended.stdout
    refused = shell('"$@"', "report", tmp_path / os.fsdecode(b"a\x1b[2J\nb\xff"))
    assert refused.returncode == 2
    assert refused.stderr.count("\n") == 1
    assert r"a\x1b[2J b\udcff: not a run folder" in refused.stderr


# -- the line -----------------------------------------------------------------------------------


def options(tiny_model: Path, run_dir: Path) -> list[str]:
    given = ["--model", tiny_model, "--source=procedural", "--items=12", "--speed=max"]
    given += ["--workers=1", "--console=off", "--set=camera.width_px=32", "--run-dir", run_dir]
    return ["run", *map(str, given)]


def assert_accounts(run_dir: Path, ended: str = "finished") -> None:
    summary = json.loads((run_dir / "summary.json").read_text())
    fed = 12 if ended == "finished" else summary["items"]["fed"]
    assert summary["items"] == {"fed": fed, "logged": fed, "lost": 0, "duplicates": 0}
    assert summary["ended"] == ended
    assert (run_dir / "report.html").exists()


@pytest.mark.parametrize(
    "streams",
    ["| head -1", ">&- 2>&- <&-", ">/dev/full 2>/dev/full"],
    ids=["head", "closed", "full"],
)
def test_a_line_runs_on_without_what_shows_it(
    streams: str, tmp_path: Path, tiny_model: Path
) -> None:
    script = f'"$@" {streams}; exit ${{PIPESTATUS[0]}}'
    ended = shell(script, *options(tiny_model, tmp_path / "run"))
    assert (ended.returncode, ended.stderr) == (0, "")
    assert_accounts(tmp_path / "run")


def test_a_line_waits_for_no_reader_of_its_view(tmp_path: Path, tiny_model: Path) -> None:
    """A pipe that is full from the beginning, and read at last."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    os.set_blocking(writer, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writer, b"x" * 4096)
    os.set_blocking(writer, True)
    with started(options(tiny_model, tmp_path / "run"), stdout=writer) as line:
        os.close(writer)
        poll((tmp_path / "run" / "report.html").exists, "accounts", LONG_S)
        assert line.poll() is None, "what was printed waits for its reader"
        with os.fdopen(reader, "rb") as pipe:
            assert b"lost 0, duplicates 0" in pipe.read()
        assert line.wait(LONG_S) == 0
    assert_accounts(tmp_path / "run")


@pytest.mark.parametrize("fate", ["stopped", "closed"])
def test_a_line_needs_no_terminal(fate: str, tmp_path: Path, tiny_model: Path) -> None:
    """One that stands still as after Ctrl-S, and one that is closed, which ends it in order."""
    ours, theirs = pty.openpty()
    run_dir = tmp_path / "run"
    takes_it = "import fcntl, os, signal, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    takes_it += "signal.signal(signal.SIGHUP, signal.SIG_DFL); "  # these tests may run under nohup
    takes_it += "os.execv(sys.argv[1], sys.argv[1:])"
    feeds = ["--speed=1", "--items=100000"] if fate == "closed" else []
    command = [sys.executable, "-c", takes_it, *RUN, *options(tiny_model, run_dir), *feeds]
    line = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=ROOT, start_new_session=True
    )
    try:
        if fate == "stopped":
            termios.tcflow(theirs, termios.TCOOFF)
        os.close(theirs)
        poll((run_dir / "results.csv").exists, "the start", LONG_S)
        if fate == "closed":
            os.close(ours)
        poll((run_dir / "report.html").exists, "accounts", LONG_S)
        if fate == "stopped":
            assert line.poll() is None, "what is still to be shown waits"
            poll(lambda: ends_by_interrupt(line), "the end", LONG_S)
        else:
            assert line.wait(LONG_S) == 0
    finally:
        line.kill()
        line.wait()
        if fate == "stopped":
            os.close(ours)
    assert_accounts(run_dir, "drained" if fate == "closed" else "finished")


def ends_by_interrupt(line: subprocess.Popen[bytes]) -> bool:
    """Ctrl-C, again and again, as nobody sees what is left to be shown."""
    line.send_signal(signal.SIGINT)
    with suppress(subprocess.TimeoutExpired):
        line.wait(1)
    return line.returncode is not None


@contextmanager
def started(arguments: list[str], stdout: int | IO[Any]) -> Iterator[subprocess.Popen[bytes]]:
    line = subprocess.Popen([*RUN, *arguments], stdout=stdout, cwd=ROOT)
    try:
        yield line
    finally:
        line.kill()
        line.wait()


# -- the stream itself ----------------------------------------------------------------------------


def test_everything_is_written_in_order_and_the_first_failure_is_kept(tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as file:
        output = Output(file.fileno())
        for number in range(1000):
            print(number, "€", file=output)
        output.drain()
        assert output.failure is None
    lines = (tmp_path / "file").read_text().splitlines()
    assert lines == [f"{number} €" for number in range(1000)]
    full = os.open("/dev/full", os.O_WRONLY)
    output = Output(full)
    assert print("x", file=output) is None
    output.drain()
    assert output.failure is not None
    assert not output.is_gone, "it may have room later"
    os.close(full)
    print("y", file=output)
    output.drain()


def test_a_stream_that_nobody_reads_is_waited_for_only_at_the_end() -> None:
    reader, writer = os.pipe()
    output = Output(writer)
    text = "x" * 300_000
    output.write(text)
    output.write("the end")
    assert output.is_behind
    with os.fdopen(reader, "rb") as pipe:
        found = pipe.read(len(text) + 7)
    assert found == text.encode() + b"the end"
    output.drain()
    assert not output.is_behind
    output.write("nobody is there")
    output.drain()
    assert output.is_gone
    assert output.write("nor later") == 9
    os.close(writer)


def test_bytes_are_refused() -> None:
    with pytest.raises(TypeError):
        Output(1).write(b"x")  # type: ignore[arg-type]
