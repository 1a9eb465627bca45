"""Queries for the leaves: entries without a number, the numbers, and the tree over them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    Select,
    Text,
    bindparam,
    cast,
    exists,
    func,
    select,
    text,
    update,
)

from incidents.errors import VerificationError
from incidents.store.archive import whole
from incidents.store.database.postgresql_engine import LOOK_UP_BY_KEYS
from incidents.store.schema.desk_tables import entries
from incidents.store.schema.log_tables import leaves, log_head, tiles
from incidents.store.statement import insert_or
from incidents.tlog.tree import WIDTH

# "leaves" in ASCII: an advisory lock has a number, not a name.
_LOCK = 0x6C6561766573
_IN_ORDER = LOOK_UP_BY_KEYS | {
    "enable_sort": "off",
    "max_parallel_workers_per_gather": "0",
}


class NoHeadError(VerificationError):
    """the row of the table log_head is gone, and this program did not delete it: restore the
    database from a backup"""


class Head(NamedTuple):
    """The numbered log: its size, its compact range (32-byte hashes), and where to search next.

    Every entry with an id up to `floor` has a number, and no entry will be added there. The same
    will be true of `next_floor` once all transactions before `horizon` have ended.
    """

    size: int
    frontier: bytes
    floor: int
    next_floor: int | None
    horizon: int | None


class Snapshot(NamedTuple):
    """What a transaction sees: the id of the `newest` entry (0 without an entry).

    On PostgreSQL also two transaction numbers: all transactions before `ended` have ended, and none
    from `to_come` on has ended, though some may have begun.
    """

    newest: int
    ended: int | None
    to_come: int | None


class Unpublished(NamedTuple):
    """The number of `entries`, and when the oldest of them was recorded (UTC)."""

    entries: int
    since: datetime | None


class Leaf(NamedTuple):
    """A numbered entry: its id and its leaf hash (RFC 6962, section 2.1)."""

    entry_id: int
    hash: bytes


def lock(connection: Connection) -> bool:
    """Take the lock for numbering; False if another transaction has it.

    On SQLite a writer has already locked the whole file.
    """
    if connection.dialect.name == "sqlite":
        return True
    # Entries above the floor are read in the order of their ids, up to the limit. The planner knows
    # nothing of the floor, and would sort a third of the table.
    plans = (func.set_config(name, value, True) for name, value in _IN_ORDER.items())
    statement = select(func.pg_try_advisory_xact_lock(_LOCK), *plans)
    return bool(connection.execute(statement).one()[0])


def head(connection: Connection) -> Head:
    """The present head of the log."""
    columns = [log_head.c[name] for name in Head._fields]
    row = connection.execute(select(*columns)).first()
    if row is None:
        raise NoHeadError
    return Head(*row)


def snapshot(connection: Connection) -> Snapshot:
    """The snapshot that one statement sees."""
    newest = select(func.coalesce(func.max(entries.c.id), 0)).scalar_subquery()
    if connection.dialect.name == "sqlite":
        return Snapshot(connection.scalar(select(newest)) or 0, None, None)
    now = func.pg_current_snapshot()
    ended, to_come = map(_number, (func.pg_snapshot_xmin(now), func.pg_snapshot_xmax(now)))
    return Snapshot(*connection.execute(select(newest, ended, to_come)).one())


def own_transaction(connection: Connection) -> int | None:
    """The number of this transaction; earlier writers have lower numbers.

    On PostgreSQL the number is assigned now, if there is none yet. SQLite has no such numbers.
    """
    if connection.dialect.name == "sqlite":
        return None
    return connection.scalar(select(_number(func.pg_current_xact_id())))


def any_above(connection: Connection, floor: int) -> bool:
    """Whether an entry has an id above `floor`; if none has, nothing needs a number."""
    return bool(connection.scalar(select(exists().where(entries.c.id > floor))))


def number(connection: Connection, *, size: int, floor: int, limit: int) -> list[Leaf]:
    """Number the first `limit` entries above `floor` that have no number, from `size` on.

    Returns the numbered entries in order; fewer than `limit` if this transaction sees no more.
    """
    rows = connection.execute(_FIRST, {"floor": floor, "most": limit}).all()
    found = [Leaf(*row) for row in rows]
    if found:
        ids = ",".join([str(leaf.entry_id) for leaf in found])
        statement, given = _NUMBER[connection.dialect.name]
        connection.execute(statement, {"size": size, "ids": given.format(ids)})
    return found


def missed(connection: Connection, floor: int, limit: int) -> list[int]:
    """The ids of entries up to `floor` that wrongly have no number, found by reading all ids."""
    statement = _unnumbered(entries.c.id).where(entries.c.id <= floor).limit(limit)
    return list(connection.scalars(statement))


def bodies(connection: Connection, first: int, most: int) -> list[tuple[int, str]]:
    """The entries numbered from `first` on, at most `most`: the number and the text of each."""
    of = leaves.c
    query = select(of.leaf_index, entries.c.body).join(entries, entries.c.id == of.entry_id)
    query = query.where(of.leaf_index >= first).order_by(of.leaf_index).limit(most)
    found = whole.all_rows(connection, query, whole.of_leaves(first, first + most), most=most)
    return [(row.leaf_index, row.body) for row in found]


def is_covered(connection: Connection, site_id: int, site_seq: int, size: int) -> bool:
    """Whether an entry of a stream is among the first `size` leaves.

    What is in a part of the archive was covered before.
    """
    statement = (
        select(leaves.c.leaf_index)
        .join(entries, entries.c.id == leaves.c.entry_id)
        .where(entries.c.site_id == site_id, entries.c.site_seq == site_seq)
    )
    index: int | None = connection.scalar(statement)
    return index < size if index is not None else 0 < whole.archived(connection) <= size


def unnumbered(connection: Connection) -> Unpublished:
    """The entries without a number."""
    floor = select(log_head.c.floor).scalar_subquery()
    found = _unnumbered(entries.c.recorded_at).where(entries.c.id > floor).subquery()
    statement = select(func.count(), func.min(found.c.recorded_at)).select_from(found)
    return Unpublished(*connection.execute(statement).one())


def uncovered(connection: Connection, size: int) -> Unpublished:
    """The numbered entries that are not among the first `size` leaves."""
    statement = (
        select(func.count(), func.min(entries.c.recorded_at))
        .select_from(leaves.join(entries, entries.c.id == leaves.c.entry_id))
        .where(leaves.c.leaf_index >= size)
    )
    return Unpublished(*connection.execute(statement).one())


def oldest_uncovered(connection: Connection, size: int) -> datetime | None:
    """The time (UTC) of the first entry outside the first `size` leaves, at a constant cost."""
    first = leaves.join(entries, entries.c.id == leaves.c.entry_id)
    of = entries.c.recorded_at
    numbered = select(of).select_from(first).where(leaves.c.leaf_index >= size)
    found: datetime | None = connection.scalar(numbered.order_by(leaves.c.leaf_index).limit(1))
    if found is not None:
        return found
    floor = select(log_head.c.floor).scalar_subquery()
    return connection.execute(
        _unnumbered(of).where(entries.c.id > floor).limit(1)
    ).scalar_one_or_none()


def hashes(
    connection: Connection, places: Iterable[tuple[int, int]]
) -> dict[tuple[int, int], bytes]:
    """The hashes of those tiles that exist, by level and index."""
    found = {}
    for level, n in places:
        wanted = select(tiles.c.hashes).where(tiles.c.level == level, tiles.c.n == n)
        blob = connection.scalar(wanted)
        if blob is None and level == 0:
            leaf = n * WIDTH
            rows = whole.all_rows(connection, wanted, whole.of_leaves(leaf, leaf + 1))
            blob = rows[0].hashes if rows else None
        if blob is not None:
            found[level, n] = blob
    return found


def keep(connection: Connection, new: Head, grown: Sequence[tuple[int, int, bytes]]) -> None:
    """Write the new head of the log, with the changed tiles (level, index, hashes)."""
    if grown:
        made = insert_or(connection, tiles)
        statement = made.on_conflict_do_update(
            index_elements=["level", "n"], set_={"hashes": made.excluded.hashes}
        )
        rows = [{"level": level, "n": n, "hashes": blob} for level, n, blob in grown]
        connection.execute(statement, rows)
    connection.execute(update(log_head).values(new._asdict()))


def _number(transaction: ColumnElement[Any]) -> ColumnElement[int]:
    """A transaction number as an integer, since PostgreSQL's own type cannot be compared."""
    return cast(cast(transaction, Text), BigInteger)


def _unnumbered(*columns: ColumnElement[Any]) -> Select[Any]:
    """Select the entries without a number row; ids do not help, since they commit out of order."""
    numbered = exists().where(leaves.c.entry_id == entries.c.id)
    return select(*columns).where(~numbered).order_by(entries.c.id)


_FIRST = (
    _unnumbered(entries.c.id, entries.c.leaf_hash)
    .where(entries.c.id > bindparam("floor", type_=BigInteger))
    .limit(bindparam("most", type_=Integer))
)
# One parameter for any number of ids: one statement for each would take longer than the rest.
_NUMBER = {
    "sqlite": (
        text("INSERT INTO leaves SELECT :size + key, value FROM json_each(:ids)"),
        "[{}]",
    ),
    "postgresql": (
        text(
            "INSERT INTO leaves SELECT :size - 1 + place, id"
            " FROM unnest(CAST(:ids AS bigint[])) WITH ORDINALITY AS given (id, place)"
        ),
        "{{{}}}",
    ),
}
