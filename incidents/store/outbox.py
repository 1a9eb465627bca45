"""Writes the orders of a decision to the outbox, whence they are carried out; finds the latest."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from json.encoder import encode_basestring as quoted
from typing import Any, NamedTuple

from sqlalchemy import Connection, Text, and_, func, or_, select, tuple_, type_coerce

from incidents.store.schema import log_tables
from incidents.store.schema.log_tables import orders
from incidents.store.schema.tables import entries, sites
from incidents.store.statement import Change


class Outgoing(NamedTuple):
    """One order; (site_id, site_seq, n) is its idempotency key. `created_at` is in UTC."""

    site_id: int
    site_seq: int
    n: int
    kind: str
    data: dict[str, Any]
    created_at: datetime


def add(connection: Connection, new: Sequence[Outgoing]) -> None:
    """Writes orders."""
    _NEW.tell(connection, new)


Place = tuple[datetime, int, int]
"""Where an order stands among all: when it was given (UTC), its site and its number."""


class Found(NamedTuple):
    """One order that was given, whatever has become of it; `ordered_at` is in UTC."""

    site_id: int
    site: str
    seq: int
    kind: str
    data: dict[str, Any]
    ordered_at: datetime


def latest(
    connection: Connection,
    site_id: int,
    kind: str,
    *,
    incident: str | None = None,
    suspends: bool | None = None,
) -> Found | None:
    """The site's latest order of that kind, if there is one: of that incident, if one is named, and
    if `suspends` is not None, with a suspension or without one.

    What was ordered once more is passed over, unless somebody was told of it.
    """
    of, data, body = orders.c, type_coerce(orders.c.data, Text), entries.c.body
    was_told = or_(~body.contains(_REPEATED), body.contains(_TELLS))
    those = [of.site_id == site_id, of.kind == kind, was_told]
    if incident is not None:
        those.append(data.contains(f'"incident":"{incident}"'))
    if suspends is not None:
        has_one = data.contains('"suspension":')
        those.append(has_one if suspends else ~has_one)
    found = connection.execute(
        select(of.site_id, sites.c.name, of.site_seq, of.kind, of.data, of.created_at)
        .join(entries, _ENTRY)
        .join(sites, sites.c.id == of.site_id)
        .where(*those)
        .order_by(of.site_seq.desc())
        .limit(1)
    ).one_or_none()
    return None if found is None else Found(*found)


def down_between(
    connection: Connection, after: datetime, until: datetime, *, most: int
) -> list[Place]:
    """The orders to suspend or close that were given between two times (UTC), the first `most`.

    What reconciliation has ordered once more takes nobody down, and is passed over.
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


def down_again(connection: Connection, since: datetime, by: str) -> list[str]:
    """The names of the sites that `by` has ordered down once more since then (UTC)."""
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


def repeated(connection: Connection, asked: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
    """Which of those orders, by site and number, reconciliation has ordered once more."""
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
_NEW = Change(orders, *Outgoing._fields)
