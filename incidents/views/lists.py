"""The lists of sites and of running terms: a page at a time, filtered and searched.

A site's run of cases (R2, R3) is also listed here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Select, select

from incidents.clock import rfc3339
from incidents.store import pages
from incidents.store.cases import sites as site_rows
from incidents.store.cases.suspensions import read
from incidents.store.schema.tables import sites, suspensions
from incidents.values.ids import incident_id
from incidents.views import register
from incidents.views.filing import term_document, terms_query
from incidents.views.name_search import is_called

if TYPE_CHECKING:
    from incidents.contract.documents.filings import TermsOfSites
    from incidents.contract.documents.sites import Case, SitePage


_SITES, _TERMS = "sites", "terms"


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteFilter:
    """A filter for sites; None matches all. `q`: a part of the name, as stored or as shown."""

    state: str | None = None
    rule: str | None = None
    held: bool | None = None
    disputed: bool | None = None
    q: str | None = None


def sites_page(
    connection: Connection, wanted: SiteFilter, *, limit: int, cursor: str | None = None
) -> SitePage:
    """A page of the register, by site name.

    Raises:
        BadCursorError: for a cursor of another list.
        TooCostlyError: if the query takes too long.
    """
    with pages.time_limit(connection, pages.SEARCHED_S):
        query = _matching(connection, select(*sites.c), wanted).order_by(sites.c.name)
        found = pages.page(connection, query, _SITES, limit=limit, cursor=cursor)
    return {"items": register.documents(connection, found.rows), "next": found.next}


MAX_COUNTED = 10_000
"""The maximum number of rows of a list to count."""


def site_counts(connection: Connection, wanted: SiteFilter) -> tuple[dict[str, int], bool]:
    """The number of matching sites in each state, and whether there may be more.

    At most `MAX_COUNTED` are counted, whatever state the filter names.

    Raises:
        TooCostlyError: if the query takes too long.
    """
    known = _matching(connection, select(sites.c.state), replace(wanted, state=None))
    return pages.counted(connection, known, MAX_COUNTED)


def _matching(connection: Connection, columns: Select[Any], wanted: SiteFilter) -> Select[Any]:
    """Those columns of the sites that match."""
    query = columns.where(sites.c.created_at.is_not(None))
    for column in ("state", "rule", "held", "disputed"):
        value = getattr(wanted, column)
        if value is not None:
            query = query.where(sites.c[column] == value)
    return query if wanted.q is None else query.where(is_called(connection, wanted.q))


def terms_page(
    connection: Connection,
    until: str | None,
    *,
    limit: int,
    cursor: str | None = None,
    site: str | None = None,
    term: str | None = None,
) -> TermsOfSites:
    """A page of the running terms, by last day, until `until` inclusive, of a site or a kind.

    Raises:
        UnknownSiteError: if there is no such site.
        BadCursorError: for a cursor of another list.
    """
    if site is not None:
        site_rows.named(connection, site)
    query = terms_query(until, site=site, term=term)
    found = pages.page(connection, query, _TERMS, limit=limit, cursor=cursor)
    return {"items": [term_document(row) for row in found.rows], "next": found.next}


MAX_CASES = 20


def cases_of_run(connection: Connection, site_id: int, limit: int = MAX_CASES) -> list[Case]:
    """List up to `limit` of the latest cases of a run (R2, R3), oldest first, with struck cases.

    `until` is null for the case that closed the site instead of suspending it; `ended_at` is null
    while the suspension runs.
    """
    found = select(suspensions).where(suspensions.c.site_id == site_id)
    rows = connection.execute(found.order_by(suspensions.c.n.desc()).limit(limit)).mappings()
    closure = connection.scalar(select(sites.c.closure).where(sites.c.id == site_id)) or {}
    return [
        {
            "n": case.n,
            "incident": incident_id(site_id, case.starter),
            "due": rfc3339(case.due),
            "made_at": rfc3339(case.made_at),
            "until": None if case.until is None else rfc3339(case.until),
            "ended_at": None if case.ended_at is None else rfc3339(case.ended_at),
            "struck": case.struck,
            "closed": case.closed,
            "place": len(closure["incidents"]) if case.n == closure.get("suspension") else None,
            "needed": closure["needed"] if case.n == closure.get("suspension") else None,
            "epoch": case.epoch,
        }
        for case in reversed([read(row) for row in rows])
    ]
