"""The caller of a request: who and from where, what they may do, and their way to the desk."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta, tzinfo
from http import HTTPStatus

from sqlalchemy import Connection
from starlette.requests import Request

from incidents import clock
from incidents.accounts.identity import Identity, is_handle
from incidents.api import problems
from incidents.api.limits import Quota
from incidents.app import House
from incidents.contract.action import name_of
from incidents.contract.actions import CLOSING
from incidents.desk import Answer, Envelope, accounts
from incidents.desk.own_stream import By
from incidents.locale.words import When
from incidents.machine.commands import Command
from incidents.store.cases import sites
from incidents.system.side_process import Spent
from incidents.values import peer_address, site_name
from incidents.values.peer_address import Network

_CLOSING = frozenset(map(name_of, CLOSING))

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
    quota: Quota | None = None
    told_in: tzinfo | None = None
    unless_closing: bool = False

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

    def may(self, act: str) -> bool:
        """Whether they may do that act now."""
        return self.identity.why_not(act, clock.now()) is None

    def needs(self, act: str, *, about: str | None = None) -> None:
        """See that they may do that act now; that they may not is counted.

        Raises:
            Problem: 403, saying why.
        """
        why = self.identity.why_not(act, clock.now())
        if why is not None:
            refuse(self.house, self.identity, act, why, about)
            raise problems.not_let(self.identity, act, why)

    def needs_account(self, handle: str | None, act: str = "keep_accounts") -> None:
        """See that they may do that act with that account, or with all: everybody may with their
        own; raises as `needs`."""
        # What is no handle may hold anything: it is not what goes on record.
        about = "?" if handle is not None and not is_handle(handle) else handle
        self.needs("own_account" if handle == self.by else act, about=about)

    def reveals(self, about: str, *, wanted: bool = True) -> None:
        """See that they may be shown numbers and addresses in full, and put it on record first.

        Nothing is done where that is not `wanted`.

        Raises:
            Problem: 403, saying why not.
        """
        if wanted:
            self.needs("reveal", about=about)
            record_reveal(self.house, self.identity, about)

    def counts(self, acts: int) -> None:
        """Counts acts that they are about to do, and not only try; raises TooManyActsError beyond
        their quota."""
        if self.quota is not None and not self.dry_run:
            self.quota.take(self.identity, acts)

    def spending(self) -> AbstractContextManager[Spent]:
        """While it lasts the processor is used for them, within what an account has of it; raises
        OverspentError beyond that."""
        return self.house.expenses.of(self.by)

    def act(self, site: str | int, command: Command, *, confirm: str | None = None) -> Answer:
        """Asks the desk for it; the answer took effect.

        Raises:
            Problem: 403 if they may not; of what closes a site on somebody's word 428 if it was not
                looked at before (`If-Match`), and 422 if `confirm` is not its name; else as the
                desk refuses it.
        """
        act = name_of(type(command))
        self.needs(act, about=str(site))
        self.counts(1)
        if act in _CLOSING and not self.dry_run:
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
        name = name_of_site(self.house, site)
        # Of a site that is not there nothing would be closed.
        if name is not None and not site_name.is_called(name, confirm):
            raise problems.unprocessable(
                "not_confirmed",
                "this closes the site, or asks for it: give its name in `confirm`; nothing is done",
            )

    def envelope(self, site: str | int, command: Command, key: str | None = None) -> Envelope:
        """The command on its way, signed by who asks."""
        identity = self.identity
        own, key_for = (self.key, self.key_for) if key is None else (key, None)
        seen_of, seen = self.seen or (None, None)
        return Envelope(
            site=site, command=command, login=identity.login,
            key=None if own is None else f"{identity.handle}:{own}", key_for=key_for, seen=seen,
            seen_of=seen_of, signed_in=identity.proved_at is not None,
            unless_closing=self.unless_closing,
        )  # fmt: skip

    def reading(self) -> AbstractContextManager[Connection]:
        """A transaction that reads one state of the database."""
        return self.house.reading()


def name_of_site(house: House, site: str | int) -> str | None:
    """The name of a site that is given by its name or its id; None if there is none of that id."""
    if isinstance(site, str):
        return site
    with house.reading() as connection:
        return sites.name_of(connection, site)


def refuse(house: House, identity: Identity, act: str, why: str, about: str | None) -> None:
    """Counts that somebody was not let do something."""
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


def etag(site_id: int, seq: int) -> str:
    """The ETag of a site as it stands after its `seq`th entry (RFC 9110, section 8.8.3)."""
    return f'"{site_id}-{seq}"'


def tag_of(answer: Answer) -> str | None:
    """The ETag of the site after an act; None for one that was done before, or to no site."""
    if answer.repeated or answer.site_id is None:
        return None
    return etag(answer.site_id, answer.first_seq + len(answer.events) - 1)


def address_of(request: Request) -> str:
    """The address that a request comes from: the peer's, or what trusted proxies say of theirs.

    Of X-Forwarded-For the last address counts that no trusted proxy has: what stands before it may
    have been written by anybody. Of IPv6 it is the network, `2001:db8::/64`.
    """
    trusted: Sequence[Network] = request.app.state.trusted_proxies
    found = peer_address.read("" if request.client is None else request.client.host)
    if found is None:
        return "nowhere"
    told = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
    for each in reversed(told):
        if not any(found in network for network in trusted):
            break
        before = peer_address.read(each.strip())
        if before is None:
            break
        found = before
    return peer_address.owner(found)
