"""The covered entries: those that the last checkpoint vouches for, in the order of the log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice

from sqlalchemy import ColumnElement, Connection, and_, false, func, or_, select, type_coerce
from sqlalchemy.types import NullType

from incidents.audit.export import Selection
from incidents.audit.replay.stream import parts
from incidents.record.own_events import LogKeyMade, PolicyActivated
from incidents.store.schema.log_tables import leaves
from incidents.store.schema.tables import DESK_STREAM, entries

Numbered = tuple[int, str]
"""An entry's leaf index, and its text as it is stored."""


def count(connection: Connection, wanted: Selection, size: int) -> int:
    """How many of the wanted entries are among the first `size` of the log."""
    if wanted.everything:
        return size
    joined = entries.join(leaves, leaves.c.entry_id == entries.c.id)
    counted = select(func.count()).select_from(joined)
    return connection.scalar(counted.where(leaves.c.leaf_index < size, *wanted.conditions)) or 0


def stored(
    connection: Connection, wanted: Selection, size: int, *, at_once: int
) -> Iterator[Sequence[Numbered]]:
    """Those of the first `size` entries that are wanted, `at_once` at a time.

    With a part of the log come the desk's own acts by which policies and keys were named: the part
    names them. They are nobody's, so that with one site's entries nothing of another one is shown.
    """
    joined = leaves.join(entries, entries.c.id == leaves.c.entry_id)
    found = select(leaves.c.leaf_index, type_coerce(entries.c.body, NullType()))
    found = found.select_from(joined).where(leaves.c.leaf_index < size, _wanted(wanted))
    rows = chain.from_iterable(parts(connection, found.order_by(leaves.c.leaf_index)))
    while batch := list(islice(rows, at_once)):
        yield [(index, body) for index, body in batch]


def _wanted(wanted: Selection) -> ColumnElement[bool]:
    if wanted.everything:
        return ~false()
    named = or_(*(_is_of(kind) for kind in (PolicyActivated.kind, LogKeyMade.kind)))
    return or_(and_(*wanted.conditions), and_(entries.c.site_id == DESK_STREAM, named))


def _is_of(kind: str) -> ColumnElement[bool]:
    # Within a text of an entry each quotation mark has a backslash before it.
    return entries.c.body.contains(f'"kind":"{kind}"', autoescape=True)
