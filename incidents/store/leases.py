"""The leases of waiting orders: a dispatcher claims an order for one attempt at a time.

A lease is a `next_at` in the future and a holder: when the lease ends, any dispatcher may claim the
order again. Orders are claimed without the lock of their site's row, so that a claim never waits,
and released under that lock. `deliveries` writes their outcomes, also under that lock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Connection,
    Integer,
    RowMapping,
    Select,
    and_,
    bindparam,
    exists,
    not_,
    or_,
    select,
    tuple_,
    update,
)

from incidents.machine.command import BRAKED
from incidents.store.database.engine import LOOK_UP_BY_KEYS
from incidents.store.schema.log_tables import deliveries, orders, waiting
from incidents.store.schema.tables import sites
from incidents.store.schema.types import Number, UTCDateTime
from incidents.store.statement import Mutation

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


def any_due(connection: Connection, lane: str, now: datetime) -> bool:
    """Whether a due order waits in the lane; without a lock."""
    return connection.scalar(_ANY_DUE, {"lane": lane, "now": now}) is not None


def claim(
    connection: Connection,
    by: str,
    lane: str,
    *,
    now: datetime,
    lease: timedelta,
    most: int,
    due_at: datetime | None = None,
    tried_by: datetime | None = None,
) -> list[Claimed]:
    """Claim at most `most` orders of a lane, the first of each site, the longest due first.

    An order that is not settled or postponed before the lease ends can be claimed again by any
    dispatcher. If `tried_by` tried the order before, it must be due at `due_at` (UTC), otherwise at
    `now`. Call this in a transaction that writes. Orders that others are claiming are skipped.
    """
    question = _CLAIMABLE
    if connection.dialect.name == "postgresql":
        question = _CLAIMABLE_UNLOCKED
        connection.exec_driver_sql(_IN_ORDER)
    due_at = due_at or now
    asked = {"lane": lane, "due_at": due_at, "tried_by": tried_by or due_at, "most": most}
    rows = connection.execute(question, asked).mappings().all()
    return _take(connection, rows, by, now, now + lease)


def reclaim(
    connection: Connection, by: str, released: Sequence[Key], *, now: datetime, lease: timedelta
) -> list[Claimed]:
    """Claim orders again that were released without an attempt, even if they are not due.

    Orders that were claimed or settled since are skipped. Call this in a transaction that writes.
    """
    if not released:
        return []
    is_postgresql = connection.dialect.name == "postgresql"
    question = _RELEASED_UNLOCKED if is_postgresql else _RELEASED
    rows = connection.execute(question, {"released": released}).mappings().all()
    return _take(connection, rows, by, now, now + lease)


def _take(
    connection: Connection, rows: Sequence[RowMapping], by: str, now: datetime, until: datetime
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


def _first() -> Select[Any]:
    """The query for the first order of each site and lane that has not failed permanently."""
    before = deliveries.alias("before")
    is_first = not_(
        exists().where(
            before.c.site_id == _of.site_id,
            before.c.lane == _of.lane,
            before.c.site_seq < _of.site_seq,
            before.c.dead.is_(False),
        )
    )
    same = and_(
        orders.c.site_id == _of.site_id, orders.c.site_seq == _of.site_seq, orders.c.n == _of.n
    )
    return (
        select(deliveries, *_SITE, *_ORDERED)
        .join(orders, same)
        .join(sites, sites.c.id == _of.site_id)
        .where(waiting, is_first)
        .order_by(_of.next_at, _of.site_id)
    )


def _claimable() -> Select[Any]:
    """The query for the due orders of a lane."""
    due_at = bindparam("due_at", type_=UTCDateTime)
    tried_by = bindparam("tried_by", type_=UTCDateTime)
    is_new = or_(_of.attempts == 0, _of.next_at <= tried_by)
    own = _of.lane == bindparam("lane")
    return (
        _first().where(own, _of.next_at <= due_at, is_new).limit(bindparam("most", type_=Integer))
    )


def _released() -> Select[Any]:
    """The query for the named orders whose last claim is the named claim."""
    own = tuple_(_of.site_id, _of.site_seq, _of.lane, _of.tried_at)
    is_free = _of.held_by.is_(None)
    return _first().where(own.in_(bindparam("released", expanding=True)), is_free)


_SITE = (sites.c.name, sites.c.in_force, sites.c.state, sites.c.hold_at)
_ORDERED = (orders.c.data, orders.c.created_at)
_KEY = ("site_id", "lane", "site_seq", "n")
_CLAIMED = Mutation(deliveries, "since", "attempts", "next_at", "held_by", "tried_at", keys=_KEY)
_UNTRIED = Mutation(deliveries, "attempts", "held_by", keys=_KEY)
_EXPLAINED = Mutation(deliveries, "detail", keys=_KEY)
_CLAIMABLE = _claimable()
# Without statistics PostgreSQL would collect and sort all waiting orders.
_IN_ORDER = "; ".join(f"SET LOCAL {name} = off" for name in ("enable_bitmapscan", *LOOK_UP_BY_KEYS))
_CLAIMABLE_UNLOCKED = _CLAIMABLE.with_for_update(of=deliveries, skip_locked=True)
_RELEASED = _released()
_RELEASED_UNLOCKED = _RELEASED.with_for_update(of=deliveries, skip_locked=True)
_SITE_LOCKED = (
    select(sites.c.id)
    .where(sites.c.id == bindparam("site_id", type_=Number))
    .with_for_update(key_share=True)
)
_ANY_DUE = (
    select(_of.next_at)
    .where(
        waiting, _of.lane == bindparam("lane"), _of.next_at <= bindparam("now", type_=UTCDateTime)
    )
    .order_by(_of.next_at, _of.site_id, _of.site_seq)
    .limit(1)
)
