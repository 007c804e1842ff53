"""A real browser for the console's pages: the chromium of this machine, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect, sync_playwright

from tests.console_process import Console

PATIENCE_MS = 300_000
"""For anything that a page is to show; the machine may be loaded."""
expect.set_options(timeout=PATIENCE_MS)


def chromium() -> str:
    """The browser's path; skips the test where there is none, and fails where there must be one."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name)
        if found:
            return found
    if os.environ.get("CI"):
        pytest.fail("no chromium on this machine: the console's pages cannot be tested")
    pytest.skip("no chromium on this machine: the console's pages are NOT tested")


@contextmanager
def browser(*arguments: str) -> Iterator[Browser]:
    """A headless browser that calls nobody by itself."""
    quiet = ("--disable-background-networking", "--disable-component-update", "--no-first-run")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox", "--disable-gpu", *quiet, *arguments]
        )
        try:
            yield opened
        finally:
            opened.close()


def let_in(context: BrowserContext, console: Console) -> None:
    """As if the console's address had been opened there."""
    name, _, value = console.session().partition("=")
    context.add_cookies([{"name": name, "value": value, "url": console.url}])


class Visit:
    """A page that remembers what went wrong on it, and whom it asked for what."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requests: list[str] = []
        self.errors: list[str] = []
        page.set_default_timeout(PATIENCE_MS)
        page.on("request", self._keep)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _keep(self, request: Request) -> None:
        self.requests.append(request.url)

    def foreign_requests(self, port: int) -> list[str]:
        """Requests that left the console; pictures inside the page are none."""
        own = (f"http://127.0.0.1:{port}/", "data:", "blob:")
        return [url for url in self.requests if not url.startswith(own)]
