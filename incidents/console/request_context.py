"""The request context: who has signed in at the console, and what they look at."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Self

from fastapi import Depends, Request
from starlette.responses import HTMLResponse

from incidents import clock
from incidents.accounts import secrets
from incidents.accounts.authenticator import Door, Visit
from incidents.accounts.identity import Identity
from incidents.api import caller, entrance
from incidents.console import form_cache, words, writing
from incidents.console.flash import Said, forget, said_before
from incidents.console.form_cache import Kept
from incidents.console.hindrances import NotLetError, SignedOutError
from incidents.console.writing import Reader

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from incidents.app import House

LANGUAGE_COOKIE = "__Host-incidents-language"


@dataclass(frozen=True, slots=True)
class Sitting:
    """Somebody at the console, for one request."""

    request: Request
    house: House
    door: Door
    visit: Visit
    reader: Reader
    version: str
    """The position of the changes, from before anything was looked at."""

    @property
    def identity(self) -> Identity:
        """Who they are."""
        return self.visit.identity

    @property
    def by(self) -> str:
        """The name that goes on record."""
        return self.visit.identity.handle

    @property
    def csrf(self) -> str:
        """The word in each of their forms."""
        return secrets.of_session(self.visit.cookie, entrance.CSRF)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that reads one state of the database."""
        with self.house.reading() as connection:
            yield connection

    def timed(self, connection: Connection) -> Self:
        """The same at the time by which what is due is judged: see `House.now`."""
        return replace(self, reader=replace(self.reader, now=self.house.now(connection)))

    def needs(self, act: str, *, about: str | None = None) -> None:
        """See that they may do that act at all; that they may not is counted.

        Raises:
            NotLetError: saying why.
        """
        if not self.identity.may(act):
            why = self.identity.why_not(act, clock.now()) or "role"
            caller.refuse(self.house, self.identity, act, why, about)
            raise NotLetError(act, why)

    def page(
        self, template: str, *, status: int = 200, said: Said | None = None, **facts: Any
    ) -> HTMLResponse:
        """The page that the template makes, which extends `base.html.jinja`.

        Besides what `writing` gives it knows `me`, `csrf`, `may(act)`, `here` and `said`.
        """
        told = said or said_before(self.request)
        known = self.known | facts
        if "here" not in facts:
            known["here"] = self.place(facts.get("opened"))
        made = writing.response(template, self.reader, status=status, said=told, **known)
        return forget(self.request, made)

    def place(self, opened: str | None) -> str:  # noqa: ARG002 - what a form sent is kept for
        """Where a page sends them back to; `opened` is which of its forms is open."""
        return place_of(self.request)

    @property
    def kept(self) -> Kept:
        """What they had typed, if the address of the page says that it was kept."""
        return form_cache.of(self.request, self.by)

    @property
    def typed(self) -> dict[str, str]:
        """What stands in the page's forms already, by the names of the fields."""
        return self.kept.typed

    @property
    def known(self) -> dict[str, Any]:
        """What every template knows of who sits here."""
        return {
            "me": self.identity, "csrf": self.csrf, "may": self.identity.may,
            "here": place_of(self.request), "version": self.version,
            "rehearsal": self.house.is_rehearsal,
        }  # fmt: skip


def reader(request: Request) -> Reader:
    """Who reads, signed in or not."""
    language = words.chosen(
        request.cookies.get(LANGUAGE_COOKIE), request.headers.get("accept-language", "")
    )
    return Reader(language, request.app.state.house.settings.zone, clock.now())


def sitting(request: Request) -> Sitting:
    """Who sits there; raises SignedOutError for nobody."""
    state = request.app.state
    visit = entrance.visitor(state.door, request)
    if visit is None:
        raise SignedOutError
    return Sitting(request, state.house, state.door, visit, reader(request), state.changes.position)


def needs(act: str) -> list[Any]:
    """What a route depends on whose form is read for nobody but who may do that act."""

    def check(here: Annotated[Sitting, Depends(sitting)]) -> None:
        here.needs(act, about=here.request.url.path[:100])

    return [Depends(check)]


def place_of(request: Request) -> str:
    """Where they are, to come back to; of a place that only takes forms, the form's page."""
    if request.method != "GET":
        return form_cache.page_of(request.url.path)
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def address(request: Request) -> str:
    """Where somebody comes from, as far as the door slows guessing down by it."""
    return caller.address_of(request, request.app.state.trusted_proxies)


Looking = Annotated[Sitting, Depends(sitting)]
