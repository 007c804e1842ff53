"""Line pages of the console in a real browser, and what they are told: how often, and how late."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median, quantiles
from typing import Self

from playwright.sync_api import Browser, Error, Page, sync_playwright

from line.errors import BadInput, StageDied

_PATIENCE_MS = 60_000
_QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
)
_EAVESDROP = """
(() => {
  const wall = () => performance.timeOrigin + performance.now();
  const fresh = () => ({ moments: [], verdicts: [], alarms: 0 });
  let heard = fresh();
  let belt;
  let isFirst = true;
  window.eavesdrop = { last: 0, take: () => { const all = heard; heard = fresh(); return all; } };
  const note = (news) => {
    const at = (window.eavesdrop.last = wall() / 1000);
    heard.moments.push(at);
    for (const one of isFirst ? [] : news) {
      const decided = one.verdict && one.latency !== null && belt.items.get(one.key)?.decided;
      if (decided) heard.verdicts.push([at, decided]);
    }
    isFirst = false;
  };
  let wasSilent = false;
  new MutationObserver(() => {
    const silent = document.documentElement.classList.contains("silent");
    if (silent && !wasSilent) heard.alarms += 1;
    wasSilent = silent;
  }).observe(document, { subtree: true, attributeFilter: ["class"] });
  Object.defineProperty(window, "scraplineBelt", {
    get: () => belt,
    set: (view) => {
      const tell = view.tell;
      view.tell = (...told) => { tell(...told); requestAnimationFrame(() => note(told[4])); };
      belt = view;
    },
  });
})();
"""
"""Stands between the console and the drawing of the belt. At the first picture painted after that
was told something, it notes the time, and when each item of the news had been decided. What a page
is told first is history."""


@dataclass
class Heard:
    """What one page was told. Moments in seconds of the wall's clock, ages in seconds."""

    moments: list[float] = field(default_factory=list)
    ages: list[float] = field(default_factory=list)
    alarms: int = 0
    """times that it said that the console was silent"""

    @property
    def per_s(self) -> float:
        """Times a second that the page was told what is new."""
        if len(self.moments) < 2:
            return 0.0
        return (len(self.moments) - 1) / (self.moments[-1] - self.moments[0])

    @property
    def longest_gap_s(self) -> float:
        return max((after - before for before, after in pairwise(self.moments)), default=0.0)


class OpenPages:
    """Some visitors at the Line page of the console at `address`."""

    def __init__(self, browser: Browser, address: str, count: int) -> None:
        self._pages = [_opened(browser, address) for _ in range(count)]
        self.heard = [Heard() for _ in self._pages]
        for page in self._pages:
            page.wait_for_function("window.scraplineBelt?.riding().some(item => item.verdict)")
            page.evaluate("eavesdrop.take()")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for page in self._pages:
            page.context.close()

    def listen(self) -> None:
        """Take over what the pages have noted; to be called every few seconds."""
        for page, heard in zip(self._pages, self.heard, strict=True):
            noted = page.evaluate("eavesdrop.take()")
            offset_s = time.time() - time.monotonic()
            heard.moments += noted["moments"]
            heard.alarms += noted["alarms"]
            heard.ages += [at - offset_s - decided for at, decided in noted["verdicts"]]

    def wait_until_told(self) -> None:
        """Until every page has been told something anew, also if it must load itself again."""
        now = time.time()
        for page in self._pages:
            page.wait_for_function("now => window.eavesdrop?.last > now", arg=now)

    @property
    def slowest_per_s(self) -> float:
        return min(heard.per_s for heard in self.heard)

    @property
    def longest_gap_s(self) -> float:
        return max(heard.longest_gap_s for heard in self.heard)

    @property
    def false_alarms(self) -> int:
        return sum(heard.alarms for heard in self.heard)

    def age_ms(self) -> tuple[float, float]:
        """Median and 95th percentile, over all pages, from a decision to the picture with it.

        Raises:
            BadInput: if too few were shown to say.
        """
        ages = [1000 * age for heard in self.heard for age in heard.ages]
        if len(ages) < 20:
            raise BadInput(f"only {len(ages)} decisions were shown; is the machine busy?")
        return median(ages), quantiles(ages, n=20)[-1]


def _opened(browser: Browser, address: str) -> Page:
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.set_default_timeout(_PATIENCE_MS)
    page.add_init_script(_EAVESDROP)
    page.goto(address)
    return page


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser of this machine, without a window.

    Raises:
        BadInput: if there is none.
        StageDied: for what goes wrong in it.
    """
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        raise BadInput("chromium: there is none on this machine to open pages in")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(_QUIET))
        try:
            yield browser
        except Error as error:
            raise StageDied(f"the browser: {error.message.splitlines()[0]}") from None
        finally:
            browser.close()
