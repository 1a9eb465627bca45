"""Queries of accounts, tokens, passwords and sessions: who may come in, and as what."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, delete, func, insert, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite

from incidents.store.account_tables import accounts, attempts, passwords, sessions, tokens
from incidents.store.given import Given as GivenRows
from incidents.store.statement import Question
from incidents.store.types import Word


class Account(NamedTuple):
    """An account: its handle, its role, since when (UTC), and since when it is disabled."""

    handle: str
    role: str
    made_at: datetime
    disabled_at: datetime | None


class Token(NamedTuple):
    """A token: `digest` is the SHA-256 of its secret, `acts` what it is for (None: everything)."""

    id: str
    handle: str
    digest: str
    acts: list[str] | None
    made_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


class Session(NamedTuple):
    """A session, with its account; `proved_at` is when the person last proved who they are, `how`
    says by what it began, and `place` at which address."""

    id: str
    made_at: datetime
    seen_at: datetime
    proved_at: datetime
    how: str
    place: str | None
    account: Account


def any_there(connection: Connection) -> bool:
    """Whether this database has accounts; once it has, it always has."""
    return connection.scalar(select(literal(1)).select_from(accounts).limit(1)) is not None


def account(connection: Connection, handle: str, *, lock: bool = False) -> Account | None:
    """The account of that handle."""
    wanted = select(accounts).where(accounts.c.handle == handle)
    row = connection.execute(wanted.with_for_update() if lock else wanted).one_or_none()
    return None if row is None else Account(*row)


def every(connection: Connection) -> list[Account]:
    """All accounts by their handles."""
    return [Account(*row) for row in connection.execute(select(accounts).order_by("handle"))]


def administrators(connection: Connection) -> int:
    """How many can come in that may make accounts."""
    wanted = select(func.count()).select_from(accounts)
    able = (accounts.c.role == "administrator", accounts.c.disabled_at.is_(None))
    return connection.scalar(wanted.where(*able)) or 0


def guards(connection: Connection) -> list[str]:
    """The administrators that can come in with a password."""
    joined = accounts.join(passwords, passwords.c.handle == accounts.c.handle)
    able = (accounts.c.role == "administrator", accounts.c.disabled_at.is_(None))
    return list(connection.scalars(select(accounts.c.handle).select_from(joined).where(*able)))


def add(connection: Connection, new: Account) -> None:
    """Keeps a new account."""
    connection.execute(insert(accounts).values(new._asdict()))


def give_role(connection: Connection, handle: str, role: str) -> None:
    """From now on it may do what that role may."""
    _set(connection, handle, role=role)


def disable(connection: Connection, handle: str, at: datetime) -> None:
    """It may not come in any more."""
    _set(connection, handle, disabled_at=at)


def enable(connection: Connection, handle: str) -> None:
    """It may come in again."""
    _set(connection, handle, disabled_at=None)


def _set(connection: Connection, handle: str, **values: object) -> None:
    connection.execute(update(accounts).where(accounts.c.handle == handle).values(values))


# Passwords.


def password(connection: Connection, handle: str) -> str | None:
    """The hash of its password (Argon2id, PHC)."""
    wanted = select(passwords.c.hash).where(passwords.c.handle == handle)
    found: str | None = connection.scalar(wanted)
    return found


class Given(NamedTuple):
    """A password that somebody else has set: who, and from when on (UTC) its person counts as a
    second one."""

    by: str
    counts_from: datetime


def given(connection: Connection, handle: str) -> Given | None:
    """Who else has set its password, or the one that its person has changed since."""
    of = passwords.c
    wanted = select(of.given_by, of.counts_from).where(of.handle == handle)
    row = connection.execute(wanted.where(of.counts_from.is_not(None))).one_or_none()
    return None if row is None else Given(*row)


def set_password(
    connection: Connection, handle: str, hash_: str, at: datetime, given: Given | None
) -> None:
    """In place of what it had."""
    by, counts_from = (None, None) if given is None else given
    connection.execute(delete(passwords).where(passwords.c.handle == handle))
    new = {"handle": handle, "hash": hash_, "set_at": at}
    connection.execute(insert(passwords).values(new | {"given_by": by, "counts_from": counts_from}))


# Tokens.


def tokens_by_digest(
    connection: Connection, digests: Iterable[str]
) -> dict[str, tuple[Token, Account]]:
    """The tokens of secrets, by their digests, each with its account."""
    found = _OF_SECRETS.ask(connection, [(digest,) for digest in dict.fromkeys(digests)]).all()
    return {token.digest: (token, account) for token, account in found}


def _of_secrets(dialect: str) -> tuple[Select[Any], GivenRows]:
    given = GivenRows(dialect, digest=Word)
    joined = given.table.join(tokens, tokens.c.digest == given.table.c.digest).join(
        accounts, accounts.c.handle == tokens.c.handle
    )
    return select(tokens, accounts).select_from(joined), given


_N = len(Token._fields)
_OF_SECRETS: Question[tuple[Token, Account]] = Question(
    _of_secrets, lambda row: (Token(*row[:_N]), Account(*row[_N:]))
)
"""Asked with the requests of programs: whose tokens those are."""


def token(connection: Connection, id_: str) -> Token | None:
    """The token of that id."""
    row = connection.execute(select(tokens).where(tokens.c.id == id_)).one_or_none()
    return None if row is None else Token(*row)


def tokens_of(connection: Connection, handles: Iterable[str] | None = None) -> list[Token]:
    """The tokens of those accounts, of all without them; the newest first."""
    wanted = select(tokens).order_by(tokens.c.made_at.desc(), tokens.c.id)
    if handles is not None:
        wanted = wanted.where(tokens.c.handle.in_(list(handles)))
    return [Token(*row) for row in connection.execute(wanted)]


def add_token(connection: Connection, new: Token) -> None:
    """Keeps a new token."""
    connection.execute(insert(tokens).values(new._asdict()))


def living_tokens(connection: Connection, handle: str) -> list[str]:
    """The ids of that account's tokens that were not revoked."""
    mine = (tokens.c.handle == handle, tokens.c.revoked_at.is_(None))
    return list(connection.scalars(select(tokens.c.id).where(*mine).order_by(tokens.c.id)))


def revoke_token(connection: Connection, id_: str, at: datetime) -> None:
    """It is worth nothing from now on."""
    connection.execute(update(tokens).where(tokens.c.id == id_).values(revoked_at=at))


# Sessions.


def session(connection: Connection, digest: bytes) -> Session | None:
    """The session of that cookie, with its account."""
    row = connection.execute(_sessions().where(sessions.c.digest == digest)).one_or_none()
    return None if row is None else _session(row)


def session_of_id(connection: Connection, id_: str) -> Session | None:
    """The session of that id, with its account."""
    row = connection.execute(_sessions().where(sessions.c.id == id_)).one_or_none()
    return None if row is None else _session(row)


def sessions_of(
    connection: Connection, handle: str | None, *, made: datetime, seen: datetime
) -> list[Session]:
    """The sessions of that account, of all without one, that were made after `made` and in use
    after `seen`; the newest first."""
    of = sessions.c
    wanted = _sessions().where(of.made_at > made, of.seen_at > seen)
    if handle is not None:
        wanted = wanted.where(of.handle == handle)
    return [_session(row) for row in connection.execute(wanted.order_by(of.made_at.desc(), of.id))]


def _sessions() -> Select[Any]:
    of = sessions.c
    told = (of.id, of.made_at, of.seen_at, of.proved_at, of.how, of.place)
    joined = sessions.join(accounts, accounts.c.handle == of.handle)
    return select(*told, *accounts.c).select_from(joined)


def _session(row: Any) -> Session:
    own = len(Session._fields) - 1
    return Session._make((*row[:own], Account(*row[own:])))


def add_session(connection: Connection, digest: bytes, new: Session) -> None:
    """Keeps a session of somebody who has proved who they are."""
    own = new._asdict()
    account = own.pop("account")
    connection.execute(insert(sessions).values(own | {"digest": digest, "handle": account.handle}))


def see_session(
    connection: Connection, digest: bytes, at: datetime, *, proved: bool = False
) -> None:
    """Marks that it is in use, or that its person has proved anew who they are."""
    values = {"seen_at": at, "proved_at": at} if proved else {"seen_at": at}
    connection.execute(update(sessions).where(sessions.c.digest == digest).values(values))


def end_session(connection: Connection, id_: str) -> bool:
    """Forgets it; whether it was there still."""
    return connection.execute(delete(sessions).where(sessions.c.id == id_)).rowcount > 0


def end_sessions(connection: Connection, handle: str) -> list[str]:
    """Forgets all of that account; their ids."""
    ended = delete(sessions).where(sessions.c.handle == handle).returning(sessions.c.id)
    return sorted(connection.scalars(ended))


def forget_sessions(connection: Connection, *, made: datetime, seen: datetime) -> None:
    """Forgets those made before `made` or last in use before `seen`."""
    over = (sessions.c.made_at < made) | (sessions.c.seen_at < seen)
    connection.execute(delete(sessions).where(over))


# Attempts to sign in that failed.


def failures(
    connection: Connection, keys: Iterable[str], at: datetime
) -> dict[str, tuple[int, datetime]]:
    """How often it failed under each key, and when last; held until the transaction ends, so that
    of many at once each knows of those before it."""
    found = {}
    for key in sorted(keys):
        # What is there is written as it is: then nobody else changes or deletes it meanwhile.
        own = _insert(connection)(attempts).values(key=key, failures=0, last_at=at)
        kept = own.on_conflict_do_update(index_elements=["key"], set_={"key": own.excluded.key})
        row = connection.execute(kept.returning(attempts.c.failures, attempts.c.last_at)).one()
        found[key] = (row.failures, row.last_at)
    return found


def _insert(connection: Connection) -> Any:
    """What inserts and can take what is there already, of that database."""
    return {"sqlite": sqlite.insert, "postgresql": postgresql.insert}[connection.dialect.name]


def count_failure(connection: Connection, key: str, failures: int, at: datetime) -> None:
    """So many by now."""
    counted = {"failures": failures, "last_at": at}
    connection.execute(update(attempts).where(attempts.c.key == key).values(counted))


def uncount_failure(connection: Connection, key: str) -> None:
    """One that was counted before it was looked at was none."""
    mine = (attempts.c.key == key, attempts.c.failures > 0)
    fewer = update(attempts).where(*mine).values(failures=attempts.c.failures - 1)
    connection.execute(fewer)


def forget_failures(connection: Connection, key: str) -> None:
    """It has succeeded."""
    connection.execute(delete(attempts).where(attempts.c.key == key))


def forget_old_failures(connection: Connection, before: datetime) -> None:
    """Those that count no more; what somebody else holds is left to them."""
    old = select(attempts.c.key).where(attempts.c.last_at < before)
    mine = old.with_for_update(skip_locked=True)
    connection.execute(delete(attempts).where(attempts.c.key.in_(mine)))
