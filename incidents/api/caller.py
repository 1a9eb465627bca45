"""The caller of a request: identity, address, permissions, and access to the desk."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta, tzinfo
from http import HTTPStatus

from fastapi_problem.error import Problem
from sqlalchemy import Connection
from starlette.requests import Request

from incidents import clock
from incidents.accounts.identity import Identity, is_handle
from incidents.api import problems
from incidents.api.limits import Quota
from incidents.app import App
from incidents.contract.action import name_of
from incidents.contract.actions import CLOSING
from incidents.desk import Answer, Envelope, accounts
from incidents.desk.inbox.releases import Recipient
from incidents.desk.own_stream import Actor
from incidents.locale.words import TimeFormat
from incidents.machine.commands import Command
from incidents.store.cases import sites
from incidents.system.side_process import Spent
from incidents.values import peer_address, site_name
from incidents.values.peer_address import Network

_CLOSING = frozenset(map(name_of, CLOSING))

Seen = tuple[int, int]
"""The content of an ETag: a site's id, and the number of the last entry that the caller saw."""


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated person or program, for one request."""

    app: App
    identity: Identity
    key: str | None = None
    seen: Seen | None = None
    dry_run: bool = False
    key_for: timedelta | None = None
    quota: Quota | None = None
    zone_asked: tzinfo | None = None
    unless_closing: bool = False
    views: bool = False
    """Whether the request only shows the record, and so can read a replica."""

    @property
    def zone(self) -> tzinfo:
        """The time zone for times in answers: the requested zone, or the desk's own."""
        return self.app.settings.zone if self.zone_asked is None else self.zone_asked

    @property
    def when(self) -> TimeFormat:
        """The format for times in answers: the time zone, and the present moment."""
        return TimeFormat(zone=self.zone, now=clock.now())

    @property
    def by(self) -> str:
        """The name of the caller for the record."""
        return self.identity.handle

    def may(self, action: str) -> bool:
        """Whether the caller may do the action now."""
        return self.identity.denial(action, clock.machine_now()) is None

    def needs(self, action: str, *, about: str | None = None) -> None:
        """Check that the caller may do the action now; count a refusal.

        Raises:
            Problem: 403, with the reason.
        """
        why = self.identity.denial(action, clock.machine_now())
        if why is not None:
            refuse(self.app, self.identity, action, why, about)
            raise problems.not_let(self.identity, action, why)

    def needs_account(self, handle: str | None, action: str = "keep_accounts") -> None:
        """Check that the caller may do the action on the account `handle`; None means all accounts.

        Everybody may do the action on their own account. Raises the same errors as `needs`.
        """
        # Text that is no handle may contain anything, so it does not go on record.
        about = "?" if handle is not None and not is_handle(handle) else handle
        self.needs("own_account" if handle == self.by else action, about=about)

    def reveals(self, about: str, *, wanted: bool = True) -> None:
        """Record that the caller sees phone numbers and addresses in full, if allowed.

        Do nothing unless this is `wanted`.

        Raises:
            Problem: 403, with the reason.
        """
        if wanted:
            self.needs("reveal", about=about)
            record_reveal(self.app, self.identity, about)

    def take_quota(self, actions: int) -> None:
        """Count actions towards the caller's quota, unless dry-run; raises TooManyActsError."""
        if self.quota is not None and not self.dry_run:
            self.quota.take(self.identity, actions)

    def spending(self) -> AbstractContextManager[Spent]:
        """Return a context that counts processor time towards the caller's account.

        Raises:
            OverspentError: if the account has used up its processor time.
        """
        return self.app.processor_budget.charge(self.by)

    def submit(self, site: str | int, command: Command, *, confirm: str | None = None) -> Answer:
        """Submit the command to the desk, and return the answer if it took effect.

        Raises:
            Problem: 403 if the caller may not do the action. For an action that closes a site on a
                statement: 428 without `If-Match`, 422 if `confirm` is not the site's name.
                Otherwise the desk's refusal.
        """
        action = name_of(type(command))
        self.needs(action, about=str(site))
        self.take_quota(1)
        if action in _CLOSING and not self.dry_run:
            self._check_seen_and_meant(site, confirm)
        envelope = self.envelope(site, command)
        if self.dry_run:
            [answer] = self.app.desk.submit([envelope], dry_run=True)
        else:
            answer = self.app.group_commit.submit(envelope)
        if answer.refusal is not None:
            raise self.refused(answer)
        return answer

    def refused(self, answer: Answer) -> Problem:
        """Return the desk's refusal as a problem for this caller."""
        return problems.refused(answer, self.when, self.identity)

    def _check_seen_and_meant(self, site: str | int, confirm: str | None) -> None:
        if self.seen is None:
            raise problems.problem(
                HTTPStatus.PRECONDITION_REQUIRED,
                "look_first",
                "this closes the site or requests it: send the ETag of the site that you have seen"
                " in If-Match",
            )
        name = name_of_site(self.app, site)
        # If there is no such site, nothing would be closed.
        if name is not None and not site_name.matches_name(name, confirm):
            raise problems.unprocessable(
                "not_confirmed",
                "nothing was done: this closes the site or requests it; give its name in `confirm`",
            )

    def envelope(
        self,
        site: str | int,
        command: Command,
        key: str | None = None,
        given_key: str | None = None,
    ) -> Envelope:
        """Put the command in the caller's envelope; `key` replaces the request's `given_key`."""
        identity = self.identity
        own, key_for = (self.key, self.key_for) if key is None else (key, None)
        seen_of, seen = self.seen or (None, None)
        return Envelope(
            site=site, command=command, login=identity.login,
            key=None if own is None else f"{identity.handle}:{own}",
            given_key=given_key or own, key_for=key_for, seen=seen, seen_of=seen_of,
            signed_in=identity.proved_at is not None,
            unless_closing=self.unless_closing,
        )  # fmt: skip

    def reading(self) -> AbstractContextManager[Connection]:
        """Open a transaction that reads one state of the database, or of its replica."""
        return self.app.viewing() if self.views else self.app.reading()


def name_of_site(app: App, site: str | int) -> str | None:
    """Return the name of a site, given by name or id; None if no site has that id."""
    if isinstance(site, str):
        return site
    with app.reading() as connection:
        return sites.name_of(connection, site)


def refuse(app: App, identity: Identity, action: str, why: str, about: str | None) -> None:
    """Count a refusal in the record: the account may not do the action."""
    by = Actor(person=identity.handle, login=identity.login)
    app.desk.on_record(
        lambda connection: accounts.refuse(
            connection, by, clock.now, action=action, why=why, about=about
        )
    )  # fmt: skip


def recipient(identity: Identity, reason: str | None = None) -> Recipient:
    """The person as one who asks for bytes that came from outside, with their rights now."""
    return Recipient(
        person=identity.handle, login=identity.login, may_reveal=identity.may("reveal"),
        may_open=identity.denial("open_sealed", clock.machine_now()) is None, reason=reason,
    )  # fmt: skip


def record_reveal(app: App, identity: Identity, about: str) -> None:
    """Record, before it happens, that somebody sees phone numbers and addresses in full."""
    by = Actor(person=identity.handle, login=identity.login)
    app.desk.on_record(lambda connection: accounts.reveal(connection, by, clock.now, about=about))


def etag(site_id: int, seq: int) -> str:
    """The ETag of a site after its entry number `seq` (RFC 9110, section 8.8.3)."""
    return f'"{site_id}-{seq}"'


def tag_of(answer: Answer) -> str | None:
    """The ETag of the site after an action; None for a repeated answer or one without a site."""
    if answer.repeated or answer.site_id is None:
        return None
    return etag(answer.site_id, answer.first_seq + len(answer.events) - 1)


def address_of(request: Request) -> str:
    """The client address of a request: the peer's address, or the one that trusted proxies report.

    In X-Forwarded-For, the last address that does not belong to a trusted proxy counts, because
    anybody can write the addresses before it. For IPv6 the result is the network, `2001:db8::/64`.
    """
    trusted: Sequence[Network] = request.app.state.trusted_proxies
    found = peer_address.read("" if request.client is None else request.client.host)
    if found is None:
        return "nowhere"
    forwarded = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
    for each in reversed(forwarded):
        if not any(found in network for network in trusted):
            break
        before = peer_address.read(each.strip())
        if before is None:
            break
        found = before
    return peer_address.owner(found)
