"""The desk's own actions on tokens, and on the seals that a server's key makes.

Each action is an `AccountAction`, so it can raise AccountSignInError.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Connection, Engine

from incidents.accounts import identity, secrets, serve_key
from incidents.accounts.serve_key import (
    UNSEALED,
    NoServeKeyError,
    Seal,
    UnsealedCredentials,
    token_facts,
)
from incidents.desk.accounts import known
from incidents.desk.desk import Desk
from incidents.desk.own_stream import AccountAction, Actor, Clock
from incidents.errors import Cause, InputError, RefusedError
from incidents.locale.language import ENGLISH
from incidents.record import account_events
from incidents.record.own_events import ServeKeyMade
from incidents.store.accounts import accounts, factors, invitations, passwords
from incidents.store.accounts.accounts import ServeKey, Token
from incidents.store.database.engine import plainly, reading

MAX_DAYS = 366


class UnknownActError(InputError):
    """no action named {given!r} that a token can allow; choose from {known}"""


class BadExpiryError(InputError):
    """a token is valid for 1 to {most} days, not for {days}"""


class UnknownTokenError(RefusedError):
    """no token named {token!r}"""


class DisabledAccountError(RefusedError):
    """the account {handle} is disabled: enable it first"""


class NotOfRoleError(RefusedError):
    """{handle} has the role {role}, which may not {act}, so such a token would be useless.
    Give the account another role first"""

    def _sentence(self) -> str:
        facts = {**self.facts, "act": ENGLISH.word("act", self.facts["act"])}
        return " ".join((NotOfRoleError.__doc__ or "").split()).format_map(facts)


def make_token(
    connection: Connection,
    by: Actor,
    handle: str,
    secret: str,
    clock: Clock,
    *,
    days: int,
    acts: Sequence[str] | None = None,
    seal: Seal = UNSEALED,
) -> Token:
    """Make a token of the account, valid for `days`.

    The token allows the actions in `acts`; without `acts`, it allows all actions of the account's
    role. Without the `seal` of this database, the token is invalid.

    Raises:
        UnknownAccountError, DisabledAccountError, UnknownActError, NotOfRoleError, BadExpiryError.
    """
    for each in acts or ():
        if each not in identity.ROLES_OF_ACTION or each in identity.IN_PERSON:
            there_are = ", ".join(a for a in identity.ACTION_NAMES if a not in identity.IN_PERSON)
            raise UnknownActError(given=each, known=there_are)
    if not 1 <= days <= MAX_DAYS:
        raise BadExpiryError(days=days, most=MAX_DAYS)
    action = AccountAction(connection, by, clock)
    account = known(connection, handle)
    if account.disabled_at is not None:
        raise DisabledAccountError(handle=handle)
    for each in acts or ():
        if not identity.may(account.role, each):
            raise NotOfRoleError(handle=handle, role=account.role, act=each)
    kept = None if acts is None else sorted(set(acts))
    new = Token(
        secrets.random_id(), handle, secrets.digest(secret), kept, action.now,
        action.now + timedelta(days=days), None,
    )  # fmt: skip
    new = new._replace(seal=seal.on(token_facts(new)))
    accounts.add_token(connection, new)
    action.record(
        account_events.TokenMade, token=new.id, handle=handle, digest=new.digest,
        expires=new.expires_at, acts=tuple(kept or ()),
    )  # fmt: skip
    return new


def revoke_token(connection: Connection, by: Actor, id_: str, clock: Clock) -> bool:
    """Revoke a token from now on, and return whether that changed anything.

    Raises:
        UnknownTokenError: if there is no such token.
    """
    action = AccountAction(connection, by, clock)
    token = accounts.token_of_id(connection, id_)
    if token is None:
        raise UnknownTokenError(token=id_)
    if token.revoked_at is not None:
        return False
    accounts.revoke_token(connection, id_, action.now)
    action.record(account_events.TokenRevoked, token=id_)
    return True


class SealedAlreadyError(RefusedError):
    """the database is already sealed with the key in {file}: to use another key, move that file
    away. Credentials that a server warned about stay locked out; the owner of the tables must find
    and delete them"""


@dataclass(frozen=True, slots=True)
class SealingResult:
    """The number of tokens and passwords that were sealed.

    `file`: the file with the key. `made`: whether the key is new.
    """

    file: Path
    made: bool
    tokens: int
    passwords: int


def begin_sealing(
    engine: Engine, desk: Desk, file: Path, by: Actor, clock: Clock
) -> SealingResult | UnsealedCredentials | None:
    """Check the seals when a server starts.

    The first server that starts makes the key, and seals all existing tokens and passwords.

    Raises:
        NoServeKeyError: if the database is sealed with another key.
        FileError, DatabaseError: if the file or the database fails.
    """
    key = serve_key.read_key(file)
    with plainly(engine), reading(engine) as connection:
        newest = accounts.newest(connection)
        if newest is not None and (key is None or serve_key.key_digest(key) != newest.digest):
            what = (
                Cause.of("no_file", "there is no {file}", file=file)
                if key is None
                else Cause.of("file_other_key", "{file} holds another key", file=file)
            )
            raise NoServeKeyError(what=what)
        if newest is not None and key is not None:
            return serve_key.find_unsealed(connection, Seal(key, newest), clock())
    return _on_record(desk, lambda c: _seal_all(c, file, by, clock, is_first=True))


def renew_seals(desk: Desk, file: Path, by: Actor, clock: Clock, *, reason: str) -> SealingResult:
    """Seal everything again, with the key in the file, or with a new key if there is no file.

    Raises:
        FileError, DatabaseError: if the file or the database fails.
    """
    done = _on_record(desk, lambda c: _seal_all(c, file, by, clock, reason=reason))
    assert done is not None
    return done


def _on_record(
    desk: Desk, seal: Callable[[Connection], SealingResult | None]
) -> SealingResult | None:
    try:
        return desk.on_record(seal)
    except FileExistsError:
        # Another process, of another database, has just made the file, which both share.
        return desk.on_record(seal)


def _seal_all(
    connection: Connection, file: Path, by: Actor, clock: Clock, *, is_first: bool = False,
    reason: str | None = None,
) -> SealingResult | None:  # fmt: skip
    action = AccountAction(connection, by, clock, open_to_all=True)
    newest = accounts.newest(connection)
    if is_first and newest is not None:
        # Another server was first; a different key here is refused at the next start.
        return None
    number = 1 if newest is None else newest.number + 1
    there = serve_key.read_key(file)
    key = serve_key.new_key() if there is None else there
    new = ServeKey(number, serve_key.key_digest(key), action.now)
    mark = Seal(key, new)
    all_tokens, all_passwords = accounts.tokens_of(connection), passwords.every(connection)
    if newest is not None and newest.digest == serve_key.key_digest(key):
        # Sealing rows that somebody has put there would make them valid.
        raise SealedAlreadyError(file=file)
    accounts.add_serve_key(connection, new)
    for token in all_tokens:
        accounts.seal_token(connection, token.id, mark.on(serve_key.token_facts(token)))
    for password in all_passwords:
        passwords.seal(connection, password.handle, mark.on(serve_key.password_facts(password)))
    for invitation in invitations.of_account(connection):
        seal = mark.on(serve_key.invitation_facts(invitation))
        invitations.seal(connection, invitation.id, seal)
    for factor in factors.every(connection):
        factors.seal(connection, factor.id, mark.on(serve_key.factor_facts(factor)))
    action.record(
        ServeKeyMade, reason=reason, key=serve_key.key_digest(key),
        tokens=len(all_tokens), passwords=len(all_passwords),
    )  # fmt: skip
    if there is None:
        # After every refusal, which must leave no file, and before the commit: a key in use
        # is never without its file.
        serve_key.write_key(file, key)
    return SealingResult(file, there is None, len(all_tokens), len(all_passwords))
