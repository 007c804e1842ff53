"""Runs as the console finds them: what is listed, which files are given out, and what is not."""

from __future__ import annotations

import json
import os
from contextlib import closing
from pathlib import Path

import pytest

from console.inside import open_inside
from console.runs_page.difference import difference, picture_of
from console.runs_page.run_shelf import Shelf
from line.errors import BadInput
from line.outcome import Verdict
from tests.console_process import console_over
from tests.made_run import account, make_run
from tests.sinks.test_csv_log import outcome


@pytest.fixture
def results(tmp_path) -> Path:
    """Two runs, the second one newer, beside things that are none."""
    folder = tmp_path / "results"
    first, second = make_run(folder / "friday"), make_run(folder / "monday")
    account(first)
    os.utime(first / "settings.json", (1e9, 1e9))
    os.utime(second / "settings.json", (1.1e9, 1.1e9))
    (folder / "bench.json").write_text("{}")
    (folder / "empty").mkdir()
    (folder / "linked").symlink_to(first)
    (tmp_path / "secret.json").write_text("hidden words")
    return folder


@pytest.fixture
def shelf(results) -> Shelf:
    return Shelf(results, lambda: None)


# -- what is listed ------------------------------------------------------------------------------


def test_runs_are_listed_with_their_accounts_the_newest_first(shelf):
    monday, friday = shelf.runs()

    assert (friday.name, friday.title, friday.state) == ("friday", "demo", "finished")
    assert friday.accounts.accuracy == 0.875
    assert friday.has_report
    assert (monday.name, monday.state, monday.accounts) == ("monday", "cut off", None)


def test_a_run_elsewhere_that_is_shown_is_listed_too(results, tmp_path):
    shown = make_run(tmp_path / "elsewhere" / "sunday")
    shelf = Shelf(results, lambda: shown)

    assert "sunday" in shelf.names()
    assert shelf.folder("sunday") == shown


def test_a_run_with_living_processes_is_running(results):
    entry = {"pid": os.getpid(), "name": "worker-0"}
    friday = results / "friday"
    (friday / "processes.json").write_text(json.dumps({"processes": [entry]}))

    assert Shelf(results, lambda: None).runs()[1].state == "finished", "that is somebody else"


@pytest.mark.parametrize("summary", ["", "[]", "{}", '{"scenario": 1}', "\xff", '{"items": NaN}'])
def test_damaged_accounts_are_said_and_stop_nothing(results, shelf, summary):
    (results / "friday/summary.json").write_text(summary, encoding="latin-1")
    (results / "monday/settings.json").write_text("{")

    assert {run.name: run.complaint for run in shelf.runs()} == {
        "friday": "summary.json is damaged, or of another version",
        "monday": "settings.json is damaged, or of another version",
    }


def test_a_place_without_runs_has_none(tmp_path):
    assert Shelf(tmp_path / "nowhere", lambda: None).runs() == []


# -- files that lead elsewhere -------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["linked", "..", ".", "", "empty", "a/b", "bench.json", "x\0", "/"]
)
def test_what_is_no_run_of_this_place_is_refused(shelf, name):
    with pytest.raises(BadInput, match="there is no run"):
        shelf.folder(name)


@pytest.mark.parametrize(
    "name",
    [
        "../../secret.json",
        "../friday/summary.json",
        "review/../../../secret.json",
        "/etc/hostname",
        "//etc/hostname",
        "review/./queue.sqlite",
        ".runner.lock",
        "..\\..\\secret.json",
        "link.json",
        "folder/secret.json",
        "review",
        "",
        "x\0.json",
        "\udcff.json",
        "x" * 5000,
    ],
)
def test_a_name_that_leads_out_of_a_run_is_refused(results, tmp_path, name):
    run = results / "friday"
    (run / ".runner.lock").write_text("")
    (run / "link.json").symlink_to(tmp_path / "secret.json")
    (run / "folder").symlink_to(tmp_path)

    with pytest.raises(BadInput):
        open_inside(run, name)


def test_a_pipe_in_place_of_a_file_holds_nobody_up(results):
    os.mkfifo(results / "friday/alerts.jsonl")
    with pytest.raises(BadInput, match="not a file"):
        open_inside(results / "friday", "alerts.jsonl")


def test_a_file_of_a_run_is_given_out(shelf):
    with closing(shelf.open("friday", "review/images/0-1.png")) as file:
        assert file.read(4) == b"\x89PNG"


def test_over_http_nothing_but_a_runs_own_files_is_given_out(results, tmp_path):
    (results / "friday/link.html").symlink_to(tmp_path / "secret.json")
    with console_over(results) as console:
        report = console.ask("/run-files/friday/report.html")
        assert (report.status, "It went well" in report.text) == (200, True)
        assert "sandbox" in report.headers["content-security-policy"]
        assert "script-src" not in report.headers["content-security-policy"]
        for path in (
            "friday/link.html",
            "friday/../../secret.json",
            "friday/%2e%2e/%2e%2e/secret.json",
            "friday/..%2f..%2fsecret.json",
            "%2e%2e/secret.json",
            "..%2f/secret.json",
            "linked/report.html",
            "friday/review/queue.sqlite",
            "friday/%2fetc%2fhostname",
            "friday//etc/hostname",
            "nobody/report.html",
        ):
            refused = console.ask(f"/run-files/{path}")
            assert (refused.status, "hidden words" in refused.text) == (404, False), path
        export = console.ask("/review-export/friday/labels.json")
        assert len(json.loads(export.text)) == 6
        assert console.ask("/review-export/%2e%2e/labels.zip").status == 404


# -- two runs ------------------------------------------------------------------------------------


def test_two_runs_are_compared_item_by_item(results):
    rows = [outcome(seq) for seq in range(9)]
    rows[2] = outcome(2, verdict=Verdict.LATE, latency_ms=900.0, slack_ms=-150.0)
    other = make_run(results / "tuesday", rows=rows)
    found = difference(results / "friday", other)

    assert [change.frame_id for change in found.changes] == ["0-2"]
    assert picture_of(found, "0-2") == ("tuesday", "review/images/0-2.png")
    assert picture_of(found, "0-8") is None


def test_a_run_too_large_for_a_page_is_left_to_the_command(results, monkeypatch):
    monkeypatch.setattr("console.runs_page.difference.LARGEST_MB", 0)
    with pytest.raises(BadInput, match=r"larger than 0 MB; compare with: run_line\.py diff"):
        difference(results / "friday", results / "monday")
