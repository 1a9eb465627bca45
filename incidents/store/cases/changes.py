"""The changes of cases: what is written of each after it has been decided, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from incidents.machine.case import Case
from incidents.machine.work import items
from incidents.store.cases import claims, filings, incidents, suspensions, tasks, work

Cases = Mapping[int, Case]


def save(connection: Connection, before: Cases, after: Cases) -> None:
    """Writes what has changed; the sites' own rows are `sites.save`'s."""
    # What nothing has happened to is the very same.
    pairs = [(i, before[i], after[i]) for i in sorted(after) if before[i].seq != after[i].seq]
    incidents.save(connection, _changes(pairs, "incidents"))
    suspensions.save(connection, _changes(pairs, "suspensions"))
    tasks.save(connection, _changes(pairs, "tasks"))
    claims.save(
        connection,
        [
            (id_, item, was.claims.get(item), now.claims.get(item))
            for id_, was, now in pairs
            for item in sorted(was.claims.keys() | now.claims.keys())
            if was.claims.get(item) != now.claims.get(item)
        ],
    )
    filings.save(connection, pairs)
    work.save(connection, [change for pair in pairs for change in _work(*pair)])


def _changes(pairs: Sequence[tuple[int, Case, Case]], what: str) -> list[tuple[int, Any, Any]]:
    found = []
    for id_, was, now in pairs:
        before = getattr(was, what)
        for n, value in getattr(now, what).items():
            old = before.get(n)
            if old is not value and old != value:
                found.append((id_, old, value))
    return found


def _work(id_: int, was: Case, now: Case) -> list[work.Changed]:
    before, after = items(was), items(now)
    return [
        (id_, before.get(item), after.get(item))
        for item in sorted(before.keys() | after.keys())
        if before.get(item) != after.get(item)
    ]
