"""The Line page in a real browser, over a real line."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser import Visit, browser, let_in
from tests.console_process import PATIENT_PAGES, Console, console_of
from tests.ports import free_port
from tests.running_line import RunningLine, assert_accounted, command, poll

_DESK = {"width": 1440, "height": 900}
_PHONE = {"width": 390, "height": 844}
_RIDING = "(window.scraplineBelt?.riding() ?? [])"
"""The items on the page's belt; none on a page that is still being built."""
_VERDICTS, _BINS = (
    f"[...document.querySelectorAll('{numbers}')].map(number => number.textContent)"
    for numbers in (".verdict .num", ".bin-count")
)


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def line(
    tmp_path_factory: pytest.TempPathFactory, tiny_model: Path, port: int, chrome: Browser
) -> Iterator[RunningLine]:
    """A line with its console, which feeds until it is told to stop."""
    with RunningLine(
        tmp_path_factory.mktemp("console") / "run",
        "--model",
        tiny_model,
        "--duration=36000",
        "--interval=0.25",
        "--workers=2",
        "--active-learning",
        "--threshold=0.3",
        "--console=on",
        f"--set=console.port={port}",
        PATIENT_PAGES,
        "--set=belt.camera_to_ejector_m=8",  # the machine may be busy
        *(
            "--set=alerts.unsure_rate=0",
            "--set=alerts.on_delay_s=0",
            "--set=alerts.window_items=50",
        ),
    ) as running:
        console_of(running.run_dir)
        yield running


@pytest.fixture(scope="module")
def console(line: RunningLine) -> Console:
    return console_of(line.run_dir)


@pytest.fixture
def visit(chrome: Browser, console: Console, port: int) -> Iterator[Visit]:
    context = chrome.new_context(viewport=_DESK, color_scheme="dark")
    try:
        visit = Visit(context.new_page())
        visit.page.goto(console.address)
        expect(visit.page.locator(".state")).to_contain_text("running")
        yield visit
        assert visit.errors == []
    finally:
        context.close()


def wait_for_items(page: Page) -> None:
    """Until the page counts more items than now."""
    before = page.evaluate(_VERDICTS)
    page.wait_for_function(f"before => {_VERDICTS}.join() !== before.join()", arg=before)


def assert_clean(page: Page) -> None:
    """Nothing on the page that axe calls serious."""
    found = Axe().run(page).response["violations"]
    grave = [f for f in found if f["impact"] in ("serious", "critical")]
    assert [(f["id"], [n["html"][:200] for n in f["nodes"]]) for f in grave] == []


def test_items_ride_on_the_belt_and_get_their_verdicts(visit: Visit, port: int) -> None:
    page = visit.page
    page.wait_for_function(f"{_RIDING}.some(item => item.verdict && item.picture)")
    before = page.evaluate("scraplineBelt.riding().at(-1)")
    page.wait_for_function(
        f"before => {_RIDING}.every("
        "item => item.key !== before.key || item.metres > before.metres + 0.05)",
        arg=before,
    )
    page.wait_for_function(f"{_VERDICTS}.some(count => count !== '0')")
    page.wait_for_function(f"{_BINS}.some(count => count !== '0')")
    expect(page.locator(".drift li")).to_contain_text("camera-0")
    assert visit.foreign_requests(port) == []


def orders_given(line: RunningLine, action: str) -> int:
    """How many of that kind the line has heard of."""
    try:
        lines = (line.run_dir / "orders.jsonl").read_text().splitlines()
    except FileNotFoundError:
        return 0
    return sum(json.loads(entry)["action"] == action for entry in lines)


def test_a_worker_that_is_killed_from_the_page_comes_back(visit: Visit, line: RunningLine) -> None:
    old = line.pid("worker-0")
    visit.page.get_by_role("button", name="Kill worker-0").click()
    question = visit.page.get_by_role("dialog", name="Kill worker-0?")
    expect(question).to_contain_text("frames that it holds go to another worker")
    assert_clean(visit.page)
    question.get_by_role("button", name="Kill worker-0").click()
    expect(question).not_to_be_visible()
    expect(visit.page.locator("#said")).to_contain_text("Done: kill worker-0")
    new = poll(lambda: (pid := line.pid("worker-0")) not in (None, old) and pid, "another worker")
    assert new != old
    tile = visit.page.locator(".worker", has_text="worker-0")
    expect(tile).to_contain_text("1 restart")
    expect(tile).to_contain_text("ready")
    expect(visit.page.locator(".orders")).to_contain_text("operator: kill worker-0")
    expect(visit.page.locator(".events")).to_contain_text("worker-0 killed by SIGKILL")


@pytest.mark.parametrize(
    ("name", "asked", "action"),
    [
        ("Kill worker-1", "Kill worker-1?", "kill"),
        ("Drain", "Drain this run?", "drain"),
        ("Stop", "Stop this run at once?", "stop"),
    ],
)
def test_a_double_click_does_nothing_that_cannot_be_undone(
    visit: Visit, line: RunningLine, name: str, asked: str, action: str
) -> None:
    page, before = visit.page, orders_given(line, action)
    button = page.get_by_role("button", name=name, exact=True)
    button.scroll_into_view_if_needed()
    box = button.bounding_box()
    assert box
    page.mouse.dblclick(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    question = page.get_by_role("dialog", name=asked)
    expect(question).to_be_visible()
    page.keyboard.press("Enter")  # on Cancel, which has the focus
    expect(question).not_to_be_visible()
    button.focus()
    page.keyboard.press("Enter")
    expect(question).to_be_visible()
    page.keyboard.press("Escape")
    expect(question).not_to_be_visible()
    wait_for_items(page)
    assert orders_given(line, action) == before


def test_a_press_is_acknowledged_while_the_console_is_busy(visit: Visit, line: RunningLine) -> None:
    page, console = visit.page, line.pid("console")
    assert console is not None
    os.kill(console, signal.SIGSTOP)
    try:
        page.get_by_role("button", name="Pause infeed").click()
        expect(page.locator("#waiting")).to_contain_text("Pause infeed")
        expect(page.locator("#silence")).to_be_visible()
        page.get_by_role("button", name="One worker more").click()
        expect(page.locator("#said")).to_contain_text("Not sent, no word from the console")
    finally:
        os.kill(console, signal.SIGCONT)
    expect(page.locator("#said")).to_contain_text("Done: pause")
    expect(page.locator("#waiting")).to_have_text("")
    expect(page.locator(".worker")).to_have_count(2)
    page.get_by_role("button", name="Feed on").click()
    expect(page.locator("#said")).to_contain_text("Done: unpause")


def test_an_order_out_of_range_is_refused_in_words(visit: Visit) -> None:
    for label, typed, complaint in (
        ("Threshold", "7", "Refused: threshold.value"),
        ("Clock", "0", "Refused: clock.multiplier"),
        ("Belt speed", "-1", "Refused: belt_speed.m_per_s"),
    ):
        field = visit.page.get_by_role("spinbutton", name=label)
        expect(field).not_to_have_value("")
        in_force = field.input_value()
        field.fill(typed)
        wait_for_items(visit.page)  # the page goes on under one who types
        expect(field).to_have_value(typed)
        field.press("Enter")
        expect(visit.page.locator("#said")).to_contain_text(complaint)
        expect(field).to_have_value(in_force)


def test_what_is_typed_holds_nothing_until_it_is_sent(visit: Visit, line: RunningLine) -> None:
    page, before = visit.page, orders_given(line, "belt_speed")
    field = page.get_by_role("spinbutton", name="Belt speed")
    form = page.locator(".number-field", has=field)
    expect(form).to_contain_text("in force: 1 m/s")
    field.focus()
    for _ in range(3):
        page.keyboard.press("ArrowUp")
    page.mouse.wheel(0, 40)
    field.blur()
    expect(form).to_contain_text("in force: 1 m/s")
    expect(form).to_have_attribute("data-draft", "yes")
    wait_for_items(page)
    assert orders_given(line, "belt_speed") == before
    field.press("Escape")
    expect(field).to_have_value("1")

    for value in ("1.25", "1"):
        field.fill(value)
        page.get_by_role("button", name="Set Belt speed").click()
        expect(page.locator("#said")).to_contain_text(f"Done: belt speed {float(value)}")
        expect(form).to_contain_text(f"in force: {value} m/s")
        expect(field).to_have_value(value)
        expect(form).to_have_attribute("data-draft", "no")
    assert orders_given(line, "belt_speed") == before + 2


def test_no_number_is_no_order(visit: Visit, line: RunningLine) -> None:
    before = orders_given(line, "clock")
    field = visit.page.get_by_role("spinbutton", name="Clock")
    expect(field).to_have_value("1")  # what is in force comes a moment after the page
    field.fill("")
    field.press("Enter")
    expect(visit.page.locator("#said")).to_contain_text("Not sent: Clock: not a number")
    expect(field).to_have_value("1")
    assert orders_given(line, "clock") == before


def test_an_order_that_was_done_stays_in_its_field(visit: Visit) -> None:
    threshold = visit.page.get_by_role("spinbutton", name="Threshold")
    for value in ("0.4", "0.3"):
        threshold.fill(value)
        threshold.press("Enter")
        expect(visit.page.locator("#said")).to_contain_text(f"Done: threshold {value}")
        wait_for_items(visit.page)
        assert threshold.input_value() == value


def test_workers_are_counted_by_presses(visit: Visit) -> None:
    tiles = visit.page.locator(".worker")
    for word, then in (("more", 4), ("fewer", 2)):
        button = visit.page.get_by_role("button", name=f"One worker {word}")
        button.click()
        button.click()
        expect(tiles).to_have_count(then)


def test_figures_are_those_that_the_rows_give(
    visit: Visit, line: RunningLine, request: pytest.FixtureRequest
) -> None:
    """Recomputed from results.csv alone, while nothing is fed."""
    page = visit.page
    request.addfinalizer(lambda: command("order", line.run_dir, "unpause"))
    page.get_by_role("button", name="Pause infeed").click()
    expect(page.locator("#said")).to_contain_text("Done: pause")

    def tile(name: str) -> str:
        return page.locator(".figure", has=page.get_by_text(name, exact=True)).inner_text()

    def settled() -> pandas.DataFrame | None:
        page.wait_for_timeout(1000)
        rows = pandas.read_csv(line.run_dir / "results.csv", keep_default_na=False)
        same = f"{len(rows):,} of {len(rows):,} fed" in tile("Items")
        return rows if same and "infeed paused" in tile("Elapsed") else None

    rows = poll(lambda: None if (found := settled()) is None else [found], "all rows")[0]
    lost = int(rows.verdict.isin(["late", "expired", "dropped", "failed"]).sum())
    share = f"{100 * (1 - lost / len(rows)):.1f} %"
    assert f"whole run {share}, {lost:,} not in time" in tile("In time, last minute")
    for name in ("cardboard", "glass", "metal", "paper", "plastic"):
        into = rows[rows.verdict.isin(["sorted", "missorted"]) & (rows.predicted_class == name)]
        right, fed = int((into.true_class == name).sum()), int((rows.true_class == name).sum())
        card = page.locator(".bin", has=page.get_by_role("heading", name=name)).inner_text()
        assert card.split("\n")[1] == f"{len(into):,}"
        shown = [f"{100 * right / whole:.1f} %" if whole else "–" for whole in (len(into), fed)]
        assert [part for part in card.split("\n") if part.endswith(("%", "–"))] == shown
    assert page.locator(".trend-chart svg").count() == 2
    page.get_by_role("button", name="Feed on").click()
    expect(page.locator("#said")).to_contain_text("Done: unpause")


def test_an_alarm_is_acknowledged_with_a_name(visit: Visit, line: RunningLine, port: int) -> None:
    page = visit.page
    page.context.add_cookies(
        [{"name": "scrapline_name", "value": "Anna%20B", "url": f"http://127.0.0.1:{port}"}]
    )
    page.reload()
    page.get_by_role("button", name="Acknowledge unsure items").click()
    expect(page.locator(".alarm", has_text="unsure items").first).to_contain_text(
        "acknowledged by Anna B"
    )
    assert '"who": "Anna B"' in (line.run_dir / "alarms_handled.jsonl").read_text()


def test_a_button_keeps_the_focus_while_the_words_of_an_alarm_change(visit: Visit) -> None:
    page = visit.page
    button = page.get_by_role("button", name="Shelve unsure items")
    button.focus()
    words = page.locator(".alarm", has_text="unsure items").locator("p").first
    expect(words).not_to_have_text(words.inner_text())  # the rate is another
    expect(button).to_be_focused()


@contextmanager
def paused(line: RunningLine) -> Iterator[None]:
    """Nothing is fed meanwhile; the tests that follow need a line that runs."""
    assert command("order", line.run_dir, "pause").returncode == 0
    try:
        yield
    finally:
        assert command("order", line.run_dir, "unpause").returncode == 0


def test_accuracy_latency_and_answers_are_what_the_rows_say(
    visit: Visit, line: RunningLine
) -> None:
    """At rest, so that page and file are of the same moment."""
    page = visit.page
    with paused(line):
        items = page.locator(".figure", has=page.get_by_text("Items", exact=True))
        poll(lambda: _is_at_rest(items.inner_text(), line), "a line at rest")
        rows = line.rows()
        answered = rows[rows["predicted_class"].notna()]
        right = answered["predicted_class"] == answered["true_class"]
        latency = rows["latency_ms"].dropna().tail(500)
        expect(page.locator(".figure", has_text="Accuracy")).to_contain_text(_share(right.mean()))
        p95 = _three_digits(latency.quantile(0.95))
        expect(page.locator(".figure", has_text="Latency, p95")).to_contain_text(p95)
        for percent in (50, 95, 99):
            figure = page.locator(".quantile", has_text=f"p{percent}")
            expect(figure).to_contain_text(f"{_three_digits(latency.quantile(percent / 100))} ms")
        workers = rows["worker"].dropna().str.partition("#")[0].value_counts()
        for name, count in workers.items():
            if page.locator(".worker", has_text=str(name)).count():
                tile = page.locator(".worker", has_text=str(name))
                expect(tile).to_contain_text(f"{count:,} answered")


def _is_at_rest(words: str, line: RunningLine) -> bool:
    found = re.search(r"([\d,]+) of ([\d,]+) fed", words)
    counts = {int(number.replace(",", "")) for number in found.groups()} if found else set()
    return counts == {line.rows_written()}


def _share(share: float) -> str:
    if 0.9995 <= share < 1:
        return ">99.9 %"
    return "<0.1 %" if 0 < share < 0.0005 else f"{100 * share:.1f} %"


def _three_digits(value: float) -> str:
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}"


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("size", [_DESK, _PHONE])
def test_axe_finds_no_serious_fault(
    chrome: Browser, console: Console, scheme: str, size: dict[str, int]
) -> None:
    context = chrome.new_context(viewport=size, color_scheme=scheme)
    try:
        page = Visit(context.new_page()).page
        let_in(context, console)
        page.goto(console.url)
        page.wait_for_function(f"{_RIDING}.length > 0")
        assert_clean(page)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= size["width"]
    finally:
        context.close()


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGSTOP], ids=lambda blow: blow.name)
def test_a_console_that_fails_is_back_and_so_is_its_page(
    visit: Visit, line: RunningLine, blow: signal.Signals
) -> None:
    page = visit.page
    page.evaluate("window.isOfTheOldConsole = true")
    old = line.kill("console", blow)
    if blow is signal.SIGSTOP:  # one that is killed may be back before the page misses it
        expect(page.locator("#silence")).to_be_visible()
        line.kill("console")
    poll(lambda: line.pid("console") not in (None, old), "another console")
    page.wait_for_function(f"!window.isOfTheOldConsole && {_RIDING}.some(item => item.verdict)")
    expect(page.locator("#silence")).not_to_be_visible()


def test_a_line_that_is_silent_is_said_to_be(visit: Visit, line: RunningLine) -> None:
    supervisor = line.pid("supervisor")
    assert supervisor is not None
    os.kill(supervisor, signal.SIGSTOP)
    try:
        expect(visit.page.locator(".state")).to_contain_text("silent")
    finally:
        os.kill(supervisor, signal.SIGCONT)
    expect(visit.page.locator(".state")).to_contain_text("running")


def test_a_line_that_decides_nothing_is_said_to(visit: Visit, line: RunningLine) -> None:
    assert line.kill("dispatcher", signal.SIGSTOP) is not None
    expect(visit.page.locator(".state")).to_contain_text("nothing decided")
    line.kill("dispatcher")
    expect(visit.page.locator(".state")).to_contain_text("running")  # there is another dispatcher


def test_the_run_is_drained_from_the_page_and_unharmed(visit: Visit, line: RunningLine) -> None:
    visit.page.get_by_role("button", name="Drain", exact=True).click()
    visit.page.get_by_role("button", name="Drain the run", exact=True).click()
    status, summary = line.finish()
    assert status == 0
    assert_accounted(summary, line.rows())
    assert summary["items"]["fed"] > 0
    expect(visit.page.locator("#silence")).to_be_visible()
    expect(visit.page.locator("#silence")).to_contain_text(f"console {line.run_dir}")
