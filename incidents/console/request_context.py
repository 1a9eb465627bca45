"""The request context of the console: the person, the page, and what is kept between requests.

A refused form is answered where only forms are taken. Whoever switches the language there, or loads
the page again, comes to the page with the form, and finds in it what they had typed. It is kept in
memory, for them alone; files, passwords and confirmations are not.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from secrets import token_urlsafe
from threading import Lock
from typing import Annotated, Any, Generic, Self, TypeVar

from fastapi import Depends, Request
from sqlalchemy import Connection
from starlette.responses import HTMLResponse

from incidents import clock
from incidents.accounts import secrets
from incidents.accounts.authenticator import Authenticator, Visit
from incidents.accounts.identity import Identity
from incidents.api import caller, entrance
from incidents.app import App
from incidents.console import languages, writing
from incidents.console.forms import NotLetError, SignedOutError
from incidents.console.writing import Reader, Said, forget_said, said_before

Thing = TypeVar("Thing")

MOST_RESULTS = 20
"""So many things lie there; the oldest goes first. None outlives the process."""


class ResultCache(Generic[Thing]):
    """Things by their ids, each only for whom it was put there. Threads may share it."""

    def __init__(self, most: int = MOST_RESULTS) -> None:
        self._most = most
        self._lock = Lock()
        self._things: OrderedDict[str, tuple[str, Thing]] = OrderedDict()

    def put(self, owner: str, thing: Thing) -> str:
        """Its id."""
        id_ = token_urlsafe(9)
        with self._lock:
            self._things[id_] = (owner, thing)
            while len(self._things) > self._most:
                self._things.popitem(last=False)
        return id_

    def get(self, owner: str, id_: str) -> Thing | None:
        """What lies there under that id; None if it is gone, or somebody else's."""
        with self._lock:
            kept_for, thing = self._things.get(id_, (None, None))
        return thing if kept_for == owner else None


MOST_FORMS = 200
"""So many forms are kept, of all people together; the oldest goes first."""

KEPT = "kept"
"""What in a page's address says which form."""

_NEVER_KEPT = frozenset({"csrf", "proves", "confirm", "despite", "seen", "key"})
"""What a form is sent with, and what is said of one sending alone."""

_PAGES = tuple(
    re.compile(path)
    for path in (
        r"(/sites/[^/]+/filing)/[^/]+",
        r"(/(?:sites|incidents|orders)/[^/]+)/.+",
        r"(/policy/trial/[^/]+)/activate",
        r"(/(?:sites|log|simulate|policy|audit|orders|hand-over))(?:/.+)?",
    )
)
"""Where a form is sent, beginning with the page that it stands on."""


@dataclass(frozen=True, slots=True)
class KeptForm:
    """What was typed, by the names of the fields, and which form of its page it was."""

    fields: tuple[tuple[str, str], ...] = ()
    opened: str | None = None

    @property
    def typed(self) -> dict[str, str]:
        """What was typed; of several under one name the last."""
        return dict(self.fields)

    def texts(self, name: str) -> list[str]:
        """All texts under that name."""
        return [text for field, text in self.fields if field == name]


KEPT_FORMS: ResultCache[KeptForm] = ResultCache(MOST_FORMS)


def page_of_form(path: str) -> str:
    """The page on which the form stands that is sent to `path`; the queue, if it is of none."""
    found = (page.fullmatch(path) for page in _PAGES)
    return next((match[1] for match in found if match is not None), "/")


def keep_sent(
    request: Request, by: str, fields: Iterable[tuple[str, str]], opened: str | None
) -> str:
    """Keeps what `by` has sent with the request: where the page is that has it again."""
    page = page_of_form(request.url.path)
    if page == "/":
        return page
    id_ = keep_form(by, fields, opened)
    return f"{page}?{KEPT}={id_}" + (f"#act-{opened}" if opened else "")


def keep_form(by: str, fields: Iterable[tuple[str, str]], opened: str | None) -> str:
    """Keeps it: its id."""
    typed = tuple((name, text) for name, text in fields if name not in _NEVER_KEPT)
    return KEPT_FORMS.put(by, KeptForm(typed, opened))


LANGUAGE_COOKIE = "__Host-incidents-language"


@dataclass(frozen=True, slots=True)
class RequestContext:
    """Somebody at the console, for one request."""

    request: Request
    house: App
    door: Authenticator
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
        return secrets.form_token(self.visit.cookie, entrance.CSRF)

    def reading(self) -> AbstractContextManager[Connection]:
        """A transaction that reads one state of the database."""
        return self.house.reading()

    @contextmanager
    def timed(self) -> Iterator[tuple[Connection, Self]]:
        """Such a transaction, and who sits here at the time by which what is due is judged in it:
        see `App.now`."""
        with self.reading() as connection:
            now = self.house.now(connection)
            yield connection, replace(self, reader=replace(self.reader, now=now))

    def needs(self, act: str, *, about: str | None = None) -> None:
        """See that they may do that act at all; that they may not is counted.

        Raises:
            NotLetError: saying why.
        """
        if not self.identity.may(act):
            why = self.identity.denial(act, clock.now()) or "role"
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
        made = writing.response(
            template, self.reader, status=status, headers=None, said=told, **known
        )
        forget_said(self.request, made)
        return made

    def place(self, opened: str | None) -> str:  # noqa: ARG002 - what a form sent is kept for
        """Where a page sends them back to; `opened` is which of its forms is open."""
        return place_of(self.request)

    @property
    def kept(self) -> KeptForm:
        """What they had typed, if the address of the page says that it was kept; else nothing."""
        id_ = self.request.query_params.get(KEPT, "") if self.request.method == "GET" else ""
        return KEPT_FORMS.get(self.by, id_) or KeptForm()

    @property
    def typed(self) -> dict[str, str]:
        """What stands in the page's forms already, by the names of the fields."""
        return self.kept.typed

    @property
    def known(self) -> dict[str, object]:
        """What every template knows of who sits here."""
        return {
            "me": self.identity, "csrf": self.csrf, "may": self.identity.may,
            "here": place_of(self.request), "version": self.version,
            "rehearsal": self.house.is_rehearsal,
        }  # fmt: skip


def reader(request: Request) -> Reader:
    """Who reads, signed in or not."""
    language = languages.chosen(
        request.cookies.get(LANGUAGE_COOKIE), request.headers.get("accept-language", "")
    )
    return Reader(language, request.app.state.house.settings.zone, clock.now())


def sitting(request: Request) -> RequestContext:
    """Who sits there; raises SignedOutError for nobody."""
    found = sitting_if_any(request)
    if found is None:
        raise SignedOutError
    return found


def sitting_if_any(request: Request) -> RequestContext | None:
    """The same; None for nobody."""
    visit, state = entrance.visitor(request), request.app.state
    if visit is None:
        return None
    return RequestContext(
        request, state.house, state.door, visit, reader(request), state.changes.position
    )


def needs(act: str) -> list[Any]:
    """What a route depends on whose form is read for nobody but who may do that act."""

    def check(here: Annotated[RequestContext, Depends(sitting)]) -> None:
        here.needs(act, about=here.request.url.path[:100])

    return [Depends(check)]


def place_of(request: Request) -> str:
    """Where they are, to come back to; of a place that only takes forms, the form's page."""
    if request.method != "GET":
        return page_of_form(request.url.path)
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def looking(here: Annotated[RequestContext, Depends(sitting)]) -> RequestContext:
    """The same, for a page that shows what is on record; raises NotLetError."""
    here.needs("look")
    return here


Looking = Annotated[RequestContext, Depends(looking)]
