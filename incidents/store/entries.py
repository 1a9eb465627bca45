"""Queries for entries, with the sealed text and the orders that a decision adds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from json.encoder import encode_basestring as quoted
from typing import NamedTuple

from sqlalchemy import Connection, Text, and_, func, or_, select, tuple_, type_coerce

from incidents.store.archive import whole
from incidents.store.schema import log_tables
from incidents.store.schema.desk_tables import DESK_STREAM, entries, sealed
from incidents.store.schema.log_tables import orders
from incidents.store.schema.tables import sites
from incidents.store.statement import Mutation, Query
from incidents.tlog.tree import leaf_hash


class Entry(NamedTuple):
    """An entry: its position in its site's stream, its time (UTC), and its canonical JSON."""

    site_id: int
    site_seq: int
    recorded_at: datetime
    body: str
    leaf_hash: bytes

    @classmethod
    def of(cls, site_id: int, site_seq: int, recorded_at: datetime, body: str) -> Entry:
        """Make an entry with the hash of its leaf in the log (RFC 6962, section 2.1)."""
        return cls(site_id, site_seq, recorded_at, body, leaf_hash(body.encode()))


def add_entries(connection: Connection, new: Sequence[Entry]) -> None:
    """Write entries, in the given order."""
    _NEW_ENTRY.execute(connection, new)


def last_id(connection: Connection) -> int:
    """The id of the newest entry in any stream; 0 if there is none."""
    return connection.scalar(select(func.max(entries.c.id))) or 0


class Newest(NamedTuple):
    """The newest entry in any stream: its id, and the hash of its leaf."""

    id: int
    leaf: bytes


def newest(connection: Connection) -> Newest | None:
    """The newest entry in any stream; None if there is none."""
    [*found] = _NEWEST.fetch(connection).all()
    return found[0] if found else None


def has(connection: Connection, id_: int, leaf: str) -> bool:
    """Whether the entry with that id exists and has that hash (hexadecimal)."""
    wanted = select(entries.c.leaf_hash).where(entries.c.id == id_)
    found = whole.all_rows(
        connection, wanted, lambda part: part.last_id >= id_, newest_first=True, most=1
    )
    return bool(found) and found[0].leaf_hash.hex() == leaf


def last_of_desk(connection: Connection) -> datetime | None:
    """When the last entry of the desk's own stream was recorded (UTC)."""
    statement = select(func.max(entries.c.recorded_at)).where(entries.c.site_id == DESK_STREAM)
    recorded_at: datetime | None = connection.scalar(statement)
    if recorded_at is not None:
        return recorded_at
    found = whole.of_one_site(
        connection,
        select(entries.c.recorded_at)
        .where(entries.c.site_id == DESK_STREAM)
        .order_by(entries.c.site_seq.desc())
        .limit(1),
        DESK_STREAM,
        newest_first=True,
        most=1,
    )
    return found[0].recorded_at if found else None


_NEW_ENTRY = Mutation(entries, *Entry._fields)
_NEWEST: Query[Newest] = Query(
    lambda _: select(entries.c.id, entries.c.leaf_hash).order_by(entries.c.id.desc()).limit(1),
    lambda row: Newest(row[0], bytes(row[1])),
)


class Sealed(NamedTuple):
    """A sealed value: its reference, salt and text, and the site and time (UTC) of its entry."""

    ref: str
    salt: bytes
    value: str
    site_id: int
    sealed_at: datetime


def add_sealed(connection: Connection, new: Sequence[Sealed]) -> None:
    """Write sealed values."""
    _NEW_SEALED.execute(connection, new)


def values(connection: Connection, refs: Iterable[str]) -> dict[str, str]:
    """The texts of those references; erased texts are left out."""
    return dict(_NAMED.fetch(connection, [(ref,) for ref in sorted(set(refs))]).all())


_NAMED: Query[tuple[str, str]] = Query(
    lambda given: select(sealed.c.ref, sealed.c.value).select_from(
        given.table.join(sealed, sealed.c.ref == given.c.ref)
    ),
    lambda row: (row[0], row[1]),
    ref=Text,
)
_NEW_SEALED = Mutation(sealed, *Sealed._fields)


class Outgoing(NamedTuple):
    """One order; (site_id, site_seq, n) is its idempotency key. `created_at` is in UTC."""

    site_id: int
    site_seq: int
    n: int
    kind: str
    data: dict[str, str]
    created_at: datetime


def add_orders(connection: Connection, new: Sequence[Outgoing]) -> None:
    """Write orders."""
    _NEW_ORDER.execute(connection, new)


Place = tuple[datetime, int, int]
"""The position of an order among all orders: its time (UTC), its site and its number."""


class GivenOrder(NamedTuple):
    """An issued order, whatever its outcome; `ordered_at` is in UTC."""

    site_id: int
    site: str
    seq: int
    kind: str
    data: dict[str, str]
    ordered_at: datetime


def latest_order(
    connection: Connection,
    site_id: int,
    kind: str,
    *,
    incident: str | None = None,
    suspends: bool | None = None,
) -> GivenOrder | None:
    """The site's latest order of that kind; None if there is none.

    `incident`: only orders about this incident. `suspends`: only orders with a suspension (True),
    or without (False). Repeated orders are skipped, unless somebody was notified of them.
    """
    of, data, body = orders.c, type_coerce(orders.c.data, Text), entries.c.body
    was_told = or_(~body.contains(_REPEATED), body.contains(_TELLS))
    those = [of.site_id == site_id, of.kind == kind, was_told]
    if incident is not None:
        those.append(data.contains(f'"incident":"{incident}"'))
    if suspends is not None:
        has_one = data.contains('"suspension":')
        those.append(has_one if suspends else ~has_one)
    last = (
        select(of.site_seq, of.kind, of.data, of.created_at)
        .join(entries, _ENTRY)
        .where(*those)
        .order_by(of.site_seq.desc())
        .limit(1)
    )
    found = whole.of_one_site(connection, last, site_id, newest_first=True, most=1)
    if not found:
        return None
    name = connection.scalar(select(sites.c.name).where(sites.c.id == site_id))
    return GivenOrder(site_id, name or "", *found[0])


def ordered_down_between(
    connection: Connection, after: datetime, until: datetime, *, most: int
) -> list[Place]:
    """The first `most` orders to suspend or close that were issued between two times (UTC).

    Orders repeated by a reconciliation are skipped, because they suspend no other site.
    """
    of = orders.c
    own = (of.created_at, of.site_id, of.site_seq)
    asked = select(*own).join(entries, _ENTRY).where(
        log_tables.down, of.created_at > after, of.created_at <= until,
        ~entries.c.body.contains(_REPEATED),
    )  # fmt: skip
    return [
        (at, site, seq) for at, site, seq in connection.execute(asked.order_by(*own).limit(most))
    ]


def ordered_down_again(connection: Connection, since: datetime, by: str) -> list[str]:
    """The sites, by name, for which `by` repeated a suspend or close order after `since` (UTC)."""
    begins = f'{{"actor":{quoted(by)},'
    asked = (
        select(sites.c.name)
        .join(orders, orders.c.site_id == sites.c.id)
        .join(entries, _ENTRY)
        .where(
            log_tables.down, orders.c.created_at > since, entries.c.body.contains(_REPEATED),
            func.substr(entries.c.body, 1, len(begins)) == begins,
        )
    )  # fmt: skip
    return list(connection.scalars(asked.distinct().order_by(sites.c.name)))


def repeated_orders(
    connection: Connection, asked: Sequence[tuple[int, int]]
) -> set[tuple[int, int]]:
    """The orders that a reconciliation has repeated, among those given by site and number."""
    if not asked:
        return set()
    of = entries.c
    wanted = select(of.site_id, of.site_seq).where(
        tuple_(of.site_id, of.site_seq).in_(list(asked)), of.body.contains(_REPEATED)
    )
    return {(site, seq) for site, seq in connection.execute(wanted)}


_ENTRY = and_(entries.c.site_id == orders.c.site_id, entries.c.site_seq == orders.c.site_seq)
_REPEATED = '"kind":"order_repeated"'
_TELLS = '"tells":true'
_NEW_ORDER = Mutation(orders, *Outgoing._fields)
