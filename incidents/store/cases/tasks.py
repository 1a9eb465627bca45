"""Queries of tasks: what the desk has to do for a site."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, and_, select

from incidents.machine.case import Task
from incidents.store.schema.tables import tasks
from incidents.store.schema.types import Number
from incidents.store.statements.statement import Change, Question, Row
from incidents.store.statements.values_table import Given

Found = tuple[int, Task]
"""A site's id and the task."""

Changed = tuple[int, Task | None, Task]
"""A site's id, what its task was (None: new) and what it is."""


def read(row: Any) -> Task:
    """The task of a row."""
    fields = {name: row[name] for name in _NAMES}
    fields["incidents"] = tuple(fields["incidents"])
    fields["about"] = tuple(fields["about"] or ())
    return Task(**fields)


def one(connection: Connection, site_id: int, n: int) -> Task | None:
    """The site's task of that number, whether it is done or not; no lock."""
    found = connection.execute(select(tasks).where(tasks.c.site_id == site_id, tasks.c.n == n))
    row = found.mappings().first()
    return None if row is None else read(row)


def save(connection: Connection, changes: Sequence[Changed]) -> None:
    """Writes tasks."""
    _NEW.tell(connection, [_row(site, now) for site, was, now in changes if was is None])
    _CHANGED.tell(
        connection,
        [
            (site, now.n, *[getattr(now, name) for name in _DONE])
            for site, was, now in changes
            if was is not None
        ],
    )


def _row(site: int, task: Task) -> Row:
    values = {name: getattr(task, name) for name in _NAMES}
    own = {"incidents": list(task.incidents), "about": list(task.about) or None}
    return (site, *{**values, **own}.values())


def _found(row: Row) -> Found:
    site, *own = row
    return site, read(dict(zip(_NAMES, own, strict=True)))


def _open(dialect: str) -> tuple[Select[Any], Given]:
    given = Given(dialect, site_id=Number)
    on = and_(tasks.c.site_id == given.table.c.site_id, tasks.c.done_at.is_(None))
    return given.joined(tasks.c, tasks, on), given


OPEN: Question[Found] = Question(_open, _found)
"""Given sites: those that are not done."""

_DONE = ("done_at", "outcome", "note", "by")
_NAMES = tuple(column.name for column in tasks.c if column.name != "site_id")
_NEW = Change(tasks, "site_id", *_NAMES)
_CHANGED = Change(tasks, *_DONE, keys=("site_id", "n"))
