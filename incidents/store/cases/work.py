"""Queries for the work: the items of the queue, their holders, and the desk's tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, select

from incidents.machine.case import Claim, Task
from incidents.machine.work import Item
from incidents.store.compiled import Row
from incidents.store.database.engine import reading
from incidents.store.schema.desk_tables import desk
from incidents.store.schema.tables import FAR, LAST, claims, sites, tasks, work
from incidents.store.schema.types import Number, UTCDateTime
from incidents.store.statement import Mutation, Query

ChangedItem = tuple[int, Item | None, Item | None]
"""A site's id, the item before and the item now."""


def save_items(connection: Connection, changes: Sequence[ChangedItem]) -> None:
    """Write items."""
    gone = [(site, was.item) for site, was, _ in changes if was is not None]
    _GONE_ITEM.execute(connection, gone)
    _NEW_ITEM.execute(
        connection,
        [
            (site, i.item, i.kind, i.incident, i.due, sort_due(i), i.recorded_at)
            for site, _, i in changes
            if i is not None
        ],
    )


def sort_due(item: Item) -> datetime:
    """The time (UTC) that gives the item's position in the queue."""
    return item.due or (LAST if item.comes_last else FAR)


_NEW_ITEM = Mutation(work, "site_id", "item", "kind", "incident", "due", "sort_due", "recorded_at")
_GONE_ITEM = Mutation(work, keys=("site_id", "item"))


def earliest_due(connection: Connection, since: datetime | None = None) -> datetime | None:
    """The earliest due time of all sites; None without one. Items are due strictly after it.

    `since` (UTC): leave out earlier times, for example times that another process handles.
    """
    if since is None:
        return next(iter(_EARLIEST.fetch(connection).all()), None)
    return next(iter(_EARLIEST_SINCE.fetch(connection, since=since).all()), None)


def due_and_halt(connection: Connection) -> tuple[datetime | None, datetime | None]:
    """The earliest due time, and the start of a halt of orders (None: no halt), both in UTC.

    It is one query, because a daemon runs it every second.
    """
    [found] = _DUE_AND_HALT.fetch(connection).all()
    return found


def any_may_be_due(engine: Engine, clock: Callable[[], datetime]) -> bool:
    """Whether anything may be due; a read first, so that SQLite is not locked in vain."""
    if engine.dialect.name != "sqlite":
        return True
    with reading(engine) as connection:
        due = earliest_due(connection)
    return due is not None and due < clock()


_due = sites.c.next_due
_first = select(_due).order_by(_due, sites.c.id).limit(1)
_some = _first.where(_due.is_not(None))
_since = _first.where(_due >= bindparam("since", type_=UTCDateTime))
_EARLIEST: Query[datetime | None] = Query(lambda _: _some, lambda row: row[0])
_EARLIEST_SINCE: Query[datetime | None] = Query(lambda _: _since, lambda row: row[0])
_DUE_AND_HALT: Query[tuple[datetime | None, datetime | None]] = Query(
    lambda _: select(_some.scalar_subquery(), desk.c.halted_since), lambda row: (row[0], row[1])
)


FoundClaim = tuple[int, str, Claim]
"""A site's id, the item and its claim."""

ChangedClaim = tuple[int, str, Claim | None, Claim | None]
"""A site's id, the item, its claim before and its claim now."""


def sites_claimed_by(connection: Connection, person: str) -> list[int]:
    """The ids of the sites on which the person holds an item, in order."""
    c = claims.c
    query = select(c.site_id).where(c.by == person).distinct().order_by(c.site_id)
    return list(connection.scalars(query))


def claims_of_sites(connection: Connection, site_ids: Iterable[int]) -> list[FoundClaim]:
    """All claims on those sites."""
    return CLAIMS_OF_SITES.fetch(connection, [(id_,) for id_ in sorted(site_ids)]).all()


def save_claims(connection: Connection, changes: Sequence[ChangedClaim]) -> None:
    """Write claims."""
    gone = [(site, item) for site, item, was, _ in changes if was is not None]
    new = [(site, item, now.by, now.at) for site, item, _, now in changes if now is not None]
    _GONE_CLAIM.execute(connection, gone)
    _NEW_CLAIM.execute(connection, new)


CLAIMS_OF_SITES: Query[FoundClaim] = Query(
    lambda given: given.joined(claims.c, claims, claims.c.site_id == given.c.site_id),
    lambda row: (row[0], row[1], Claim(by=row[2], at=row[3])),
    site_id=Number,
)
"""All claims on the given sites."""

_NEW_CLAIM = Mutation(claims, "site_id", "item", "by", "at")
_GONE_CLAIM = Mutation(claims, keys=("site_id", "item"))


FoundTask = tuple[int, Task]
"""A site's id and the task."""

ChangedTask = tuple[int, Task | None, Task]
"""A site's id, its task before (None: new) and now."""


def read_task(row: Any) -> Task:
    """The task of a row."""
    fields = {name: row[name] for name in _TASK_NAMES}
    fields["incidents"] = tuple(fields["incidents"])
    fields["about"] = tuple(fields["about"] or ())
    return Task(**fields)


def one_task(connection: Connection, site_id: int, n: int) -> Task | None:
    """The site's task with that number, done or not; without a lock."""
    found = connection.execute(select(tasks).where(tasks.c.site_id == site_id, tasks.c.n == n))
    row = found.mappings().first()
    return None if row is None else read_task(row)


def save_tasks(connection: Connection, changes: Sequence[ChangedTask]) -> None:
    """Write tasks."""
    new = [_task_row(site, now) for site, was, now in changes if was is None]
    _NEW_TASK.execute(connection, new)
    _CHANGED_TASK.execute(
        connection,
        [
            (site, now.n, *[getattr(now, name) for name in _DONE])
            for site, was, now in changes
            if was is not None
        ],
    )


def _task_row(site: int, task: Task) -> Row:
    values = {name: getattr(task, name) for name in _TASK_NAMES}
    own = {"incidents": list(task.incidents), "about": list(task.about) or None}
    return (site, *{**values, **own}.values())


def _found_task(row: Row) -> FoundTask:
    site, *own = row
    return site, read_task(dict(zip(_TASK_NAMES, own, strict=True)))


OPEN_TASKS: Query[FoundTask] = Query(
    lambda given: given.joined(
        tasks.c, tasks, tasks.c.site_id == given.c.site_id, tasks.c.done_at.is_(None)
    ),
    _found_task,
    site_id=Number,
)
"""The open tasks of the given sites."""

_DONE = ("done_at", "outcome", "note", "by")
_TASK_NAMES = tuple(column.name for column in tasks.c if column.name != "site_id")
_NEW_TASK = Mutation(tasks, "site_id", *_TASK_NAMES)
_CHANGED_TASK = Mutation(tasks, *_DONE, keys=("site_id", "n"))
