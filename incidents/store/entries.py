"""The entries, never changed, and people's own words, erased without breaking a proof."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, Text, func, select

from incidents.store.round_trip import Given
from incidents.store.schema.tables import DESK_STREAM, entries, sealed
from incidents.store.statement import Change, Question
from incidents.tlog.tree import leaf_hash


class Entry(NamedTuple):
    """One entry: its place in its site's stream, when it was recorded (UTC), its canonical JSON."""

    site_id: int
    site_seq: int
    recorded_at: datetime
    body: str
    leaf_hash: bytes

    @classmethod
    def of(cls, site_id: int, site_seq: int, recorded_at: datetime, body: str) -> Entry:
        """With the hash of the leaf that it will be in the log (RFC 6962, section 2.1)."""
        return cls(site_id, site_seq, recorded_at, body, leaf_hash(body.encode()))


def add(connection: Connection, new: Sequence[Entry]) -> None:
    """Writes entries, in the order given."""
    _NEW.tell(connection, new)


def last_id(connection: Connection) -> int:
    """The id of the newest entry of all; 0 if there is none."""
    return connection.scalar(select(func.max(entries.c.id))) or 0


class Newest(NamedTuple):
    """The newest entry of all: its id, and the hash of its leaf."""

    id: int
    leaf: bytes


def newest(connection: Connection) -> Newest | None:
    """The newest entry of all; None if there is none."""
    [*found] = _NEWEST.ask(connection).all()
    return found[0] if found else None


def has(connection: Connection, id_: int, leaf: str) -> bool:
    """Whether the entry of that id is there, and has that hash (hexadecimal)."""
    found = connection.scalar(select(entries.c.leaf_hash).where(entries.c.id == id_))
    return found is not None and found.hex() == leaf


def last_of_desk(connection: Connection) -> datetime | None:
    """When the last entry of the desk's own stream was recorded (UTC)."""
    statement = select(func.max(entries.c.recorded_at)).where(entries.c.site_id == DESK_STREAM)
    recorded_at: datetime | None = connection.scalar(statement)
    return recorded_at


_NEW = Change(entries, *Entry._fields)
_NEWEST: Question[Newest] = Question(
    lambda _: (
        select(entries.c.id, entries.c.leaf_hash).order_by(entries.c.id.desc()).limit(1), None,
    ),
    lambda row: Newest(row[0], bytes(row[1])),
)  # fmt: skip


class Sealed(NamedTuple):
    """The reference, the salt and the value; whose entry refers to it, recorded when (UTC)."""

    ref: str
    salt: bytes
    value: str
    site_id: int
    sealed_at: datetime


def add_sealed(connection: Connection, new: Sequence[Sealed]) -> None:
    """Keeps values."""
    _NEW_SEALED.tell(connection, new)


def values(connection: Connection, refs: Iterable[str]) -> dict[str, str]:
    """What those references stand for; erased ones are left out."""
    return dict(_NAMED.ask(connection, [(ref,) for ref in sorted(set(refs))]).all())


def _named(dialect: str) -> tuple[Select[Any], Given]:
    given = Given(dialect, ref=Text)
    joined = given.table.join(sealed, sealed.c.ref == given.table.c.ref)
    return select(sealed.c.ref, sealed.c.value).select_from(joined), given


_NAMED: Question[tuple[str, str]] = Question(_named, lambda row: (row[0], row[1]))
_NEW_SEALED = Change(sealed, *Sealed._fields)
