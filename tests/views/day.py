"""A day at the desk, act by act under a frozen clock, seen through the views."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Self

from freezegun import freeze_time
from sqlalchemy import Connection, Engine

from incidents import clock, views
from incidents.contract.documents.enforcement import Enforcement
from incidents.contract.documents.sites import IncidentOfSite, Line, SiteInFull
from incidents.contract.hints import commands, with_commands
from incidents.desk import Desk, Envelope
from incidents.locale.words import TimeFormat
from incidents.machine import commands as c
from incidents.machine.policy import read_duration
from incidents.store.database.engine import create, reading
from tests.statements import sent

SITE = "shop.example"


def utc(text: str) -> datetime:
    """`11:00` on 1 March 2026, or `03-02 11:00`."""
    day, _, time = text.rpartition(" ")
    return datetime.fromisoformat(f"2026-{day or '03-01'}T{time}").replace(tzinfo=UTC)


class Day:
    """A desk whose clock stands where the test has put it."""

    def __init__(self, engine: Engine, frozen: Any) -> None:
        self.engine = engine
        self.desk = Desk(engine)
        self._frozen = frozen

    @property
    def now(self) -> datetime:
        return clock.now()

    def at(self, time: str) -> Self:
        self._frozen.move_to(utc(time))
        return self

    def after(self, duration: str) -> Self:
        self._frozen.tick(read_duration(duration))
        return self

    def do(self, command: c.Command, site: str | int = SITE) -> Self:
        """An act that takes effect."""
        (answer,) = self.desk.submit([Envelope(site=site, command=command, login="desk1")])
        assert answer.refusal is None, answer.refusal
        return self

    def add(self, site: str = SITE, **details: str) -> Self:
        return self.do(c.AddSite(by="li", **details), site)

    def log(self, site: str | int = SITE, **fields: Any) -> Self:
        return self.do(c.Log(by="li", again=True, **fields), site)

    def contact(self, incident: int, outcome: str = "reached", at: str | None = None) -> Self:
        return self.contact_of(SITE, incident, outcome, at)

    def contact_of(
        self, site: str, incident: int, outcome: str = "reached", at: str | None = None
    ) -> Self:
        moment = None if at is None else utc(at)
        command = c.RecordContact(by="li", incident=incident, outcome=outcome, at=moment)
        return self.do(command, site)

    def elapse(self) -> Self:
        while self.desk.elapse():
            pass
        return self

    def miss(self, site: str | int = SITE) -> Self:
        """A violation about which nobody is reached, and what the clock does about it."""
        return self.log(site).after("1h1s").elapse()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        with reading(self.engine) as connection:
            yield connection

    def queue(self, **options: Any) -> Any:
        with self.reading() as connection:
            found = views.queue(connection, self.now, **options)
        return {**found, "items": [with_commands(item) for item in found["items"]]}

    def item(self, id_: str) -> dict[str, Any]:
        return next(item for item in self.queue()["items"] if item["id"] == id_)

    def why(self, site: str = SITE) -> dict[str, Any]:
        with self.reading() as connection:
            found = views.why(connection, site, TimeFormat(zone=UTC, now=self.now))
            return {**found, "commands": commands(found["hints"])}

    def text(self, site: str = SITE) -> str:
        return "\n".join(self.why(site)["text"])

    def site(self, site: str = SITE) -> SiteInFull:
        with self.reading() as connection:
            return views.site(connection, site, self.now)

    def incident(self, n: int, site_id: int = 1) -> IncidentOfSite:
        with self.reading() as connection:
            return views.incident(connection, (site_id, n))

    def story(self, incident: int | None = None, site_id: int = 1) -> list[Line]:
        with self.reading() as connection:
            return list(views.timeline(connection, site_id, incident, now=self.now))

    def enforcement(self) -> Enforcement:
        with self.reading() as connection:
            return views.enforcement(connection, self.now)

    def statements(self, look: Any) -> list[str]:
        """The statements that a look sends to the database."""
        with sent(self.engine) as found:
            look()
        return [statement for statement, _ in found]


@contextmanager
def day(url: str) -> Iterator[Day]:
    """A day that begins at 10:00 on 1 March 2026, UTC."""
    engine = create(url)
    try:
        with freeze_time("2026-03-01T10:00:00Z", ignore=["_pytest"]) as frozen:
            yield Day(engine, frozen)
    finally:
        engine.dispose()
