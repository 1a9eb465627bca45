"""The desk's own stream of entries, compared with the tables that follow from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection

from incidents.accounts.identity import may
from incidents.audit.fold import NAME, UNREADABLE, describe
from incidents.audit.rows import Finding, Row, Stream, compare, written
from incidents.contract.case_documents import plain
from incidents.errors import Cause
from incidents.machine import policy
from incidents.machine.events import Event
from incidents.machine.policy import DOCUMENTED
from incidents.record import own_events
from incidents.record.entry import DESK, Header, decode
from incidents.store.accounts import factors, invitations, passwords
from incidents.store.schema.desk_tables import (
    DESK_STREAM,
    accounts,
    desk,
    entries,
    policies,
    serve_keys,
    tokens,
)
from incidents.store.schema.desk_tables import factors as factors_table
from incidents.store.schema.desk_tables import invitations as invitations_table
from incidents.store.schema.desk_tables import passwords as passwords_table
from incidents.store.schema.log_tables import log_keys
from incidents.values.parsing import MisreadError

_ACCOUNT_EVENTS = (
    own_events.AccountMade, own_events.RoleGiven, own_events.AccountDisabled,
    own_events.AccountEnabled, own_events.PasswordSet, own_events.InvitationMade,
    own_events.InvitationRevoked,
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


class InvitationRow(NamedTuple):
    """An invitation, with a field for each column of its table."""

    id: str
    handle: str
    digest: str
    made_at: datetime
    by: str
    expires_at: datetime
    used_at: datetime | None = None
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
    passwords: dict[str, own_events.PasswordSet] = field(default_factory=dict)
    invitations: dict[str, InvitationRow] = field(default_factory=dict)
    factors: dict[str, FactorRow] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        """Process the next action.

        Raises:
            MisreadError: with the reason why the action cannot follow the earlier actions.
        """
        at = event.recorded_at
        match event:
            case own_events.AccountMade(handle=handle, role=role):
                if handle in self.accounts:
                    raise _misread("has_account", "{handle} has an account already", handle=handle)
                self.accounts[handle] = AccountRow(handle, role, at)
            case own_events.RoleGiven(handle=handle, role=role):
                self._change(handle, role=role)
            case own_events.AccountDisabled(handle=handle):
                self._change(handle, disabled_at=at)
            case own_events.AccountEnabled(handle=handle):
                self._change(handle, disabled_at=None)
            case own_events.PasswordSet(handle=handle):
                self._account(handle)
                self.passwords[handle] = event
            case own_events.TokenMade():
                self._make_token(event, at)
            case own_events.TokenRevoked(token=token):
                if token not in self.tokens:
                    raise _misread("no_token", "there is no token {token}", token=token)
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
        is_own_password = isinstance(event, own_events.PasswordSet) and event.handle == event.by
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
            raise _misread("no_account", "{handle} has no account", handle=handle)
        return self.accounts[handle]

    def _make_token(self, event: own_events.TokenMade, at: datetime) -> None:
        self._account(event.handle)
        if event.token in self.tokens:
            raise _misread("token_before", "the token {token} was made before", token=event.token)
        self.tokens[event.token] = TokenRow(
            id=event.token, handle=event.handle, digest=event.digest,
            acts=list(event.acts) or None, made_at=at, expires_at=event.expires,
        )  # fmt: skip

    def _take_factor(self, event: Event, at: datetime) -> None:
        match event:
            case own_events.RecoveryCodesMade(handle=handle):
                self._account(handle)
            case own_events.FactorAdded(factor=factor, handle=handle, method=method):
                self._account(handle)
                self.factors[factor] = FactorRow(handle, method)
            case own_events.FactorRemoved(factor=factor):
                if factor not in self.factors:
                    raise _misread("no_factor", "there is no factor {factor}", factor=factor)
                self.factors[factor] = self.factors[factor]._replace(removed_at=at)

    def _take_invitation(self, event: Event, at: datetime) -> None:
        match event:
            case own_events.InvitationMade(invitation=id_, handle=handle, digest=digest):
                self._account(handle)
                self.invitations[id_] = InvitationRow(
                    id_, handle, digest, at, event.by, event.expires
                )
            case own_events.InvitationUsed(invitation=id_):
                self.invitations[id_] = self._invitation(id_)._replace(used_at=at)
            case own_events.InvitationRevoked(invitation=id_):
                self.invitations[id_] = self._invitation(id_)._replace(revoked_at=at)

    def _invitation(self, id_: str) -> InvitationRow:
        if id_ not in self.invitations:
            raise _misread("no_invitation", "there is no invitation {invitation}", invitation=id_)
        return self.invitations[id_]


def _misread(code: str, sentence: str, **facts: object) -> MisreadError:
    return MisreadError(Cause.of(f"flaw_{code}", sentence, **facts))


def _misplaced(header: Header) -> MisreadError:
    own = f"{header.site_id}-{header.site_seq}"
    return _misread("says_it_is", "it says that it is {id}", id=own)


_SEQ, _BODY = 2, 4
_ONLY = 1


@dataclass(slots=True)
class OwnRecord:
    """The table rows that follow from the entries of the desk's own stream.

    `active`: the digest of the active policy. `key`: the log's signing key. `seq`: the number of
    the last entry.
    """

    active: str = DOCUMENTED.digest
    key: str | None = None
    seq: int = 0
    epoch: int = 0
    policies: dict[str, Row] = field(
        default_factory=lambda: {
            DOCUMENTED.digest: (DOCUMENTED.digest, DOCUMENTED.toml(), None, None, None)
        }
    )
    keys: dict[str, Row] = field(default_factory=dict)
    serve_keys: list[Row] = field(default_factory=list)
    accounts: AccountRecord = field(default_factory=AccountRecord)

    def take(self, header: Header, event: Event) -> None:
        """Process the next entry.

        Raises:
            MisreadError, PolicyError: with the reason why the entry cannot follow the entries
                before it.
        """
        if (header.site, header.site_id) != (DESK, DESK_STREAM):
            raise _misplaced(header)
        if header.site_seq != self.seq + 1:
            raise _misread("entry_missing", "entry {seq} is missing", seq=self.seq + 1)
        match event:
            case own_events.PolicyActivated():
                self._activate(event)
            case own_events.LogKeyMade():
                self._make_key(event, header.site_seq)
            case (
                own_events.WordsErased()
                | own_events.SignInsErased()
                | own_events.CheckpointsThinned()
            ):
                self._check_policy(event)
            case own_events.ServeKeyMade(key=key, recorded_at=at):
                self._check_policy(event)
                self.serve_keys.append((len(self.serve_keys) + 1, key, at))
            case own_events.HistoryResumed():
                self._resume(event)
            case own_events.AccountEvent():
                self._check_policy(event)
                self.accounts.take(event)
            case _:
                raise _misread("no_act", "{kind} is no action of the desk", kind=event.kind)
        self.seq = header.site_seq

    def unauthorised(self, event: Event) -> str | None:
        """Return why, by the record, the program would not have allowed the action, or None.

        The result is also None if nobody can know: before servers have a key, anybody who can write
        to the database has any role.
        """
        return self.accounts.unauthorised(event) if self.serve_keys else None

    def _activate(self, event: own_events.PolicyActivated) -> None:
        if event.previous != self.active:
            raise self._other_policy(event.previous)
        if policy.read(event.toml).digest != event.policy:
            raise _misread("not_policy", "the policy in it is not {policy}", policy=event.policy)
        if event.seconded_by is not None and event.seconded_by == event.by:
            same = "{by} was the second person to their own action"
            raise _misread("same_person", same, by=event.by)
        self.active = event.policy
        row = (event.policy, event.toml, event.recorded_at, event.by, event.text)
        self.policies.setdefault(event.policy, row)

    def _make_key(self, event: own_events.LogKeyMade, seq: int) -> None:
        self._check_policy(event)
        if event.previous != self.key:
            other = "the key that signs is {last}, but it says {said}"
            raise _misread("other_key", other, last=self.key, said=event.previous)
        if event.key in self.keys:
            raise _misread("key_before", "{key} has been the key before", key=event.key)
        self.key = event.key
        self.keys[event.key] = (event.key, seq, event.recorded_at, event.by)

    def _resume(self, event: own_events.HistoryResumed) -> None:
        self._check_policy(event)
        if event.epoch <= self.epoch:
            other = "the epoch is {epoch}, but it says {said}"
            raise _misread("epoch", other, epoch=self.epoch, said=event.epoch)
        self.epoch = event.epoch

    def _check_policy(self, event: Event) -> None:
        if event.policy != self.active:
            raise self._other_policy(event.policy)

    def _other_policy(self, said: str) -> MisreadError:
        other = "the active policy is {active}, but it says {said}"
        return _misread("other_policy_now", other, active=self.active, said=said)


def findings(connection: Connection, rows: Iterable[Row]) -> Iterator[Finding]:
    """The differences between the actions on record and the tables."""
    record = OwnRecord()
    for row in rows:
        try:
            header, event = decode(row[_BODY])
            if header.site_seq != row[_SEQ]:
                raise _misplaced(header)
            unauthorised = record.unauthorised(event)
            record.take(header, event)
        except UNREADABLE as error:
            yield _impossible(row, describe(error))
            return
        if unauthorised is not None:
            yield _impossible(row, unauthorised)
    yield from _compare(connection, record)
    yield from _compare_passwords(connection, record.accounts)
    yield from _compare_invitations(connection, record.accounts)
    yield from _compare_factors(connection, record.accounts)


def _impossible(row: Row, why: str) -> Finding:
    return Finding(
        site=NAME, table=entries.name, row=f"{DESK_STREAM}-{row[_SEQ]}",
        problem="impossible_entry", found=why,
    )  # fmt: skip


def _compare(connection: Connection, record: OwnRecord) -> Iterator[Finding]:
    dialect = connection.dialect.name
    for table, rows in (
        (policies, record.policies.values()),
        (log_keys, record.keys.values()),
        (accounts, record.accounts.accounts.values()),
        (tokens, record.accounts.tokens.values()),
        (serve_keys, record.serve_keys),
        (desk, [(_ONLY, record.active, record.seq, record.epoch)]),
    ):
        expected = sorted(written(rows, table, dialect))
        yield from compare(NAME, table, iter(expected), Stream(connection, table).rest(), dialect)


def _compare_passwords(connection: Connection, record: AccountRecord) -> Iterator[Finding]:
    """Find the passwords that differ from the last passwords on record.

    A missing password is not a finding, because nobody can sign in with it: for example, a
    downgrade of the schema removes passwords.
    """
    if not passwords.may_be_read(connection):
        return
    for own in passwords.every(connection):
        handle, said = own.handle, record.passwords.get(own.handle)
        if said is None:
            yield Finding(site=NAME, table=passwords_table.name, row=handle, problem="added")
            continue
        counts_from = None if own.given is None else own.given.counts_from
        for column, right, is_so in (
            ("hash", said.kept, said.kept in (None, passwords.digest(own.hash))),
            ("counts_from", said.counts_from, said.counts_from == counts_from),
        ):
            if not is_so:
                yield Finding(
                    site=NAME, table=passwords_table.name, row=handle, problem="changed",
                    column=column, expected=plain(right),
                    found=None if column == "hash" else plain(counts_from),
                )  # fmt: skip


def _compare_invitations(connection: Connection, record: AccountRecord) -> Iterator[Finding]:
    """Find the invitations that differ from the record; a missing one lets nobody in."""
    for own in invitations.of_account(connection):
        said = record.invitations.get(own.id)
        if said is None:
            yield Finding(site=NAME, table=invitations_table.name, row=own.id, problem="added")
            continue
        for column, right in said._asdict().items():
            found = getattr(own, column)
            if found != right:
                yield Finding(
                    site=NAME, table=invitations_table.name, row=own.id, problem="changed",
                    column=column, expected=plain(right), found=plain(found),
                )  # fmt: skip


def _compare_factors(connection: Connection, record: AccountRecord) -> Iterator[Finding]:
    """Find the second factors that differ from the record.

    Recovery codes are used beside the record. A missing row is not a finding, because a downgrade
    of the schema removes them; the desk's role can remove none.
    """
    if not passwords.may_be_read(connection):
        return
    for own in factors.every(connection):
        if own.kind == factors.RECOVERY:
            continue
        said = record.factors.get(own.id)
        if said is None:
            yield Finding(site=NAME, table=factors_table.name, row=own.id, problem="added")
            continue
        for column, right in said._asdict().items():
            found = getattr(own, column)
            if found != right:
                yield Finding(
                    site=NAME, table=factors_table.name, row=own.id, problem="changed",
                    column=column, expected=plain(right), found=plain(found),
                )  # fmt: skip
