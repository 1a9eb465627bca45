"""Queries of footers: whose page is to be looked at next, by one at a time of who may look.

Nothing of it is on record: what a page lacks is, as an entry.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, and_, exists, or_, select, update

from incidents.store.filing_tables import filing_details, footers
from incidents.store.given import insert_missing
from incidents.store.tables import sites

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
NUMBER, APPROVED = "public_security_number", "approved_on"


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A site whose page is to be looked at; `next_at` (UTC) as it stood, None the first time."""

    site_id: int
    site: str
    next_at: datetime | None


def due(connection: Connection, now: datetime) -> Due | None:
    """The approved site that has waited longest for a look, if one is due at `now` (UTC).

    One that is down shows nothing, and one without a number on record has nothing to show.
    """
    of = filing_details.c
    approved = exists().where(of.site_id == sites.c.id, of.key == APPROVED)
    query = (
        select(sites.c.id, sites.c.name, footers.c.next_at)
        .join_from(filing_details, sites, sites.c.id == of.site_id)
        .outerjoin(footers, footers.c.site_id == sites.c.id)
        .where(
            of.key == NUMBER,
            sites.c.state == "active",
            approved.correlate(sites),
            or_(footers.c.next_at.is_(None), footers.c.next_at <= now),
        )
        .order_by(footers.c.next_at.is_not(None), footers.c.next_at, sites.c.id)
        .limit(1)
    )
    row = connection.execute(query).first()
    return None if row is None else Due(site_id=row.id, site=row.name, next_at=row.next_at)


def claim(connection: Connection, seen: Due, next_at: datetime) -> bool:
    """Takes the look in hand, and puts the one after it off to `next_at` (UTC); False if somebody
    else has."""
    if seen.next_at is None:
        new = insert_missing(connection, footers)
        connection.execute(new, {"site_id": seen.site_id, "next_at": _NEVER})
    was = _NEVER if seen.next_at is None else seen.next_at
    place = and_(footers.c.site_id == seen.site_id, footers.c.next_at == was)
    done = connection.execute(update(footers).where(place).values(next_at=next_at))
    return done.rowcount == 1


def put_off(connection: Connection, site_id: int, next_at: datetime) -> None:
    """Puts the next look at the site off to that time (UTC)."""
    changed = update(footers).where(footers.c.site_id == site_id).values(next_at=next_at)
    connection.execute(changed)
