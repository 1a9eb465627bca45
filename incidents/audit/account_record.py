"""The accounts on record: their tokens, passwords, invitations and factors, against the tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table

from incidents.accounts.identity import may
from incidents.audit.fold import NAME
from incidents.audit.rows import Finding
from incidents.contract.case_documents import plain
from incidents.errors import Cause
from incidents.machine.events import Event
from incidents.record import account_events
from incidents.store.accounts import factors, invitations, passwords
from incidents.store.accounts.invitations import Invitation
from incidents.store.schema.access_tables import factors as factors_table
from incidents.store.schema.access_tables import invitations as invitations_table
from incidents.store.schema.access_tables import passwords as passwords_table
from incidents.values.parsing import MisreadError

_ACCOUNT_EVENTS = (
    account_events.AccountMade, account_events.RoleGiven, account_events.AccountDisabled,
    account_events.AccountEnabled, account_events.PasswordSet, account_events.InvitationMade,
    account_events.InvitationRevoked,
)  # fmt: skip


class AccountRow(NamedTuple):
    """An account, with a field for each column of its table."""

    handle: str
    role: str
    made_at: datetime
    disabled_at: datetime | None = None


class TokenRow(NamedTuple):
    """A token, with a field for each column of its table."""

    id: str
    handle: str
    digest: str
    acts: list[str] | None
    made_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None


class FactorRow(NamedTuple):
    """What is on record of a second factor."""

    handle: str
    kind: str
    removed_at: datetime | None = None


def _may_keep(account: AccountRow) -> bool:
    return account.disabled_at is None and may(account.role, "keep_accounts")


@dataclass(slots=True)
class AccountRecord:
    """The accounts by handle, tokens and others by id, and the last event about each password."""

    accounts: dict[str, AccountRow] = field(default_factory=dict)
    tokens: dict[str, TokenRow] = field(default_factory=dict)
    passwords: dict[str, account_events.PasswordSet] = field(default_factory=dict)
    invitations: dict[str, Invitation] = field(default_factory=dict)
    factors: dict[str, FactorRow] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        """Process the next action.

        Raises:
            MisreadError: with the reason why the action cannot follow the earlier actions.
        """
        at = event.recorded_at
        match event:
            case account_events.AccountMade(handle=handle, role=role):
                if handle in self.accounts:
                    raise misread(
                        "flaw_has_account", "{handle} has an account already", handle=handle
                    )
                self.accounts[handle] = AccountRow(handle, role, at)
            case account_events.RoleGiven(handle=handle, role=role):
                self._change(handle, role=role)
            case account_events.AccountDisabled(handle=handle):
                self._change(handle, disabled_at=at)
            case account_events.AccountEnabled(handle=handle):
                self._change(handle, disabled_at=None)
            case account_events.PasswordSet(handle=handle):
                self._account(handle)
                self.passwords[handle] = event
            case account_events.TokenMade():
                self._make_token(event, at)
            case account_events.TokenRevoked(token=token):
                if token not in self.tokens:
                    raise misread("flaw_no_token", "there is no token {token}", token=token)
                self.tokens[token] = self.tokens[token]._replace(revoked_at=at)
            case _:
                self._take_invitation(event, at)
                self._take_factor(event, at)

    def unauthorised(self, event: Event) -> str | None:
        """Return why the role on record does not allow the action on an account; None if it does.

        Before an administrator has a password, everybody at the command line may do the action.
        """
        own = self.accounts.get(event.by)
        if not isinstance(event, _ACCOUNT_EVENTS) or own is None or _may_keep(own):
            return None
        is_own_password = isinstance(event, account_events.PasswordSet) and event.handle == event.by
        if is_own_password or not any(_may_keep(self.accounts[each]) for each in self.passwords):
            return None
        if own.disabled_at is not None:
            disabled = "the account {by} is disabled on record"
            return Cause.of("flaw_disabled", disabled, by=event.by)
        keeps_none = "{by} has the role {role} on record, which keeps no accounts"
        return Cause.of("flaw_keeps_no_accounts", keeps_none, by=event.by, role=own.role)

    def _change(self, handle: str, **changed: Any) -> None:
        self.accounts[handle] = self._account(handle)._replace(**changed)

    def _account(self, handle: str) -> AccountRow:
        if handle not in self.accounts:
            raise misread("flaw_no_account", "{handle} has no account", handle=handle)
        return self.accounts[handle]

    def _make_token(self, event: account_events.TokenMade, at: datetime) -> None:
        self._account(event.handle)
        if event.token in self.tokens:
            raise misread(
                "flaw_token_before", "the token {token} was made before", token=event.token
            )
        self.tokens[event.token] = TokenRow(
            id=event.token, handle=event.handle, digest=event.digest,
            acts=list(event.acts) or None, made_at=at, expires_at=event.expires,
        )  # fmt: skip

    def _take_factor(self, event: Event, at: datetime) -> None:
        match event:
            case account_events.RecoveryCodesMade(handle=handle):
                self._account(handle)
            case account_events.FactorAdded(factor=factor, handle=handle, method=method):
                self._account(handle)
                self.factors[factor] = FactorRow(handle, method)
            case account_events.FactorRemoved(factor=factor):
                if factor not in self.factors:
                    raise misread("flaw_no_factor", "there is no factor {factor}", factor=factor)
                self.factors[factor] = self.factors[factor]._replace(removed_at=at)

    def _take_invitation(self, event: Event, at: datetime) -> None:
        match event:
            case account_events.InvitationMade(invitation=id_, handle=handle, digest=digest):
                self._account(handle)
                self.invitations[id_] = Invitation(id_, handle, digest, at, event.by, event.expires)
            case account_events.InvitationUsed(invitation=id_):
                self.invitations[id_] = self._invitation(id_)._replace(used_at=at)
            case account_events.InvitationRevoked(invitation=id_):
                self.invitations[id_] = self._invitation(id_)._replace(revoked_at=at)

    def _invitation(self, id_: str) -> Invitation:
        if id_ not in self.invitations:
            raise misread(
                "flaw_no_invitation", "there is no invitation {invitation}", invitation=id_
            )
        return self.invitations[id_]


def misread(code: str, sentence: str, **facts: object) -> MisreadError:
    """Return the error that says why an entry cannot follow the entries before it."""
    return MisreadError(Cause.of(code, sentence, **facts))


def findings(connection: Connection, record: AccountRecord) -> Iterator[Finding]:
    """The passwords, invitations and factors that differ from those on record.

    A missing row is not a finding, because it lets nobody in: for example, a downgrade of the
    schema removes these tables.
    """
    readable = passwords.may_be_read(connection)
    if readable:
        yield from _passwords(connection, record)
    for own in invitations.of_account(connection):
        said = record.invitations.get(own.id)
        # The seal is not on record: a server checks it.
        said = None if said is None else said._replace(seal=own.seal)
        yield from _differences(invitations_table, own.id, own, said)
    for each in factors.every(connection) if readable else ():
        # Recovery codes are used beside the record.
        if each.kind != factors.RECOVERY:
            yield from _differences(factors_table, each.id, each, record.factors.get(each.id))


def _differences(
    table: Table, row: str, own: object, said: Invitation | FactorRow | None
) -> Iterator[Finding]:
    if said is None:
        yield Finding(site=NAME, table=table.name, row=row, problem="added")
        return
    for column, right in said._asdict().items():
        found = getattr(own, column)
        if found != right:
            yield _changed(table, row, column, right, found)


def _changed(table: Table, row: str, column: str, right: object, found: object) -> Finding:
    return Finding(
        site=NAME, table=table.name, row=row, problem="changed",
        column=column, expected=plain(right), found=plain(found),
    )  # fmt: skip


def _passwords(connection: Connection, record: AccountRecord) -> Iterator[Finding]:
    for own in passwords.every(connection):
        handle, said = own.handle, record.passwords.get(own.handle)
        if said is None:
            yield Finding(site=NAME, table=passwords_table.name, row=handle, problem="added")
            continue
        if said.kept not in (None, passwords.digest(own.hash)):
            # What was put in its place is shown to nobody.
            yield _changed(passwords_table, handle, "hash", said.kept, None)
        counts_from = None if own.given is None else own.given.counts_from
        if said.counts_from != counts_from:
            yield _changed(passwords_table, handle, "counts_from", said.counts_from, counts_from)
