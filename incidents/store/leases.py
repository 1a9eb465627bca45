"""The leases of waiting orders: a dispatcher claims an order for one attempt at a time.

A lease is a `next_at` in the future and a holder: when the lease ends, any dispatcher may claim the
order again. `due_orders` finds the orders to claim. They are claimed without the lock of their
site's row, so that a claim never waits, and released under that lock. `deliveries` writes their
outcomes, also under that lock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, select, update

from incidents.machine.command import BRAKED
from incidents.store.due_orders import Due, is_first
from incidents.store.schema.log_tables import deliveries, orders, waiting
from incidents.store.schema.tables import sites
from incidents.store.schema.types import Number, UTCDateTime, Word
from incidents.store.statement import Mutation, Query
from incidents.store.values_table import ValuesTable

Key = tuple[int, int, str, datetime]
"""A claimed order: the numbers of site and order, the lane, and the time of the claim (UTC)."""

_ONE = 1
_of = deliveries.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """An order claimed from `taken_at` until `until` (UTC); `attempt` is 1 the first time.

    `data`: the order's document. `in_force`: the actual state of its site; `ordered`: the ordered
    state. `held_since`: since when (UTC) a hold has kept the site down, if a hold does. `released`:
    a person has released the order from the brake. `again`: a person has released it, or requested
    another attempt, and no attempt has been made since.
    """

    site_id: int
    site: str
    seq: int
    lane: str
    kind: str
    data: dict[str, str]
    ordered_at: datetime
    since: datetime
    attempt: int
    taken_at: datetime
    until: datetime
    held_by: str
    in_force: str
    held_since: datetime | None = None
    ordered: str = "active"
    released: bool = False
    again: bool = False

    @property
    def key(self) -> Key:
        """The order together with the time of this claim."""
        return self.site_id, self.seq, self.lane, self.taken_at


def claim(
    connection: Connection, by: str, due: Sequence[Due], *, now: datetime, lease: timedelta
) -> list[Claimed]:
    """Claim these due orders, as far as they are still as they were read, in the same order.

    An order that is not settled or postponed before the lease ends can be claimed again by any
    dispatcher. Call this in a transaction that writes. Orders that others are claiming are skipped.
    """
    rows = [(each.site_id, each.lane, each.seq, each.next_at) for each in due]
    found = {_key(row): row for row in _CLAIMABLE.fetch(connection, rows).all()}
    taken = [found[key] for each in due if (key := (each.site_id, each.lane, each.seq)) in found]
    return _take(connection, taken, by, now, now + lease)


def _take(
    connection: Connection, rows: Sequence[_Found], by: str, now: datetime, until: datetime
) -> list[Claimed]:
    found = [
        Claimed(
            site_id=row["site_id"],
            site=row["name"],
            seq=row["site_seq"],
            lane=row["lane"],
            kind=row["kind"],
            data=row["data"],
            ordered_at=row["created_at"],
            # The time until it is given up counts from the first attempt, not from the claim.
            since=row["since"] if row["attempts"] else now,
            attempt=row["attempts"] + 1,
            taken_at=now,
            until=until,
            held_by=by,
            in_force=row["in_force"],
            held_since=row["hold_at"],
            ordered=row["state"],
            released=row["problem"] == BRAKED,
            again=row["problem"] is not None and not row["attempts"],
        )
        for row in rows
    ]
    _CLAIMED.execute(
        connection,
        [(c.site_id, c.lane, c.seq, _ONE, c.since, c.attempt, until, by, now) for c in found],
    )
    return found


def undo_claim(connection: Connection, claimed: Sequence[Claimed]) -> None:
    """Undo a claim in its own transaction.

    Until the lease ends, nobody else can claim the orders.
    """
    _UNTRIED.execute(
        connection, [(c.site_id, c.lane, c.seq, _ONE, c.attempt - 1, None) for c in claimed]
    )


def postpone(
    connection: Connection,
    claimed: Claimed,
    next_at: datetime,
    *,
    adapter: str | None = None,
    problem: str | None = None,
    detail: str | None = None,
    tried: bool = True,
) -> bool:
    """Release an order until `next_at`; return whether it was claimed.

    If the order was `tried`, the orders behind it wait for `next_at` too; otherwise the claim
    leaves no trace. Release several orders in one transaction in the order of their sites' ids.
    """
    columns = {
        "next_at": next_at,
        "attempts": claimed.attempt - (not tried),
        "held_by": None,
    }
    if tried:
        columns |= {"adapter": adapter, "problem": problem, "detail": detail}
    own = and_(
        deliveries.c.site_id == claimed.site_id,
        deliveries.c.lane == claimed.lane,
        deliveries.c.site_seq == claimed.seq,
        deliveries.c.attempts == claimed.attempt,
        deliveries.c.held_by == claimed.held_by,
        waiting,
    )
    behind = and_(
        deliveries.c.site_id == claimed.site_id,
        deliveries.c.lane == claimed.lane,
        deliveries.c.site_seq > claimed.seq,
        deliveries.c.next_at < next_at,
        waiting,
    )
    # The desk writes rows of several sites in any order, under this lock: without it the two could
    # wait for each other.
    connection.execute(_SITE_LOCKED, {"site_id": claimed.site_id})
    held = connection.execute(update(deliveries).where(own).values(columns)).rowcount > 0
    if held and tried:
        connection.execute(update(deliveries).where(behind).values(next_at=next_at))
    return held


def explain(connection: Connection, texts: Sequence[tuple[Claimed, str]]) -> None:
    """Store the failure detail of each order that was given up."""
    _EXPLAINED.execute(connection, [(c.site_id, c.lane, c.seq, _ONE, text) for c, text in texts])


def _claimable(given: ValuesTable) -> Select[Any]:
    """The query for the given orders, unless they have changed since they were read."""
    own = and_(*(_of[column.name] == column for column in given.c))
    same = and_(
        orders.c.site_id == _of.site_id, orders.c.site_seq == _of.site_seq, orders.c.n == _of.n
    )
    return (
        select(*_COLUMNS)
        .select_from(given.table.join(deliveries, own))
        .join(orders, same)
        .join(sites, sites.c.id == _of.site_id)
        .where(waiting, is_first())
        .with_for_update(of=deliveries, skip_locked=True)
    )


def _key(row: _Found) -> tuple[int, str, int]:
    return row["site_id"], row["lane"], row["site_seq"]


_Found = dict[str, Any]
_COLUMNS = (
    _of.site_id, _of.lane, _of.site_seq, _of.kind, _of.since, _of.attempts, _of.problem,
    sites.c.name, sites.c.in_force, sites.c.state, sites.c.hold_at, orders.c.data,
    orders.c.created_at,
)  # fmt: skip
_NAMES = tuple(column.name for column in _COLUMNS)
_KEY = ("site_id", "lane", "site_seq", "n")
_CLAIMED = Mutation(deliveries, "since", "attempts", "next_at", "held_by", "tried_at", keys=_KEY)
_UNTRIED = Mutation(deliveries, "attempts", "held_by", keys=_KEY)
_EXPLAINED = Mutation(deliveries, "detail", keys=_KEY)
_CLAIMABLE: Query[_Found] = Query(
    _claimable, lambda row: dict(zip(_NAMES, row, strict=True)),
    site_id=Number, lane=Word, site_seq=Number, next_at=UTCDateTime,
)  # fmt: skip
_SITE_LOCKED = (
    select(sites.c.id)
    .where(sites.c.id == bindparam("site_id", type_=Number))
    .with_for_update(key_share=True)
)
