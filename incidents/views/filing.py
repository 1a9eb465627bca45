"""The filing of a site: its details and its running terms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Select, func, select

from incidents.machine import filing as machine_filing
from incidents.machine.filing import Term
from incidents.store.cases import filings
from incidents.store.cases import sites as site_rows
from incidents.store.schema.desk_tables import filing_details as details_table
from incidents.store.schema.desk_tables import filing_terms as terms_table
from incidents.store.schema.tables import sites
from incidents.views import record_entries

if TYPE_CHECKING:
    from incidents.contract.documents.filings import FilingOnRecord, FilingTerm, TermOfSite


_AT_ONCE = 500
MAX_COUNTED = 10_000


def filing(connection: Connection, name: str) -> FilingOnRecord:
    """The filing of a site, with people's text, which is null once erased.

    Raises:
        UnknownSiteError: with the nearest names.
    """
    row = site_rows.named(connection, name)
    [document] = _documents(connection, [(row["id"], row["name"])])
    return document


def filing_details(connection: Connection, name: str) -> dict[str, str]:
    """The details of a site's filing to check, without erased details.

    Raises:
        UnknownSiteError: with the nearest names.
    """
    return details_of(filing(connection, name))


def details_of(document: FilingOnRecord) -> dict[str, str]:
    """The details in a filing's document, without erased details."""
    return {key: text for key, text in document["details"].items() if text is not None}


def filings_of(connection: Connection, names: Iterable[str]) -> dict[str, dict[str, str]]:
    """The details to check of those sites' filings, by site name; unknown sites are left out."""
    wanted = sorted(set(names))
    rows: list[tuple[int, str]] = []
    for start in range(0, len(wanted), _AT_ONCE):
        part = wanted[start : start + _AT_ONCE]
        page = select(sites.c.id, sites.c.name).where(sites.c.name.in_(part))
        rows += [(row.id, row.name) for row in connection.execute(page)]
    return {found["site"]: details_of(found) for found in _documents(connection, rows)}


def all_filings(connection: Connection) -> Iterator[FilingOnRecord]:
    """The filings of all sites that have one, in the order of site numbers, read in parts."""
    after = 0
    while True:
        page = (
            select(sites.c.id, sites.c.name)
            .where(sites.c.id > after)
            .where(
                select(details_table.c.site_id)
                .where(details_table.c.site_id == sites.c.id)
                .exists()
            )
            .order_by(sites.c.id)
            .limit(_AT_ONCE)
        )
        rows = [(row.id, row.name) for row in connection.execute(page)]
        yield from _documents(connection, rows)
        if len(rows) < _AT_ONCE:
            return
        after = rows[-1][0]


def terms(connection: Connection, until: str | None = None) -> list[TermOfSite]:
    """The running terms of sites that are not closed, by last day, until `until` inclusive."""
    return [term_document(dict(row)) for row in connection.execute(terms_query(until)).mappings()]


def terms_query(
    until: str | None = None, *, site: str | None = None, term: str | None = None
) -> Select[Any]:
    """The query for the rows of `terms`, in their order."""
    of = terms_table.c
    query = (
        select(sites.c.name, of.site_id, of.term, of.due_on, of.reminded_on)
        .join_from(terms_table, sites, sites.c.id == of.site_id)
        .where(sites.c.state != "closed")
        .order_by(of.due_on, of.site_id, of.term)
    )
    if until is not None:
        query = query.where(of.due_on <= until)
    if site is not None:
        query = query.where(sites.c.name == site)
    return query if term is None else query.where(of.term == term)


def count_terms(
    connection: Connection,
    today: str,
    until: str | None = None,
    *,
    site: str | None = None,
    term: str | None = None,
) -> tuple[int, int]:
    """The numbers of terms of `terms_query` that are overdue `today`, and of those that are not."""
    some = terms_query(until, site=site, term=term).limit(MAX_COUNTED).subquery("some")
    over = func.count().filter(some.c.due_on < today)
    overdue, total = connection.execute(select(over, func.count()).select_from(some)).one()
    return overdue, total - overdue


def term_document(row: Mapping[str, Any]) -> TermOfSite:
    """The document of a row of `terms_query`."""
    term = Term(due_on=row["due_on"], reminded_on=row["reminded_on"])
    return {"site": row["name"], **_term(row["term"], term)}


def _documents(connection: Connection, rows: list[tuple[int, str]]) -> list[FilingOnRecord]:
    ids = [id_ for id_, _ in rows]
    found: dict[int, FilingOnRecord] = {
        id_: {"site": name, "details": {}, "terms": []} for id_, name in rows
    }
    for site, key, text in filings.of_sites(connection, ids):
        found[site]["details"][key] = text
    for site, name, term in filings.terms_of(connection, ids):
        found[site]["terms"].append(_term(name, term))
    for document in found.values():
        document["details"] = dict(sorted(document["details"].items()))
    return record_entries.reveal_texts(connection, list(found.values()))


def _term(name: str, term: Term) -> FilingTerm:
    return {
        "term": name,
        "begun_by": machine_filing.TERMS[name][0],
        "ended_by": machine_filing.TERMS[name][1],
        "due_on": term.due_on,
        "reminded_on": term.reminded_on,
        "remind_on": term.remind_on,
    }
