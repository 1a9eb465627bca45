"""The rows of the queue in its order, a page at a time, and their number by kind.

The order has three sections, because ten thousand late filings must not hide the one customer who
must be called: the work on incidents and closures; the terms of filings, overdue ones first; and
what is wrong with filings. An index gives the order of each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Text,
    and_,
    func,
    literal,
    literal_column,
    not_,
    select,
    tuple_,
)

from incidents.contract.queue_filter import EVERYTHING, QueueFilter
from incidents.errors import InputError
from incidents.machine.work import TELL
from incidents.store.pages import literal_int
from incidents.store.schema.desk_tables import filing_terms
from incidents.store.schema.tables import LAST, claims, sites, work
from incidents.store.schema.types import microseconds, words
from incidents.values.ids import DISPUTED, read_item_id
from incidents.views.queue import queue_filter
from incidents.views.queue.queue_filter import claim_of, is_tried, narrowed, tried

Row = Mapping[str, Any]

MAX_COUNTED = 1_000
"""The maximum number of items counted by kind, most urgent first; `counts_capped`: maybe more.

The cost of a count grows with the limit: beyond a thousand it would exceed the cost of the page.
"""

IN_ORDER = (work.c.sort_due, work.c.recorded_at, work.c.site_id, work.c.item)
"""The order of a section without terms: most urgent first (Q.1)."""

_dispute = work.alias("dispute")
_disputed = (
    select(_dispute.c.item)
    .where(_dispute.c.site_id == work.c.site_id, _dispute.c.item == words(DISPUTED)[0])
    .correlate(work)
    .exists()
)
LISTED: ColumnElement[bool] = not_(and_(work.c.kind == words(TELL)[0], _disputed))
"""The condition for rows of `work` in the queue: no customer is told of a disputed closure."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NO_DAY: ColumnElement[Any] = literal_column("NULL", Text).label("due_on")
_of_term = and_(filing_terms.c.site_id == work.c.site_id, filing_terms.c.term == work.c.kind)
# Not by the key of the terms: SQLite would read all work, and sort it.
_by_day = and_(
    filing_terms.c.site_id + literal_int(0) == work.c.site_id, filing_terms.c.term == work.c.kind
)
_has_term = select(filing_terms.c.term).where(_of_term).correlate(work).exists()
_last = literal(LAST, work.c.sort_due.type)


@dataclass(frozen=True, slots=True)
class _Section:
    """A part of the queue with an order of its own; its rows have `due_on`, a term's last day."""

    rows: Select[Any]
    order: tuple[ColumnElement[Any], ...]
    has_terms: bool = False


_INCIDENTS = _Section(select(*work.c, _NO_DAY).where(LISTED, work.c.sort_due < _last), IN_ORDER)
_TERMS = _Section(
    select(*work.c, filing_terms.c.due_on).join_from(filing_terms, work, _by_day),
    (filing_terms.c.due_on, *IN_ORDER[1:]),
    has_terms=True,
)
_FILINGS = _Section(
    select(*work.c, _NO_DAY).where(work.c.sort_due >= _last, not_(_has_term)), IN_ORDER
)
_SECTIONS = (_INCIDENTS, _TERMS, _FILINGS)


def page(
    connection: Connection,
    most: int,
    *,
    wanted: QueueFilter = EVERYTHING,
    after: str | None = None,
    zone: tzinfo = UTC,
) -> tuple[list[Row], str | None]:
    """The first `most` rows after that place, and the place of the next page; None at the end.

    The last day of a term ends in `zone`. Raises InputError if `after` is no place.
    """
    found: list[Row] = []
    first, place = (0, None) if after is None else _place_after(after)
    for section in _SECTIONS[first:]:
        query = _narrowed(section, wanted, zone, place)
        rows = tried(query, wanted, section.order) if is_tried(wanted) else query
        rows = rows if is_tried(wanted) else rows.order_by(*section.order)
        found += _rows(connection, rows, most + 1, section, zone)
        if len(found) > most:
            return found[:most], cursor(found[most - 1])
        if is_tried(wanted) and (last := _last_read(connection, query, section)) is not None:
            return found, last
        place = None
    return found, None


def one(connection: Connection, of: tuple[int, str], zone: tzinfo = UTC) -> list[Row]:
    """The row of the item; an empty list if there is none."""
    query = select(*work.c, filing_terms.c.due_on).outerjoin(filing_terms, _of_term)
    query = query.where(LISTED, work.c.site_id == of[0], work.c.item == of[1])
    return _rows(connection, query, 1, _INCIDENTS, zone)


def _narrowed(
    section: _Section, wanted: QueueFilter, zone: tzinfo, place: tuple[Any, ...] | None
) -> Select[Any]:
    query = section.rows
    if section.has_terms:
        # A range with two ends, or SQLite would sort all terms without their index.
        first = "" if place is None else place[0]
        day = filing_terms.c.due_on
        query = query.where(day >= first, day <= date.max.isoformat())
    if section.has_terms and wanted.due_before is not None:
        query = query.where(filing_terms.c.due_on < _first_day_after(wanted.due_before, zone))
        wanted = replace(wanted, due_before=None)
    query = narrowed(query, wanted)
    if place is not None:
        given = zip(place, section.order, strict=True)
        after = tuple_(*(literal(value, column.type) for value, column in given))
        query = query.where(tuple_(*section.order) > after)
    return query


def _rows(
    connection: Connection, query: Select[Any], most: int, section: _Section, zone: tzinfo
) -> list[Row]:
    """The first rows, joined with their parts afterwards.

    The limit is a literal: for a bound limit PostgreSQL expects a tenth of the table, and reads all
    sites.
    """
    rows = query.limit(literal_int(most)).subquery("page")
    joined = rows.join(sites, sites.c.id == rows.c.site_id).outerjoin(claims, claim_of(rows))
    whom = (
        sites.c.name, sites.c.state, sites.c.suspended_until, sites.c.in_force, sites.c.rule,
        sites.c.held,
        sites.c.epoch, sites.c.last_suspension, sites.c.phone, sites.c.email, sites.c.person,
        sites.c.request_by,
        sites.c.request_reason, sites.c.closing_by, sites.c.closing_text,
        sites.c.closing_incident, sites.c.closing_field,
    )  # fmt: skip
    claim = (claims.c.by.label("claimed_by"), claims.c.at.label("claimed_at"))
    order = (rows.c[str(column.key)] for column in section.order)
    whole = select(rows, *whom, *claim).select_from(joined).order_by(*order)
    return [_with_due(row, zone) for row in connection.execute(whole).mappings()]


def _with_due(row: Mapping[Any, Any], zone: tzinfo) -> Row:
    """The row; a term is due at the end of its last day in the zone (F.20)."""
    day = row["due_on"]
    if day is None:
        return dict(row)
    ends = datetime.combine(date.fromisoformat(day) + timedelta(days=1), time(), zone)
    return {**row, "due": ends.astimezone(UTC)}


def _first_day_after(moment: datetime, zone: tzinfo) -> str:
    """The first day that does not end before the moment."""
    local = moment.astimezone(zone)
    is_midnight = local.time() == time()
    return (local.date() - timedelta(days=is_midnight)).isoformat()


def _last_read(connection: Connection, query: Select[Any], section: _Section) -> str | None:
    """Where a page that tried its filter on `MAX_READ` rows goes on; None if that was all."""
    last = (
        query.order_by(*section.order)
        .offset(literal_int(queue_filter.MAX_READ - 1))
        .limit(literal_int(1))
    )
    row = connection.execute(last).mappings().first()
    return None if row is None else cursor(dict(row))


def counts(
    connection: Connection, wanted: QueueFilter = EVERYTHING, zone: tzinfo = UTC
) -> Counter[str]:
    """The number of items by kind among the first `MAX_COUNTED`, whatever kind the filter names."""
    of_each = replace(wanted, kind=None)
    columns = work.c if is_tried(of_each) else (work.c.kind,)
    if of_each.due_before is None:
        listed = narrowed(select(*columns).where(LISTED), of_each)
        return _counted(connection, listed, of_each, IN_ORDER, MAX_COUNTED)
    found: Counter[str] = Counter()
    for section in _SECTIONS[:2]:
        left = MAX_COUNTED - found.total()
        if left:
            listed = _narrowed(section, of_each, zone, None)
            found += _counted(connection, listed, of_each, section.order, left)
    return found


def _counted(
    connection: Connection, listed: Select[Any], wanted: QueueFilter,
    order: Sequence[ColumnElement[Any]], most: int,
) -> Counter[str]:  # fmt: skip
    of = tuple(order)
    listed = tried(listed, wanted, of) if is_tried(wanted) else listed.order_by(*of)
    first = listed.limit(literal_int(most)).subquery("first")
    query = select(first.c.kind, func.count().label("total")).group_by(first.c.kind)
    return Counter({row.kind: row.total for row in connection.execute(query)})


def cursor(row: Row) -> str:
    """The row's position in the queue, because the item itself may be gone by the next page."""
    due = microseconds(row["sort_due"]) if row["due_on"] is None else row["due_on"]
    return f"{due}.{microseconds(row['recorded_at'])}.{row['site_id']}-{row['item']}"


def _place_after(after: str) -> tuple[int, tuple[Any, ...]]:
    """The section's number and the position in it."""
    due, _, rest = after.partition(".")
    recorded, _, item = rest.partition(".")
    read = read_item_id(item)
    try:
        recorded_at = _EPOCH + timedelta(microseconds=int(recorded))
        if "-" in due[1:]:
            first: Any = date.fromisoformat(due).isoformat()
            section = 1
        else:
            first = _EPOCH + timedelta(microseconds=int(due))
            section = 0 if first < LAST else 2
        is_place = read is not None and recorded_at <= LAST and (section == 1 or first <= LAST)
    except (ValueError, OverflowError):
        is_place = False
    if not is_place or read is None:
        raise InputError.coded(
            "no_place",
            "not a place in the queue: {given!r} (give a page's next_after)",
            given=after,
        )
    return section, (first, recorded_at, *read)
