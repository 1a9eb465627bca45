"""The whole record: the rows of the archive's parts and of the database, as one result.

A row is in exactly one place: the transaction that adds a part deletes its rows. A part has the
lowest leaves and ids of all, and within a site the first entries, so results in the order of leaves
or of ids follow each other, and those in the order of sites are merged.

The statements name only `leaves`, `entries`, `orders` and `tiles`.
"""

from __future__ import annotations

import heapq
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from itertools import chain, islice
from typing import Any

from sqlalchemy import Connection, Executable, select

from incidents.store.archive.part import Part
from incidents.store.archive.parts import archive_of, listed, sees_one_state
from incidents.store.batches import AT_ONCE, Row, batches
from incidents.store.schema.log_tables import archived_sites

Wanted = Callable[[Part], bool]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def every(_part: Part) -> bool:
    """All parts are wanted."""
    return True


def none(_part: Part) -> bool:
    """No part is wanted."""
    return False


def between(since: datetime | None, until: datetime | None) -> Wanted:
    """The parts with entries recorded at or after `since` and before `until` (UTC)."""
    return lambda part: (
        (since is None or part.until >= since) and (until is None or part.since < until)
    )


def at(moment: datetime) -> Wanted:
    """The parts that can have entries recorded at that time (UTC)."""
    return lambda part: part.since <= moment <= part.until


def of_leaves(first: int, before: int) -> Wanted:
    """The parts with leaves from `first` to before `before`."""
    return lambda part: part.end > first and part.first < before


def archived(connection: Connection) -> int:
    """How many leaves, from the first one on, are in parts."""
    parts = listed(connection)
    return parts[-1].end if parts else 0


def sources(
    connection: Connection, wanted: Wanted = every, *, newest_first: bool = False
) -> Iterator[Connection]:
    """Yield a connection to each wanted part, the oldest first, and then the database's own.

    Each is open until the next one is asked for.
    """
    if newest_first:
        # Often the database alone is enough.
        yield connection
    archive, parts = archive_of(connection), listed(connection)
    for part in reversed(parts) if newest_first else parts:
        if wanted(part):
            with archive.opened(part) as opened:
                yield opened
    if not newest_first:
        yield connection


def of_site(connection: Connection, site_id: int, wanted: Wanted = every) -> Wanted:
    """The wanted parts that have entries of the site."""
    those = of_sites(connection, [site_id])
    return lambda part: wanted(part) and those(part)


def of_sites(connection: Connection, site_ids: Collection[int]) -> Wanted:
    """The parts that have entries of one of those sites.

    The caller may remove sites from the collection between two parts. The list of sites is read
    for the first part, and read again for a part that was added since then.
    """
    newest, sites = -1, dict[int, set[int]]()

    def has(part: Part) -> bool:
        nonlocal newest, sites
        if part.sites is None:
            return True
        if part.first > newest:
            newest = listed(connection)[-1].first
            sites = _sites_by_part(connection, site_ids)
        return not sites.get(part.first, set()).isdisjoint(site_ids)

    return has


def _sites_by_part(connection: Connection, site_ids: Collection[int]) -> dict[int, set[int]]:
    """Those sites that have entries in a part, by the part's first leaf."""
    of, found = archived_sites.c, defaultdict[int, set[int]](set)
    query = select(of.first_leaf, of.site_id).where(of.site_id.in_(site_ids))
    for first_leaf, site_id in connection.execute(query):
        found[first_leaf].add(site_id)
    return found


def one_after_another(
    connection: Connection,
    statement: Executable,
    wanted: Wanted = every,
    *,
    times: Sequence[int] = (),
) -> Iterator[Sequence[Row]]:
    """Yield the rows of all places in turn, in batches in the driver's format.

    The order of the statement must be that of leaves or ids. `times`: the columns that are times,
    which are converted into the format of the database's own driver.
    """
    for source in sources(connection, wanted):
        with closing(_read(connection, source, statement, times)) as read:
            yield from read


def merged(
    connection: Connection,
    statement: Executable,
    key: Callable[[Row], Any],
    wanted: Wanted = every,
    *,
    times: Sequence[int] = (),
) -> Iterator[Sequence[Row]]:
    """Yield the rows of all places merged in the order of `key`, which sorts each place's rows."""
    parts = [part for part in listed(connection) if wanted(part)]
    if not parts:
        yield from batches(connection, statement)
        return
    archive = archive_of(connection)
    with ExitStack() as stack:
        opened = [stack.enter_context(archive.opened(part)) for part in parts]
        # Closed before their connections, also if the reader stops early.
        read = [
            stack.enter_context(closing(_read(connection, source, statement, times)))
            for source in (*opened, connection)
        ]
        rows = heapq.merge(*map(chain.from_iterable, read), key=key)
        while batch := list(islice(rows, AT_ONCE)):
            yield batch


def all_rows(
    connection: Connection,
    statement: Executable,
    wanted: Wanted = every,
    *,
    newest_first: bool = False,
    most: int | None = None,
) -> list[Any]:
    """The rows of all places, in this order, converted; at most `most`.

    In a transaction whose statements see different states, it is read again if a part was added
    meanwhile.
    """
    while True:
        parts = listed(connection)
        found: list[Any] = []
        for source in sources(connection, wanted, newest_first=newest_first):
            found += source.execute(statement).all()
            if most is not None and len(found) >= most:
                found = found[:most]
                break
        if sees_one_state(connection) or parts == listed(connection):
            return found


def in_parts(connection: Connection, statement: Executable, wanted: Wanted = every) -> list[Any]:
    """The rows of the wanted parts alone, in the order of the parts."""
    archive, found = archive_of(connection), list[Any]()
    for part in filter(wanted, listed(connection)):
        with archive.opened(part) as opened:
            found += opened.execute(statement).all()
    return found


def of_one_site(
    connection: Connection,
    statement: Executable,
    site_id: int,
    wanted: Wanted = every,
    *,
    newest_first: bool = False,
    most: int | None = None,
) -> list[Any]:
    """The rows about one site of all places, in this order, converted; at most `most`."""
    those = of_site(connection, site_id, wanted)
    return all_rows(connection, statement, those, newest_first=newest_first, most=most)


def total(connection: Connection, statement: Executable, wanted: Wanted = every) -> int:
    """The sum of a count in all places."""
    counts: list[tuple[int | None]] = all_rows(connection, statement, wanted)
    return sum(count or 0 for (count,) in counts)


def _read(
    connection: Connection, source: Connection, statement: Executable, times: Sequence[int]
) -> Generator[Sequence[Row]]:
    converts = source is not connection and connection.dialect.name != "sqlite"
    try:
        with closing(batches(source, statement)) as read:
            for rows in read:
                yield _in_time(rows, times) if converts and times else rows
    except sqlite3.Error as error:
        # Of the driver's own cursor, which the batches are fetched from.
        explained = archive_of(connection).explained(source, error)
        if explained is None:
            raise
        raise explained from error


def _in_time(rows: Sequence[Row], times: Sequence[int]) -> Sequence[Row]:
    found = []
    for row in rows:
        cells = list(row)
        for place in times:
            cells[place] = _time(cells[place])
        found.append(tuple(cells))
    return found


def _time(value: Any) -> Any:
    """A time as PostgreSQL's driver gives it; a value that is none stays, and differs."""
    try:
        return _EPOCH + timedelta(microseconds=value)
    except (TypeError, OverflowError):
        return value
