"""A run that is over, in a browser: what the head of the page says, its report, and to go on."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import expect

from tests.browser import Visit, browser, let_in
from tests.console_process import console_over
from tests.running_line import RunningLine


def test_a_run_is_cut_off_resumed_and_drained_before_the_page(
    tmp_path: Path, tiny_model: Path
) -> None:
    results = tmp_path / "results"
    results.mkdir()
    arguments = ("--model", tiny_model, "--duration=36000", "--console=off", "--workers=1")
    with (
        browser() as chrome,
        console_over(results) as console,
        RunningLine(results / "friday", *arguments) as line,
    ):
        context = chrome.new_context()
        let_in(context, console)
        visit = Visit(context.new_page())
        page, head = visit.page, visit.page.locator(".state")
        page.goto(console.url)
        expect(head).to_have_text("demo: running")
        expect(head).to_have_class(re.compile(r"\bgood\b"))
        line.wait_for_rows(5)
        kill = page.get_by_role("button", name="Kill worker-0")
        expect(kill).to_be_enabled()

        line.kill_runner()
        expect(head).to_have_text("demo: cut off")
        expect(head).not_to_have_class(re.compile(r"\bgood\b"))
        expect(page.locator(".state-link")).to_have_text("Resume …")
        expect(kill).to_be_disabled()
        expect(page.get_by_role("region", name="Ended")).to_contain_text("no report yet")
        assert page.get_by_role("link", name="Report").count() == 0

        page.get_by_role("button", name="Resume this run").click()
        expect(head).to_have_text("demo: running")
        expect(page.get_by_role("region", name="Ended")).not_to_be_visible()

        start = page.get_by_role("button", name="End this run, start another")
        start.click()
        question = page.get_by_role("dialog", name=re.compile("End demo and start "))
        expect(question).to_contain_text("is drained")
        question.get_by_role("button", name="Cancel").click()
        expect(head).to_have_text("demo: running")

        page.get_by_role("button", name="Drain", exact=True).click()
        page.get_by_role("button", name="Drain the run").click()
        expect(page.locator(".state-link")).to_have_text("Report")
        expect(head).to_have_text("demo: drained")
        expect(head).to_have_class(re.compile(r"\bgood\b"))
        with page.expect_popup() as report:
            page.locator(".state-link").click()
        expect(report.value.locator("h1").first).to_be_visible()

        page.goto(f"{console.url}/runs")
        expect(page.locator(".runs tbody tr")).to_contain_text("drained")
        expect(page.get_by_role("button", name="Resume friday")).to_be_visible()
        page.get_by_role("button", name="purity").click()
        expect(page.locator("th[aria-sort]")).to_have_text("purity ↓")
        assert visit.errors == []
