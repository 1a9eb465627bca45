"""Queries for second factors: codes by time, security keys, and recovery codes.

A factor that is removed, or a recovery code that is used, stays as a row without its secret and its
name: a row that somebody brings back is found by the replay.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, insert, literal, select, update

from incidents.store.schema.access_tables import factors

TOTP, WEBAUTHN, RECOVERY = "totp", "webauthn", "recovery"
"""The kinds: a code by time (RFC 6238), a security key or passkey, a recovery code."""
ASKED_FOR = (TOTP, WEBAUTHN)
"""The kinds that make the sign-in ask for a second factor; recovery codes only answer it."""


class Factor(NamedTuple):
    """A second factor of an account. `seal`: see `accounts.serve_key`.

    `secret`: of a code by time the shared secret (base32), of a security key its public key, of a
    recovery code its SHA-256. `counter`: the last time step used, or the key's count of signatures.
    """

    id: str
    handle: str
    kind: str
    name: str
    secret: str
    credential: str | None
    counter: int
    made_at: datetime
    used_at: datetime | None = None
    removed_at: datetime | None = None
    seal: str | None = None


def of(connection: Connection, handle: str) -> list[Factor]:
    """The factors of an account that work, the oldest first."""
    mine = (factors.c.handle == handle, factors.c.removed_at.is_(None))
    wanted = select(factors).where(*mine).order_by(factors.c.made_at, factors.c.id)
    return [Factor(*row) for row in connection.execute(wanted)]


def every(connection: Connection) -> list[Factor]:
    """All factors, by id, also those that are gone."""
    return [Factor(*row) for row in connection.execute(select(factors).order_by(factors.c.id))]


def kinds_by_account(connection: Connection) -> dict[str, dict[str, int]]:
    """How many factors of each kind work, by account."""
    of = factors.c
    counted = select(of.handle, of.kind, func.count()).where(of.removed_at.is_(None))
    found: dict[str, dict[str, int]] = {}
    for handle, kind, n in connection.execute(counted.group_by(of.handle, of.kind)):
        found.setdefault(handle, {})[kind] = n
    return found


def has_any(connection: Connection, handle: str) -> bool:
    """Whether the account has a factor that the sign-in asks for."""
    of = factors.c
    mine = (of.handle == handle, of.removed_at.is_(None), of.kind.in_(ASKED_FOR))
    return connection.scalar(select(literal(1)).where(*mine).limit(1)) is not None


def count_made(connection: Connection, handle: str) -> int:
    """How many factors the account has had, also those that are gone."""
    mine = factors.c.handle == handle
    return connection.scalar(select(func.count()).select_from(factors).where(mine)) or 0


def add(connection: Connection, new: Iterable[Factor]) -> None:
    """Add factors."""
    connection.execute(insert(factors), [each._asdict() for each in new])


def use(connection: Connection, id_: str, *, before: int, counter: int, at: datetime) -> bool:
    """Note that a factor was used; return False if its counter is no longer `before`."""
    unchanged = (factors.c.id == id_, factors.c.counter == before, factors.c.removed_at.is_(None))
    used = update(factors).where(*unchanged).values(counter=counter, used_at=at)
    return connection.execute(used).rowcount == 1


def remove(connection: Connection, id_: str, at: datetime) -> bool:
    """Remove a factor; return False if that was done before."""
    there = (factors.c.id == id_, factors.c.removed_at.is_(None))
    gone = update(factors).where(*there).values(removed_at=at, secret="", name="")
    return connection.execute(gone).rowcount == 1


def count_names(connection: Connection, handle: str) -> int:
    """How many factors of the account have a name, also those that are gone."""
    named = (factors.c.handle == handle, factors.c.name != "")
    return connection.scalar(select(func.count()).select_from(factors).where(*named)) or 0


def erase_names(connection: Connection, handle: str) -> None:
    """Erase the names that the account's owner gave to factors, which go on working."""
    named = (factors.c.handle == handle, factors.c.name != "")
    connection.execute(update(factors).where(*named).values(name=""))


def seal(connection: Connection, id_: str, seal: str | None) -> None:
    """Set the seal of a factor."""
    connection.execute(update(factors).where(factors.c.id == id_).values(seal=seal))
