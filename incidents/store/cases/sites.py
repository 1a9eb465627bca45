"""Queries for sites: find, lock, create and save them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from difflib import SequenceMatcher, get_close_matches
from heapq import nlargest
from itertools import islice, pairwise
from typing import Any

from sqlalchemy import Connection, Integer, Select, bindparam, func, or_, select

from incidents.errors import Cause, UnknownSiteError
from incidents.machine.case import Case
from incidents.store.cases.site_row import Row, to_row
from incidents.store.desk_state import server_time
from incidents.store.schema.tables import sites
from incidents.store.schema.types import Number, UTCDateTime, Word
from incidents.store.statement import Mutation, Query, insert_missing
from incidents.store.values_table import ValuesTable

_CANDIDATES, _COMPARED = 5_000, 20
"""The maximum numbers of names to search, and to compare letter by letter (up to cubic cost)."""

_LOOKED_AT = 100
"""The maximum number of letters of a name to compare."""


def ids_by_name(connection: Connection, names: Iterable[str]) -> dict[str, int]:
    """The ids of the sites with those names; unknown names are left out."""
    return dict(_BY_NAME.fetch(connection, [(name,) for name in sorted(names)]).all())


def name_of(connection: Connection, id_: int) -> str | None:
    """The name of the site with that id; None if there is no such site."""
    name: str | None = connection.scalar(select(sites.c.name).where(sites.c.id == id_))
    return name


def names_of(connection: Connection, ids: Iterable[int]) -> dict[int, str]:
    """The names of those sites, by their ids."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    asked = select(sites.c.id, sites.c.name).where(sites.c.id.in_(wanted))
    return {row.id: row.name for row in connection.execute(asked)}


def entry_counts(connection: Connection, ids: Iterable[int]) -> dict[int, int]:
    """The number of entries of each site, by which a page names the state that it showed."""
    found = connection.execute(select(sites.c.id, sites.c.seq).where(sites.c.id.in_(list(ids))))
    return {row.id: row.seq for row in found}


def named(connection: Connection, name: str) -> Row:
    """The row of the site with that name.

    Raises:
        UnknownSiteError: with the nearest names.
    """
    found = connection.execute(select(sites).where(sites.c.name == name)).mappings().first()
    # A row without an entry belongs to an action in progress.
    if found is None or found["created_at"] is None:
        raise unknown(connection, name)
    return dict(found)


def known(connection: Connection, names: Iterable[str]) -> dict[str, Row]:
    """The rows of the sites with those names; unknown names are left out."""
    asked = sites.c.name.in_(sorted(set(names)))
    found = connection.execute(select(sites).where(asked, sites.c.created_at.is_not(None)))
    return {row["name"]: dict(row) for row in found.mappings()}


def mismatched(
    connection: Connection,
    *,
    every: bool = False,
    after: str | None = None,
    most: int | None = None,
) -> tuple[list[str], int]:
    """List sites that are down, or whose state differs from the order; `every`: all sites.

    Returns the first `most` sites after the name `after`, and the number of sites that follow.
    """
    of = sites.c
    asked = select(of.name).where(of.created_at.is_not(None))
    if not every:
        asked = asked.where(or_(of.state != "active", of.in_force != of.state))
    if after is not None:
        asked = asked.where(of.name > after)
    names = list(connection.scalars(asked.order_by(of.name).limit(most)))
    if most is None or len(names) < most:
        return names, 0
    total = connection.scalar(select(func.count()).select_from(asked.subquery())) or 0
    return names, total - len(names)


def last_id(connection: Connection) -> int:
    """The highest id of any site; 0 if there are no sites."""
    return connection.scalar(select(func.max(sites.c.id))) or 0


def without_order(
    connection: Connection, behind: int, since: datetime, until: datetime
) -> list[tuple[int, str]]:
    """The sites after that id without any order, added from `since` and before `until` (UTC)."""
    of = sites.c
    added = (of.id > behind, of.created_at >= since, of.created_at < until, of.last_act == 0)
    return [(row.id, row.name) for row in connection.execute(select(of.id, of.name).where(*added))]


def closed(connection: Connection, names: Iterable[str]) -> set[str]:
    """Those of the names whose sites are closed: no clock counts there."""
    of = sites.c
    found = connection.scalars(
        select(of.name).where(of.name.in_(sorted(names)), of.state == "closed")
    )
    return set(found)


def closed_in_the_world(connection: Connection, ids: Iterable[int]) -> set[int]:
    """The sites with those ids that are known to be actually closed."""
    of = sites.c
    found = connection.scalars(select(of.id).where(of.id.in_(list(ids)), of.in_force == "closed"))
    return set(found)


def unknown(connection: Connection, name: str) -> UnknownSiteError:
    """The error for a name that is not in the register, with the nearest names."""
    near = nearest(connection, name)
    sentence = f" (did you mean {' or '.join(near)}?)"
    way_out = Cause.formatted("did_you_mean", sentence, {"nearest": list(near)}) if near else ""
    return UnknownSiteError(site=name, way_out=way_out, nearest=list(near))


def lock(connection: Connection, ids: Iterable[int]) -> dict[int, Row]:
    """Lock and return the rows of those sites, as `LOCKED` does."""
    found = LOCKED.fetch(connection, [(id_,) for id_ in sorted(ids)]).all()
    return {row["id"]: row for row in found}


def add(connection: Connection, names: Sequence[str]) -> None:
    """Add missing rows for those sites, still without an entry."""
    empty = to_row(Case(site_id=0, site=""))
    rows = [{**empty, "name": name} for name in sorted(names)]
    connection.execute(insert_missing(connection, sites), rows)


def remove(connection: Connection, ids: Iterable[int]) -> None:
    """Delete the rows from `add` that got no entry."""
    _REMOVED.execute(connection, [(id_,) for id_ in sorted(ids)])


def save(connection: Connection, changes: Iterable[tuple[Row, Case]]) -> None:
    """Write the changed rows of sites: each row as it was read, with the present case."""
    moved, changed = [], []
    for was, case in changes:
        now = to_row(case)
        differs = {name for name, value in now.items() if was[name] != value}
        if not differs:
            continue
        if differs <= _MOVES:
            moved.append((case.site_id, *[now[name] for name in _MOVED.columns[1:]]))
        else:
            changed.append((case.site_id, *now.values()))
    _MOVED.execute(connection, moved)
    _SAVED.execute(connection, changed)


def nearest(connection: Connection, name: str, most: int = 3) -> tuple[str, ...]:
    """The most similar names in the register, compared without the ending that all names share.

    Names whose first label equals the given name come first: `shop` is short for `shop.example`.
    """
    head, tail = _escaped(name[:3]), _escaped(name[-6:])
    inside = _escaped(name[1:5])
    likely = select(sites.c.name).where(
        or_(
            sites.c.name.like(f"{head}%", escape="\\"),
            sites.c.name.like(f"%{tail}", escape="\\"),
            sites.c.name.like(f"%{inside}%", escape="\\"),
        )
    )
    names = connection.scalars(likely.order_by(sites.c.name).limit(_CANDIDATES)).all()
    beginnings = {each[:_LOOKED_AT]: each for each in reversed(names)}
    near = _most_similar(name[:_LOOKED_AT], beginnings)
    close = get_close_matches(name[:_LOOKED_AT], near, n=4 * most, cutoff=0.6)
    alike = (beginnings[each] for each in close if _are_alike(name, each))
    longer = sorted((each for each in names if each.startswith(f"{name}.")), key=len)
    return tuple(islice(dict.fromkeys([*longer, *alike]), most))


def _most_similar(name: str, others: Iterable[str]) -> list[str]:
    """The names that share the most pairs of letters with `name`, relative to all pairs of both."""
    own = _pairs(name)

    def shared(other: str) -> float:
        pairs = _pairs(other)
        return len(own & pairs) / (len(own) + len(pairs) or 1)

    return nlargest(_COMPARED, others, key=shared)


def _pairs(name: str) -> set[tuple[str, str]]:
    return set(pairwise(name))


def _are_alike(name: str, other: str) -> bool:
    """Whether the names are similar apart from their common last labels: `.cn` does not count."""
    own, others = name.split("."), other.split(".")
    while own and others and own[-1] == others[-1]:
        own.pop()
        others.pop()
    mine, theirs = ".".join(own)[:_LOOKED_AT], ".".join(others)
    return not (mine and theirs) or SequenceMatcher(None, mine, theirs).ratio() >= 0.5


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")


def _row(values: Sequence[Any]) -> Row:
    return dict(zip(_COLUMNS, values, strict=True))


def _by_name(given: ValuesTable) -> Select[Any]:
    joined = given.table.join(sites, sites.c.name == given.c.name)
    return select(sites.c.name, sites.c.id).select_from(joined)


def _locked(given: ValuesTable) -> Select[Any]:
    [by] = given.c
    joined = given.table.join(sites, sites.c[by.name] == by)
    statement = select(sites).select_from(joined).order_by(sites.c.id)
    # No key changes, so rows elsewhere that refer to the site need not wait.
    return statement.with_for_update(of=sites, key_share=True)


def _due(given: ValuesTable) -> Select[Any]:
    is_sqlite = given.dialect == "sqlite"
    now = bindparam("now", type_=UTCDateTime) if is_sqlite else server_time()
    most = bindparam("most", type_=Integer)
    statement = select(sites).where(sites.c.next_due < now)
    statement = statement.order_by(sites.c.next_due, sites.c.id).limit(most)
    if is_sqlite:
        return statement
    return statement.with_for_update(skip_locked=True, key_share=True)


_COLUMNS = tuple(column.name for column in sites.c)
_BY_NAME: Query[tuple[str, int]] = Query(_by_name, lambda row: (row[0], row[1]), name=Word)

LOCKED: Query[Row] = Query(_locked, _row, id=Number)
"""The rows of the sites with the given ids, locked until the transaction ends, by id.

On SQLite the transaction has already locked the whole file. Read the sites' parts afterwards, in a
separate statement: a statement that locks and reads at once would read the state before the lock.
"""

LOCKED_BY_NAME: Query[Row] = Query(_locked, _row, name=Word)
"""The rows of the sites with the given names, locked like `LOCKED`, also in the order of ids."""

DUE: Query[Row] = Query(_due, _row)
"""The rows of at most `most` sites with something due, earliest first, locked.

An item is due if its time is before now by the database's own clock, or before `now` if the
database has no clock or accepts simulated times. Rows locked by other transactions are skipped.
"""

_REMOVED = Mutation(sites, keys=("id",))
# The columns that nearly every action changes; the others are seldom written.
_MOVES = {
    "state", "rule", "run", "suspended_until", "last_entry_at", "seq", "last_incident",
    "last_suspension", "last_task", "next_due",
}  # fmt: skip
_MOVED = Mutation(sites, *sorted(_MOVES), keys=("id",))
_SAVED = Mutation(sites, *(name for name in _COLUMNS if name not in ("id", "name")), keys=("id",))
