"""Queries of tokens: what lets programs come in, and as whom."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, insert, select, update

from incidents.store.accounts.accounts import Account
from incidents.store.schema.account_tables import accounts, tokens
from incidents.store.schema.types import Word
from incidents.store.statements.statement import Question
from incidents.store.statements.values_table import Given


class Token(NamedTuple):
    """A token: `digest` is the SHA-256 of its secret, `acts` what it is for (None: everything),
    `seal` as of `accounts.seal`."""

    id: str
    handle: str
    digest: str
    acts: list[str] | None
    made_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    seal: str | None = None


def by_digest(connection: Connection, digests: Iterable[str]) -> dict[str, tuple[Token, Account]]:
    """The tokens of secrets, by their digests, each with its account."""
    found = _OF_SECRETS.ask(connection, [(digest,) for digest in dict.fromkeys(digests)]).all()
    return {token.digest: (token, account) for token, account in found}


def _of_secrets(dialect: str) -> tuple[Select[Any], Given]:
    given = Given(dialect, digest=Word)
    joined = given.table.join(tokens, tokens.c.digest == given.table.c.digest).join(
        accounts, accounts.c.handle == tokens.c.handle
    )
    return select(tokens, accounts).select_from(joined), given


_N = len(Token._fields)
_OF_SECRETS: Question[tuple[Token, Account]] = Question(
    _of_secrets, lambda row: (Token(*row[:_N]), Account(*row[_N:]))
)
"""Asked with the requests of programs: whose tokens those are."""


def of_id(connection: Connection, id_: str) -> Token | None:
    """The token of that id."""
    row = connection.execute(select(tokens).where(tokens.c.id == id_)).one_or_none()
    return None if row is None else Token(*row)


def of(connection: Connection, handles: Iterable[str] | None = None) -> list[Token]:
    """The tokens of those accounts, of all without them; the newest first."""
    wanted = select(tokens).order_by(tokens.c.made_at.desc(), tokens.c.id)
    if handles is not None:
        wanted = wanted.where(tokens.c.handle.in_(list(handles)))
    return [Token(*row) for row in connection.execute(wanted)]


def add(connection: Connection, new: Token) -> None:
    """Keeps a new token."""
    connection.execute(insert(tokens).values(new._asdict()))


def living(connection: Connection, handle: str) -> list[str]:
    """The ids of that account's tokens that were not revoked."""
    mine = (tokens.c.handle == handle, tokens.c.revoked_at.is_(None))
    return list(connection.scalars(select(tokens.c.id).where(*mine).order_by(tokens.c.id)))


def revoke(connection: Connection, id_: str, at: datetime) -> None:
    """It is worth nothing from now on."""
    connection.execute(update(tokens).where(tokens.c.id == id_).values(revoked_at=at))


def seal(connection: Connection, id_: str, seal: str | None) -> None:
    """From now on it bears that seal."""
    connection.execute(update(tokens).where(tokens.c.id == id_).values(seal=seal))
