"""Queries for the address book: which customer had which sites, domains and IP addresses, and when.

It only suggests to whom a report belongs, and decides nothing. Each import is on record, but not
its entries.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, or_, select, tuple_

from incidents.store.schema.report_tables import holdings

Kind = Literal["site", "domain", "network"]

ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
"""The beginning of what a customer has had for as long as anybody knows."""
_AT_ONCE = 400


class Holding(NamedTuple):
    """What a customer had from `since` until before `until` (UTC; None: they still have it).

    `value`: a site or a domain in the form of a site's name, or a network such as `192.0.2.0/24`.
    """

    kind: Kind
    value: str
    customer: str
    since: datetime = ALWAYS
    until: datetime | None = None

    def is_valid(self, at: datetime) -> bool:
        """Whether they had it at that time (UTC)."""
        return self.since <= at and (self.until is None or self.until > at)


def save(connection: Connection, new: Iterable[Holding]) -> tuple[int, int]:
    """Add what customers have; the same thing from the same time is replaced.

    Return the number of the things, and of those that were replaced.
    """
    replaced = 0
    rows = list({each[:4]: each for each in new}.values())
    key = tuple_(holdings.c.kind, holdings.c.value, holdings.c.customer, holdings.c.since)
    for start in range(0, len(rows), _AT_ONCE):
        some = rows[start : start + _AT_ONCE]
        same = key.in_([each[:4] for each in some])
        replaced += connection.execute(delete(holdings).where(same)).rowcount
        connection.execute(insert(holdings), [each._asdict() for each in some])
    return len(rows), replaced


def count(connection: Connection) -> int:
    """The number of holdings."""
    return connection.scalar(select(func.count()).select_from(holdings)) or 0


def of_values(
    connection: Connection, wanted: Collection[tuple[Kind, str]], first: datetime, last: datetime
) -> list[Holding]:
    """Who had these things at some time from `first` to `last` (UTC)."""
    of, asked = holdings.c, sorted(set(wanted))
    found: list[Holding] = []
    for start in range(0, len(asked), _AT_ONCE):
        named = tuple_(of.kind, of.value).in_(asked[start : start + _AT_ONCE])
        rows = connection.execute(select(holdings).where(named, _valid(first, last)))
        found += [Holding(*row) for row in rows]
    return sorted(found, key=lambda each: (each.customer, each.value, each.since))


def sites_of(
    connection: Connection, customers: Collection[str], first: datetime, last: datetime
) -> list[Holding]:
    """The sites that these customers had at some time from `first` to `last` (UTC)."""
    of, found = holdings.c, []
    asked = sorted(set(customers))
    for start in range(0, len(asked), _AT_ONCE):
        own = and_(of.kind == "site", of.customer.in_(asked[start : start + _AT_ONCE]))
        rows = connection.execute(
            select(holdings).where(own, _valid(first, last)).order_by(of.value)
        )
        found += [Holding(*row) for row in rows]
    return found


def networks_above(address: str) -> Sequence[str]:
    """The networks that an IP address is in, the longest prefix first."""
    found = ipaddress.ip_address(address)
    return [
        str(ipaddress.ip_network((found, length), strict=False))
        for length in range(found.max_prefixlen, 7, -1)
    ]


def _valid(first: datetime, last: datetime) -> ColumnElement[bool]:
    of = holdings.c
    return and_(of.since <= last, or_(of.until.is_(None), of.until > first))
