"""Who may come into the console: hosts, passwords, sessions, origins."""

from __future__ import annotations

import json
import os
import pty
import re
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlencode

import pytest

from commands.run_setup.run_console import with_console_decided
from console.access.guard import is_this_machine
from console.access.passwords import LoginTries, make_hash, matches, place_of
from console.access.sessions import LASTS_S, Sessions
from console.classify_page.classify_client import ClassifyClient
from console.link import LineLink
from console.port import take_port
from console.site import NAME_COOKIE, Site
from line.config import load
from line.errors import BadInput
from line.observe.console_access import ConsoleAccess
from tests.console_process import Answer, Console, ask, console_of, console_over
from tests.ports import free_port
from tests.running_line import ROOT, RunningLine, command, poll

PASSWORD = "correct horse"
HTML = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def known_hash() -> str:
    return make_hash(PASSWORD)


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory, known_hash: str) -> Iterator[int]:
    """A console with a password beside its token; its port."""
    results = tmp_path_factory.mktemp("results")
    with console_over(results, "--set", f"console.password_hash={known_hash}") as console:
        yield console.port


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """One without a password."""
    with console_over(tmp_path_factory.mktemp("results")) as console:
        yield console


def sign_in(
    port: int,
    password: str,
    name: str = "anna",
    more: dict[str, str] | None = None,
    source: str = "127.0.0.1",
) -> Answer:
    headers = {
        "Origin": f"http://127.0.0.1:{port}",
        "Content-Type": "application/x-www-form-urlencoded",
        **(more or {}),
    }
    form = urlencode({"name": name, "password": password})
    return ask(port, "/login", "POST", headers, form, source)


SOCKET = "/_nicegui_ws/socket.io/?EIO=4&transport=websocket"


def upgrade(port: int, origin: str | None, cookie: str = "", path: str = SOCKET) -> int:
    """Status of a websocket's handshake, with NiceGUI's socket unless another is named."""
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Cookie": cookie,
    }
    if origin:
        headers["Origin"] = origin
    return ask(port, path, headers=headers).status


# -- settings -------------------------------------------------------------------------------------


def test_an_address_beyond_this_machine_is_refused_without_a_password() -> None:
    with pytest.raises(BadInput, match=r"console\.host: 0\.0\.0\.0 can be reached"):
        load(assignments=["console.host=0.0.0.0"], environment={})


def test_with_a_password_it_may_listen_anywhere(known_hash: str) -> None:
    changes = ["console.host=0.0.0.0", f"console.password_hash={known_hash}"]
    assert not load(assignments=changes, environment={}).console.is_local


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("host", "example.org"),
        ("port", 0),
        ("port", 70_000),
        ("on", "maybe"),
        ("password_hash", "x"),
    ],
)
def test_a_wrong_setting_is_named(key: str, value: object) -> None:
    with pytest.raises(BadInput, match=f"console.{key}"):
        load(options=[(f"console.{key}", value)], environment={})


def test_a_taken_port_is_named() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        settings = load(assignments=[f"console.port={port}"], environment={})
        with pytest.raises(BadInput, match=rf"console\.port: 127\.0\.0\.1:{port}: "):
            take_port(settings.console)


def test_a_run_goes_on_without_its_console_where_the_port_is_taken(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = f"console.port={other.getsockname()[1]}"
        settings = load(assignments=[port, "console.on=on"], environment={})
        decided, access = with_console_decided(settings, tmp_path, silent=False)
        assert (decided.console.on, access) == ("off", None)
    assert "the run goes on without the console" in capsys.readouterr().err
    decided, access = with_console_decided(settings, tmp_path, silent=False)
    assert decided.console.on == "on"
    assert access is not None
    said = capsys.readouterr().err
    assert settings.console.url in said
    assert f"run_line.py console --address {tmp_path}" in said
    assert access.token not in said, "this is no terminal"


def test_in_a_pipe_no_console_opens_by_itself(tmp_path: Path) -> None:
    settings = load(environment={})
    assert settings.console.on == "auto"
    decided, access = with_console_decided(settings, tmp_path, silent=False)
    assert (decided.console.on, access) == ("off", None)


def test_a_resumed_run_whose_password_is_not_set_any_more_opens_no_port(
    known_hash: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changes = ["console.host=0.0.0.0", f"console.password_hash={known_hash}", "console.on=on"]
    settings = load(assignments=[*changes, f"console.port={free_port()}"], environment={})
    kept = type(settings).model_validate_json(settings.model_dump_json())
    assert kept.console.password_hash == ""
    assert with_console_decided(kept, tmp_path, silent=False)[1] is None
    assert "console.host: 0.0.0.0 can be reached" in capsys.readouterr().err
    assert with_console_decided(settings, tmp_path, silent=False)[1] is not None


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    ended = command("console", tmp_path / "nowhere")
    assert ended.returncode == 2
    assert "nowhere: is not a folder" in ended.stderr


# -- passwords and sessions -----------------------------------------------------------------------


def test_a_hash_knows_its_password_alone(known_hash: str) -> None:
    assert matches(PASSWORD, known_hash)
    assert not matches(PASSWORD + " ", known_hash)
    assert make_hash(PASSWORD) != known_hash


def test_a_session_of_another_token_is_none(known_hash: str) -> None:
    access = ConsoleAccess.fresh(known_hash)
    first, again = Sessions(access, 1), Sessions(access, 1)
    other = Sessions(ConsoleAccess.fresh(known_hash), 1)
    for cookie in (first.open("anna"), first.open_by_token()):
        assert first.find(cookie) == again.find(cookie) is not None
        assert other.find(cookie) is None
        assert first.find(cookie + "x") is None
    assert first.find(None) is first.find("x" * 10**6) is None
    assert LASTS_S <= 24 * 3600
    assert first.cookie != Sessions(access, 2).cookie


def test_five_wrong_passwords_a_minute_are_enough() -> None:
    now = [0.0]
    tries = LoginTries("key", 1, lambda: now[0])
    assert [tries.may_try("10.0.0.1") for _ in range(6)] == [True] * 5 + [False]
    assert tries.may_try("10.0.0.2")
    now[0] = 61.0
    assert tries.may_try("10.0.0.1")
    for _ in range(9):
        tries.forgive("10.0.0.1")
        assert tries.may_try("10.0.0.1"), "a right one does not count"


@pytest.mark.parametrize(
    ("addresses", "place"),
    [
        (("127.0.0.1", "127.0.0.2", "127.255.3.4", "::1", "::ffff:127.0.0.9"), "this machine"),
        (("10.1.2.3", "::ffff:10.1.2.3"), "10.1.2.3"),
        (("2001:db8::1", "2001:db8::ffff", "2001:db8::1%eth0"), "2001:db8::/64"),
        (("", "unix"), "elsewhere"),
    ],
)
def test_another_address_of_the_same_place_gives_no_more_tries(
    addresses: tuple[str, ...], place: str
) -> None:
    assert {place_of(address) for address in addresses} == {place}


def test_whoever_guesses_from_everywhere_is_slowed_down_and_shuts_out_no_known_browser() -> None:
    now = [0.0]
    tries = LoginTries("key", 1, lambda: now[0])
    known = tries.new_browser()
    guesses = sum(tries.may_try(f"10.0.{n // 250}.{n % 250}") for n in range(5000))
    assert guesses == 30
    assert not tries.may_try("192.168.0.1")
    assert [tries.may_try("192.168.0.1", known) for _ in range(6)] == [True] * 5 + [False]
    assert not tries.may_try("192.168.0.1", known + "x")
    assert LoginTries("key", 1).may_try("192.168.0.1", known), "also by another start"
    now[0] = 61.0
    assert tries.may_try("192.168.0.1")
    assert len(tries._tries) <= 1024


def test_who_was_let_in_is_nobody_when_the_session_is_over(
    known_hash: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions = Sessions(ConsoleAccess.fresh(known_hash), 1)
    cookies = {sessions.cookie: sessions.open("anna"), NAME_COOKIE: "Boss"}
    monkeypatch.setattr(Site, "_cookie", staticmethod(cookies.get))
    link, classifier = LineLink(lambda: None), ClassifyClient(load(environment={}))
    site = Site(tmp_path, tmp_path, (), 2.0, link, classifier, None, sessions)
    assert (site.who(), site.login_name(), site.is_shut_out) == ("anna", "anna", False)
    monkeypatch.setattr("console.access.sessions.LASTS_S", -1)
    assert site.is_shut_out
    with pytest.raises(BadInput, match="your session is over"):
        site.who()
    cookies[sessions.cookie] = sessions.open_by_token()
    assert (site.who(), site.login_name(), site.is_shut_out) == ("Boss", None, False)


@pytest.mark.parametrize("host", ["localhost", "localhost:8460", "127.0.0.1:1", "[::1]:8460"])
def test_this_machines_names(host: str) -> None:
    assert is_this_machine(host)


@pytest.mark.parametrize("host", ["", "example.org", "127.0.0.1.example.org", "10.0.0.1:80"])
def test_other_machines_names(host: str) -> None:
    assert not is_this_machine(host)


# -- without a session ----------------------------------------------------------------------------


def routes(console: Console) -> list[str]:
    """The path of every route that the app has, websockets and mounted files included."""
    code = f"""
from pathlib import Path
from console.classify_page.classify_client import ClassifyClient
from console.link import LineLink
from console.access.passwords import LoginTries
from console.server import make_app
from console.access.sessions import Sessions
from console.site import Site
from line.config import load
from line.observe.console_access import ConsoleAccess
from nicegui import app as pages
settings, place = load(environment={{}}), Path({str(ROOT)!r})
site = Site(place, place, (), 2.0, LineLink(lambda: None), ClassifyClient(settings), None,
            Sessions(ConsoleAccess("x"), 1))
app = make_app(site, LoginTries("", 1))
for route in [*app.routes, *pages.routes]:
    print(route.path)
"""
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return found.stdout.split("\n")[:-1]


@pytest.fixture(scope="module")
def paths(console: Console) -> list[str]:
    fixed = ["/", "/favicon.ico", "/openapi.json", "/docs", "/console-static/console.css"]
    files = [f"/console-static/{path.name}" for path in (ROOT / "console/static").iterdir()]
    return sorted(
        {re.sub(r"\{[^}]*\}", "1", path) or "/" for path in routes(console)}
        | set(fixed)
        | set(files)
    )


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
def test_every_route_refuses_without_a_session(
    console: Console, paths: list[str], method: str
) -> None:
    assert len(paths) > 20
    own = {"Origin": console.url}
    forged = {"Cookie": f"scrapline_session_{console.port}=ImFubmEi.forged"}
    for path in paths:
        if path == "/login":
            continue
        for headers in (own, own | forged):
            answer = ask(console.port, path, method, headers)
            assert answer.status == 401, (path, method)
            assert "Scrapline" not in answer.text
        assert ask(console.port, f"{path}?token=guess", method, own).status == 401


def test_every_websocket_refuses_without_a_session(console: Console, paths: list[str]) -> None:
    assert upgrade(console.port, console.url) == 403
    assert upgrade(console.port, console.url, "scrapline_session=1; scrapline_name=anna") == 403
    for path in paths:
        assert upgrade(console.port, console.url, path=path) == 403, path
    assert upgrade(console.port, console.url, console.session()) == 101


def test_without_a_session_a_browser_is_told_where_the_address_is(console: Console) -> None:
    page = ask(console.port, "/runs", headers=HTML)
    assert (page.status, page.headers["location"]) == (303, "/login")
    told = ask(console.port, "/login", headers=HTML)
    assert told.status == 200
    assert "run_line.py console --address RUN_DIR" in told.text
    assert "password" not in re.sub(r"<style>.*?</style>", "", told.text, flags=re.DOTALL)
    assert sign_in(console.port, "anything").status == 403


# -- with the token -------------------------------------------------------------------------------


def test_the_token_opens_a_session_of_this_port_that_scripts_cannot_read(console: Console) -> None:
    entered = ask(console.port, f"/runs?a=x&token={console.token}&b=%3C", headers=HTML)
    assert entered.status == 200
    assert 'content="0;url=/runs?a=x&amp;b=%3C"' in entered.text
    assert console.token not in entered.text
    assert entered.headers["cache-control"] == "no-store"
    cookie = entered.headers["set-cookie"]
    assert cookie.startswith(f"scrapline_session_{console.port}=")
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert console.token not in cookie
    inside = ask(console.port, "/runs", headers={"Cookie": cookie.split(";")[0]})
    assert inside.status == 200
    leads_away = ask(console.port, f"//evil.example/?token={console.token}")
    assert 'url=/evil.example/"' in leads_away.text


def test_the_token_is_for_looking_and_changes_nothing_by_itself(console: Console) -> None:
    shown = f"/classify-pictures/x/1?token={console.token}"
    assert ask(console.port, shown, "POST", {"Origin": console.url}).status == 401
    assert ask(console.port, shown, "POST").status == 403


def test_the_token_stands_in_no_argument_list_and_in_a_private_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private = Path(tempfile.mkdtemp(dir="/tmp"))
    monkeypatch.setenv("TMPDIR", str(private))
    browser = tmp_path / "browser"
    browser.write_text(
        f'#!/bin/sh\necho "$1" > {tmp_path}/opened.new\n'
        f"mv {tmp_path}/opened.new {tmp_path}/opened\n"
    )
    browser.chmod(0o700)
    monkeypatch.setenv("BROWSER", str(browser))
    (tmp_path / "results").mkdir()
    with console_over(tmp_path / "results", "--open") as console:
        [folder] = private.glob("scrapline-*")
        [file] = folder.iterdir()
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        for process in Path("/proc").glob("[0-9]*"):
            with_what = b""
            with suppress(OSError):
                with_what = (process / "cmdline").read_bytes()
            assert console.token.encode() not in with_what
        poll((tmp_path / "opened").is_file, "the browser was started")
        assert (tmp_path / "opened").read_text() == f"{file.as_uri()}\n"
    assert list(private.glob("scrapline-*")) == []


def test_a_terminal_is_told_the_token(tmp_path: Path) -> None:
    port = free_port()
    here, there = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "run_line.py", "console", tmp_path, f"--set=console.port={port}"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=there,
        stderr=there,
    )
    os.close(there)
    said = b""

    def address() -> re.Match[bytes] | None:
        nonlocal said
        said += os.read(here, 1 << 16)
        return re.search(rb"http://127\.0\.0\.1:\d+/\?token=([\w-]+)\s", said)

    try:
        token = poll(address, "the address")[1].decode()
        poll(lambda: answered(port), "the console")
        assert ask(port, f"/?token={token}").status == 200
    finally:
        process.kill()
        process.wait()
        os.close(here)


def answered(port: int) -> bool:
    try:
        return ask(port).status == 401
    except OSError:
        return False


def test_the_console_of_a_run_keeps_its_token_and_no_file_of_the_run_has_it(
    tmp_path: Path, tiny_model: Path, known_hash: str
) -> None:
    run_dir = tmp_path / "run"
    with RunningLine(
        run_dir,
        f"--model={tiny_model}",
        "--duration=36000",
        "--workers=1",
        "--console=on",
        f"--set=console.port={free_port()}",
        f"--set=console.password_hash={known_hash}",
    ) as line:
        console = console_of(run_dir)
        session = console.session()
        printed = command("console", "--address", run_dir)
        assert printed.stdout == f"{console.url}/?token={console.token}\n"
        assert sign_in(console.port, PASSWORD).status == 303
        old = line.kill("console")
        poll(lambda: line.pid("console") not in (None, old), "another console")
        poll(lambda: answered(console.port), "its answer")
        assert ask(console.port, "/", headers={"Cookie": session}).status == 200

        secrets = (console.token.encode(), known_hash.encode())
        for entry in line.processes():
            arguments = Path(f"/proc/{entry['pid']}/cmdline").read_bytes()
            mine = arguments if entry["role"] != "supervisor" else b""  # --set is the person's own
            environment = Path(f"/proc/{entry['pid']}/environ").read_bytes()
            assert not any(secret in mine + environment for secret in secrets), entry["name"]
        line.interrupt()
        line.finish()
    for path in run_dir.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not any(secret in content for secret in secrets), path
    assert json.loads((run_dir / "settings.json").read_bytes())["console"]["password_hash"] == ""


def test_a_run_without_a_console_has_no_address(tmp_path: Path, tiny_model: Path) -> None:
    assert "no line is running" in command("console", "--address", tmp_path).stderr
    options = (f"--model={tiny_model}", "--duration=36000", "--workers=1")
    with RunningLine(tmp_path / "run", *options) as line:
        line.wait_for_rows(1)
        asked = command("console", "--address", tmp_path / "run")
        assert (asked.returncode, asked.stdout) == (2, "")
        assert "this run has no console" in asked.stderr
        line.interrupt()
        line.finish()


# -- with a password ------------------------------------------------------------------------------


def test_nothing_but_the_login_is_shown_to_strangers(locked: int) -> None:
    page = ask(locked, "/", headers=HTML)
    assert (page.status, page.headers["location"]) == (303, "/login")
    assert ask(locked, "/").status == 401
    assert ask(locked, "/login", headers=HTML).status == 200
    assert ask(locked, "/console-static/console.css").status == 401
    assert upgrade(locked, f"http://127.0.0.1:{locked}") == 403


def test_the_password_opens_a_session_that_scripts_cannot_read(locked: int) -> None:
    opened = sign_in(locked, PASSWORD)
    cookie = opened.headers["set-cookie"]
    assert opened.status == 303
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    session = opened.cookies
    inside = ask(locked, "/", headers={**HTML, "Cookie": session})
    assert inside.status == 200
    assert "anna" in inside.text
    beside_others = {**HTML, "Cookie": f'prefs={{"dark":true}}; {session}'}
    assert ask(locked, "/", headers=beside_others).status == 200
    assert upgrade(locked, f"http://127.0.0.1:{locked}", session) == 101
    assert upgrade(locked, "http://evil.example", session) == 403
    assert upgrade(locked, None, session) == 403


def test_a_form_of_another_site_is_refused(locked: int) -> None:
    foreign = {"Origin": "http://evil.example", "Content-Type": "application/x-www-form-urlencoded"}
    assert ask(locked, "/login", "POST", foreign, "name=a&password=b").status == 403
    assert ask(locked, "/login", "POST", body="name=a&password=b").status == 403


def test_a_login_without_a_name_and_one_with_a_script_in_it(locked: int) -> None:
    assert sign_in(locked, PASSWORD, name=" ").status == 400
    refused = sign_in(locked, "wrong", name="<script>alert(1)</script>")
    assert refused.status == 401
    assert "<script>alert" not in refused.text


def test_wrong_passwords_are_slowed_down(locked: int) -> None:
    browser = sign_in(locked, PASSWORD).cookies
    with ThreadPoolExecutor(12) as people:
        at_once = [people.submit(sign_in, locked, "wrong") for _ in range(12)]
    statuses = [each.result().status for each in at_once]
    assert set(statuses) == {401, 429}
    assert statuses.count(401) <= 5
    assert sign_in(locked, PASSWORD).status == 429
    believed = {
        "X-Forwarded-For": "192.0.2.9",
        "X-Real-IP": "192.0.2.9",
        "Forwarded": "for=192.0.2.9",
    }
    assert sign_in(locked, PASSWORD, more=believed).status == 429
    elsewhere = [sign_in(locked, PASSWORD, source=f"127.0.0.{n}").status for n in range(2, 9)]
    assert set(elsewhere) == {429}
    assert sign_in(locked, PASSWORD, more={"Cookie": browser}).status == 303


# -- without a password ---------------------------------------------------------------------------


def test_a_foreign_name_for_this_machine_is_refused(console: Console) -> None:
    foreign = {"Host": f"rebound.example:{console.port}"}
    assert ask(console.port, "/", headers=foreign).status == 421
    assert ask(console.port, f"/?token={console.token}", headers=foreign).status == 421
    assert console.ask("/", headers=HTML).status == 200


@pytest.mark.parametrize("host", ["[", "[::1", "::", "]", "a]b[", "%", "127.0.0.1:x"])
def test_a_host_that_is_none_is_no_error(console: Console, host: str) -> None:
    assert ask(console.port, "/", headers={"Host": host}).status in (400, 401, 421)
    own = {"Host": host, "Origin": "http://["}
    assert ask(console.port, "/", "POST", own).status in (400, 403, 421)
    assert ask(console.port, "/?" + "&".join(["a=b"] * 99)).status == 401


def test_another_site_cannot_reach_in(console: Console) -> None:
    session = console.session()
    assert upgrade(console.port, "http://evil.example", session) == 403
    assert upgrade(console.port, None, session) == 403
    assert upgrade(console.port, console.url, session) == 101
    assert console.ask("/", "POST", {"Origin": "http://evil.example"}).status == 403
    assert console.ask("/", "POST", {"Origin": "null"}).status == 403


def test_pages_may_fetch_nothing_from_elsewhere(console: Console) -> None:
    page = console.ask("/", headers=HTML)
    policy = page.headers["content-security-policy"]
    assert "connect-src 'self'" in policy
    assert "default-src 'self'" in policy
    assert page.headers["x-content-type-options"] == "nosniff"
