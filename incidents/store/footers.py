"""Queries of footers: whose page is to be looked at next, by one at a time of who may look.

Nothing of it is on record: what a page lacks is, as an entry. Each look costs the same, however
many sites there are: those with a number are enrolled in parts, and taken by an index of their
times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, and_, select, update

from incidents.store.filing_tables import filing_details, footers
from incidents.store.given import insert_missing
from incidents.store.tables import sites

NUMBER, APPROVED = "public_security_number", "approved_on"

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_ENROLLED = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A site whose page is to be looked at; `next_at` (UTC) is since when."""

    site_id: int
    site: str
    state: str
    next_at: datetime


def unseen(connection: Connection, after: int) -> tuple[list[int], int]:
    """Among the next sites with a number, after that id, those that nobody is to look at yet; and
    the last id, 0 when there are no more."""
    of = filing_details.c
    page = (
        select(of.site_id)
        .where(of.key == NUMBER, of.site_id > after)
        .order_by(of.site_id)
        .limit(_ENROLLED)
        .subquery("page")
    )
    query = (
        select(page.c.site_id, footers.c.site_id)
        .outerjoin_from(page, footers, footers.c.site_id == page.c.site_id)
        .order_by(page.c.site_id)
    )
    found = connection.execute(query).all()
    new = [site_id for site_id, seen in found if seen is None]
    return new, found[-1][0] if len(found) == _ENROLLED else 0


def enrol(connection: Connection, site_ids: Sequence[int]) -> None:
    """Lets those sites be looked at from now on."""
    rows = [{"site_id": site_id, "next_at": _NEVER} for site_id in site_ids]
    connection.execute(insert_missing(connection, footers), rows)


def due(connection: Connection, now: datetime) -> Due | None:
    """The site that has waited longest for a look, if one is due at `now` (UTC)."""
    first = (
        select(footers)
        .where(footers.c.next_at <= now)
        .order_by(footers.c.next_at, footers.c.site_id)
        .limit(1)
        .subquery("first")
    )
    query = select(first, sites.c.name, sites.c.state).join(sites, sites.c.id == first.c.site_id)
    row = connection.execute(query).first()
    if row is None:
        return None
    return Due(site_id=row.site_id, site=row.name, state=row.state, next_at=row.next_at)


def claim(connection: Connection, seen: Due, next_at: datetime) -> bool:
    """Takes the look in hand, and puts the one after it off to `next_at` (UTC); False if somebody
    else has."""
    place = and_(footers.c.site_id == seen.site_id, footers.c.next_at == seen.next_at)
    done = connection.execute(update(footers).where(place).values(next_at=next_at))
    return done.rowcount == 1


def put_off(connection: Connection, site_id: int, next_at: datetime) -> None:
    """Puts the next look at the site off to that time (UTC)."""
    changed = update(footers).where(footers.c.site_id == site_id).values(next_at=next_at)
    connection.execute(changed)
