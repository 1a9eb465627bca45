"""The orders not carried out, dead letters first, a page at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select

from incidents.machine.orders import DESK, NOTICE
from incidents.store import pages
from incidents.store.cases import sites as site_rows
from incidents.store.pages import BadCursorError
from incidents.store.schema.log_tables import braked, deliveries, given_up, waiting
from incidents.values.ids import ACT
from incidents.views.orders import (
    ALL_SET,
    IN_ORDER,
    LATE_AFTER,
    document_of,
    late_rows,
    rows_of,
)

if TYPE_CHECKING:
    from incidents.contract.documents.orders import Order

_of = deliveries.c
_KEY = (_of.site_seq, _of.lane, _of.n)
_BY_AGE = (*IN_ORDER, *_KEY)
_BY_ATTEMPT = (_of.next_at, _of.site_id, *_KEY)
_KIND = "orders"
LANES = (ACT, NOTICE, DESK)
Lane = Literal["act", "notice", "desk"]
STATES = ("braked", "dead", "late", "waiting")


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilter:
    """A filter for orders not carried out: of a site, in a lane, in one of `STATES`."""

    site: str | None = None
    lane: str | None = None
    state: str | None = None


class _Section(NamedTuple):
    """A part of the list with an order of its own, and its name in cursors."""

    name: str
    rows: Select[Any]
    order: tuple[ColumnElement[Any], ...]

    @property
    def kind(self) -> str:
        return f"{_KIND}-{self.name}"


class OrderPage(NamedTuple):
    """A page of orders; `next` is the cursor of the following page."""

    items: list[Order]
    next: str | None


def unsettled_page(
    connection: Connection,
    now: datetime,
    wanted: OrderFilter,
    *,
    limit: int,
    cursor: str | None = None,
    unset: Mapping[str, str] = ALL_SET,
) -> OrderPage:
    """A page of the orders not carried out: dead letters, then waiting orders.

    Dead letters come in the order in which they were issued, waiting orders lane by lane, by their
    next attempt. `state`: `dead`; `braked` (not tried, because too many sites were taken down at
    once); `in_hand` (an attempt is running at `now`); or `waiting`. `late`: an order to the live
    system that has waited for `LATE_AFTER`; the state `late` lists only those, the longest waiting
    first. `unset`: the settings of the lanes without a channel (see `App`); an order that has
    waited in such a lane for `LATE_AFTER` names the setting.

    Raises:
        UnknownSiteError: for `site`, with the nearest names.
        BadCursorError: for a cursor of another list.
    """
    if wanted.site is not None:
        site_rows.named(connection, wanted.site)
    found: list[tuple[_Section, Mapping[str, Any]]] = []
    for section in _from(list(_sections(wanted, now)), cursor):
        rows = section.rows.order_by(*section.order)
        most = limit + 1 - len(found)
        page = pages.page(connection, rows, section.kind, limit=most, cursor=cursor)
        found += [(section, row) for row in page.rows]
        if len(found) > limit:
            break
        cursor = None
    shown = found[:limit]
    ahead = _after(*shown[-1]) if len(found) > limit else None
    return OrderPage([document_of(row, now, unset) for _, row in shown], ahead)


def unsettled(
    connection: Connection,
    now: datetime,
    *,
    site: str | None = None,
    state: str | None = None,
    limit: int = 100,
    unset: Mapping[str, str] = ALL_SET,
) -> list[Order]:
    """The first orders of `unsettled_page`, in one of `STATES`; raises UnknownSiteError."""
    wanted = OrderFilter(site=site, state=state)
    return unsettled_page(connection, now, wanted, limit=limit, unset=unset).items


def _sections(wanted: OrderFilter, now: datetime) -> Iterator[_Section]:
    state, lane = wanted.state, wanted.lane
    rows = rows_of(wanted.site) if lane is None else rows_of(wanted.site).where(_of.lane == lane)
    if state == "late":
        since = now - LATE_AFTER
        late = late_rows(wanted.site).params(late_since=since)
        yield _Section("late", late if lane is None else late.where(_of.lane == lane), _BY_AGE)
    if state in (None, "braked"):
        yield _Section("braked", rows.where(braked), _BY_AGE)
    if state in (None, "dead"):
        yield _Section("dead", rows.where(given_up), _BY_AGE)
    if state in (None, "waiting"):
        for each in LANES if lane is None else (lane,):
            yield _Section(each, rows.where(waiting, _of.lane == each), _BY_ATTEMPT)


def _from(sections: Sequence[_Section], cursor: str | None) -> Sequence[_Section]:
    """The sections from that of the cursor on."""
    if cursor is None:
        return sections
    kind = pages.kind_of(cursor)
    for n, section in enumerate(sections):
        if section.kind == kind:
            return sections[n:]
    raise BadCursorError


def _after(section: _Section, row: Mapping[str, Any]) -> str | None:
    return pages.cursor_after(section.kind, tuple(row[str(column.key)] for column in section.order))
