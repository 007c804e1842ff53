"""The console beside a run: nothing of the line depends on it, and it starts runs in order."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from console.link import LineLink, newest_run
from console.runs_page.run_starter import Starter
from line.errors import BadInput
from tests.console_process import answers
from tests.freezing import freeze
from tests.ports import free_port
from tests.running_line import RunningLine, assert_accounted, poll


def takes(listener: socket.socket, port: int) -> bool:
    """Binds it, once nobody else listens at the port."""
    try:
        listener.bind(("127.0.0.1", port))
    except OSError:
        return False
    return True


def test_a_console_that_is_given_up_ends_nothing(tmp_path: Path, tiny_model: Path) -> None:
    port = free_port()
    with RunningLine(
        tmp_path / "run",
        "--model",
        tiny_model,
        "--duration=36000",
        "--workers=1",
        "--console=on",
        f"--set=console.port={port}",
        "--set=supervisor.failed_starts=1",
    ) as line:
        poll(lambda: answers(port), "the console")
        line.kill("console")
        with socket.socket() as other:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            poll(lambda: takes(other, port), "the port to be free")
            other.listen()
            events = tmp_path / "run" / "events.jsonl"
            poll(
                lambda: events.exists() and '"given_up"' in events.read_text(),
                "it to be given up",
            )
        assert "console" not in [entry["name"] for entry in line.processes()]
        line.wait_for_rows(line.rows_written() + 5)
        line.interrupt()
        status, summary = line.finish()
    assert status == 0
    assert_accounted(summary, line.rows())


def test_a_console_that_is_frozen_is_replaced(tmp_path: Path, tiny_model: Path) -> None:
    port = free_port()
    often = ("--set=supervisor.failed_starts=100", "--set=supervisor.restarts_per_min=1000")
    with RunningLine(
        tmp_path / "run",
        *("--model", tiny_model, "--duration=36000", "--workers=1", "--console=on"),
        *(f"--set=console.port={port}", "--set=supervisor.hang_s=2", *often),
    ) as line:
        poll(lambda: answers(port), "the console")
        frozen = freeze(line, "console")
        poll(lambda: line.pid("console") not in (None, frozen), "another console")
        poll(lambda: answers(port), "its answer")
        line.interrupt()
        status, summary = line.finish()
    assert status == 0
    assert_accounted(summary, line.rows())


def test_a_run_is_started_and_ended_in_order_for_another(
    tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCRAPLINE_MODEL__PATH", str(tiny_model))
    monkeypatch.setenv("SCRAPLINE_LINE__WORKERS", "1")
    with LineLink(lambda: newest_run(tmp_path)) as link:
        starter = Starter(tmp_path, link)
        starter.start("demo", "anna")
        poll(lambda: link.live.state == "running", "the first run")
        first = link.run_dir
        assert first is not None
        with pytest.raises(BadInput, match="is under way: end it first"):
            starter.start("steady", "anna")  # nobody was asked about this run
        starter.start("steady", "anna", first)
        poll(lambda: link.live.state == "running", "the second run")
        assert link.run_dir != first
        assert json.loads((first / "run.json").read_bytes())["ended"] == "drained"
        assert '"who": "anna"' in (first / "orders.jsonl").read_text()
        poll(lambda: link.live.status.get("logged"), "a row")  # or there is nothing to report
        link.order("stop", "anna")
        starter.wait(300)
        poll(lambda: link.live.end and link.live.end.has_report, "its report")
        assert link.live.end.how == "stopped"
        assert link.live.end.can_be_resumed
        starter.resume(link.run_dir)
        assert link.live.state == "running"
        link.order("stop", "anna")
        starter.wait(300)


def test_a_run_whose_runner_is_killed_is_cut_off_and_resumed(
    tmp_path: Path, tiny_model: Path
) -> None:
    with (
        RunningLine(
            tmp_path / "run",
            *("--model", tiny_model, "--duration=36000", "--console=off", "--workers=1"),
        ) as line,
        LineLink(lambda: newest_run(tmp_path)) as link,
    ):
        starter = Starter(tmp_path, link, only_resumes=True)
        assert starter.scenarios == []
        poll(lambda: link.live.state == "running", "the run")
        line.wait_for_rows(5)
        for value in (0.41, 0.42, 0.43):
            link.order("threshold", "anna", value=value)
            assert link.live.status["threshold"] == value  # nothing older is shown any more
        line.kill_runner()
        poll(lambda: link.live.end and link.live.end.how == "cut off", "that it was cut off")
        assert link.live.headline().kind == "off"
        assert not link.live.end.has_report
        rows = line.rows_written()
        starter.resume(tmp_path / "run")
        line.wait_for_rows(rows + 5)
        link.order("drain", "anna")
        poll(lambda: link.live.end and link.live.end.has_report, "its report")
        assert (link.live.end.how, link.live.headline().kind) == ("drained", "good")
        starter.wait(300)


def test_what_cannot_be_started_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCRAPLINE_MODEL__PATH", str(tmp_path / "none.onnx"))
    with LineLink(lambda: newest_run(tmp_path)) as link:
        starter = Starter(tmp_path, link)
        with pytest.raises(BadInput, match="there is none of that name"):
            starter.start("../../etc/passwd", "anna")
        with pytest.raises(BadInput, match=r"none\.onnx"):
            starter.start("demo", "anna")
        with pytest.raises(BadInput, match="there is no run"):
            link.order("pause", "anna")
