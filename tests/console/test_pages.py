"""The pages Review, Runs and Models in a real browser, over runs with hostile names."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from console.access.open_file import OpenFile
from console.access.passwords import make_hash
from tests.browser import Visit, browser, let_in
from tests.console_process import Console, console_over
from tests.made_run import account, make_evaluation, make_run
from tests.running_line import poll
from tests.sinks.test_csv_log import outcome
from tests.tiny_model import write_tiny_model

ATTACK = "<img src=x onerror='window.hacked=1'>"
CLASSES = ("glass", "metal", ATTACK)
_PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs, a model with a card, and its evaluation."""
    root = tmp_path_factory.mktemp("console")
    rows = [outcome(seq, true_class=ATTACK if seq == 3 else "glass") for seq in range(9)]
    for number, name in enumerate(("friday", f"monday {ATTACK.replace('/', '')}")):
        rows[3] = outcome(3, true_class=ATTACK, predicted_class=CLASSES[number])
        account(make_run(root / "results" / name, CLASSES, rows), scenario=ATTACK)
    (root / "models").mkdir()
    model = write_tiny_model(root / "models" / "tiny.onnx", CLASSES)
    model.with_suffix(".md").write_text(f"# Its card\n\n{ATTACK} <script>hacked = 1</script>")
    make_evaluation(root / "judged", hashlib.sha256(model.read_bytes()).hexdigest(), CLASSES)
    return root


@pytest.fixture(scope="module")
def console(place: Path) -> Iterator[Console]:
    with console_over(
        place / "results",
        f"--set=model.path={place}/models",
        f'--set=console.look_in=["{place}/judged"]',
    ) as console:
        yield console


@pytest.fixture(scope="module")
def port(console: Console) -> int:
    return console.port


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


@pytest.fixture
def visit(chrome: Browser, console: Console, port: int) -> Iterator[Visit]:
    context = chrome.new_context(color_scheme="dark")
    let_in(context, console)
    context.add_cookies(
        [{"name": "scrapline_name", "value": "eva", "url": f"http://127.0.0.1:{port}"}]
    )
    try:
        visit = Visit(context.new_page())
        yield visit
        assert visit.errors == []
        assert visit.foreign_requests(port) == []
        assert visit.page.evaluate("window.hacked") is None
    finally:
        context.close()


def labels(place: Path) -> list[tuple[str, str, str]]:
    with closing(sqlite3.connect(place / "results/friday/review/queue.sqlite")) as db:
        return db.execute(
            "SELECT frame_id, label, labelled_by FROM labels"
            " WHERE id NOT IN (SELECT label_id FROM withdrawn) ORDER BY id"
        ).fetchall()


def asked(page: Page, frame_id: str) -> None:
    expect(page.locator("#question h2")).to_have_text(f"Item {frame_id}")
    page.wait_for_function("frame => scraplineSeen() === frame", arg=frame_id)


def assert_clean(page: Page) -> None:
    found = Axe().run(page).response["violations"]
    grave = [v["id"] for v in found if v["impact"] in ("serious", "critical")]
    assert grave == []


def test_items_are_labelled_by_key_and_the_labels_stand(visit, port, place):
    page = visit.page
    page.goto(f"http://127.0.0.1:{port}/review?name=friday")
    asked(page, "0-1")
    expect(page.locator(".picture img")).to_have_js_property("naturalWidth", 8)
    for key, then in (("2", "0-2"), ("Space", "0-3"), ("x", "0-4"), ("s", "0-5"), ("3", "0-6")):
        page.keyboard.press(key)
        asked(page, then)
    page.keyboard.press("u")
    asked(page, "0-5")
    page.locator(".choice", has_text="glass").click()
    asked(page, "0-6")

    assert labels(place) == [
        ("0-1", "metal", "eva"),
        ("0-2", "glass", "eva"),
        ("0-3", ".none-of-these", "eva"),
        ("0-5", "glass", "eva"),
    ]
    expect(page.get_by_text("4 of 6 queued items are decided")).to_be_visible()
    assert_clean(page)


def test_a_picture_that_is_not_painted_yet_gets_no_label(visit, port, place):
    page = visit.page
    page.goto(f"http://127.0.0.1:{port}/review?name=friday")
    title, picture = page.locator("#question h2"), page.locator("#question img")
    expect(title).to_be_visible()
    before, this = labels(place), title.inner_text().split()[1]
    asked(page, this)
    held = []
    page.route("**/review/images/*.png", lambda route: held.append(route))
    page.locator(".choice", has_text="glass").click()
    expect(title).not_to_have_text(f"Item {this}")
    following = title.inner_text().split()[1]
    poll(lambda: page.wait_for_timeout(10) or held, "the next picture is asked for")
    page.keyboard.press("2")
    page.locator(".choice", has_text="metal").click()
    assert picture.evaluate("image => image.naturalWidth") == 0
    held.pop().continue_()
    asked(page, following)
    page.keyboard.press("Space")  # not the class that was clicked last
    poll(lambda: len(labels(place)) == len(before) + 2, "two labels")
    given = [(frame, label) for frame, label, _ in labels(place)[-2:]]
    assert given == [(this, "glass"), (following, "glass")]


def test_keys_that_are_typed_into_a_field_label_nothing(visit, port, place):
    page = visit.page
    page.goto(f"http://127.0.0.1:{port}/review?name=friday")
    before = labels(place)
    page.get_by_label("Another item of this run").fill("0-8")
    page.keyboard.press("Enter")
    asked(page, "0-8")
    expect(page.get_by_text("Its picture was not kept")).to_be_visible()
    assert labels(place) == before

    page.get_by_label("Another item of this run").fill(ATTACK)
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_contain_text("has no item")
    expect(page.locator("#said")).to_contain_text(ATTACK)


def test_two_people_see_two_items(visit, chrome, console, port):
    page = visit.page
    page.goto(f"http://127.0.0.1:{port}/review?name=monday {ATTACK.replace('/', '')}")
    asked(page, "0-1")
    other = chrome.new_page()
    let_in(other.context, console)
    other.goto(page.url)
    asked(other, "0-2")
    other.close()


def test_labels_are_handed_over(visit, port, place):
    page = visit.page
    page.goto(f"http://127.0.0.1:{port}/review?name=monday {ATTACK.replace('/', '')}")
    page.wait_for_selector(".choice")
    with page.expect_download() as downloaded:
        page.get_by_text("Label Studio (.json)").click()
    assert downloaded.value.path().stat().st_size > 100
    page.get_by_text("Write class folders into the run").click()
    expect(page.get_by_text("python -m training train")).to_be_visible()
    run = next((place / "results").glob("monday*"))
    poll(lambda: (run / "review/labelled/labels.csv").is_file(), "the folder")


def test_a_page_asks_for_another_login_when_the_console_has_started_again(chrome, tmp_path):
    locked = f"--set=console.password_hash={make_hash('open sesame')}"
    page = chrome.new_page()
    with console_over(tmp_path, locked) as console:
        port = console.port
        page.goto(f"{console.url}/runs")
        page.get_by_label("name").fill("anna")
        page.get_by_label("password").fill("open sesame")
        page.keyboard.press("Enter")
        expect(page.locator(".person")).to_have_text("anna")
    with console_over(tmp_path, locked, port=port):
        expect(page.get_by_label("password")).to_be_visible()
    page.close()


def test_runs_are_listed_opened_and_compared(visit, port):
    page = visit.page
    page.goto(f"http://127.0.0.1:{port}/runs")
    expect(page.locator(".runs tbody tr")).to_have_count(2)
    expect(page.locator(".run-title").first).to_have_text(ATTACK)
    assert_clean(page)
    with page.expect_popup() as report:
        page.get_by_role("link", name="Report of friday").click()
    expect(report.value.locator("h1")).to_have_text("It went well")

    page.goto(f"http://127.0.0.1:{port}/runs?a=friday&b=monday {ATTACK.replace('/', '')}")
    expect(page.locator(".changes tbody tr")).to_have_count(1)
    expect(page.locator(".changes tbody")).to_contain_text(ATTACK)
    figures = page.get_by_role("region", name="Figures, A against B")
    expect(figures).to_contain_text("The same in both: in time 100.0 %, accuracy 87.5 %")
    assert_clean(page)
    page.set_viewport_size(_PHONE)
    for side in page.locator(".changes .answer-cell").all():
        side.scroll_into_view_if_needed()
        box = side.bounding_box()
        assert box["x"] + box["width"] <= _PHONE["width"], "column B is not hidden"
    assert page.evaluate("document.documentElement.scrollWidth") <= _PHONE["width"]
    assert_clean(page)


def test_runs_that_are_none_are_one_line(visit, port):
    page = visit.page
    page.goto(f"http://127.0.0.1:{port}/runs?a=../..&b={ATTACK}")
    expect(page.locator(".complaint").first).to_contain_text("there is no run '../..'")
    page.goto(f"http://127.0.0.1:{port}/review?name=../friday")
    expect(page.locator(".empty").first).to_contain_text("there is no run")


def test_a_model_is_shown_with_card_and_curves(visit, port):
    page = visit.page
    page.set_viewport_size(_PHONE)
    page.goto(f"http://127.0.0.1:{port}/models")
    expect(page.locator(".markdown h3")).to_have_text("Its card")
    expect(page.locator(".markdown")).to_contain_text(ATTACK)
    expect(page.locator(".chart .chart-line")).to_have_count(2)
    expect(page.locator(".confusion .wrong")).to_have_count(1)
    page.locator("iframe").scroll_into_view_if_needed()
    assert page.evaluate("document.documentElement.scrollWidth") <= _PHONE["width"]
    assert_clean(page)


def test_a_browser_that_is_given_the_file_gets_in_and_shows_no_token(chrome, console):
    page = chrome.new_page()
    try:
        with OpenFile(console.address) as opener:
            page.goto(opener.path.as_uri())
            expect(page.get_by_role("heading", name="Line")).to_be_visible()
            expect(page).to_have_url(f"{console.url}/")
    finally:
        page.close()


def test_without_a_session_every_page_says_how_to_get_in(chrome, console):
    page = chrome.new_page()
    try:
        page.goto(f"{console.url}/runs")
        expect(page.get_by_text("--address RUN_DIR")).to_be_visible()
        assert_clean(page)
    finally:
        page.close()
