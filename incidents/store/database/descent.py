"""The descent of a standby: whether all that it shows is in the primary's record, too.

A standby that followed a lost primary can have entries that the new primary never had, and the
positions of their logs do not tell. The newest entry does: its number can be another's by now, but
not its hash.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, bindparam, select

from incidents.store.schema.desk_tables import entries
from incidents.store.schema.types import Number
from incidents.store.statement import Query


class Newest(NamedTuple):
    """The number and the leaf hash of the newest entry."""

    id: int
    leaf_hash: bytes


def newest(connection: Connection) -> Newest | None:
    """The newest entry that a database has, in any stream; None if there is none."""
    found = _NEWEST.fetch(connection).all()
    return found[0] if found else None


def has(connection: Connection, entry: Newest) -> bool:
    """Whether a database has that entry."""
    return _NUMBERED.fetch(connection, id=entry.id).all() == [entry]


_OWN = entries.c.id, entries.c.leaf_hash
_NEWEST: Query[Newest] = Query(
    lambda _: select(*_OWN).order_by(entries.c.id.desc()).limit(1), lambda row: Newest(*row)
)
_NUMBERED: Query[Newest] = Query(
    lambda _: select(*_OWN).where(entries.c.id == bindparam("id", type_=Number)),
    lambda row: Newest(*row),
)
