"""The list of incidents: a page at a time, filtered and searched, and counted by state."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import ColumnElement, Connection, Select, and_, select, tuple_

from incidents.contract.case_documents import incident_document
from incidents.store import pages
from incidents.store.cases import incidents as incident_rows
from incidents.store.cases import site_row
from incidents.store.cases import sites as site_rows
from incidents.store.schema.tables import claims, incidents, sites, work
from incidents.views import masked, record_entries
from incidents.views.figures.contact_times import contact_time
from incidents.views.incident_search import found_by, where

if TYPE_CHECKING:
    from incidents.contract.documents.sites import Incident, IncidentPage

MAX_COUNTED = 1_000
"""The maximum number of incidents counted by state, newest first."""

VOIDED = "voided"
_SEARCHED_AT_ONCE = 100
_of = incidents.c

Order = Literal["site", "newest"]
"""The order of the list: by site, as added, then as logged; or the last recorded first."""

_ORDERS: Mapping[Order, tuple[ColumnElement[Any], ...]] = {
    "site": (_of.site_id, _of.n),
    "newest": (_of.recorded_at.desc(), _of.site_id.desc(), _of.n.desc()),
}
_KINDS: Mapping[Order, str] = {"site": "incidents", "newest": "newest-incidents"}
"""The kind of each order's cursors: those of one order have no meaning in the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentFilter:
    """A filter for incidents, for example recorded at or after `since` and before `until` (UTC).

    `occurred_since` and `occurred_until` limit the time of the violation in the same way.
    `category_not`: another category than these; `categorised`: whether there is one at all.
    `contact_over_s` and `contact_within_s`: the time from the record to the call that reached the
    person in time (R2), rounded down to a second; beyond two hours, to a minute.
    `rule`: the rule that suspended or closed the site. `holder`: the person who has claimed the
    incident's item in the queue. `due_before` (UTC): the item's deadline. `by`: who logged it.
    `q`: a part of the site's name, of a web address, or of a note on the incident or a contact.
    """

    site: str | None = None
    state: str | None = None
    category: str | None = None
    category_not: Sequence[str] = ()
    categorised: bool | None = None
    voided: bool | None = None
    rule: str | None = None
    holder: str | None = None
    due_before: datetime | None = None
    since: datetime | None = None
    until: datetime | None = None
    occurred_since: datetime | None = None
    occurred_until: datetime | None = None
    contact_over_s: int | None = None
    contact_within_s: int | None = None
    by: str | None = None
    q: str | None = None


def incidents_page(
    connection: Connection,
    wanted: IncidentFilter,
    *,
    limit: int,
    cursor: str | None = None,
    order: Order = "site",
    reveal: bool = False,
) -> IncidentPage:
    """A page of incidents in that order.

    Notes are masked unless `reveal` is set. A search reads until the page is full and one more
    match is known: `next` depends on shown text alone, because otherwise it would help somebody to
    guess a masked number.

    Raises:
        UnknownSiteError: if there is no such site.
        BadCursorError: for a cursor of another list.
        TooCostlyError: if the query takes too long.
    """
    look = _Look(connection, wanted, order, reveal=reveal)
    with pages.time_limit(connection, pages.SEARCHED_S) as in_time:
        found = list(islice(look.read(cursor, limit + 1, in_time), limit + 1))
    ahead = pages.cursor_after(_KINDS[order], found[limit - 1][0]) if len(found) > limit else None
    return {"items": [document for _, document in found[:limit]], "next": ahead}


def all_incidents(
    connection: Connection, wanted: IncidentFilter, *, at_once: int = 500
) -> Iterator[list[Incident]]:
    """All matching incidents, the newest first, masked, some at a time.

    Raises:
        UnknownSiteError: if there is no such site.
    """
    cursor = None
    while True:
        page = incidents_page(connection, wanted, limit=at_once, cursor=cursor, order="newest")
        yield page["items"]
        cursor = page["next"]
        if cursor is None:
            return


def counts_by_state(connection: Connection, wanted: IncidentFilter) -> tuple[dict[str, int], bool]:
    """The number of matching incidents in each state, and whether there are more.

    The state that the filter names does not matter. The last `MAX_COUNTED` that match are counted:
    an index of states would mislead SQLite, which then reads a site's open incidents by it.

    Raises:
        UnknownSiteError: if there is no such site.
        TooCostlyError: if the query takes too long.
    """
    rows = _matching(connection, select(_of.state), replace(wanted, state=None))
    return pages.counted(connection, rows.order_by(_of.recorded_at.desc()), MAX_COUNTED)


@dataclass(frozen=True, slots=True)
class _Look:
    """A search through the incidents on behalf of one reader."""

    connection: Connection
    wanted: IncidentFilter
    order: Order
    _: KW_ONLY
    reveal: bool

    def read(
        self, cursor: str | None, at_once: int, in_time: Callable[[], None]
    ) -> Iterator[tuple[tuple[Any, ...], Incident]]:
        """The matching incidents after the cursor with their places, read `at_once` at a time."""
        query = _matching(self.connection, select(_of.site_id, _of.n, _of.recorded_at), self.wanted)
        query = query.order_by(*_ORDERS[self.order])
        q = self.wanted.q
        # The database finds more than the reader may see.
        most = at_once if q is None else max(at_once, _SEARCHED_AT_ONCE)
        while True:
            kind = _KINDS[self.order]
            page = pages.page(self.connection, query, kind, limit=most, cursor=cursor)
            keys = [(row["site_id"], row["n"]) for row in page.rows]
            documents = _documents(self.connection, keys)
            shown = documents if self.reveal else [masked.document(each) for each in documents]
            for row, document in zip(page.rows, shown, strict=True):
                if q is None or where(document, q):
                    yield self._place(row), document
            if page.next is None:
                return
            in_time()
            cursor = page.next

    def _place(self, row: Mapping[str, Any]) -> tuple[Any, ...]:
        key = (row["site_id"], row["n"])
        return key if self.order == "site" else (row["recorded_at"], *key)


def _matching(connection: Connection, columns: Select[Any], wanted: IncidentFilter) -> Select[Any]:
    """Those columns of the incidents that match."""
    query = columns
    if wanted.site is not None:
        query = query.where(_of.site_id == site_rows.named(connection, wanted.site)["id"])
    for column in ("state", "category", "by"):
        value = getattr(wanted, column)
        if value is not None:
            query = query.where(_of[column] == value)
    query = query.where(*_of_category(wanted), *_in_time(wanted), *_contacted(connection, wanted))
    if wanted.voided is not None:
        query = query.where(_of.state == VOIDED if wanted.voided else _of.state != VOIDED)
    if wanted.rule is not None:
        query = query.join(sites, sites.c.id == _of.site_id).where(sites.c.rule == wanted.rule)
    if wanted.holder is not None or wanted.due_before is not None:
        query = query.where(tuple_(_of.site_id, _of.n).in_(_in_queue(wanted)))
    if wanted.q is not None:
        query = query.where(found_by(connection, wanted.q))
    return query


def _of_category(wanted: IncidentFilter) -> Iterator[ColumnElement[bool]]:
    if wanted.category_not:
        yield _of.category.not_in(wanted.category_not)
    if wanted.categorised is not None:
        yield _of.category.is_not(None) if wanted.categorised else _of.category.is_(None)


def _in_time(wanted: IncidentFilter) -> Iterator[ColumnElement[bool]]:
    since = [each for each in (wanted.since, wanted.occurred_since) if each is not None]
    if since:
        # A violation is recorded after it happens, and only the recording time has an index.
        yield _of.recorded_at >= max(since)
    if wanted.until is not None:
        yield _of.recorded_at < wanted.until
    if wanted.occurred_since is not None:
        yield _of.occurred_at >= wanted.occurred_since
    if wanted.occurred_until is not None:
        yield _of.occurred_at < wanted.occurred_until


def _contacted(connection: Connection, wanted: IncidentFilter) -> Iterator[ColumnElement[bool]]:
    if wanted.contact_over_s is not None:
        yield contact_time(connection) > pages.literal_int(wanted.contact_over_s * pages.SECOND)
    if wanted.contact_within_s is not None:
        yield contact_time(connection) <= pages.literal_int(wanted.contact_within_s * pages.SECOND)


def _in_queue(wanted: IncidentFilter) -> Select[Any]:
    """The incidents in the queue with that holder and that deadline."""
    found = select(work.c.site_id, work.c.incident).where(work.c.incident.is_not(None))
    if wanted.due_before is not None:
        found = found.where(work.c.sort_due < wanted.due_before)
    if wanted.holder is not None:
        same = and_(claims.c.site_id == work.c.site_id, claims.c.item == work.c.item)
        found = found.join(claims, same).where(claims.c.by == wanted.holder)
    return found


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
