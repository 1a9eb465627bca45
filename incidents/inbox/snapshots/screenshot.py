"""The screenshot of a fetched page: what a visitor without scripts sees of it.

The page is drawn as it was fetched: its own address is answered with the kept bytes. Its pictures,
style sheets and fonts are fetched under the guard of outgoing requests, within limits; nothing else
is loaded, and no script runs.
"""

from __future__ import annotations

import base64
import binascii
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import BoundedSemaphore, Lock
from time import monotonic
from typing import NamedTuple

from incidents.inbox.children.page_text import is_html
from incidents.inbox.snapshots import browser, fetching
from incidents.inbox.snapshots.browser import Browser, BrowserError, Message
from incidents.inbox.snapshots.fetching import Page
from incidents.outbound.guard import Guard

WITHIN_S = 20.0
"""The maximum time for a screenshot, in seconds; then the browser is killed."""
LOADS_WITHIN_S = 8.0
"""The part of that time within which the page must have loaded what it is made of."""
WIDTH, HEIGHT, MAX_HEIGHT = 1_280, 800, 4_000
"""The pixels of the window, and the most of the page's height that is shown."""
MAX_BYTES = 4 << 20
"""The maximum size of a screenshot. Of a page that would have more, the window alone is kept."""
MAX_LOADS, MAX_LOADED = 60, 16 << 20
"""The maximum number of a page's pictures, style sheets and fonts, and of their bytes."""
MAX_AT_ONCE = 2
"""The maximum number of browsers of this process at a time."""
PATIENCE_S = 30.0
"""How long a page waits for one of them, in seconds."""

_AT_ONCE = BoundedSemaphore(MAX_AT_ONCE)
_THREADS = 6
_LOADED = frozenset({"Image", "Stylesheet", "Font"})
_PNG = b"\x89PNG\r\n\x1a\n"
# One more wall for what a page without scripts can still ask for: frames, forms, plug-ins.
_POLICY = (
    "default-src 'none'; img-src http: https: data:; style-src http: https: data: 'unsafe-inline';"
    " font-src http: https: data:; form-action 'none'"
)


class Screenshot(NamedTuple):
    """The picture as a PNG; or why there is none, as a code.

    The codes: `no_browser`, `not_started`, `no_sandbox`, `slow`, `crashed`, `large` and `busy` (too
    many others are being taken). Without either the page is none that a browser shows.
    """

    png: bytes | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Screenshots:
    """The taking of screenshots.

    `program`: the browser; None for the first one that is installed. `sandbox`: whether it must
    have the one of its own, in which a page is drawn.
    """

    program: Path | None = None
    sandbox: bool = True
    within_s: float = WITHIN_S
    loads_within_s: float = LOADS_WITHIN_S

    def take(self, page: Page, guard: Guard) -> Screenshot:
        """Draw the page, whatever its status: an error page shows that something is gone.

        What it is made of is fetched under the guard.
        """
        if not page.body or not is_html(page.kind or ""):
            return Screenshot()
        program = browser.program_at(self.program)
        if program is None:
            return Screenshot(reason="no_browser")
        if not _AT_ONCE.acquire(timeout=PATIENCE_S):
            return Screenshot(reason="busy")
        try:
            until = monotonic() + self.within_s
            with browser.opened(program, sandbox=self.sandbox, until=until) as chromium:
                return _Drawing(page, guard, chromium).drawn(self.loads_within_s)
        except BrowserError as error:
            return Screenshot(reason=error.reason)
        except KeyError:
            # It is no answer of a browser.
            return Screenshot(reason="crashed")
        finally:
            _AT_ONCE.release()


@dataclass(slots=True)
class _Drawing:
    """The drawing of one page; `loads_until`: by the monotonic clock, 0 when nothing is loaded."""

    page: Page
    guard: Guard
    browser: Browser
    loads_until: float = 0.0
    session: str = ""
    frame: str = ""
    is_answered: bool = False
    is_loaded: bool = False
    _loads: int = 0
    _loaded: int = 0
    _lock: Lock = field(default_factory=Lock)
    _threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(_THREADS))

    def drawn(self, loads_within_s: float) -> Screenshot:
        ask = self.browser.ask
        self.frame = ask("Target.createTarget", url="about:blank")["targetId"]
        found = ask("Target.attachToTarget", targetId=self.frame, flatten=True)
        self.session = found["sessionId"]
        ask("Browser.setDownloadBehavior", behavior="deny")
        size = {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False}
        for method, params in (
            ("Page.enable", {}), ("Inspector.enable", {}),
            ("Emulation.setScriptExecutionDisabled", {"value": True}),
            ("Emulation.setDeviceMetricsOverride", size),
            ("Fetch.enable", {"patterns": [{"urlPattern": "*"}]}),
            # A frame of another site, or a worker, never starts.
            ("Target.setAutoAttach", {
                "autoAttach": True, "waitForDebuggerOnStart": True, "flatten": True,
            }),
        ):  # fmt: skip
            ask(method, self.session, **params)
        self.browser.on_event = self._take
        self.loads_until = monotonic() + loads_within_s
        try:
            self.browser.send("Page.navigate", self.session, url=self.page.final)
            self.browser.wait(lambda: self.is_loaded, self.loads_until)
            # From now on nothing more is loaded.
            self.loads_until = 0.0
            return self._shot()
        finally:
            self._threads.shutdown(wait=False, cancel_futures=True)

    def _take(self, event: Message) -> None:
        match event["method"]:
            case "Fetch.requestPaused":
                self._answer(event["params"])
            case "Page.loadEventFired":
                self.is_loaded = self.is_answered
            case "Inspector.targetCrashed":
                raise BrowserError("crashed")

    def _answer(self, asked: Message) -> None:
        """Answer a request: the page itself, once, and what it is made of; nothing else."""
        kind, url = asked["resourceType"], asked["request"]["url"]
        if kind == "Document" and asked["frameId"] == self.frame and not self.is_answered:
            self.is_answered = True
            own = self.page.kind or "text/html"
            headers = {"Content-Type": own, "Content-Security-Policy": _POLICY}
            self._fulfill(asked["requestId"], 200, headers, self.page.body or b"")
        elif kind in _LOADED and url.startswith(("http://", "https://")):
            self._threads.submit(self._fetch, asked["requestId"], url)
        else:
            self._fail(asked["requestId"])

    def _fetch(self, request: str, url: str) -> None:
        """Answer the request with what is at the address, or not at all."""
        with self._lock:
            self._loads += 1
            is_over = self._loads > MAX_LOADS or self._loaded > MAX_LOADED
        left_s = self.loads_until - monotonic()
        # An answer may come too late, when the browser is gone.
        with suppress(BrowserError):
            if is_over or left_s <= 0:
                self._fail(request)
                return
            found = fetching.fetch(url, self.guard, lambda _: True, within_s=left_s)
            if found.problem is not None or found.status is None:
                self._fail(request)
                return
            body = found.body or b""
            with self._lock:
                self._loaded += len(body)
            headers = {"Access-Control-Allow-Origin": "*"}
            if found.kind is not None:
                headers["Content-Type"] = found.kind
            self._fulfill(request, found.status, headers, body)

    def _shot(self) -> Screenshot:
        found = self.browser.ask("Page.getLayoutMetrics", self.session)
        whole = found["cssContentSize"]["height"]
        for height in (min(max(int(whole), HEIGHT), MAX_HEIGHT), HEIGHT):
            clip = {"x": 0, "y": 0, "width": WIDTH, "height": height, "scale": 1}
            made = self.browser.ask(
                "Page.captureScreenshot", self.session, format="png", clip=clip,
                captureBeyondViewport=True,
            )  # fmt: skip
            png = _decoded(made["data"])
            if len(png) <= MAX_BYTES:
                return Screenshot(png=png)
        return Screenshot(reason="large")

    def _fulfill(self, request: str, status: int, headers: dict[str, str], body: bytes) -> None:
        self.browser.send(
            "Fetch.fulfillRequest", self.session, requestId=request, responseCode=status,
            responseHeaders=[{"name": name, "value": value} for name, value in headers.items()],
            body=base64.b64encode(body).decode("ascii"),
        )  # fmt: skip

    def _fail(self, request: str) -> None:
        # Aborted: a page that wants to be another one stays as it is.
        self.browser.send(
            "Fetch.failRequest", self.session, requestId=request, errorReason="Aborted"
        )


def _decoded(data: str) -> bytes:
    try:
        png = base64.b64decode(data, validate=True)
    except binascii.Error as error:
        raise BrowserError("crashed") from error
    if not png.startswith(_PNG):
        raise BrowserError("crashed")
    return png
