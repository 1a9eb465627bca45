"""A real process that serves the console, the desk's people, and browsers for them."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from freezegun import freeze_time
from playwright.sync_api import Browser, Page
from playwright.sync_api import Error as Interrupted
from sqlalchemy import Engine, select

from incidents import clock, views
from incidents.desk import Desk, Envelope, accounts
from incidents.desk.account_act import By
from incidents.machine import commands as c
from incidents.store import tables
from incidents.store.engine import create, reading
from tests.console.rig import PATIENCE_S, command

PASSWORD = "a horse and a battery"
PEOPLE = {
    "adam": "administrator",
    "li": "operator",
    "chen": "operator",
    "wang": "supervisor",
    "zhao": "supervisor",
    "vera": "viewer",
}
ROOT = By(person="admin-1", login="root")
ADAM = By(person="adam", login="session", came_in=True)


@cache
def cheap_hash() -> str:
    """A hash of the password that takes no time to compare."""
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


def people(desk: Desk) -> None:
    """Makes an account for each."""

    def make(connection: Any) -> None:
        for handle, role in PEOPLE.items():
            by = ROOT if role == "administrator" else ADAM
            accounts.make(connection, by, handle, role, clock.now)
            accounts.set_password(connection, by, handle, cheap_hash(), clock.now)

    desk.on_record(make)


@dataclass
class Console:
    """The desk of one database, and the process that serves its console."""

    url: str
    db: str
    engine: Engine
    log: Path
    process: subprocess.Popen[str]

    def do(self, site: str | int, command: c.Command, *, ago: timedelta = timedelta(0)) -> Any:
        """An act at the desk, by another process than the server; its document."""
        desk = Desk(self.engine, own_clock=True)
        with freeze_time(clock.now() - ago, ignore=["_pytest"]):
            [answer] = desk.submit([Envelope(site=site, command=command, signed_in=True)])
        assert answer.refusal is None, answer.refusal
        return answer.document

    def elapse(self, now: datetime) -> None:
        """Does what is due, as a daemon does."""
        with freeze_time(now, ignore=["_pytest"]):
            Desk(self.engine, own_clock=True).elapse()

    def violation(
        self, site: str, *, ago: timedelta = timedelta(0), phone: str = "+86 10 5555 0100",
        **fields: Any,
    ) -> str:  # fmt: skip
        """A violation on a new site; the incident's id."""
        self.do(site, c.AddSite(by="li", person="张三", phone=phone), ago=ago)
        return str(self.do(site, c.Log(by="li", **fields), ago=ago)["incident"]["id"])

    def site(self, name: str, now: datetime | None = None) -> Any:
        with reading(self.engine) as connection:
            return views.site(connection, name, now or clock.now())

    def kinds(self) -> list[str]:
        """The bodies of all entries, the newest first."""
        with reading(self.engine) as connection:
            of = tables.entries.c
            return list(connection.scalars(select(of.body).order_by(of.id.desc())))

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)


@contextmanager
def console(db: str, folder: Path, env: Mapping[str, str] | None = None) -> Iterator[Console]:
    """Runs `incidents serve` on that database, which has the people, until the block ends."""
    (folder / "config.toml").write_text("")
    log, engine = folder / "serve.log", create(db)
    people(Desk(engine, own_clock=True))
    variables = {
        **os.environ, "INCIDENTS_DB": db, "INCIDENTS_CONFIG": str(folder / "config.toml"),
        "INCIDENTS_CLOCK": "own", "INCIDENTS_EVIDENCE": str(folder / "evidence"), **(env or {}),
    }  # fmt: skip
    with log.open("w") as errors:
        process = subprocess.Popen(
            command("--port", "0"), env=variables, stdout=subprocess.PIPE, stderr=errors, text=True
        )
    assert process.stdout is not None
    try:
        url = process.stdout.readline().strip()
        assert url.startswith("http://"), log.read_text()
        yield Console(url, db, engine, log, process)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        engine.dispose()


@contextmanager
def person(
    browser: Browser,
    desk: Console,
    handle: str,
    *,
    locale: str = "en-GB",
    width: int = 1280,
    strict: bool = True,
    **options: Any,
) -> Iterator[Page]:
    """Somebody who has signed in; what their browser complains of is an error, if `strict`.

    That the server refuses something is its answer, and no complaint.
    """
    context = browser.new_context(
        viewport={"width": width, "height": 900}, locale=locale, **options
    )
    page = context.new_page()
    page.set_default_timeout(10_000)
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    try:
        sign_in(page, desk, handle)
        yield page
        if strict:
            told = [
                each for each in complaints if "the server responded with a status of 4" not in each
            ]
            assert told == [], told
    finally:
        context.close()


def sign_in(page: Page, desk: Console, handle: str) -> None:
    """By the form."""
    # A page whose session has ended goes there by itself, and two at once are in each other's way:
    # also when it goes just now.
    with suppress(Interrupted):
        page.goto("about:blank")
    page.goto(f"{desk.url}/sign-in")
    if page.locator("#handle").count():
        page.fill("#handle", handle)
        page.fill("#password", PASSWORD)
        page.press("#password", "Enter")
    page.wait_for_selector("nav")
