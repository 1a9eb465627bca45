"""The page of the queue: the rows of `work` in their order, and where the next page goes on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    func,
    literal,
    literal_column,
    not_,
    select,
    tuple_,
)

from incidents.errors import InputError
from incidents.machine.work import TELL
from incidents.store.schema.tables import LAST, claims, sites, work
from incidents.store.schema.types import microseconds, words
from incidents.values.ids import DISPUTED, read_item_id

Row = Mapping[str, Any]

MAX_COUNTED = 1_000
"""So many items are counted by kind, the most urgent ones; `counts_capped` says that it was so.

A count costs what it counts: beyond a thousand it would cost more than the page it stands on.
"""

IN_ORDER = (work.c.sort_due, work.c.recorded_at, work.c.site_id, work.c.item)
"""The most urgent first (domain.md, section 3, "The queue")."""

_dispute = work.alias("dispute")
_disputed = (
    select(_dispute.c.item)
    .where(_dispute.c.site_id == work.c.site_id, _dispute.c.item == words(DISPUTED)[0])
    .correlate(work)
    .exists()
)
LISTED: ColumnElement[bool] = not_(and_(work.c.kind == words(TELL)[0], _disputed))
"""What of `work` the queue lists: nobody tells a customer of a closure that is disputed."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def page(
    most: int,
    *,
    mine: str | None = None,
    after: str | None = None,
    of: tuple[int, str] | None = None,
) -> Select[Any]:
    """The page's rows of `work` by its index, and only then what belongs to each."""
    found = select(work).where(LISTED)
    if of is not None:
        found = found.where(work.c.site_id == of[0], work.c.item == of[1])
    if mine is not None:
        found = found.join(claims, _claim_of(work)).where(claims.c.by == mine)
    if after is not None:
        found = found.where(tuple_(*IN_ORDER) > _place(after))
    rows = found.order_by(*IN_ORDER).limit(_written(most)).subquery("page")
    joined = rows.join(sites, sites.c.id == rows.c.site_id).outerjoin(claims, _claim_of(rows))
    whom = (
        sites.c.name, sites.c.state, sites.c.in_force, sites.c.rule, sites.c.held,
        sites.c.epoch, sites.c.last_suspension, sites.c.phone, sites.c.email, sites.c.person,
        sites.c.request_by,
        sites.c.request_reason, sites.c.closing_by, sites.c.closing_text,
        sites.c.closing_incident, sites.c.closing_field,
    )  # fmt: skip
    claim = (claims.c.by.label("claimed_by"), claims.c.at.label("claimed_at"))
    order = (rows.c.sort_due, rows.c.recorded_at, rows.c.site_id, rows.c.item)
    return select(rows, *whom, *claim).select_from(joined).order_by(*order)


def _claim_of(of: Any) -> Any:
    return and_(claims.c.site_id == of.c.site_id, claims.c.item == of.c.item)


def counts(connection: Connection, *, mine: str | None = None) -> Counter[str]:
    """How many of each kind are among the first `MAX_COUNTED`, of what `mine` has claimed."""
    listed = select(work.c.kind).where(LISTED)
    if mine is not None:
        listed = listed.join(claims, _claim_of(work)).where(claims.c.by == mine)
    first = listed.order_by(*IN_ORDER).limit(_written(MAX_COUNTED)).subquery("first")
    found = connection.execute(
        select(first.c.kind, func.count().label("total")).group_by(first.c.kind)
    )
    return Counter({row.kind: row.total for row in found})


def _written(most: int) -> Any:
    """A limit that stands in the statement itself.

    PostgreSQL, planning for any limit, takes it for a tenth of the table, and reads all sites.
    """
    return literal_column(str(most))


def cursor(row: Row) -> str:
    """The row's place in the queue: not the item alone, which may be gone by the next page."""
    times = f"{microseconds(row['sort_due'])}.{microseconds(row['recorded_at'])}"
    return f"{times}.{row['site_id']}-{row['item']}"


def _place(after: str) -> Any:
    due, _, rest = after.partition(".")
    recorded, _, item = rest.partition(".")
    read = read_item_id(item)
    try:
        times = [_EPOCH + timedelta(microseconds=int(text)) for text in (due, recorded)]
    except (ValueError, OverflowError):
        times = []
    if read is None or not times or max(times) > LAST:
        raise InputError(f"not a place in the queue: {after!r} (give a page's next_after)")
    given = zip((*times, *read), IN_ORDER, strict=True)
    return tuple_(*(literal(value, column.type) for value, column in given))
