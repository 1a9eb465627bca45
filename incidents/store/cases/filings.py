"""Queries for filings: their details, their running terms, and the next page to check.

Page checks are not on record, but a page's defects are, as entries. The cost of each step does not
depend on the number of sites: sites with a record number are enrolled in batches, and an index of
times gives the next site.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, and_, select, update

from incidents.machine.case import Case
from incidents.machine.filing import Term
from incidents.store.schema.desk_tables import filing_details, filing_terms, footers
from incidents.store.schema.tables import sites
from incidents.store.schema.types import Number
from incidents.store.statement import Mutation, Query, insert_missing

Detail = tuple[int, str, str]
"""A site's id, a detail's key and its text."""

FoundTerm = tuple[int, str, Term]
"""A site's id, a term's name and the term."""

Changed = tuple[int, Case, Case]
"""A site's id, its case before and its case now."""


def save(connection: Connection, changes: Sequence[Changed]) -> None:
    """Write details and terms."""
    details = [(id_, was.details, now.details) for id_, was, now in changes]
    _DETAILS_GONE.execute(connection, [row[:2] for row in _rows(details, gone=True)])
    _DETAILS_NEW.execute(connection, list(_rows(details, gone=False)))
    terms = [(id_, was.terms, now.terms) for id_, was, now in changes]
    _TERMS_GONE.execute(connection, [row[:2] for row in _rows(terms, gone=True)])
    _TERMS_NEW.execute(
        connection,
        [
            (id_, name, term.due_on, term.reminded_on, term.remind_on)
            for id_, name, term in _rows(terms, gone=False)
        ],
    )


def of_sites(connection: Connection, site_ids: Iterable[int]) -> list[Detail]:
    """All details of those sites."""
    return DETAILS.fetch(connection, [(id_,) for id_ in sorted(site_ids)]).all()


def terms_of(connection: Connection, site_ids: Iterable[int]) -> list[FoundTerm]:
    """All running terms of those sites."""
    return TERMS.fetch(connection, [(id_,) for id_ in sorted(site_ids)]).all()


def to_remind(connection: Connection, on: str, most: int) -> list[int]:
    """The sites, at most `most`, with a term whose reminder is due on that day.

    There is no reminder for a closed site.
    """
    of = filing_terms.c
    query = (
        select(of.site_id)
        .join_from(filing_terms, sites, sites.c.id == of.site_id)
        .where(of.remind_on <= on, sites.c.state != "closed")
        .distinct()
        .order_by(of.site_id)
        .limit(most)
    )
    return list(connection.scalars(query))


def _rows(
    changes: Iterable[tuple[int, Mapping[str, Any], Mapping[str, Any]]], *, gone: bool
) -> Iterable[tuple[int, str, Any]]:
    """The changed rows: the outdated old rows with `gone`, otherwise the new rows."""
    for id_, before, after in changes:
        if before == after:
            continue
        shown, other = (before, after) if gone else (after, before)
        for key, value in sorted(shown.items()):
            if other.get(key) != value:
                yield id_, key, value


_of = filing_details.c
DETAILS: Query[Detail] = Query(
    lambda given: given.joined(_of, filing_details, _of.site_id == given.c.site_id),
    lambda row: (row[0], row[1], row[2]),
    site_id=Number,
)
"""All details of the filings of the given sites."""

_term = filing_terms.c
_TERM = (_term.site_id, _term.term, _term.due_on, _term.reminded_on)
TERMS: Query[FoundTerm] = Query(
    lambda given: given.joined(_TERM, filing_terms, _term.site_id == given.c.site_id),
    lambda row: (row[0], row[1], Term(due_on=row[2], reminded_on=row[3])),
    site_id=Number,
)
"""All running terms of the given sites."""

_DETAILS_NEW = Mutation(filing_details, "site_id", "key", "value")
_DETAILS_GONE = Mutation(filing_details, keys=("site_id", "key"))
_TERMS_NEW = Mutation(filing_terms, "site_id", "term", "due_on", "reminded_on", "remind_on")
_TERMS_GONE = Mutation(filing_terms, keys=("site_id", "term"))


NUMBER, APPROVED = "public_security_number", "approved_on"

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_ENROLLED = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A site whose page has been due for a check since `next_at` (UTC)."""

    site_id: int
    site: str
    state: str
    next_at: datetime


def not_enrolled(connection: Connection, after: int) -> tuple[list[int], int]:
    """The unenrolled sites among the next sites with a record number, after the id `after`.

    Also returns the last id that was read; 0 if there are no more.
    """
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
    """Enrol the sites for page checks."""
    rows = [{"site_id": site_id, "next_at": _NEVER} for site_id in site_ids]
    connection.execute(insert_missing(connection, footers), rows)


def due(connection: Connection, now: datetime) -> Due | None:
    """The site that has waited longest for a check, if one is due at `now` (UTC)."""
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
    """Claim the check, and set the next one to `next_at`; False if another process claimed it."""
    place = and_(footers.c.site_id == seen.site_id, footers.c.next_at == seen.next_at)
    done = connection.execute(update(footers).where(place).values(next_at=next_at))
    return done.rowcount == 1


def postpone(connection: Connection, site_id: int, next_at: datetime) -> None:
    """Set the time of the site's next check (UTC)."""
    changed = update(footers).where(footers.c.site_id == site_id).values(next_at=next_at)
    connection.execute(changed)
