"""The queue: what the desk must do now, most urgent first, a page at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    Connection,
    Select,
    and_,
    func,
    literal,
    literal_column,
    select,
    tuple_,
)

from incidents.clock import rfc3339
from incidents.errors import InputError
from incidents.machine.ids import read_item_id
from incidents.machine.policy import Policy
from incidents.store.tables import FAR, claims, sites, work
from incidents.store.types import microseconds
from incidents.views import personal, policy
from incidents.views.enforcement import enforcement
from incidents.views.findings import Findings, find
from incidents.views.misses import closing_misses
from incidents.views.script import script

Document = dict[str, Any]
Row = Mapping[str, Any]

MAX_PAGE = 1_000
MAX_COUNTED = 1_000
"""So many items are counted by kind, the most urgent ones; `counts_capped` says that it was so.

A count costs what it counts: beyond a thousand it would cost more than the page it stands on.
"""

_ORDER = (work.c.sort_due, work.c.recorded_at, work.c.site_id, work.c.item)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def queue(
    connection: Connection,
    now: datetime,
    *,
    mine: str | None = None,
    limit: int = 50,
    after: str | None = None,
) -> Document:
    """One page of what must be done, and whether anything enforces the clock.

    In the order of domain.md, section 3: what is overdue at `now`, then by deadline, then by
    `recorded_at`. `mine` shows only what that person has claimed; `after` is a page's `next_after`.
    A page takes the same number of queries, and the same time, however long the queue is.

    Raises:
        InputError: if `after` is not a page's `next_after`, or `limit` not between 1 and 1,000.
    """
    if not 1 <= limit <= MAX_PAGE:
        raise InputError(f"a page of the queue has 1 to {MAX_PAGE:,} items, got {limit}")
    found = connection.execute(_page(mine, after, limit + 1)).mappings()
    rows: list[Row] = [dict(row) for row in found]
    shown, more = rows[:limit], len(rows) > limit
    in_force = policy.in_force(connection)
    counted = _counts(connection)
    return {
        "items": _items(connection, shown, in_force, now),
        "more": more,
        "next_after": _cursor(shown[-1]) if more else None,
        "counts": dict(sorted(counted.items())),
        "counts_capped": counted.total() >= MAX_COUNTED,
        "enforcement": enforcement(connection, now),
    }


def _items(
    connection: Connection, rows: list[Row], in_force: Policy, now: datetime
) -> list[Document]:
    found = find(connection, rows)
    refs = [row[name] for row in rows for name in ("phone", "email", "person", "request_reason")]
    texts = personal.texts(connection, [*refs, *found.notes()])
    closing = closing_misses(connection, rows, in_force)
    return [
        _item(row, found, texts, now, in_force, closing=(row["site_id"], row["item"]) in closing)
        for row in rows
    ]


def _item(
    row: Row,
    found: Findings,
    texts: Mapping[str, str],
    now: datetime,
    in_force: Policy,
    *,
    closing: bool,
) -> Document:
    due, incident = row["due"], found.incident(row)
    urls = found.urls(row)
    asked = row["kind"] == "reinstatement"
    note = row["request_reason"] if asked else incident and incident["note"]
    item: Document = {
        "id": f"{row['site_id']}-{row['item']}",
        "kind": row["kind"],
        "site": row["name"],
        "state": row["state"],
        "rule": row["rule"],
        "incident": None if row["incident"] is None else f"{row['site_id']}-{row['incident']}",
        "about": found.about(row),
        "unsettled": found.unsettled(row),
        "due": None if due is None else rfc3339(due),
        "overdue": due is not None and due < now,
        "left_s": None if due is None else (due - now) // timedelta(seconds=1),
        "recorded_at": rfc3339(row["recorded_at"]),
        "claimed_by": row["claimed_by"],
        "claimed_at": None if row["claimed_at"] is None else rfc3339(row["claimed_at"]),
        "phone": texts.get(row["phone"]),
        "person": texts.get(row["person"]),
        "email": texts.get(row["email"]),
        "urls": urls,
        "urls_total": found.urls_total(row),
        "category": incident and incident["category"],
        "note": texts.get(note) if note else None,
        "attempts": found.attempts(row),
        "site_down": row["state"] != "active",
        "held": row["held"],
        "asked_by": row["request_by"] if asked else None,
        "warning": f"the next miss closes {row['name']}" if closing else None,
    }
    if incident is not None and _was_spared(row, incident, in_force):
        item["warning"] = (
            f"ALARM: the clock of {item['incident']} lapsed with too few attempts, and"
            f" {row['name']} is not suspended: somebody must decide"
        )
    say, commands = script(item, in_force)
    return {**item, "say": say, "next": commands[0], "commands": commands}


def _was_spared(row: Any, incident: Any, in_force: Policy) -> bool:
    """Whether the clock lapsed without a suspension, for want of attempts (R2)."""
    return bool(
        in_force.min_attempts
        and row["kind"] == "keep_calling"
        and row["state"] == "active"
        and incident["suspension"] is None
    )


def _page(mine: str | None, after: str | None, most: int) -> Select[Any]:
    """The page's rows of `work` by its index, and only then what belongs to each."""
    page = select(work)
    if mine is not None:
        page = page.join(claims, _claim_of(work)).where(claims.c.by == mine)
    if after is not None:
        page = page.where(tuple_(*_ORDER) > _place(after))
    of = page.order_by(*_ORDER).limit(_written(most)).subquery("page")
    joined = of.join(sites, sites.c.id == of.c.site_id).outerjoin(claims, _claim_of(of))
    whom = (
        sites.c.name, sites.c.state, sites.c.rule, sites.c.held, sites.c.run, sites.c.epoch,
        sites.c.phone, sites.c.email, sites.c.person, sites.c.request_by, sites.c.request_reason,
    )  # fmt: skip
    claim = (claims.c.by.label("claimed_by"), claims.c.at.label("claimed_at"))
    order = (of.c.sort_due, of.c.recorded_at, of.c.site_id, of.c.item)
    return select(of, *whom, *claim).select_from(joined).order_by(*order)


def _claim_of(of: Any) -> Any:
    return and_(claims.c.site_id == of.c.site_id, claims.c.item == of.c.item)


def _counts(connection: Connection) -> Counter[str]:
    first = select(work.c.kind).order_by(*_ORDER).limit(_written(MAX_COUNTED)).subquery("first")
    found = connection.execute(
        select(first.c.kind, func.count().label("total")).group_by(first.c.kind)
    )
    return Counter({row.kind: row.total for row in found})


def _written(most: int) -> Any:
    """A limit that stands in the statement itself.

    PostgreSQL, planning for any limit, takes it for a tenth of the table, and reads all sites.
    """
    return literal_column(str(most))


def _cursor(row: Row) -> str:
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
    if read is None or not times or max(times) > FAR:
        raise InputError(f"not a place in the queue: {after!r} (give a page's next_after)")
    given = zip((*times, *read), _ORDER, strict=True)
    return tuple_(*(literal(value, column.type) for value, column in given))
