"""The Classify page in a real browser: pictures from files, the clipboard, a drop and a webcam."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, FilePayload, expect

from tests.browser import Visit, browser, let_in
from tests.console_process import Console, console_over
from tests.tiny_model import CLASSES, tiny_probabilities, write_tiny_model

_DESK = {"width": 1440, "height": 900}
_PHONE = {"width": 390, "height": 844}
_RED, _BLUE = (230, 20, 20), (20, 40, 230)


@dataclass(frozen=True)
class Place:
    """A console with two models, and the folder that it may put temporary files into."""

    console: Console
    temporary: Path

    def left_over(self) -> list[Path]:
        """Temporary files but for the folder of the one that leads a browser here."""
        return [path for path in self.temporary.iterdir() if not path.name.startswith("scrapline-")]


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    fakes = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    with browser(*fakes) as opened:
        yield opened


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, chrome: Browser) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("classify")
    for name in ("models", "results", "temporary"):
        (folder / name).mkdir()
    write_tiny_model(folder / "models/tiny.onnx")
    (folder / "models/zbroken.ts").write_bytes(b"no model")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(folder / "temporary"))
        with console_over(
            folder / "results",
            f"--set=model.path={folder / 'models'}",
            "--set=console.look_in=[]",
            "--set=source.max_file_mb=1",
        ) as console:
            yield Place(console, folder / "temporary")


@pytest.fixture
def visit(chrome: Browser, place: Place) -> Iterator[Visit]:
    context = chrome.new_context(viewport=_DESK, permissions=["camera"])
    try:
        visit = Visit(context.new_page())
        visit.page.on("dialog", lambda dialog: visit.errors.append(dialog.message))
        open_page(visit, place)
        yield visit
        assert visit.errors == []
        assert visit.foreign_requests(place.console.port) == []
        assert place.left_over() == []
    finally:
        context.close()


def open_page(visit: Visit, place: Place) -> None:
    let_in(visit.page.context, place.console)
    visit.page.goto(f"http://127.0.0.1:{place.console.port}/classify")
    visit.page.wait_for_selector("html[data-classify=ready]")


def picture(colour: tuple[int, int, int], name: str = "a.png", side: int = 40) -> FilePayload:
    buffer = io.BytesIO()
    Image.new("RGB", (side, side), colour).save(buffer, "PNG")
    return {"name": name, "mimeType": "image/png", "buffer": buffer.getvalue()}


def choose(visit: Visit, *files: FilePayload) -> None:
    visit.page.set_input_files("#classify-files", list(files))


def expected(colour: tuple[int, int, int]) -> tuple[str, float]:
    probabilities = tiny_probabilities(np.full((1, 4, 4, 3), colour, np.uint8))[0]
    return CLASSES[int(probabilities.argmax())], float(probabilities.max())


def test_a_picture_gets_its_class_and_its_confidence(visit: Visit) -> None:
    page = visit.page
    expect(page.locator(".invitation")).to_contain_text("up to 1 MB and 50 megapixels")
    choose(visit, picture(_RED))
    name, confidence = expected(_RED)

    expect(page.locator(".winner-name")).to_have_text(name)
    expect(page.locator(".bar-share").first).to_have_text(f"{100 * confidence:.1f} %")
    gauge = page.get_by_role("meter")
    expect(gauge).to_have_attribute("aria-valuenow", f"{100 * confidence:.1f}")
    expect(gauge).to_have_attribute("aria-label", "Confidence; threshold 50.0 %")
    expect(page.locator(".times")).to_contain_text("ms")
    page.wait_for_function("document.querySelector('.asked').naturalWidth === 40")


def test_several_pictures_make_a_table_and_a_csv_file(visit: Visit) -> None:
    page = visit.page
    choose(visit, picture(_RED, "=red.png"), picture(_BLUE, "blue.png"))
    expect(page.locator(".table-head")).to_contain_text("2 pictures")
    page.get_by_role("button", name="blue.png").click()
    expect(page.locator(".winner-name")).to_have_text(expected(_BLUE)[0])
    with page.expect_download() as download:
        page.get_by_role("link", name="Download CSV").click()
    text = Path(download.value.path()).read_text()
    rows = list(csv.DictReader(text.splitlines()))

    assert [row["picture"] for row in rows] == ["'=red.png", "blue.png"]
    assert [row["class"] for row in rows] == [expected(_RED)[0], expected(_BLUE)[0]]
    page.get_by_role("button", name="Clear").click()
    expect(page.locator(".invitation")).to_be_visible()
    expect(page.locator(".asked-table")).to_be_hidden()


def test_the_switches_ask_again(visit: Visit) -> None:
    page = visit.page
    choose(visit, picture(_RED))
    expect(page.locator(".heat")).to_be_hidden()
    page.get_by_label("Saliency").check()
    expect(page.locator(".heat")).to_be_visible()
    page.wait_for_function("document.querySelector('.heat').naturalWidth === 320")
    page.get_by_label("Letterbox").check()
    expect(page.locator(".caption")).to_contain_text("padded")
    page.get_by_label("Heat over the picture").fill("20")
    assert page.locator(".heat").evaluate("image => getComputedStyle(image).opacity") == "0.2"


def test_wrong_files_get_a_word_each_and_the_others_an_answer(visit: Visit) -> None:
    big = io.BytesIO()
    Image.new("1", (10_000, 10_000)).save(big, "PNG")
    script = "<img src=x onerror=alert(1)>.png"
    choose(
        visit,
        picture(_RED, script),
        {"name": "notes.jpg", "mimeType": "image/jpeg", "buffer": b"<script>alert(1)</script>"},
        {"name": "vast.png", "mimeType": "image/png", "buffer": big.getvalue()},
        {"name": "heavy.png", "mimeType": "image/png", "buffer": bytes(1_000_001)},
        {"name": "empty.png", "mimeType": "image/png", "buffer": b""},
        picture(_BLUE, "blue.png"),
    )
    table = visit.page.locator(".asked-table tbody")
    expect(table.locator("tr")).to_have_count(6)
    for complaint in (
        "notes.jpg: not a picture",
        "vast.png: 10000x10000 px is 100 megapixels, more than source.max_megapixels = 50",
        "heavy.png: a file of 1.0 MB, more than source.max_file_mb = 1",
        "empty.png: not a picture",
    ):
        expect(table).to_contain_text(complaint)
    expect(table.locator("tr", has_text="blue.png")).to_contain_text(expected(_BLUE)[0])
    expect(visit.page.locator(".caption")).to_contain_text(script)
    assert visit.page.locator("img[src=x]").count() == 0


def test_a_name_that_is_none_is_said_to_be_none(visit: Visit) -> None:
    send = """async ([name, number]) => {
        const session = document.querySelector("a[download]").getAttribute("href");
        const address = session.replace("answers.csv", number);
        const headers = { "X-Picture-Name": encodeURIComponent(name) };
        return (await fetch(address, { method: "POST", headers, body: "x" })).status;
    }"""
    names = ["../../etc/passwd", "a\\b.png", "..", "", "x" * 300, "a\nb"]
    for number, name in enumerate(names, start=1):
        assert visit.page.evaluate(send, [name, str(number)]) == 204
    said = visit.page.locator(".asked-table .complaint")
    expect(said).to_have_count(len(names))
    assert all(re.search(r"is a path|characters", words) for words in said.all_inner_texts())
    assert visit.page.evaluate(send, ["a.png", "0"]) == 422


def test_nobody_else_may_send_or_see_pictures(place: Place) -> None:
    ask = place.console.ask
    own = {"Origin": place.console.url}

    assert ask("/classify-pictures/guess/1", "POST", own, "x").status == 404
    assert ask("/classify-pictures/guess/1", "POST", None, "x").status == 403
    assert ask("/classify-pictures/guess/1/picture.jpg").status == 404
    assert ask("/classify-pictures/guess/answers.csv").status == 404


@pytest.mark.parametrize("way", ["paste", "drop"])
def test_pictures_are_pasted_and_dropped(visit: Visit, way: str) -> None:
    visit.page.evaluate(
        """async (way) => {
            const canvas = new OffscreenCanvas(30, 20);
            const pen = canvas.getContext("2d");
            pen.fillStyle = "rgb(230 20 20)";
            pen.fillRect(0, 0, 30, 20);
            const blob = await canvas.convertToBlob({ type: "image/png" });
            const carried = new DataTransfer();
            carried.items.add(new File([blob], "carried.png", { type: "image/png" }));
            const event = way === "paste"
                ? new ClipboardEvent("paste", { clipboardData: carried, bubbles: true })
                : new DragEvent("drop", { dataTransfer: carried, bubbles: true, cancelable: true });
            document.body.dispatchEvent(event);
        }""",
        way,
    )
    expect(visit.page.locator(".caption")).to_have_text("carried.png · 30 × 20 px")
    expect(visit.page.locator(".winner-name")).to_have_text(expected(_RED)[0])


def test_the_webcam_gives_a_picture_or_one_after_the_other(visit: Visit) -> None:
    page = visit.page
    expect(page.get_by_role("button", name="Take a picture")).to_be_hidden()
    page.get_by_role("button", name="Webcam").click()
    page.get_by_role("button", name="Take a picture").click()
    expect(page.locator(".caption")).to_contain_text("webcam ")
    expect(page.locator(".winner-name")).to_have_text(expected((0, 135, 0))[0])
    page.get_by_role("button", name="Live").click()
    expect(page.locator(".caption")).to_contain_text("webcam, live from")
    first = page.locator(".asked").get_attribute("src")
    expect(page.locator(".asked")).not_to_have_attribute("src", first or "")
    expect(page.locator(".asked-table tbody tr")).to_have_count(2)
    page.get_by_role("button", name="Webcam", exact=True).click()
    expect(page.locator("#classify-video")).to_be_hidden()


def test_a_model_that_cannot_be_loaded_says_why_and_the_next_one_goes(visit: Visit) -> None:
    page = visit.page
    page.get_by_label("Model").select_option("zbroken.ts")
    expect(page.get_by_role("alert").filter(has_text="zbroken.ts")).to_contain_text("not a model")
    page.get_by_label("Model").select_option("tiny.onnx")
    expect(page.locator(".model-facts")).to_have_text("6 classes · 224 × 224 px · threshold 50.0 %")
    choose(visit, picture(_RED))
    expect(page.locator(".winner-name")).to_have_text(expected(_RED)[0])


@pytest.mark.parametrize("size", [_DESK, _PHONE])
def test_axe_finds_no_serious_fault(chrome: Browser, place: Place, size: dict[str, int]) -> None:
    context = chrome.new_context(viewport=size, color_scheme="dark")
    try:
        visit = Visit(context.new_page())
        open_page(visit, place)
        visit.page.get_by_label("Saliency").check()
        choose(visit, picture((140, 120, 130)), {**picture(_RED), "buffer": b"torn"})
        expect(visit.page.locator(".asked-table tbody tr")).to_have_count(2)
        expect(visit.page.locator(".heat")).to_be_visible()
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= size["width"]
        assert grave_faults(visit) == []
        visit.page.get_by_role("button", name="Switch between dark and light").click()
        assert grave_faults(visit) == []
    finally:
        context.close()


def grave_faults(visit: Visit) -> list[tuple[str, list[str]]]:
    found = Axe().run(visit.page).response["violations"]
    grave = [f for f in found if f["impact"] in ("serious", "critical")]
    return [(f["id"], [n["html"][:200] for n in f["nodes"]]) for f in grave]
