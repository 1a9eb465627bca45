"""A browser on a slow computer, and how long it takes to show what is done there."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Page, sync_playwright

PROGRAMS = ("chromium-headless-shell", "chromium")
_OPTIONS = (
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)  # fmt: skip
_PATIENCE_MS = 60_000
_ROW = "#items > *, tbody tr"

# What is painted has been when a task comes that was posted as the frame began.
_METER = f"""
window.bench = {{
    painted: () => new Promise((done) => requestAnimationFrame(() => {{
        const channel = new MessageChannel();
        channel.port1.onmessage = () => done(performance.now());
        channel.port2.postMessage(0);
    }})),
    shown: (selector) => new Promise((done) => {{
        const look = () => {{
            if (!document.querySelector(selector)) return false;
            bench.painted().then(done);
            return true;
        }};
        if (look()) return;
        const seen = new MutationObserver(() => {{ if (look()) seen.disconnect(); }});
        seen.observe(document, {{ childList: true, subtree: true, attributes: true }});
    }}),
    // Milliseconds from the event of that kind that comes next until what it changed is painted.
    next: (kind) => new Promise((done) => {{
        const hear = async ({{ timeStamp }}) => {{
            bench.at = timeStamp;
            done(await bench.painted() - timeStamp);
        }};
        addEventListener(kind, hear, {{ capture: true, once: true }});
    }}),
}};
bench.first = bench.shown({_ROW!r});
addEventListener("click", ({{ timeStamp }}) => {{
    sessionStorage.setItem("clicked", performance.timeOrigin + timeStamp);
}}, {{ capture: true }});
"""


def program() -> str | None:
    """The Chromium of this system."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


class SlowPage:
    """A page in a browser whose processor is slowed down; all times are in milliseconds."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def first_row_ms(self, address: str) -> float:
        """From the start of the navigation until the first row of the list is painted."""
        self.page.goto(address)
        return float(self.page.evaluate("bench.first"))

    def painted_ms(self, kind: str, act: Callable[[Page], object]) -> float:
        """From the first event of that kind that the act causes until its paint."""
        self.page.evaluate("kind => { window.took = bench.next(kind) }", kind)
        act(self.page)
        return float(self.page.evaluate("took"))

    def shown_ms(self, kind: str, act: Callable[[Page], object], selector: str) -> float:
        """From that event until what the selector names is painted, with what the server does."""
        self.page.evaluate(
            "([kind, selector]) => { bench.next(kind); window.took = bench.shown(selector) }",
            [kind, selector],
        )
        act(self.page)
        return float(self.page.evaluate("took.then((at) => at - bench.at)"))

    def left_ms(self, act: Callable[[Page], object]) -> float:
        """From the click until the first row of the page that it leads to is painted."""
        with self.page.expect_navigation(wait_until="load"):
            act(self.page)
        return float(
            self.page.evaluate(
                "bench.first.then((at) => "
                "performance.timeOrigin + at - Number(sessionStorage.getItem('clicked')))"
            )
        )

    def run_ms(self, script: str) -> float:
        """What a script takes, until what it changed is painted."""
        return float(
            self.page.evaluate(
                f"async () => {{ const began = performance.now(); {script};"
                " return await bench.painted() - began; }"
            )
        )


@contextmanager
def slow_page(slowed: float, cookies: Mapping[str, str], width: int = 1440) -> Iterator[SlowPage]:
    """While it lasts, a page with those cookies in a browser that is so many times slower.

    Raises:
        RuntimeError: if this system has no Chromium.
    """
    found = program()
    if found is None:
        raise RuntimeError(f"no browser: none of {', '.join(PROGRAMS)} is on PATH")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(_OPTIONS))
        try:
            context = browser.new_context(locale="zh-CN", viewport={"width": width, "height": 900})
            context.set_default_timeout(_PATIENCE_MS)
            sent: list[Any] = [
                # As https: a cookie with __Host- is set by nobody else.
                {"name": name, "value": value, "url": "https://127.0.0.1", "secure": True}
                for name, value in cookies.items()
            ]
            context.add_cookies(sent)
            context.add_init_script(_METER)
            page = context.new_page()
            context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": slowed})
            yield SlowPage(page)
        finally:
            browser.close()
