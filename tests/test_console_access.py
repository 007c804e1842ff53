"""Who may come into the console: hosts, passwords, sessions, origins."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlencode

import pytest

from console.access import is_this_machine
from console.enquirer import Enquirer
from console.link import LineLink
from console.passwords import make_hash, matches
from console.port import take_port
from console.sessions import COOKIE, LASTS_S, Sessions
from console.site import NAME_COOKIE, Site
from launch.run_console import with_console_decided
from line.config import load
from line.errors import BadInput
from tests.console_process import Answer, ask, console_over
from tests.running_line import command

PASSWORD = "correct horse"
HTML = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def known_hash() -> str:
    return make_hash(PASSWORD)


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory, known_hash: str) -> Iterator[int]:
    """A console with a password; its port."""
    results = tmp_path_factory.mktemp("results")
    with console_over(results, "--set", f"console.password_hash={known_hash}") as port:
        yield port


@pytest.fixture(scope="module")
def unlocked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with console_over(tmp_path_factory.mktemp("results")) as port:
        yield port


def sign_in(port: int, password: str, name: str = "anna") -> Answer:
    headers = {
        "Origin": f"http://127.0.0.1:{port}",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    return ask(port, "/login", "POST", headers, urlencode({"name": name, "password": password}))


def upgrade(port: int, origin: str | None, cookie: str = "") -> int:
    """Status of a websocket's handshake with NiceGUI's socket."""
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Cookie": cookie,
    }
    if origin:
        headers["Origin"] = origin
    return ask(port, "/_nicegui_ws/socket.io/?EIO=4&transport=websocket", headers=headers).status


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
    capsys: pytest.CaptureFixture[str],
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = f"console.port={other.getsockname()[1]}"
        settings = load(assignments=[port, "console.on=on"], environment={})
        assert with_console_decided(settings, silent=False).console.on == "off"
    assert "the run goes on without the console" in capsys.readouterr().err
    assert with_console_decided(settings, silent=False).console.on == "on"
    assert settings.console.url in capsys.readouterr().err


def test_in_a_pipe_no_console_opens_by_itself() -> None:
    settings = load(environment={})
    assert settings.console.on == "auto"
    assert with_console_decided(settings, silent=False).console.on == "off"


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    ended = command("console", tmp_path / "nowhere")
    assert ended.returncode == 2
    assert "nowhere: is not a folder" in ended.stderr


# -- passwords and sessions -----------------------------------------------------------------------


def test_a_hash_knows_its_password_alone(known_hash: str) -> None:
    assert matches(PASSWORD, known_hash)
    assert not matches(PASSWORD + " ", known_hash)
    assert make_hash(PASSWORD) != known_hash


def test_a_session_of_another_start_is_none(known_hash: str) -> None:
    first, second = Sessions(known_hash), Sessions(known_hash)
    cookie = first.open("anna")
    assert first.name(cookie) == "anna"
    assert second.name(cookie) is None
    assert first.name(cookie + "x") is None
    assert first.name(None) is None
    assert LASTS_S <= 24 * 3600


def test_five_wrong_passwords_a_minute_are_enough(known_hash: str) -> None:
    now = [0.0]
    sessions = Sessions(known_hash, lambda: now[0])
    for _ in range(5):
        assert sessions.may_try("10.0.0.1")
        assert not sessions.check("10.0.0.1", "guess")
    assert not sessions.may_try("10.0.0.1")
    assert sessions.may_try("10.0.0.2")
    now[0] = 61.0
    assert sessions.may_try("10.0.0.1")
    assert sessions.check("10.0.0.1", PASSWORD)


def test_who_was_signed_in_is_nobody_when_the_session_is_over(
    known_hash: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions = Sessions(known_hash)
    cookies = {COOKIE: sessions.open("anna"), NAME_COOKIE: "Boss"}
    monkeypatch.setattr(Site, "_cookie", staticmethod(cookies.get))
    link, enquirer = LineLink(lambda: None), Enquirer(load(environment={}))
    site = Site(tmp_path, tmp_path, (), link, enquirer, None, sessions)
    assert (site.who(), site.is_shut_out) == ("anna", False)
    monkeypatch.setattr("console.sessions.LASTS_S", -1)
    assert site.is_shut_out
    with pytest.raises(BadInput, match="your session is over"):
        site.who()
    unlocked = Site(tmp_path, tmp_path, (), link, enquirer, None, Sessions(""))
    assert (unlocked.who(), unlocked.is_shut_out) == ("Boss", False)


@pytest.mark.parametrize("host", ["localhost", "localhost:8460", "127.0.0.1:1", "[::1]:8460"])
def test_this_machines_names(host: str) -> None:
    assert is_this_machine(host)


@pytest.mark.parametrize("host", ["", "example.org", "127.0.0.1.example.org", "10.0.0.1:80"])
def test_other_machines_names(host: str) -> None:
    assert not is_this_machine(host)


# -- with a password ------------------------------------------------------------------------------


def test_nothing_but_the_login_is_shown_to_strangers(locked: int) -> None:
    page = ask(locked, "/", headers=HTML)
    assert (page.status, page.headers["location"]) == (303, "/login")
    assert ask(locked, "/").status == 401
    assert ask(locked, "/login", headers=HTML).status == 200
    assert ask(locked, "/console-static/console.css").status == 200
    assert upgrade(locked, f"http://127.0.0.1:{locked}") == 403


def test_the_password_opens_a_session_that_scripts_cannot_read(locked: int) -> None:
    opened = sign_in(locked, PASSWORD)
    cookie = opened.headers["set-cookie"]
    assert opened.status == 303
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    session = cookie.split(";")[0]
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
    with ThreadPoolExecutor(12) as people:
        at_once = [people.submit(sign_in, locked, "wrong") for _ in range(12)]
    statuses = [each.result().status for each in at_once]
    assert set(statuses) == {401, 429}
    assert statuses.count(401) <= 5
    assert sign_in(locked, PASSWORD).status == 429


# -- without a password ---------------------------------------------------------------------------


def test_a_foreign_name_for_this_machine_is_refused(unlocked: int) -> None:
    assert ask(unlocked, "/", headers={"Host": f"rebound.example:{unlocked}"}).status == 421
    assert ask(unlocked, "/", headers=HTML).status == 200


def test_another_site_cannot_reach_in(unlocked: int) -> None:
    assert upgrade(unlocked, "http://evil.example") == 403
    assert upgrade(unlocked, f"http://127.0.0.1:{unlocked}") == 101
    assert ask(unlocked, "/", "POST", {"Origin": "http://evil.example"}).status == 403


def test_pages_may_fetch_nothing_from_elsewhere(unlocked: int) -> None:
    page = ask(unlocked, "/", headers=HTML)
    policy = page.headers["content-security-policy"]
    assert "connect-src 'self'" in policy
    assert "default-src 'self'" in policy
    assert page.headers["x-content-type-options"] == "nosniff"
