"""Runs whose files are not what they should be: each is a row that says so, and hides no other."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from console.line_page.alarm_groups import Alarms
from console.line_page.orders import last_orders
from console.link import LineLink, newest_run
from console.run_end import how_it_ended
from console.run_facts import RunFacts
from console.runs_page.run_shelf import Shelf, read_run
from line.errors import BadInput
from line.observe.control_client import Control
from tests.console_process import Console, console_over
from tests.made_run import account, make_run
from tests.running_line import poll

HTML = {"Accept": "text/html"}
FILES = (
    *("settings.json", "model.json", "run.json", "summary.json", "processes.json"),
    *("results.csv", "alerts.jsonl", "orders.jsonl", "review/queue.sqlite"),
)
DEEP = "[" * 200_000


def write(text: str | bytes) -> Callable[[Path], object]:
    content = text if isinstance(text, bytes) else text.encode()
    return lambda path: path.write_bytes(content)


def huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 30)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "empty": write(""),
    "bytes": write(bytes(range(256)) * 99),
    "list": write("[]"),
    "object": write("{}"),
    "null": write("null"),
    "deep": write(DEEP),
    "endless numbers": write('{"processes": [{"pid": 1e999, "name": "a"}], "ended": NaN}'),
    "wrong kinds": write('{"processes": 7, "control": [1], "ended": {}, "scenario": []}'),
    "large numbers": write(
        '{"scenario": "x", "items": {"fed": 1' + "0" * 4000 + ', "lost": 0}, "processes": '
        '[{"pid": 1' + "0" * 400 + "}]}"
    ),
    "pipe": lambda path: os.mkfifo(path),
    "folder": lambda path: path.mkdir(),
    "huge": huge,
    "link": lambda path: path.symlink_to("/dev/zero"),
    "loop": lambda path: path.symlink_to(path),
}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One good run, and one for each damage to each file."""
    folder = tmp_path_factory.mktemp("damaged") / "results"
    good = make_run(folder / "good")
    account(good)
    (good / "processes.json").write_text('{"processes": []}')
    for file in FILES:
        for kind, damage in DAMAGE.items():
            run = folder / f"{file.replace('/', '-')} {kind}"
            shutil.copytree(good, run)
            (run / file).unlink(missing_ok=True)
            damage(run / file)
    bad_name = os.fsencode(folder) + b"/bad\xff\x1b[31mname"
    shutil.copytree(os.fsencode(good), bad_name)
    escape = folder / "escape \x1b[31m\u202e"
    shutil.copytree(good, escape)
    os.utime(good / "settings.json", (2**40, 2**40))
    return folder


@pytest.fixture(scope="module")
def console(results: Path) -> Iterator[Console]:
    with console_over(
        results, f"--set=model.path={results}", "--set=console.look_in=[]"
    ) as console:
        yield console


def test_every_run_is_a_row_and_the_good_one_has_its_figures(results: Path) -> None:
    runs = {run.name: run for run in Shelf(results, lambda: None).runs()}
    hidden = {"settings.json loop"}  # no settings, no run
    expected = {path.name for path in results.iterdir() if "\udcff" not in path.name}
    assert expected - set(runs) <= hidden
    assert runs["good"].complaint == ""
    assert runs["good"].accounts is not None
    for kind in DAMAGE:
        for file in ("summary.json", "processes.json"):
            run = runs[f"{file} {kind}"]
            if run.accounts is None:
                assert run.complaint.startswith(file), run
        assert runs[f"processes.json {kind}"].state == "finished"


def test_the_runs_page_shows_them_all(console: Console) -> None:
    page = console.ask("/runs", headers=HTML)
    assert page.status == 200
    assert "good" in page.text
    assert "summary.json is larger than 64 MB" in page.text
    assert "escape \\\\x1b[31m\\\\u202e" in page.text, "as it is shown"
    assert "Review items of escape \x1b" not in page.text


@pytest.mark.parametrize("kind", DAMAGE)
def test_the_review_page_says_what_is_wrong_with_a_run(console: Console, kind: str) -> None:
    for file in ("model.json", "results.csv", "review-queue.sqlite", "settings.json"):
        page = console.ask(f"/review?name={quote(f'{file} {kind}')}", headers=HTML)
        assert page.status == 200, file
        export = console.ask(f"/review-export/{quote(f'{file} {kind}')}/labels.json")
        assert export.status in (200, 404), file
        zipped = console.ask(f"/review-export/{quote(f'{file} {kind}')}/labels.zip")
        assert zipped.status in (200, 404), file


@pytest.mark.parametrize("kind", DAMAGE)
def test_two_runs_of_which_one_is_damaged_are_compared_or_refused(
    console: Console, kind: str
) -> None:
    for file in ("results.csv", "settings.json", "model.json", "run.json"):
        found = console.ask(f"/run-difference/good/{quote(f'{file} {kind}')}/diff.csv")
        assert found.status in (200, 404), (file, found)


@pytest.mark.parametrize("page", ["/", "/models", "/classify"])
def test_the_other_pages_stand_beside_them(console: Console, page: str) -> None:
    assert console.ask(page, headers=HTML).status == 200


@pytest.mark.parametrize("file", FILES)
def test_what_the_line_page_reads_of_a_damaged_run_is_refused_in_words(
    results: Path, file: str
) -> None:
    for kind in DAMAGE:
        run = results / f"{file.replace('/', '-')} {kind}"
        assert read_run(run).name == run.name
        assert isinstance(how_it_ended(run), str | None)
        assert isinstance(last_orders(run / "orders.jsonl"), list)
        alarms = Alarms(run)
        alarms.refresh()
        alarms.ranked()
        if file in ("settings.json", "model.json"):
            with pytest.raises(BadInput):
                RunFacts.load(run)
        else:
            assert RunFacts.load(run).run_dir == run


@pytest.mark.parametrize("file", ["settings.json", "processes.json", "run.json"])
def test_following_a_damaged_run_ends_nothing(results: Path, tmp_path: Path, file: str) -> None:
    shown = [results / "good"]
    with LineLink(lambda: shown[-1]) as link:
        for kind in DAMAGE:
            shown.append(results / f"{file} {kind}")
            if file == "settings.json":
                poll(lambda: shown[-1].name in link.live.complaint, kind)
            else:
                poll(lambda: link.run_dir == shown[-1] and link.live.state == "over", kind)
        assert link.is_alive


def test_a_run_that_may_not_be_looked_at_hides_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, shut = make_run(tmp_path / "good"), make_run(tmp_path / "shut")
    look = os.stat

    def refused(path, *arguments, **facts):
        if str(shut) in str(path):
            raise PermissionError(13, "Permission denied", str(path))
        return look(path, *arguments, **facts)

    monkeypatch.setattr("os.stat", refused)
    assert newest_run(tmp_path) == good
    assert Shelf(tmp_path, lambda: None).names() == ["good"]


def test_a_line_that_says_what_none_would_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(tmp_path / "run")
    ours, theirs = socket.socketpair()
    connected = [Control(run, ours, tmp_path)]

    def connect(_: Path) -> Control:
        if not connected:
            raise BadInput("no line is running there")
        return connected.pop()

    monkeypatch.setattr(Control, "of", connect)
    with theirs, LineLink(lambda: run) as link:
        theirs.sendall(b'{"kind": "status", "verdicts": 3}\n{"kind": "status"}\n')
        poll(lambda: "its line says what none would" in link.live.complaint, "a word")
        assert link.is_alive
