"""A real browser for what is seen: Debian's Chromium, without a window, on the loopback alone."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Dialog,
    Error,
    Page,
    WebError,
    expect,
    sync_playwright,
)

from tests.patience import PATIENCE_S

PROGRAM = "/usr/bin/chromium-headless-shell"
# As root it has no sandbox; and it is not to ask the world for anything.
_OPTIONS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)  # fmt: skip
# One template makes all rows of a table or a list, and axe takes milliseconds for each of them.
_FURTHER_ROWS = ["tbody tr:nth-child(n+9)", "#items > :nth-child(n+9)"]
_REFUSAL = "the server responded with a status of 4"
# The browser says it of itself too; but what it says may be worded otherwise in its next version.
_TELL_BLOCKED = """document.addEventListener("securitypolicyviolation", (event) =>
    console.error(`blocked by ${event.violatedDirective}: ${event.blockedURI} ${event.sample}`))"""
_OUTAGE = ("net::ERR_", "htmx:sendError", "htmx:afterRequest", "htmx:timeout")

Scheme = Literal["light", "dark"]


@dataclass(frozen=True, slots=True)
class Look:
    """The look of a page. `as_options` are those of `Chromium.page`."""

    locale: str
    width: int
    scheme: Scheme
    is_judged: bool = False

    @property
    def name(self) -> str:
        """The name of a test in this look."""
        return f"{self.locale}-{self.width}-{self.scheme}"

    @property
    def as_options(self) -> dict[str, Any]:
        return {"locale": self.locale, "width": self.width, "scheme": self.scheme}

    def misfits(self, page: Page) -> list[Any]:
        """By how many pixels the page is too wide; where it is judged, also what axe finds."""
        too_wide = [("overflow", wide)] if (wide := overflow(page)) else []
        return [*too_wide, *(barriers(page) if self.is_judged else ())]


_LOOKS = (
    Look("en-GB", 1280, "light"), Look("en-GB", 360, "dark"), Look("zh-CN", 1280, "dark"),
    Look("zh-CN", 360, "light"),
)  # fmt: skip
"""Each two of language, width and colours meet in one of them."""


def looks(each_day: str) -> pytest.MarkDecorator:
    """A page in four looks: in one of them with each change, in the others with `long`.

    axe judges it in the language of that one, at both widths and in both colours. To judge all
    four would take twice as long, and show little more: the other language has other words alone,
    and how wide they are is looked at in each.
    """
    found, judged = [], each_day[:5]
    for look in _LOOKS:
        marks = [] if look.name == each_day else [pytest.mark.long]
        given = replace(look, is_judged=look.locale == judged)
        found.append(pytest.param(given, id=look.name, marks=marks))
    return pytest.mark.parametrize("look", found)


class Chromium:
    """A browser, for many tests of one worker.

    It keeps the pages of those who have gone for those who come: a new context costs as much as
    the loading of four pages.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        # Playwright leaves its event loop running in this thread.
        self._loop = asyncio.get_running_loop()
        self._free: dict[tuple[str, bool], list[Page]] = defaultdict(list)

    @contextmanager
    def in_use(self) -> Iterator[Chromium]:
        """Tests that do not use the browser run loops of their own in this thread."""
        asyncio._set_running_loop(self._loop)
        try:
            yield self
        finally:
            asyncio._set_running_loop(None)

    @contextmanager
    def page(
        self, *, width: int = 1280, scheme: Scheme = "light", locale: str = "zh-CN",
        scripts: bool = True, refusals: bool = False, outages: bool = False,
    ) -> Iterator[Page]:  # fmt: skip
        """A page of a new visitor, who may open others beside it.

        Whatever the browser complains of in any of them, a blocked style or an uncaught exception
        say, is an error. With `refusals`, that the server refuses something is its answer, and no
        complaint; with `outages` neither is that it does not answer, and the page has a clock that
        can be moved.
        """
        free = [] if outages else self._free[locale, scripts]
        page = free.pop() if free else self._new(locale, scripts=scripts)
        if outages:
            page.clock.install()
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        complaints: list[str] = []

        def hear(told: ConsoleMessage) -> None:
            is_answer = refusals and _REFUSAL in told.text
            is_outage = outages and any(each in told.text for each in _OUTAGE)
            if told.type == "error" and not is_answer and not is_outage:
                complaints.append(told.text)

        def fail(error: WebError) -> None:
            complaints.append(str(error.error))

        page.context.on("console", hear)
        page.context.on("weberror", fail)
        try:
            yield page
            assert complaints == [], complaints
        except BaseException:
            page.context.close()
            raise
        if outages:
            page.context.close()
            return
        page.context.remove_listener("console", hear)
        page.context.remove_listener("weberror", fail)
        page.unroute_all()
        page.context.clear_cookies()
        # An act that is still under way has the page ask before it is left.
        page.on("dialog", _leave)
        try:
            page.goto("about:blank")
        except Error:
            # Without its cookies the page may be on its way to the sign-in.
            page.context.close()
            return
        page.remove_listener("dialog", _leave)
        free.append(page)

    def _new(self, locale: str, *, scripts: bool) -> Page:
        context = self._browser.new_context(locale=locale, java_script_enabled=scripts)
        context.set_default_timeout(PATIENCE_S * 1_000)
        context.add_init_script(_TELL_BLOCKED)
        return context.new_page()


def _leave(question: Dialog) -> None:
    question.accept()


@contextmanager
def chromium() -> Iterator[Chromium]:
    """A browser that ends with the block."""
    expect.set_options(timeout=PATIENCE_S * 1_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=list(_OPTIONS))
        running = Chromium(browser)
        asyncio._set_running_loop(None)
        try:
            yield running
        finally:
            with running.in_use():
                browser.close()
            asyncio._set_running_loop(running._loop)


def unfold(page: Page) -> None:
    """Open all folded parts."""
    page.evaluate("document.querySelectorAll('main details').forEach(each => each.open = true)")


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    found: int = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    return max(0, found)


def barriers(page: Page) -> list[tuple[str, Any]]:
    """The barriers that axe finds, whatever their impact: the rule, and the places."""
    context, options = {"exclude": _FURTHER_ROWS}, {"resultTypes": ["violations"]}
    found = Axe().run(page, context, options).response["violations"]
    return [(each["id"], [node["html"] for node in each["nodes"]]) for each in found]
