"""A desk that is served: its API, console and customers' pages, and the people who come there.

It is the application of `incidents serve`, asked directly by a client, or over the loopback from a
thread. Its clock is moved by the desk and never frozen: the server's own waits go by it too.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta, tzinfo
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from argon2 import PasswordHasher
from playwright.sync_api import Page
from sqlalchemy import select
from starlette.testclient import TestClient

from incidents import clock, desk, views
from incidents.accounts import secrets
from incidents.api import authentication
from incidents.app import App
from incidents.console import request_context
from incidents.console.customer.customer_app import CustomerApp
from incidents.console.customer.customer_page import CustomerPage
from incidents.desk import Envelope
from incidents.inbox.snapshots.by_customer import CustomerLooks
from incidents.machine import commands as c
from incidents.notices import customer_link, notice_settings
from incidents.settings import sources
from incidents.store.accounts import accounts
from incidents.store.schema import desk_tables
from incidents.system import web_server
from incidents.web import app as web_app
from incidents.web import service
from tests.api.rig import BASE, PASSWORD, Rig
from tests.browser import Chromium
from tests.patience import PATIENCE_S

PEOPLE = {
    "adam": "administrator", "li": "operator", "chen": "operator", "wang": "supervisor",
    "zhao": "supervisor", "vera": "viewer",
}  # fmt: skip
"""The handles of people and their roles; of somebody of any other role the handle is `role-1`."""
HOSTILE = (
    "<script>document.title='taken'</script>\"'&<img src=x onerror=\"document.title='taken'\">"
)

_CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class ConsoleDesk(Rig):
    """The desk of one database, and what is on record there."""

    def __init__(self, app: App, portal: BlockingPortal) -> None:
        super().__init__(app, portal)
        self.url = BASE
        self.ahead = timedelta(0)
        self._ago = timedelta(0)
        self._hand = desk.Desk(app.engine, clock=lambda: clock.now() - self._ago)
        if (links := customer_link.load_links()) is not None:
            told = repr(sources.section(notice_settings.NOTICES))
            page = _customers_page(app.settings.zone, told)
            looks = CustomerLooks(app.reports.retest_incident, app.reading)
            customers = CustomerApp(app.desk, app.reading, links, page, looks)
            self.asgi_app = web_app.create(app, customers)

    def do(
        self, site: str | int, command: c.Command, *, ago: timedelta = timedelta(0)
    ) -> desk.Answer:
        """An act of somebody else, by another way than the console, so long ago."""
        sent = Envelope(site=site, command=command, login="desk1", signed_in=True)
        self._ago = ago
        [answer] = self._hand.submit([sent])
        assert answer.refusal is None, answer.refusal
        return answer

    def elapse(self, *, ago: timedelta = timedelta(0)) -> None:
        """Do what has been due, as a daemon does it."""
        self._ago = ago
        while self._hand.elapse():
            pass

    def pass_time(self, by: timedelta) -> None:
        """Move the clock of all, and do what is due by then."""
        self.ahead += by
        self.elapse()

    def violation(
        self, site: str, *, ago: timedelta = timedelta(0), phone: str = "+86 10 5555 0100",
        **fields: Any,
    ) -> str:  # fmt: skip
        """A violation on a new site; the incident's id."""
        self.do(site, c.AddSite(by="li", person="张三", phone=phone), ago=ago)
        return self.do(site, c.Log(by="li", **fields), ago=ago).incident_document["id"]

    def site(self, name: str) -> Any:
        with self.app.reading() as connection:
            return views.site(connection, name, clock.now())

    def bodies(self) -> list[str]:
        """The bodies of all entries, the earliest first."""
        with self.app.reading() as connection:
            of = desk_tables.entries.c
            return list(connection.scalars(select(of.body).order_by(of.id)))

    def have_account(self, who: str) -> str:
        """The handle of one of the people, or of somebody of that role, who has a password."""
        handle = who if who in PEOPLE else f"{who}-1"
        with self.app.reading() as connection:
            found = [each for each in (who, handle) if accounts.account(connection, each)]
        return found[0] if found else self.account(handle, PEOPLE.get(who, who), password=True)

    def visitor(self) -> TestClient:
        """A client without anything, as a browser of the console is at first."""
        client = TestClient(self.asgi_app, base_url=BASE, follow_redirects=False)
        client.portal = self._portal
        return client

    def begin_session(self, who: str) -> str:
        """The cookie of a session in which they have just proved who they are."""
        return str(self.asgi_app.state.authenticator.begin(self.have_account(who)).cookie)


@cache
def _customers_page(zone: tzinfo, told: str) -> CustomerPage:
    """Made once, since it takes long, of what [notices] says (`told`)."""
    return CustomerPage(notice_settings.wording(zone), customer_link.office())


AnyDesk = TypeVar("AnyDesk", bound=ConsoleDesk)


@contextmanager
def open_desk(
    db: str | None, folder: Path, toml: str = "", *, as_: Callable[[App, BlockingPortal], AnyDesk]
) -> Iterator[AnyDesk]:
    """The desk of that database, with those settings; it keeps its files in the folder.

    Without `db` it is the database of the environment.
    """
    (folder / "config.toml").write_text(toml, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INCIDENTS_CONFIG", str(folder / "config.toml"))
        patch.setenv("INCIDENTS_EVIDENCE", str(folder / "evidence"))
        patch.setenv("INCIDENTS_CLOCK", "own")
        # Argon2 as it is, but quick: what is slow on purpose proves nothing here.
        patch.setattr(secrets, "_hasher", lambda: _CHEAP)
        secrets._dummy_hash.cache_clear()
        app = App(sources.load(db=db))
        try:
            with start_blocking_portal() as portal:
                opened, machine_time = as_(app, portal), clock.source
                patch.setattr(clock, "source", lambda: machine_time() + opened.ahead)
                yield opened
        finally:
            app.close()


@contextmanager
def serving(opened: ConsoleDesk, host: str = "127.0.0.1") -> Iterator[None]:
    """Serve the desk at its `url` within the block."""
    stop = opened.asgi_app.state.changes.stop
    server = web_server._server(opened.asgi_app, service.EXTRA, service.MAX_AT_ONCE, stop)
    with web_server._listening_on(host, 0) as listening:
        opened.url = web_server._address(listening)
        thread = threading.Thread(target=server.run, args=[[listening]])
        thread.start()
        try:
            yield
        finally:
            server.should_exit = True
            thread.join(PATIENCE_S)
            assert not thread.is_alive()


class Visitor:
    """Somebody who has signed in, and sends the console's own forms."""

    def __init__(self, opened: ConsoleDesk, who: str, language: str = "en") -> None:
        self.cookie = opened.begin_session(who)
        self.csrf = secrets.form_token(self.cookie, authentication.CSRF)
        self.client = opened.visitor()
        self.client.cookies.set(authentication.COOKIE, self.cookie)
        self.client.cookies.set(request_context.LANGUAGE_COOKIE, language)
        self.client.headers["accept"] = "text/html"

    def get(self, path: str, **params: Any) -> Any:
        return self.client.get(path, params=params or None)

    def post(self, path: str, fields: dict[str, Any] | None = None, **files: Any) -> Any:
        """Send a form; a file is its name and its bytes, or a list of such."""
        sent = [
            (name, each)
            for name, given in files.items()
            for each in (given if isinstance(given, list) else [given])
        ]
        data = {"csrf": self.csrf, **(fields or {})}
        return self.client.post(path, data=data, files=sent or None)


@contextmanager
def person(
    browser: Chromium, served: ConsoleDesk, who: str, at: str = "/", **options: Any
) -> Iterator[Page]:
    """The browser of somebody who has signed in, and looks at a page."""
    options = {"locale": "en-GB", "refusals": True, **options}
    with browser.page(**options) as page:
        open_session(page, served, who)
        page.goto(served.url + at)
        yield page


def open_session(page: Page, served: ConsoleDesk, who: str) -> None:
    """Begin a session in that browser."""
    # As https: a cookie with __Host- is set by nobody else, and sent over the loopback too.
    name, value = authentication.COOKIE, served.begin_session(who)
    page.context.add_cookies(
        [{"name": name, "value": value, "url": "https://127.0.0.1", "secure": True}]
    )


def sign_in(page: Page, served: ConsoleDesk, who: str) -> None:
    """By the form."""
    page.goto(f"{served.url}/sign-in")
    page.fill("#handle", served.have_account(who))
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    page.wait_for_selector("nav")


def act(page: Page, form: str, *, file: Any = None, **fields: str) -> None:
    """Fill in and send one of the forms of a page."""
    place = page.locator(f"#act-{form}")
    if place.get_attribute("open") is None:
        place.locator("> summary").click()
    for name, value in fields.items():
        field = place.locator(f"[name={name}]")
        if field.evaluate("field => field.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)
    if file is not None:
        place.locator("input[type=file]").set_input_files(file)
    page.evaluate("document.querySelector('main').dataset.before = ''")
    place.locator("form > button, button.main").click()
    # A refusal stands on the same page; a success has led to the next one.
    page.wait_for_selector("main:not([data-before])")
    page.wait_for_load_state()
