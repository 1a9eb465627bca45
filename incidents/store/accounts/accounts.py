"""Queries for accounts with their roles, sessions, tokens and keys."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, delete, func, insert, literal, select, update

from incidents.store.accounts import sign_ins
from incidents.store.accounts.sign_ins import OK, SignIn
from incidents.store.schema.access_tables import (
    accounts,
    invitations,
    passwords,
    serve_keys,
    sessions,
    tokens,
)
from incidents.store.schema.types import Word
from incidents.store.statement import Query
from incidents.store.values_table import ValuesTable


class Account(NamedTuple):
    """An account. `made_at` and `disabled_at` (None: enabled) are in UTC."""

    handle: str
    role: str
    made_at: datetime
    disabled_at: datetime | None


def any_exist(connection: Connection) -> bool:
    """Whether this database has accounts; once true, it stays true."""
    return connection.scalar(select(literal(1)).select_from(accounts).limit(1)) is not None


def account(connection: Connection, handle: str, *, lock: bool = False) -> Account | None:
    """The account with that handle."""
    wanted = select(accounts).where(accounts.c.handle == handle)
    row = connection.execute(wanted.with_for_update() if lock else wanted).one_or_none()
    return None if row is None else Account(*row)


def every(connection: Connection) -> list[Account]:
    """All accounts, by handle."""
    return [Account(*row) for row in connection.execute(select(accounts).order_by("handle"))]


def administrators(connection: Connection) -> int:
    """The number of enabled accounts that can create accounts."""
    wanted = select(func.count()).select_from(accounts)
    able = (accounts.c.role == "administrator", accounts.c.disabled_at.is_(None))
    return connection.scalar(wanted.where(*able)) or 0


def password_admins(connection: Connection) -> list[str]:
    """The administrators that can sign in with a password."""
    joined = accounts.join(passwords, passwords.c.handle == accounts.c.handle)
    able = (accounts.c.role == "administrator", accounts.c.disabled_at.is_(None))
    return list(connection.scalars(select(accounts.c.handle).select_from(joined).where(*able)))


def without_password(connection: Connection, now: datetime) -> list[str]:
    """The enabled accounts of people that have neither a password nor an open invitation.

    Programs have tokens: `integrator` is their role.
    """
    of = invitations.c
    invited = select(of.handle).where(
        of.used_at.is_(None), of.revoked_at.is_(None), of.expires_at > now
    )
    lacking = select(accounts.c.handle).where(
        accounts.c.disabled_at.is_(None),
        accounts.c.role != "integrator",
        accounts.c.handle.not_in(select(passwords.c.handle)),
        accounts.c.handle.not_in(invited),
    )
    return list(connection.scalars(lacking.order_by(accounts.c.handle)))


def add_account(connection: Connection, new: Account) -> None:
    """Add an account."""
    connection.execute(insert(accounts).values(new._asdict()))


def give_role(connection: Connection, handle: str, role: str) -> None:
    """Set the role of an account."""
    _set(connection, handle, role=role)


def disable(connection: Connection, handle: str, at: datetime) -> None:
    """Disable an account."""
    _set(connection, handle, disabled_at=at)


def enable(connection: Connection, handle: str) -> None:
    """Enable an account again."""
    _set(connection, handle, disabled_at=None)


def _set(connection: Connection, handle: str, **values: object) -> None:
    connection.execute(update(accounts).where(accounts.c.handle == handle).values(values))


class ServeKey(NamedTuple):
    """A key of `serve`: its number in this database, its SHA-256, and when it was made (UTC)."""

    number: int
    digest: str
    since: datetime


def newest(connection: Connection) -> ServeKey | None:
    """The newest key of `serve`, which is the valid key; None before its first start."""
    row = connection.execute(
        select(serve_keys).order_by(serve_keys.c.number.desc()).limit(1)
    ).one_or_none()
    return None if row is None else ServeKey(*row)


def add_serve_key(connection: Connection, new: ServeKey) -> None:
    """Make this key the valid key, and end all sessions."""
    connection.execute(insert(serve_keys).values(new._asdict()))
    ended = delete(sessions).returning(sessions.c.id, sessions.c.handle)
    sign_outs = [
        SignIn(new.since, "sign_out", OK, "rekeyed", handle, session=id_)
        for id_, handle in sorted(connection.execute(ended).all())
    ]
    sign_ins.add(connection, *sign_outs)


class Session(NamedTuple):
    """A session with its account.

    `proved_at`: when the person last authenticated. `how`: the method of the sign-in; `place`: the
    address from which the person signed in; `seal`: see `accounts.serve_key`.
    """

    id: str
    made_at: datetime
    seen_at: datetime
    proved_at: datetime
    how: str
    place: str | None
    seal: str | None
    account: Account


def session_of_digest(connection: Connection, digest: bytes) -> Session | None:
    """The session whose cookie has that digest, with its account."""
    row = connection.execute(_sessions().where(sessions.c.digest == digest)).one_or_none()
    return None if row is None else _session(row)


def session_of_id(connection: Connection, id_: str) -> Session | None:
    """The session with that id, with its account."""
    if not _may_be_id(id_):
        return None
    row = connection.execute(_sessions().where(sessions.c.id == id_)).one_or_none()
    return None if row is None else _session(row)


def sessions_of(
    connection: Connection, handle: str | None, *, made: datetime, seen: datetime
) -> list[Session]:
    """The sessions of one account or all, made after `made`, used after `seen`, newest first."""
    of = sessions.c
    wanted = _sessions().where(of.made_at > made, of.seen_at > seen)
    if handle is not None:
        wanted = wanted.where(of.handle == handle)
    return [_session(row) for row in connection.execute(wanted.order_by(of.made_at.desc(), of.id))]


def _may_be_id(given: str) -> bool:
    """Whether the text, which may be any input, could be the id of a session or a token."""
    return given.isascii() and given.isalnum()


def _sessions() -> Select[Any]:
    of = sessions.c
    own = (of.id, of.made_at, of.seen_at, of.proved_at, of.how, of.place, of.seal)
    joined = sessions.join(accounts, accounts.c.handle == of.handle)
    return select(*own, *accounts.c).select_from(joined)


def _session(row: Any) -> Session:
    own = len(Session._fields) - 1
    return Session._make((*row[:own], Account(*row[own:])))


def add_session(connection: Connection, digest: bytes, new: Session) -> None:
    """Add the session of a person who has authenticated."""
    own = new._asdict()
    account = own.pop("account")
    connection.execute(insert(sessions).values(own | {"digest": digest, "handle": account.handle}))


def touch_session(connection: Connection, digest: bytes, at: datetime) -> None:
    """Record when a session was last used."""
    connection.execute(update(sessions).where(sessions.c.digest == digest).values(seen_at=at))


def reauthenticate_session(connection: Connection, digest: bytes, proved: Session) -> None:
    """Record that the person of a session has authenticated again."""
    at = proved.proved_at
    values = {"seen_at": at, "proved_at": at, "seal": proved.seal}
    connection.execute(update(sessions).where(sessions.c.digest == digest).values(values))


def end_session(connection: Connection, id_: str) -> bool:
    """Delete a session, and return whether it existed."""
    return connection.execute(delete(sessions).where(sessions.c.id == id_)).rowcount > 0


def end_sessions(connection: Connection, handle: str) -> list[str]:
    """Delete all sessions of an account, and return their ids."""
    ended = delete(sessions).where(sessions.c.handle == handle).returning(sessions.c.id)
    return sorted(connection.scalars(ended))


def purge_sessions(connection: Connection, *, made: datetime, seen: datetime) -> None:
    """Delete the sessions made before `made` or last used before `seen`."""
    over = (sessions.c.made_at < made) | (sessions.c.seen_at < seen)
    connection.execute(delete(sessions).where(over))


class Token(NamedTuple):
    """A token. `digest`: the SHA-256 of its secret. `seal`: see `accounts.serve_key`.

    `acts`: the actions that it allows; None for all of its role.
    """

    id: str
    handle: str
    digest: str
    acts: list[str] | None
    made_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    seal: str | None = None


def token_by_digest(
    connection: Connection, digests: Iterable[str]
) -> dict[str, tuple[Token, Account]]:
    """The tokens with those digests of their secrets, by digest, each with its account."""
    found = _OF_SECRETS.fetch(connection, [(digest,) for digest in dict.fromkeys(digests)]).all()
    return {token.digest: (token, account) for token, account in found}


def _of_secrets(given: ValuesTable) -> Select[Any]:
    joined = given.table.join(tokens, tokens.c.digest == given.c.digest).join(
        accounts, accounts.c.handle == tokens.c.handle
    )
    return select(tokens, accounts).select_from(joined)


_N = len(Token._fields)
_OF_SECRETS: Query[tuple[Token, Account]] = Query(
    _of_secrets, lambda row: (Token(*row[:_N]), Account(*row[_N:])), digest=Word
)
"""The query for the accounts that tokens belong to, run for each request of a program."""


def token_of_id(connection: Connection, id_: str) -> Token | None:
    """The token with that id."""
    if not _may_be_id(id_):
        return None
    row = connection.execute(select(tokens).where(tokens.c.id == id_)).one_or_none()
    return None if row is None else Token(*row)


def tokens_of(connection: Connection, handles: Iterable[str] | None = None) -> list[Token]:
    """The tokens of those accounts, or of all if None, newest first."""
    wanted = select(tokens).order_by(tokens.c.made_at.desc(), tokens.c.id)
    if handles is not None:
        wanted = wanted.where(tokens.c.handle.in_(list(handles)))
    return [Token(*row) for row in connection.execute(wanted)]


def add_token(connection: Connection, new: Token) -> None:
    """Add a token."""
    connection.execute(insert(tokens).values(new._asdict()))


def unrevoked_tokens(connection: Connection, handle: str) -> list[str]:
    """The ids of that account's tokens that have not been revoked."""
    mine = (tokens.c.handle == handle, tokens.c.revoked_at.is_(None))
    return list(connection.scalars(select(tokens.c.id).where(*mine).order_by(tokens.c.id)))


def revoke_token(connection: Connection, id_: str, at: datetime) -> None:
    """Revoke a token."""
    connection.execute(update(tokens).where(tokens.c.id == id_).values(revoked_at=at))


def seal_token(connection: Connection, id_: str, seal: str | None) -> None:
    """Set the seal of a token."""
    connection.execute(update(tokens).where(tokens.c.id == id_).values(seal=seal))
