"""The work that the queue lists, a row for each item; and when the next clock runs out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import Connection, Engine, bindparam, select

from incidents.machine.work import Item
from incidents.store.database.engine import reading
from incidents.store.schema.tables import FAR, LAST, desk, sites, work
from incidents.store.schema.types import UTCDateTime
from incidents.store.statements.statement import Change, Question

Changed = tuple[int, Item | None, Item | None]
"""A site's id, the item before and the item now."""


def save(connection: Connection, changes: Sequence[Changed]) -> None:
    """Writes items."""
    _GONE.tell(connection, [(site, was.item) for site, was, _ in changes if was is not None])
    _NEW.tell(
        connection,
        [
            (site, i.item, i.kind, i.incident, i.due, sort_due(i), i.recorded_at)
            for site, _, i in changes
            if i is not None
        ],
    )


def sort_due(item: Item) -> datetime:
    """The time by which the item stands in the queue (UTC)."""
    return item.due or (LAST if item.comes_last else FAR)


_NEW = Change(work, "site_id", "item", "kind", "incident", "due", "sort_due", "recorded_at")
_GONE = Change(work, keys=("site_id", "item"))


def earliest_due(connection: Connection, since: datetime | None = None) -> datetime | None:
    """The earliest due time of all sites, None if no clock runs; it is due strictly after it.

    With `since` (UTC) those before it are left out: what somebody else is at work on, say.
    """
    if since is None:
        return next(iter(_EARLIEST.ask(connection).all()), None)
    return next(iter(_EARLIEST_SINCE.ask(connection, since=since).all()), None)


def at_a_look(connection: Connection) -> tuple[datetime | None, datetime | None]:
    """The earliest due time, as above, and since when nothing is carried out (None: it is); UTC.

    In one question: a daemon asks it each second, whether anything is due or not.
    """
    [found] = _AT_A_LOOK.ask(connection).all()
    return found


def any_may_be_due(engine: Engine, clock: Callable[[], datetime]) -> bool:
    """A look first, on SQLite: the file's one write lock is not taken to find nothing to do."""
    if engine.dialect.name != "sqlite":
        return True
    with reading(engine) as connection:
        due = earliest_due(connection)
    return due is not None and due < clock()


_due = sites.c.next_due
_first = select(_due).order_by(_due, sites.c.id).limit(1)
_some = _first.where(_due.is_not(None))
_since = _first.where(_due >= bindparam("since", type_=UTCDateTime))
_EARLIEST: Question[datetime | None] = Question(lambda _: (_some, None), lambda row: row[0])
_EARLIEST_SINCE: Question[datetime | None] = Question(lambda _: (_since, None), lambda row: row[0])
_AT_A_LOOK: Question[tuple[datetime | None, datetime | None]] = Question(
    lambda _: (select(_some.scalar_subquery(), desk.c.halted_since), None),
    lambda row: (row[0], row[1]),
)
