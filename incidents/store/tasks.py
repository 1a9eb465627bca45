"""Queries of tasks: what the desk has to do for a site."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, insert, select, update

from incidents.machine.case import Task
from incidents.store.given import Given, execute
from incidents.store.tables import tasks
from incidents.store.types import Number

Key = tuple[int, int]
"""A site's id and the task's number there."""

Change = tuple[int, Task | None, Task]
"""A site's id, what its task was (None: new) and what it is."""


def open_(connection: Connection, site_ids: Iterable[int]) -> dict[Key, Task]:
    """Those that are not done."""
    statement, given = _open(connection.dialect.name)
    rows = connection.execute(statement, given.parameters([(id_,) for id_ in sorted(site_ids)]))
    return {(row["site_id"], row["n"]): read(row) for row in rows.mappings()}


def read(row: Any) -> Task:
    """The task of a row."""
    fields = {name: row[name] for name in _NAMES}
    return Task(**{**fields, "incidents": tuple(fields["incidents"])})


def save(connection: Connection, changes: Sequence[Change]) -> None:
    """Writes tasks."""
    changed = [
        {"key_site": site, "key_n": now.n, **{name: getattr(now, name) for name in _DONE}}
        for site, was, now in changes
        if was is not None
    ]
    new = [
        {
            "site_id": site,
            **{name: getattr(now, name) for name in _NAMES},
            "incidents": list(now.incidents),
        }
        for site, was, now in changes
        if was is None
    ]
    execute(connection, _NEW, new)
    execute(connection, _CHANGED, changed)


@cache
def _open(dialect: str) -> tuple[Select[Any], Given]:
    given = Given(dialect, site_id=Number)
    on = and_(tasks.c.site_id == given.table.c.site_id, tasks.c.done_at.is_(None))
    return select(tasks).select_from(given.table.join(tasks, on)), given


_DONE = ("done_at", "outcome", "note", "by")
_NAMES = tuple(column.name for column in tasks.c if column.name != "site_id")
_NEW = insert(tasks)
_CHANGED = update(tasks).where(
    tasks.c.site_id == bindparam("key_site"), tasks.c.n == bindparam("key_n")
)
