"""The sitting: somebody who has signed in at the console, what they look at, and what they do."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Self

from fastapi import Depends, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from incidents import clock
from incidents.accounts import secrets
from incidents.accounts.authenticator import Door, Visit
from incidents.accounts.identity import Identity
from incidents.api import caller, entrance
from incidents.api import caller as addresses
from incidents.api.limits import TooManyActsError
from incidents.console import form_cache as kept
from incidents.console import forms, words, writing
from incidents.console.flash import Said, forget, said_before, told_next
from incidents.console.forms import Given, given, given_with_files
from incidents.console.hindrances import (
    BeyondQuotaError,
    NotLetError,
    ProveAgainError,
    SignedOutError,
)
from incidents.console.writing import Reader
from incidents.contract.action import name_of
from incidents.desk import Envelope
from incidents.desk.envelope import from_json
from incidents.machine.commands import HandOver
from incidents.store.cases import sites
from incidents.store.desk import command_keys

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from incidents.app import House
    from incidents.desk import Answer
    from incidents.machine.commands import Command

LANGUAGE_COOKIE = "__Host-incidents-language"
TWICE_FOR = timedelta(seconds=10)
"""The same form of the same page, sent again so soon, comes of a button that was pressed twice."""


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
        if isinstance(self, Acting) and "here" not in facts:
            sent, opened = self.given.fields, facts.get("opened")
            known["here"] = kept.place(self.request, self.by, sent, opened)
        made = writing.response(template, self.reader, status=status, said=told, **known)
        return forget(self.request, made)

    @property
    def kept(self) -> kept.Kept:
        """What they had typed, if the address of the page says that it was kept."""
        return kept.of(self.request, self.by)

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


@dataclass(frozen=True, slots=True)
class Acting(Sitting):
    """Somebody who has sent a form of this console."""

    given: Given
    unproved: str | None = None
    """What was wrong with the password by which they would prove who they are."""

    @property
    def typed(self) -> dict[str, str]:
        """What they have sent."""
        return dict(self.given.fields)

    def proves(self, act: str, site: str | int | None = None) -> None:
        """See that they may do it now; of some acts a person proves again who they are.

        Raises:
            NotLetError: for what they may not do.
            ProveAgainError: for a page that asks for the password, and then sends the same again.
        """
        why = self.identity.why_not(act, clock.now())
        if why == "prove_again" or (why is None and self.unproved is not None):
            raise ProveAgainError(self.given, act, self._name_of(site), wrong=self.unproved)
        if why is not None:
            caller.refuse(self.house, self.identity, act, why, self.request.url.path[:100])
            raise NotLetError(act, why)

    def counts(self, acts: int = 1, *, part: int = 0) -> None:
        """Counts acts that this form is about to do: once, however often the desk is asked.

        Raises:
            BeyondQuotaError: if their account has done too many lately, and this was not done yet.
        """
        if getattr(self.request.state, "is_counted", False):
            return
        try:
            self.request.app.state.quota.take(self.identity, acts)
        except TooManyActsError as error:
            if self.answered(part) is None:
                raise BeyondQuotaError(self.given, error.facts) from error
        self.request.state.is_counted = True

    @property
    def seen(self) -> int | None:
        """Up to which entry the form's page has told of the site."""
        seen = self.given.text("seen")
        return int(seen) if seen and seen.isascii() and seen.isdigit() and len(seen) < 19 else None

    def submit(
        self,
        site: str | int,
        command: Command,
        *,
        seen: bool = True,
        at: int | None = None,
        steady: bool = False,
        part: int = 0,
        about: forms.Is | None = None,
        unless_closing: bool = False,
    ) -> Answer:
        """Brings it to the desk; with `seen` it is refused if the site has moved on since, or since
        its entry `at`, with `unless_closing` if it closes the site.

        A form that is sent again is done once: by the key that its page gave it, however late, else
        for some seconds; what is `steady` is the same whatever the page has seen by then. `part`
        tells the commands of one form apart. Of a claim on an item that it is `about` is asked.

        Raises:
            NotLetError, ProveAgainError: see `proves`.
            HeldError: naming the colleagues of whose claims they were not asked.
            BeyondQuotaError: see `counts`.
        """
        self.proves(name_of(type(command)), site)
        if about is not None:
            with self.reading() as connection:
                held = forms.unasked(connection, site, about, self.given, self.by)
            if held and self.answered(part) is None:
                raise forms.HeldError(self.given, held)
        self.counts(part=part)
        order = self._envelope(site, command, None if steady else self.seen, part)
        seen_at = at if at is not None else self.seen if seen else None
        return self.house.gatherer.submit(
            replace(order, seen=seen_at, unless_closing=unless_closing)
        )

    def hand_over(self, to: str, of: Collection[int]) -> list[Answer]:
        """Gives what they hold on those sites to somebody else.

        Raises:
            NotLetError, ProveAgainError: see `proves`; then nothing is done.
            BeyondQuotaError: see `counts`.
        """
        self.proves(name_of(HandOver))
        self.counts()
        order = self._envelope(0, HandOver(by=self.by, to=to), None)
        # Without a key of its page it is looked up anew what they hold: nothing is given twice.
        return self.house.hand_over(replace(order, key=self.key(), key_for=None), of=of)

    def _envelope(
        self, site: str | int, command: Command, seen: int | None, part: int = 0
    ) -> Envelope:
        # Nobody can guess from it what was written, without the session's secret.
        own = secrets.of_session(self.visit.cookie, repr((site, command, seen)))
        given = self.key(part)
        return Envelope(
            site=site, command=command, login=self.identity.login,
            signed_in=self.identity.proved_at is not None,
            key=given or f"{self.by}:console:{own}", key_for=None if given else TWICE_FOR,
        )  # fmt: skip

    def key(self, part: int = 0) -> str | None:
        """What the form's page calls this act, each time that it sends it."""
        given = self.given.text("key")
        return given and f"{self.by}:console:{given[:100]}" + (f":p{part}" if part else "")

    def answered(self, part: int = 0) -> Answer | None:
        """The answer that it has had already; for what looks at more than the desk does."""
        key = self.key(part)
        if key is None:
            return None
        with self.reading() as connection:
            kept = command_keys.of(connection, [key])
        return from_json(kept[key].answer) if kept else None

    def _name_of(self, site: str | int | None) -> str | None:
        if not isinstance(site, int):
            return site
        with self.reading() as connection:
            return sites.name_of(connection, site)

    def back(self, to: str, said: Said | None = None) -> Response:
        """Sends them to that page of this console, where it stands what the act has come to.

        An open page that has sent it tells it too, and goes there by itself.
        """
        if "HX-Request" not in self.request.headers:
            return told_next(RedirectResponse(to, status_code=303, headers=writing.HEADERS), said)
        there = {"HX-Redirect": to}
        return told_next(writing.response("aloud", self.reader, headers=there, said=said), said)


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


def acting(
    request: Request,
    here: Annotated[Sitting, Depends(sitting)],
    form: Annotated[Given, Depends(given)],
) -> Acting:
    """Who sends a form, made by this console for them.

    Raises:
        NotLetError: for one that was made elsewhere.
    """
    word = form.text("csrf") or request.headers.get(entrance.CSRF_HEADER)
    if not entrance.is_own_form(here.visit, word):
        caller.refuse(here.house, here.identity, "form", "csrf", None)
        raise NotLetError("form", "csrf")
    visit, wrong = _proved(here, form)
    with here.reading() as connection:
        # What the desk answers counts by the clock that its pages count by.
        reader = here.timed(connection).reader
    return Acting(request, here.house, here.door, visit, reader, here.version, form, wrong)


def sending(
    request: Request,
    here: Annotated[Sitting, Depends(sitting)],
    form: Annotated[Given, Depends(given_with_files)],
) -> Acting:
    """The same, where files may come with the form."""
    return acting(request, here, form)


def needs(act: str) -> list[Any]:
    """What a route depends on whose form is read for nobody but who may do that act."""

    def check(here: Annotated[Sitting, Depends(sitting)]) -> None:
        here.needs(act, about=here.request.url.path[:100])

    return [Depends(check)]


def _proved(here: Sitting, form: Given) -> tuple[Visit, str | None]:
    """The visit, with a password in the form one that has just been proved; else what is wrong."""
    from incidents.errors import RefusedError

    password = form.password()
    if password is None or form.text("proves") is None:
        return here.visit, None
    try:
        return here.door.prove(here.visit, password, address(here.request)), None
    except RefusedError as error:
        # Told by the act that it was to prove, which nobody knows here: see `Acting.proves`.
        return here.visit, error.name


def place_of(request: Request) -> str:
    """Where they are, to come back to; of a place that only takes forms, the form's page."""
    if request.method != "GET":
        return kept.page_of(request.url.path)
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def address(request: Request) -> str:
    """Where somebody comes from, as far as the door slows guessing down by it."""
    return addresses.address_of(request, request.app.state.trusted_proxies)


Looking = Annotated[Sitting, Depends(sitting)]
Doing = Annotated[Acting, Depends(acting)]
Sending = Annotated[Acting, Depends(sending)]
