"""The request context of the console: the person, and the page that they asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Annotated, Any, Self

from fastapi import Depends, Request
from sqlalchemy import Connection
from starlette.datastructures import FormData
from starlette.responses import HTMLResponse

from incidents import clock
from incidents.accounts import secrets
from incidents.accounts.authenticator import Authenticator
from incidents.accounts.credentials import Visit
from incidents.accounts.identity import Identity
from incidents.api import authentication, caller
from incidents.app import App
from incidents.console import languages, last_write, rendering
from incidents.console.flash import Flash, clear_flash, read_flash
from incidents.console.forms import (
    NotAllowedError,
    ReauthenticationError,
    SentForm,
    SignedOutError,
)
from incidents.console.kept_form import KEPT, KEPT_FORMS, KeptForm, page_of_form
from incidents.console.rendering import Reader
from incidents.store.database.replica import SHOWN
from incidents.store.database.wal_position import State

NOTICEABLE = timedelta(seconds=2)
"""The lag of a replica from which on a page says as of when it is."""

LANGUAGE_COOKIE = "__Host-incidents-language"


@dataclass(frozen=True, slots=True)
class RequestContext:
    """The context of one request: the person at the console, and their page."""

    request: Request
    app: App
    authenticator: Authenticator
    visit: Visit
    reader: Reader
    version: str
    """The position of the changes before the first query of this request."""

    @property
    def identity(self) -> Identity:
        """The person's identity."""
        return self.visit.identity

    @property
    def by(self) -> str:
        """The name of the person for the record."""
        return self.visit.identity.handle

    @property
    def csrf(self) -> str:
        """The CSRF token for this person's forms, under another mask each time."""
        return secrets.masked(secrets.form_token(self.visit.cookie, authentication.CSRF))

    def reading(self) -> AbstractContextManager[Connection]:
        """Open a transaction that reads one state; a page that only shows may read a replica."""
        return self._viewing() if self.request.method in authentication.SAFE else self.app.reading()

    @contextmanager
    def _viewing(self) -> Iterator[Connection]:
        after = last_write.position(self.request)
        with self.app.viewing(latest=False, after=after) as connection:
            self.request.state.shown = connection.info.get(SHOWN)
            yield connection

    @property
    def replica(self) -> str | None:
        """The mark on a page: how old the replica's state is, or why it was not read."""
        replica = self.app.replica
        if replica is None:
            return None
        shown: State | None = getattr(self.request.state, "shown", None)
        if shown is None:
            # Where it is and what it said is for the log, not for everybody.
            return replica.trouble and self.reader.say("replica.unused")
        if shown.lag < NOTICEABLE:
            return self.reader.say("replica.current")
        return self.reader.say("replica.behind", at=shown.as_of, lag=shown.lag)

    @contextmanager
    def timed(self, *, latest: bool = False) -> Iterator[tuple[Connection, Self]]:
        """Open a reading transaction; yield it with a context whose time is `App.now`.

        `latest`: read the primary, as for accounts, whatever the page does.
        """
        with self.app.reading() if latest else self.reading() as connection:
            now = self.app.now(connection)
            yield connection, replace(self, reader=replace(self.reader, now=now))

    def needs(self, action: str, *, about: str | None = None) -> None:
        """Check that the person may do that action at all; count a refusal.

        Raises:
            NotAllowedError: with the reason.
        """
        if not self.identity.may(action):
            why = self.identity.denial(action, clock.machine_now()) or "role"
            caller.refuse(self.app, self.identity, action, why, about)
            raise NotAllowedError(action, why)

    def authorise_page(self, action: str) -> None:
        """Check that the person may see now what takes a recent confirmation.

        Raises:
            NotAllowedError: if the person may not do the action.
            ReauthenticationError: if the person must confirm their identity first; the page's path
                then gets a form.
        """
        self.needs(action, about=self.request.url.path[:100])
        if self.identity.denial(action, clock.machine_now()) is not None:
            raise ReauthenticationError(SentForm(FormData()), action)

    def page(
        self, template: str, *, status: int = 200, flash: Flash | None = None, **facts: Any
    ) -> HTMLResponse:
        """Render the page from the template, which extends `base.html.jinja`.

        Besides the facts from `rendering`, the template knows `me`, `csrf`, `may(action)`, `here`
        and `flash`.
        """
        told = flash or read_flash(self.request)
        known = self.known | facts
        if "here" not in facts:
            known["here"] = self.place(facts.get("opened"))
        made = rendering.response(
            template, self.reader, status=status, headers=None, flash=told, **known
        )
        clear_flash(self.request, made)
        return made

    def place(self, opened: str | None) -> str:  # noqa: ARG002 - what a form sent is kept for
        """Return the path to which the page leads back; `opened`: the open form."""
        return place_of(self.request)

    @property
    def kept(self) -> KeptForm:
        """The kept form that the page's address names; empty if it names none."""
        id_ = self.request.query_params.get(KEPT, "") if self.request.method == "GET" else ""
        return KEPT_FORMS.get(self.by, id_) or KeptForm()

    @property
    def typed(self) -> dict[str, str]:
        """The input to show in the page's forms, by field name."""
        return self.kept.typed

    @property
    def known(self) -> dict[str, object]:
        """The facts about the person that every template knows."""
        return {
            "me": self.identity, "csrf": self.csrf, "may": self.identity.may,
            "here": place_of(self.request), "version": self.version,
            "rehearsal": self.app.is_rehearsal, "replica": self.replica,
        }  # fmt: skip


def reader(request: Request) -> Reader:
    """Return the reader, whether signed in or not."""
    language = languages.chosen(
        request.cookies.get(LANGUAGE_COOKIE), request.headers.get("accept-language", "")
    )
    return Reader(language, request.app.state.app.settings.zone, clock.now())


def signed_in_context(request: Request) -> RequestContext:
    """Return the context of the signed-in person; raises SignedOutError without one."""
    found = context_if_signed_in(request)
    if found is None:
        raise SignedOutError
    return found


SignedIn = Annotated[RequestContext, Depends(signed_in_context)]
"""Somebody who has signed in, perhaps without the second factor that their role must have."""


def context_if_signed_in(request: Request) -> RequestContext | None:
    """Return the context of the signed-in person; None if nobody is signed in."""
    visit, state = authentication.visitor(request), request.app.state
    if visit is None:
        return None
    return RequestContext(
        request, state.app, state.authenticator, visit, reader(request), state.changes.position()
    )


def needs(action: str) -> list[Any]:
    """Return the dependency of a route whose form is read only if the person may do the action."""

    def check(here: Annotated[RequestContext, Depends(signed_in_context)]) -> None:
        here.needs(action, about=here.request.url.path[:100])

    return [Depends(check)]


def place_of(request: Request) -> str:
    """Return the path to come back to; for a path that takes only forms, the form's page."""
    if request.method != "GET":
        return page_of_form(request.url.path)
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def viewer(here: Annotated[RequestContext, Depends(signed_in_context)]) -> RequestContext:
    """Return the context for a page that shows the record; raises NotAllowedError."""
    here.needs("look")
    return here


Viewer = Annotated[RequestContext, Depends(viewer)]
