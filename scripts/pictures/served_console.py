"""The console that the pictures show: a real server, and a real browser without a window."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn
from playwright.sync_api import sync_playwright

from incidents import clock
from incidents.app import App
from incidents.console.customer.customer_app import CustomerApp
from incidents.console.customer.customer_page import CustomerPage
from incidents.notices import customer_link, notice_settings
from incidents.store import monitoring
from incidents.store.database.engine import writing
from incidents.store.monitoring import Heartbeat
from incidents.web import app

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

_PROGRAM = "/usr/bin/chromium"
_OPTIONS = (
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--font-render-hinting=none", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)  # fmt: skip


@contextmanager
def serving(opened: App) -> Iterator[str]:
    """Serve the desk's console within the block, beside a daemon that has just been heard of.

    Yields its address.
    """
    with writing(opened.engine) as connection:
        now = clock.now()
        beat = Heartbeat(daemon="desk-1", host="desk", pid=1, started_at=now, beat_at=now)
        monitoring.beat(connection, beat)
    made = app.create(opened, _customers(opened))
    server = uvicorn.Server(
        uvicorn.Config(made, port=0, lifespan="off", ws="none", log_config=None, access_log=False)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    try:
        [socket] = server.servers[0].sockets
        yield f"http://127.0.0.1:{socket.getsockname()[1]}"
    finally:
        made.state.changes.stop()
        server.should_exit = server.force_exit = True
        thread.join(20)


def _customers(opened: App) -> CustomerApp | None:
    links = customer_link.load_links()
    if links is None:
        return None
    page = CustomerPage(notice_settings.wording(opened.settings.zone), customer_link.office())
    return CustomerApp(opened.desk, opened.reading, links, page)


@contextmanager
def browser() -> Iterator[Browser]:
    """Debian's Chromium, which asks nobody but the server."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=_PROGRAM, args=list(_OPTIONS))
        try:
            yield running
        finally:
            running.close()


def sign_in(context: BrowserContext, url: str, handle: str, password: str) -> None:
    """Sign in by the form, in a page of its own."""
    page = context.new_page()
    # The browser's clock equals the server's: no second is lost on the way.
    page.clock.set_fixed_time(clock.now())
    page.goto(f"{url}/sign-in")
    page.fill("#handle", handle)
    page.fill("#password", password)
    page.press("#password", "Enter")
    page.wait_for_selector("nav")
    page.close()
