"""Queries of filings: their details, the terms that run, and whose page is to be looked at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Select, select

from incidents.machine.case import Case
from incidents.machine.filing import Term
from incidents.store.filing_tables import filing_details, filing_terms
from incidents.store.given import Given
from incidents.store.statement import Change, Question, Row
from incidents.store.tables import sites
from incidents.store.types import Number

Detail = tuple[int, str, str]
"""A site's id, a detail's key and its text."""

FoundTerm = tuple[int, str, Term]
"""A site's id, a term's name and the term."""

Changed = tuple[int, Case, Case]
"""A site's id, its case before and its case now."""


def save(connection: Connection, changes: Sequence[Changed]) -> None:
    """Writes details and terms."""
    details = [(id_, was.details, now.details) for id_, was, now in changes]
    _DETAILS_GONE.tell(connection, [row[:2] for row in _rows(details, gone=True)])
    _DETAILS_NEW.tell(connection, list(_rows(details, gone=False)))
    terms = [(id_, was.terms, now.terms) for id_, was, now in changes]
    _TERMS_GONE.tell(connection, [row[:2] for row in _rows(terms, gone=True)])
    _TERMS_NEW.tell(
        connection,
        [
            (id_, name, term.due_on, term.reminded_on, term.remind_on)
            for id_, name, term in _rows(terms, gone=False)
        ],
    )


def of_sites(connection: Connection, site_ids: Iterable[int]) -> list[Detail]:
    """All details of those sites."""
    return DETAILS.ask(connection, [(id_,) for id_ in sorted(site_ids)]).all()


def terms_of(connection: Connection, site_ids: Iterable[int]) -> list[FoundTerm]:
    """All terms of those sites that run."""
    return TERMS.ask(connection, [(id_,) for id_ in sorted(site_ids)]).all()


def to_remind(connection: Connection, on: str, most: int) -> list[int]:
    """The sites, at most so many, with a term of which a reminder is due on that day.

    Of one that is closed nobody is reminded.
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
    """What has changed: as it was, of what is not so any more, or as it is."""
    for id_, before, after in changes:
        if before == after:
            continue
        shown, other = (before, after) if gone else (after, before)
        for key, value in sorted(shown.items()):
            if other.get(key) != value:
                yield id_, key, value


def _detail(row: Row) -> Detail:
    site, key, value = row
    return site, key, value


def _term(row: Row) -> FoundTerm:
    site, name, due_on, reminded_on = row
    return site, name, Term(due_on=due_on, reminded_on=reminded_on)


def _details(dialect: str) -> tuple[Select[Any], Given]:
    given = Given(dialect, site_id=Number)
    of = filing_details.c
    return given.joined(of, filing_details, of.site_id == given.table.c.site_id), given


def _terms(dialect: str) -> tuple[Select[Any], Given]:
    given = Given(dialect, site_id=Number)
    of = filing_terms.c
    own = (of.site_id, of.term, of.due_on, of.reminded_on)
    return given.joined(own, filing_terms, of.site_id == given.table.c.site_id), given


DETAILS: Question[Detail] = Question(_details, _detail)
"""Given sites: all details of their filings."""

TERMS: Question[FoundTerm] = Question(_terms, _term)
"""Given sites: all terms that run."""

_DETAILS_NEW = Change(filing_details, "site_id", "key", "value")
_DETAILS_GONE = Change(filing_details, keys=("site_id", "key"))
_TERMS_NEW = Change(filing_terms, "site_id", "term", "due_on", "reminded_on", "remind_on")
_TERMS_GONE = Change(filing_terms, keys=("site_id", "term"))
