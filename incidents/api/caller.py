"""The caller: who asks, what they may do here, and their one way to the desk."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta, tzinfo
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Header, Query, Request
from fastapi_problem.error import Problem
from starlette.concurrency import run_in_threadpool

from incidents import clock, site_name
from incidents.accounts import roles, secrets
from incidents.accounts.door import Door, Visit
from incidents.accounts.identity import Identity
from incidents.api import problems
from incidents.desk import Answer, Envelope, accounts
from incidents.desk.accounts import By
from incidents.errors import BadSiteNameError
from incidents.store import sites
from incidents.words import When

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from incidents.bootstrap import House
    from incidents.machine.commands import Command

COOKIE = "__Host-incidents"
CSRF_HEADER = "X-CSRF-Token"
CSRF = "csrf"

_ETAG = re.compile(r'"?([0-9]{1,18})-([0-9]{1,18})"?')
_NEVER = (-1, -1)
_SAFE = ("GET", "HEAD", "OPTIONS")
CLOSING = frozenset({"state_refused", "state_false", "confirm_closure"})
"""What closes a site on somebody's word (R4, R5), or would, if two people were not needed."""


DryRun = Annotated[bool, Query(description="Show what would happen; do nothing.")]

Seen = tuple[int, int]
"""What an ETag says: the site's id, and up to which of its entries it was seen."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who has been let in, for one request."""

    house: House
    identity: Identity
    key: str | None = None
    seen: Seen | None = None
    dry_run: bool = False
    key_for: timedelta | None = None
    told_in: tzinfo | None = None

    @property
    def zone(self) -> tzinfo:
        """In which they are told times: as they have asked, or as this desk's settings say."""
        return self.house.settings.zone if self.told_in is None else self.told_in

    @property
    def when(self) -> When:
        """How they are told times."""
        return When(zone=self.zone, now=clock.now())

    @property
    def by(self) -> str:
        """The name that goes on record."""
        return self.identity.handle

    def needs(self, act: str, *, about: str | None = None) -> None:
        """See that they may do that act now; that they may not goes on record.

        Raises:
            Problem: 403, saying why.
        """
        why = self.identity.why_not(act, clock.now())
        if why is not None:
            refuse(self.house, self.identity, act, why, about)
            raise problems.not_let(act, why)

    def reveals(self, about: str) -> None:
        """See that they may be shown numbers and addresses in full, and put it on record first.

        Raises:
            Problem: 403, saying why not.
        """
        self.needs("reveal", about=about)
        record_reveal(self.house, self.identity, about)

    def submit(self, site: str | int, command: Command) -> dict[str, Any]:
        """Does it, and answers as the command line does; raises as `act` does."""
        return answered(self.act(site, command), self.when)

    def act(self, site: str | int, command: Command, *, confirm: str | None = None) -> Answer:
        """Asks the desk for it; the answer took effect.

        Raises:
            Problem: 403 if they may not; of what closes a site on somebody's word 428 if it was not
                looked at before (`If-Match`), and 422 if `confirm` is not its name; else as the
                desk refuses it.
        """
        act = roles.act_of(type(command))
        self.needs(act, about=str(site))
        if act in CLOSING and not self.dry_run:
            self._check_seen_and_meant(site, confirm)
        envelope = self.envelope(site, command)
        if self.dry_run:
            [answer] = self.house.desk.submit([envelope], dry_run=True)
        else:
            answer = self.house.gatherer.submit(envelope)
        if answer.refusal is not None:
            raise problems.refused(answer, self.when)
        return answer

    def _check_seen_and_meant(self, site: str | int, confirm: str | None) -> None:
        if self.seen is None:
            raise problems.problem(
                HTTPStatus.PRECONDITION_REQUIRED,
                "look_first",
                "this closes the site, or asks for it: give the ETag of the site as you have seen"
                " it, in If-Match",
            )
        if not self._names(confirm, site):
            raise problems.problem(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                "not_confirmed",
                "this closes the site, or asks for it: give its name in `confirm`; nothing is done",
            )

    def _names(self, confirm: str | None, site: str | int) -> bool:
        """Whether that is the site's name; of a site that is not there nothing would be closed."""
        if isinstance(site, int):
            with self.reading() as connection:
                name = sites.name_of(connection, site)
        else:
            name = site
        try:
            return name is None or (confirm is not None and site_name.read(confirm) == name)
        except BadSiteNameError:
            return False

    def envelope(self, site: str | int, command: Command, key: str | None = None) -> Envelope:
        """The command on its way, signed by who asks."""
        identity = self.identity
        own, key_for = (self.key, self.key_for) if key is None else (key, None)
        seen_of, seen = self.seen or (None, None)
        return Envelope(
            site=site, command=command, login=identity.login,
            key=None if own is None else f"{identity.handle}:{own}", key_for=key_for, seen=seen,
            seen_of=seen_of, signed_in=identity.proved_at is not None,
        )  # fmt: skip

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that reads one state of the database."""
        with self.house.reading() as connection:
            yield connection


def answered(answer: Answer, when: When) -> dict[str, Any]:
    """The document of an act that took effect; raises Problem of one that did not."""
    if answer.refusal is not None:
        raise problems.refused(answer, when)
    return answer.document | {"repeated": answer.repeated}


def refuse(house: House, identity: Identity, act: str, why: str, about: str | None) -> None:
    """Puts on record that somebody was not let do something."""
    by = By(person=identity.handle, login=identity.login)
    house.desk.on_record(
        lambda connection: accounts.refuse(
            connection, by, clock.now, act=act, why=why, about=about
        )
    )  # fmt: skip


def record_reveal(house: House, identity: Identity, about: str) -> None:
    """Puts on record that somebody is shown numbers and addresses in full; before they are."""
    by = By(person=identity.handle, login=identity.login)
    house.desk.on_record(lambda connection: accounts.reveal(connection, by, clock.now, about=about))


def visitor(door: Door, request: Request) -> Visit | None:
    """Who is in the session of the request's cookie."""
    cookie = request.cookies.get(COOKIE)
    return None if cookie is None else door.by_session(cookie, used=is_by_hand(request))


def is_by_hand(request: Request) -> bool:
    """Whether somebody does it: they send a form, or go to a page.

    What a page that is open looks at by itself is none of it, or no session would ever end of a
    screen that everybody has left.
    """
    if request.method not in _SAFE:
        return True
    # A program does not say (Fetch Metadata, section 2.3); what it asks for, it asks for.
    mode = request.headers.get("Sec-Fetch-Mode", "navigate")
    return mode == "navigate" and "HX-Request" not in request.headers


def is_own_form(visit: Visit, given: str | None) -> bool:
    """Whether the request was made by a page of that session (CSRF)."""
    return given is not None and hmac.compare_digest(
        secrets.of_session(visit.cookie, CSRF).encode(), given.encode()
    )


def etag(site_id: int, seq: int) -> str:
    """The ETag of a site as it stands after its `seq`th entry (RFC 9110, section 8.8.3)."""
    return f'"{site_id}-{seq}"'


def tag_of(answer: Answer) -> str | None:
    """The ETag of the site after an act; None for one that was done before, or to no site."""
    if answer.repeated or answer.site_id is None:
        return None
    return etag(answer.site_id, answer.first_seq + len(answer.events) - 1)


def caller(
    request: Request,
    authorization: Annotated[str | None, Header(include_in_schema=False)] = None,
    csrf: Annotated[str | None, Header(alias=CSRF_HEADER, include_in_schema=False)] = None,
) -> Caller:
    """Who asks, for what only looks.

    Raises:
        Problem: 401 for nobody, 403 for a form of another site's.
    """
    known = getattr(request.state, "caller", None)
    if isinstance(known, Caller):
        # Let in already, where it was seen which act this is (see `operation`).
        return known
    house, door = request.app.state.house, request.app.state.door
    scheme, _, secret = (authorization or "").partition(" ")
    if authorization is not None:
        found = door.by_token(secret.strip()) if scheme.lower() == "bearer" else None
        if found is None:
            raise problems.not_signed_in()
        return Caller(house, found)
    visit = visitor(door, request)
    if visit is None:
        raise problems.not_signed_in()
    if request.method not in _SAFE and not is_own_form(visit, csrf):
        refuse(house, visit.identity, request.method.lower(), "csrf", None)
        raise problems.not_let("this", "csrf")
    return Caller(house, visit.identity)


def is_somebody(request: Request) -> bool:
    """Whether the request comes from anybody who has been let in."""
    try:
        caller(request, request.headers.get("Authorization"), request.headers.get(CSRF_HEADER))
    except Problem:
        return False
    return True


async def looker(request: Request) -> Caller:
    """As `caller`; who has been let in already waits for no thread."""
    known = getattr(request.state, "caller", None)
    if isinstance(known, Caller):
        return known
    headers = request.headers
    return await run_in_threadpool(
        caller, request, headers.get("Authorization"), headers.get(CSRF_HEADER)
    )


Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=150,
        description="The same request with the same key is done once.",
    ),
]

KEY_FOR_HEADER = "Idempotency-Key-For"
KeyFor = Annotated[
    int | None,
    Header(
        alias=KEY_FOR_HEADER,
        ge=1,
        le=86_400,
        description="After so many seconds the key is free again; none: never.",
    ),
]
IfMatch = Annotated[
    str | None, Header(alias="If-Match", description="The ETag of the site as you have seen it.")
]


async def actor(
    request: Request,
    key: Key = None,
    if_match: IfMatch = None,
    dry_run: DryRun = False,
    key_for: KeyFor = None,
) -> Caller:
    """Who asks, for an act: with its key, what they have seen, and whether it is only tried."""
    found = await looker(request)
    held = None if key_for is None else timedelta(seconds=key_for)
    return replace(found, key=key, seen=_seen(if_match), dry_run=dry_run, key_for=held)


async def keeper(
    request: Request, key: Key = None, if_match: IfMatch = None, dry_run: DryRun = False
) -> Caller:
    """The same, for an act of more than one site, whose key is kept for good.

    Raises:
        Problem: 422 if it is to be kept for a while only.
    """
    if KEY_FOR_HEADER in request.headers:
        raise problems.problem(
            HTTPStatus.UNPROCESSABLE_ENTITY, "kept_for_good",
            f"a key of this is kept for good: send it without {KEY_FOR_HEADER}; nothing is done",
        )  # fmt: skip
    return await actor(request, key, if_match, dry_run)


async def tryer(request: Request, dry_run: DryRun = False) -> Caller:
    """The same, for what is no act of one site and comes to the same when it is done again."""
    found = await looker(request)
    return replace(found, dry_run=dry_run)


def not_tried(request: Request) -> None:
    """Whoever asks for a trial of what knows none is not given the real thing instead.

    Raises:
        Problem: 422 then.
    """
    if request.query_params.get("dry_run", "false").lower() not in ("false", "0"):
        raise problems.problem(
            HTTPStatus.UNPROCESSABLE_ENTITY, "no_dry_run",
            "this cannot be tried out with dry_run: nothing is done",
        )  # fmt: skip


def _seen(if_match: str | None) -> Seen | None:
    if if_match is None or if_match.strip() == "*":
        return None
    found = _ETAG.fullmatch(if_match.strip())
    # An ETag that was never given out fits nothing, nor does a weak one (RFC 9110, 13.1.1).
    return _NEVER if found is None else (int(found[1]), int(found[2]))
