"""The rows of the queue in order, a page at a time, with their holders.

A holder is a person who has claimed an item and works on it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    func,
    literal,
    not_,
    select,
    tuple_,
)

from incidents.clock import rfc3339
from incidents.contract.queue_filter import EVERYTHING, QueueFilter
from incidents.errors import InputError
from incidents.machine.case import Case
from incidents.machine.policy import Policy
from incidents.machine.rules import Place, cases_up_to, next_closes_until
from incidents.machine.work import TELL
from incidents.store.cases import incidents, suspensions
from incidents.store.cases.slices import FIRST as FIRST_PLACE
from incidents.store.cases.slices import LAST as LAST_PLACE
from incidents.store.pages import literal_int
from incidents.store.schema.tables import LAST, claims, sites, work
from incidents.store.schema.types import microseconds, words
from incidents.values.ids import DISPUTED, incident_id, item_id, read_item_id
from incidents.views.queue import queue_filter
from incidents.views.queue.queue_filter import claim_of, is_tried, narrowed, tried

if TYPE_CHECKING:
    from incidents.contract.documents.queue import Held, Holder

Row = Mapping[str, Any]

MAX_COUNTED = 1_000
"""The maximum number of items counted by kind, most urgent first; `counts_capped`: maybe more.

The cost of a count grows with the limit: beyond a thousand it would exceed the cost of the page.
"""

INSPECTIONS = ("check_removal", "recheck")
"""The kinds of work for which somebody looks at the content, which may still be online."""

IN_ORDER = (work.c.sort_due, work.c.recorded_at, work.c.site_id, work.c.item)
"""The order of the queue: most urgent first (Q.1)."""

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


def page(
    most: int,
    *,
    wanted: QueueFilter = EVERYTHING,
    after: str | None = None,
    of: tuple[int, str] | None = None,
) -> Select[Any]:
    """The query for a page's rows of `work`, by an index, joined with their parts afterwards.

    The limit is a literal: for a bound limit PostgreSQL expects a tenth of the table, and reads all
    sites.
    """
    found = select(work).where(LISTED)
    if of is not None:
        found = found.where(work.c.site_id == of[0], work.c.item == of[1])
    found = narrowed(found, wanted)
    if after is not None:
        found = found.where(tuple_(*IN_ORDER) > _place_after(after))
    found = tried(found, wanted, IN_ORDER) if is_tried(wanted) else found.order_by(*IN_ORDER)
    rows = found.limit(literal_int(most)).subquery("page")
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
    order = (rows.c.sort_due, rows.c.recorded_at, rows.c.site_id, rows.c.item)
    return select(rows, *whom, *claim).select_from(joined).order_by(*order)


def last_read(connection: Connection, wanted: QueueFilter, after: str | None) -> str | None:
    """Where a page that tried its filter on `MAX_READ` items goes on; None if that was all."""
    found = narrowed(select(*IN_ORDER).where(LISTED), wanted)
    if after is not None:
        found = found.where(tuple_(*IN_ORDER) > _place_after(after))
    last = (
        found.order_by(*IN_ORDER)
        .offset(literal_int(queue_filter.MAX_READ - 1))
        .limit(literal_int(1))
    )
    row = connection.execute(last).mappings().first()
    return None if row is None else cursor(dict(row))


def counts(connection: Connection, wanted: QueueFilter = EVERYTHING) -> Counter[str]:
    """The number of items by kind among the first `MAX_COUNTED`, whatever kind the filter names."""
    of_each = replace(wanted, kind=None)
    columns = work.c if is_tried(of_each) else (work.c.kind,)
    listed = narrowed(select(*columns).where(LISTED), of_each)
    listed = tried(listed, of_each, IN_ORDER) if is_tried(of_each) else listed.order_by(*IN_ORDER)
    first = listed.limit(literal_int(MAX_COUNTED)).subquery("first")
    found = connection.execute(
        select(first.c.kind, func.count().label("total")).group_by(first.c.kind)
    )
    return Counter({row.kind: row.total for row in found})


def cursor(row: Row) -> str:
    """The row's position in the queue, because the item itself may be gone by the next page."""
    times = f"{microseconds(row['sort_due'])}.{microseconds(row['recorded_at'])}"
    return f"{times}.{row['site_id']}-{row['item']}"


def _place_after(after: str) -> Any:
    due, _, rest = after.partition(".")
    recorded, _, item = rest.partition(".")
    read = read_item_id(item)
    try:
        times = [_EPOCH + timedelta(microseconds=int(text)) for text in (due, recorded)]
    except (ValueError, OverflowError):
        times = []
    if read is None or not times or max(times) > LAST:
        raise InputError.coded(
            "no_place",
            "not a place in the queue: {given!r} (give a page's next_after)",
            given=after,
        )
    given = zip((*times, *read), IN_ORDER, strict=True)
    return tuple_(*(literal(value, column.type) for value, column in given))


MOST_HELD = 500
"""The maximum number of items listed for all holders together; the total has no limit."""


def holders(connection: Connection, *, most: int = MOST_HELD) -> list[Holder]:
    """The holders by name, each with the number of their items (`total`) and the first items.

    `items` has the first `most` of all, holder by holder, each by deadline; items of later holders
    may be missing.
    """
    of = claims.c
    counted = select(of.by, func.count()).group_by(of.by).order_by(of.by)
    listed = groupby(_items(connection, most), key=lambda item: item["by"])
    found = {by: list(items) for by, items in listed}
    return [
        {"by": by, "total": total, "items": found.get(by, [])}
        for by, total in connection.execute(counted)
    ]


def sites_held(connection: Connection, by: str) -> list[tuple[int, str]]:
    """The ids and names of the sites on which that person holds an item, by name."""
    joined = claims.join(sites, sites.c.id == claims.c.site_id)
    query = select(sites.c.id, sites.c.name).select_from(joined).where(claims.c.by == by)
    return [(id_, name) for id_, name in connection.execute(query.distinct().order_by("name"))]


def _items(connection: Connection, most: int) -> list[Held]:
    joined = claims.join(sites, sites.c.id == claims.c.site_id).join(work, claim_of(work))
    query = select(claims, sites.c.name, work.c.kind, work.c.incident, work.c.due)
    order = (claims.c.by, work.c.sort_due, claims.c.site_id, claims.c.item)
    return [
        {
            "id": item_id(row.site_id, row.item),
            "by": row.by,
            "since": rfc3339(row.at),
            "site": row.name,
            "kind": row.kind,
            "incident": None if row.incident is None else incident_id(row.site_id, row.incident),
            "due": None if row.due is None else rfc3339(row.due),
        }
        for row in connection.execute(query.select_from(joined).order_by(*order).limit(most))
    ]


Item = tuple[int, str]
"""A site's id and the item."""


def opens_first(row: Row) -> bool:
    """Whether the suspension of the item's site ends before the item's contact clock does.

    A miss then suspends or closes the site again. If both are due at the same time, the clock is
    processed first.
    """
    until, due = row["suspended_until"], row["due"]
    return row["kind"] == "call" and None not in (until, due) and until < due


def closing_misses(connection: Connection, rows: Sequence[Row], policy: Policy) -> set[Item]:
    """The items on which the next miss closes the site, which is open, or will be by then.

    A running clock is judged at its own deadline (R3): a contact about a later incident does not
    count. An item without a clock warns about the present run of cases. The function takes at most
    two queries.
    """
    active = [row for row in rows if row["state"] == "active" or opens_first(row)]
    cases = _ends_of_runs(connection, [row for row in active if row["last_suspension"]], policy)
    return {
        (row["site_id"], row["item"])
        for row in active
        if _closes(cases.get(row["site_id"]), row, policy)
    }


def closing_counts(
    connection: Connection, rows: Sequence[Row], policy: Policy, now: datetime
) -> set[int]:
    """The sites of items that check content, on which one more violation closes the site (R1).

    The function takes at most one query.
    """
    looked = [row for row in rows if row["kind"] in INSPECTIONS and row["state"] != "closed"]
    places = sorted({(row["site_id"], row["epoch"], now) for row in looked})
    if policy.repeat_count == 1 or not places:
        return {site_id for site_id, *_ in places}
    times: dict[int, list[datetime]] = defaultdict(list)
    most = policy.repeat_count - 1
    for site_id, incident in incidents.NEAREST_BEFORE.fetch(connection, places, most=most).all():
        times[site_id].append(incident.occurred_at)
    return {
        site_id
        for site_id, found in times.items()
        if next_closes_until(sorted(found), policy, now) is not None
    }


def _ends_of_runs(connection: Connection, rows: Sequence[Row], policy: Policy) -> dict[int, Case]:
    """The cases of the sites of those rows, with the history that gives the length of each run."""
    if not rows:
        return {}
    cases = {
        row["site_id"]: Case(site_id=row["site_id"], site=row["name"], epoch=row["epoch"])
        for row in rows
    }
    places = {(row["site_id"], row["epoch"], *_place(row)) for row in rows}
    reached = incidents.REACHED_BEFORE.fetch(connection, sorted(places), most=1)
    for site_id, incident in reached.all():
        cases[site_id].incidents[incident.n] = incident
    first = {row["site_id"]: _place(row) for row in sorted(rows, key=_place, reverse=True)}
    starts = {(id_, case.epoch, *_since(case, policy, first[id_])) for id_, case in cases.items()}
    for id_, suspension in suspensions.STANDING_AFTER.fetch(connection, sorted(starts)).all():
        cases[id_].suspensions[suspension.n] = suspension
    return cases


def _closes(case: Case | None, row: Row, policy: Policy) -> bool:
    total = policy.run == "total"
    before = [] if case is None else cases_up_to(case, _place(row), total=total)
    return len(before) + 1 >= policy.run_count


def _since(case: Case, policy: Policy, earliest: Place) -> Place:
    """The position from which suspensions matter: the last break of the run before `earliest`."""
    if policy.run == "total":
        return FIRST_PLACE
    broken = (i.place for i in case.incidents.values() if i.place < earliest)
    return max(broken, default=FIRST_PLACE)


def _place(row: Row) -> Place:
    """The position at which the item is judged: a call's deadline, or after everything so far."""
    return (row["due"], row["incident"]) if row["kind"] == "call" and row["due"] else LAST_PLACE
