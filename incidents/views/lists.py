"""The lists of sites and incidents: a page at a time, filtered and searched.

A site's run of cases (R2, R3) is also listed here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import KW_ONLY, dataclass
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, or_, select

from incidents.clock import rfc3339
from incidents.contract.case_documents import incident_document
from incidents.errors import BadSiteNameError
from incidents.store import pages
from incidents.store.cases import incidents as incident_rows
from incidents.store.cases import site_row
from incidents.store.cases import sites as site_rows
from incidents.store.cases.suspensions import read
from incidents.store.schema.desk_tables import sealed
from incidents.store.schema.tables import (
    contacts,
    incident_urls,
    incidents,
    notes,
    sites,
    suspensions,
)
from incidents.values import site_name
from incidents.values.ids import incident_id
from incidents.views import masked, record_entries, register
from incidents.views.filing import term_document, terms_query

if TYPE_CHECKING:
    from incidents.contract.documents.filings import TermsOfSites
    from incidents.contract.documents.sites import Case, Incident, IncidentPage, SitePage


SEARCHED_S = 5
_SEARCHED_AT_ONCE = 100
_SITES, _INCIDENTS, _TERMS = "sites", "incidents", "terms"


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteFilter:
    """A filter for sites; None matches all. `q`: a part of the name, as stored or as shown."""

    state: str | None = None
    held: bool | None = None
    disputed: bool | None = None
    q: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentFilter:
    """A filter for incidents, for example recorded at or after `since` and before `until` (UTC).

    `q`: a part of the site's name, of a web address, or of a note on the incident or a contact.
    """

    site: str | None = None
    state: str | None = None
    category: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    q: str | None = None


def sites_page(
    connection: Connection, wanted: SiteFilter, *, limit: int, cursor: str | None = None
) -> SitePage:
    """A page of the register, by site name.

    Raises:
        BadCursorError: for a cursor of another list.
        TooCostlyError: if the query takes too long.
    """
    query = select(*sites.c).where(sites.c.created_at.is_not(None))
    for column in ("state", "held", "disputed"):
        value = getattr(wanted, column)
        if value is not None:
            query = query.where(sites.c[column] == value)
    with pages.time_limit(connection, SEARCHED_S):
        if wanted.q is not None:
            query = query.where(_is_called(connection, wanted.q))
        query = query.order_by(sites.c.name)
        found = pages.page(connection, query, _SITES, limit=limit, cursor=cursor)
    return {"items": register.documents(connection, found.rows), "next": found.next}


def terms_page(
    connection: Connection, until: str | None, *, limit: int, cursor: str | None = None
) -> TermsOfSites:
    """A page of the running terms, by last day, until `until` inclusive.

    Raises:
        BadCursorError: for a cursor of another list.
    """
    found = pages.page(connection, terms_query(until), _TERMS, limit=limit, cursor=cursor)
    return {"items": [term_document(row) for row in found.rows], "next": found.next}


def incidents_page(
    connection: Connection,
    wanted: IncidentFilter,
    *,
    limit: int,
    cursor: str | None = None,
    reveal: bool = False,
) -> IncidentPage:
    """A page of incidents: sites in the order in which they were added, incidents in logged order.

    Notes are masked unless `reveal` is set. A search reads until the page is full and one more
    match is known: `next` depends on shown text alone, because otherwise it would help somebody to
    guess a masked number.

    Raises:
        UnknownSiteError: if there is no such site.
        BadCursorError: for a cursor of another list.
        TooCostlyError: if the query takes too long.
    """
    look = _Look(connection, wanted, reveal=reveal)
    with pages.time_limit(connection, SEARCHED_S) as in_time:
        found = list(islice(look.read(cursor, limit + 1, in_time), limit + 1))
    ahead = pages.cursor_after(_INCIDENTS, found[limit - 1][0]) if len(found) > limit else None
    return {"items": [document for _, document in found[:limit]], "next": ahead}


@dataclass(frozen=True, slots=True)
class _Look:
    """A search through the incidents on behalf of one reader."""

    connection: Connection
    wanted: IncidentFilter
    _: KW_ONLY
    reveal: bool

    def read(
        self, cursor: str | None, at_once: int, in_time: Callable[[], None]
    ) -> Iterator[tuple[incident_rows.Key, Incident]]:
        """The matching incidents after the cursor with their keys, read `at_once` at a time."""
        query = _incidents(self.connection, self.wanted)
        q = self.wanted.q
        # The database finds more than the reader may see.
        most = at_once if q is None else max(at_once, _SEARCHED_AT_ONCE)
        while True:
            page = pages.page(self.connection, query, _INCIDENTS, limit=most, cursor=cursor)
            keys = [(row["site_id"], row["n"]) for row in page.rows]
            documents = _documents(self.connection, keys)
            shown = documents if self.reveal else [masked.document(each) for each in documents]
            for key, document in zip(keys, shown, strict=True):
                if q is None or where(document, q):
                    yield key, document
            if page.next is None:
                return
            in_time()
            cursor = page.next


def _incidents(connection: Connection, wanted: IncidentFilter) -> Select[Any]:
    of = incidents.c
    query = select(of.site_id, of.n)
    if wanted.site is not None:
        query = query.where(of.site_id == site_rows.named(connection, wanted.site)["id"])
    if wanted.state is not None:
        query = query.where(of.state == wanted.state)
    if wanted.category is not None:
        query = query.where(of.category == wanted.category)
    if wanted.since is not None:
        query = query.where(of.recorded_at >= wanted.since)
    if wanted.until is not None:
        query = query.where(of.recorded_at < wanted.until)
    if wanted.q is not None:
        query = query.where(_found_by(connection, wanted.q))
    return query.order_by(of.site_id, of.n)


def _found_by(connection: Connection, q: str) -> ColumnElement[bool]:
    of, quoted = incidents.c, quote(q, safe="/:?&=.-_~%#+")
    site = exists().where(sites.c.id == of.site_id, _is_called(connection, q))
    url = exists().where(
        incident_urls.c.site_id == of.site_id,
        incident_urls.c.incident == of.n,
        or_(
            _has(incident_urls.c.url, q, quoted, _ascii(q)),
            _has(incident_urls.c.written, q),
        ),
    )
    note = exists().where(sealed.c.ref == of.note, _has(sealed.c.value, q))
    contact_note = exists().where(
        contacts.c.site_id == of.site_id,
        contacts.c.incident == of.n,
        and_(sealed.c.ref == contacts.c.note, _has(sealed.c.value, q)),
    )
    written = exists().where(
        notes.c.site_id == of.site_id,
        notes.c.incident == of.n,
        and_(sealed.c.ref == notes.c.text, _has(sealed.c.value, q)),
    )
    return or_(site, url, note, contact_note, written)


def _is_called(connection: Connection, q: str) -> ColumnElement[bool]:
    """The condition that the site's name, in either form, contains `q`."""
    return or_(
        _has(sites.c.name, q, _ascii(q)), sites.c.name.in_(_with_unicode_name(connection, q))
    )


_MOST_WITH_LETTERS = 1_000


def _with_unicode_name(connection: Connection, q: str) -> list[str]:
    """The first names whose display form contains `q`, which a database cannot find in A-labels."""
    if q.isascii():
        return []
    names = connection.scalars(select(sites.c.name).where(sites.c.name.contains("xn--")))
    wanted = q.casefold()
    found = (name for name in names if wanted in site_name.shown(name))
    return list(islice(found, _MOST_WITH_LETTERS))


def _has(column: ColumnElement[Any], *parts: str | None) -> ColumnElement[bool]:
    given = dict.fromkeys(part for part in parts if part is not None)
    return or_(*(column.icontains(part, autoescape=True) for part in given))


def _ascii(q: str) -> str | None:
    """A part of a name in its own script, converted to the form in which names are stored."""
    if q.isascii():
        return None
    try:
        return site_name.read(q)
    except BadSiteNameError:
        return None


def where(document: Incident, q: str) -> list[str]:
    """The shown texts of an incident in which `q` was found."""
    notes = [document["note"], *(contact["note"] for contact in document["contacts"])]
    notes += [note["text"] for note in document["notes"]]
    urls = [*document["urls"], *document["urls_written"]]
    texts = [document["site"], site_name.shown(document["site"]), *urls, *notes]
    wanted = [each.casefold() for each in (q, quote(q, safe="/:?&=.-_~%#+"), _ascii(q)) if each]
    found = (text for text in texts if text and any(part in text.casefold() for part in wanted))
    return list(dict.fromkeys(found))


def _documents(connection: Connection, keys: list[incident_rows.Key]) -> list[Incident]:
    """The documents of the incidents, with one query for each kind of row."""
    found = incident_rows.whole(connection, keys)
    wanted = sorted({site_id for site_id, _ in keys})
    rows: list[Mapping[str, Any]] = [
        dict(row)
        for row in connection.execute(select(sites).where(sites.c.id.in_(wanted))).mappings()
    ]
    cases = {row["id"]: site_row.to_case(row) for row in rows}
    documents = [incident_document(cases[key[0]], found[key]) for key in keys]
    return record_entries.reveal_texts(connection, documents)


MAX_CASES = 20


def cases_of_run(connection: Connection, site_id: int, limit: int = MAX_CASES) -> list[Case]:
    """List up to `limit` of the latest cases of a run (R2, R3), oldest first, with struck cases.

    `until` is null for the case that closed the site instead of suspending it; `ended_at` is null
    while the suspension runs.
    """
    found = select(suspensions).where(suspensions.c.site_id == site_id)
    rows = connection.execute(found.order_by(suspensions.c.n.desc()).limit(limit)).mappings()
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
            "epoch": case.epoch,
        }
        for case in reversed([read(row) for row in rows])
    ]
