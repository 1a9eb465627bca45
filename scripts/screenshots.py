"""The screenshots: the console's pictures, taken of a real server in a real browser."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn
from playwright.sync_api import sync_playwright

from incidents import clock
from incidents.accounts import secrets
from incidents.app import App
from incidents.demo.story import END
from incidents.desk import accounts
from incidents.desk.own_stream import Actor
from incidents.settings import sources
from incidents.store import monitoring
from incidents.store.database.engine import writing
from incidents.store.monitoring import Heartbeat
from incidents.testing import rehearsal
from incidents.web import app
from scripts import a_month, palette
from scripts.console_pictures import FOLDER, PICTURES, Picture

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page
    from sqlalchemy import Connection

_PROGRAM = "/usr/bin/chromium"
_OPTIONS = (
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--font-render-hinting=none", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)  # fmt: skip
_PASSWORD = "a horse and a battery"  # noqa: S105 - of an account that lives as long as the script
_ROOT = Actor(person="admin-1", login="root")
_ADMIN = Actor(person="admin-1", login="session", signed_in=True)


def main() -> int:
    """Take all pictures; return 0 if each succeeded."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        a_month.play(Path(folder))
        with rehearsal(END), _serving() as url, _browser() as browser:
            for picture in PICTURES:
                _take(browser, url, picture)
                size = picture.file.stat().st_size
                print(f"{picture.file.relative_to(FOLDER.parents[1])}  {size / 1024:.0f} KiB")
    return 0


@contextmanager
def _serving() -> Iterator[str]:
    """Serve the desk's console, with an account of a supervisor; yield its address."""
    opened = App(sources.load())
    opened.desk.on_record(_people)
    with writing(opened.engine) as connection:
        now = clock.now()
        beat = Heartbeat(daemon="desk-1", host="desk", pid=1, started_at=now, beat_at=now)
        monitoring.beat(connection, beat)
    made = app.create(opened)
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
        opened.close()


def _people(connection: Connection) -> None:
    accounts.make(connection, _ROOT, "admin-1", "administrator", clock.now)
    accounts.make(connection, _ADMIN, "wang", "supervisor", clock.now)
    hash_ = secrets.hash_password(_PASSWORD, "wang")
    accounts.set_password(
        connection, _ADMIN, "wang", hash_, clock.now, second_after=accounts.AT_ONCE
    )


@contextmanager
def _browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_PROGRAM, args=list(_OPTIONS))
        try:
            yield browser
        finally:
            browser.close()


def _take(browser: Browser, url: str, picture: Picture) -> None:
    """Sign in, open the page, and take the picture once nothing moves any more."""
    context = browser.new_context(
        viewport={"width": picture.width, "height": picture.height}, locale=picture.language,
        color_scheme=picture.scheme, reduced_motion="reduce",
    )  # fmt: skip
    page = context.new_page()
    try:
        # The browser's clock equals the server's: no second is lost on the way.
        page.clock.set_fixed_time(END)
        _sign_in(page, url)
        page.goto(url + picture.path)
        page.wait_for_load_state("load")
        if picture.path == "/":
            page.locator("#live:not(:empty)").wait_for()
        png = page.screenshot(animations="disabled", caret="hide")
        picture.file.write_bytes(palette.reduced(png))
    finally:
        context.close()


def _sign_in(page: Page, url: str) -> None:
    page.goto(f"{url}/sign-in")
    page.fill("#handle", "wang")
    page.fill("#password", _PASSWORD)
    page.press("#password", "Enter")
    page.wait_for_selector("nav")


if __name__ == "__main__":
    os.environ.setdefault("TZ", "UTC")
    sys.exit(main())
