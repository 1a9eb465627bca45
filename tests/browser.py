"""A real browser for what is seen: Debian's Chromium, without a window, on the loopback alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.patience import PATIENCE_S

PROGRAM = "/usr/bin/chromium"
# As root it has no sandbox; and it is not to ask the world for anything.
_OPTIONS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)  # fmt: skip
_SERIOUS = ("serious", "critical")
_REFUSAL = "the server responded with a status of 4"

Scheme = Literal["light", "dark"]
Lend = Callable[[], AbstractContextManager[Browser]]
Look = dict[str, Any]
_LOOKS: dict[str, Look] = {
    f"{locale}-{width}-{scheme}": {"locale": locale, "width": width, "scheme": scheme}
    for locale, width, scheme in (
        ("en-GB", 1280, "light"), ("en-GB", 360, "dark"), ("zh-CN", 1280, "dark"),
        ("zh-CN", 360, "light"),
    )
}  # fmt: skip
"""Each two of language, width and colours meet in one of them."""


def looks(each_day: str) -> pytest.MarkDecorator:
    """A page in four looks: in one of them with each change, in the others with `long`."""
    return pytest.mark.parametrize(
        "look",
        [
            pytest.param(look, id=name, marks=[] if name == each_day else [pytest.mark.long])
            for name, look in _LOOKS.items()
        ],
    )


@contextmanager
def chromium() -> Iterator[Lend]:
    """A browser for many tests, lent to one at a time; each context in it is as new.

    Playwright leaves its event loop running in this thread, where tests that do not use the browser
    run their own.
    """
    expect.set_options(timeout=PATIENCE_S * 1_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=list(_OPTIONS))
        loop = asyncio.get_running_loop()

        @contextmanager
        def lend() -> Iterator[Browser]:
            asyncio._set_running_loop(loop)
            try:
                yield browser
            finally:
                asyncio._set_running_loop(None)

        asyncio._set_running_loop(None)
        try:
            yield lend
        finally:
            asyncio._set_running_loop(loop)
            browser.close()


@contextmanager
def looking(
    browser: Browser, *, width: int = 1280, scheme: Scheme = "light", locale: str = "zh-CN",
    refusals: bool = False, **options: Any,
) -> Iterator[Page]:  # fmt: skip
    """A page of a new visitor; what the browser complains of, a blocked style say, is an error.

    With `refusals`, that the server refuses something is its answer, and no complaint.
    """
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, locale=locale, **options
    )
    context.set_default_timeout(PATIENCE_S * 1_000)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    try:
        yield page
        found = [each for each in complaints if not (refusals and _REFUSAL in each)]
        assert found == [], found
    finally:
        context.close()


def unfold(page: Page) -> None:
    """Opens all that is folded."""
    page.evaluate("document.querySelectorAll('main details').forEach(each => each.open = true)")


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    found: int = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    return max(0, found)


def barriers(page: Page) -> list[tuple[str, Any]]:
    """What axe finds that keeps somebody out (WCAG 2.2 AA): the rule, and where."""
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        (each["id"], [node["html"] for node in each["nodes"]])
        for each in found
        if each["impact"] in _SERIOUS
    ]
