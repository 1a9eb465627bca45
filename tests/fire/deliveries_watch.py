"""The watch: what can be seen of orders in the database while they are carried out."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Engine, exists, func, not_, select

from incidents.store.schema.log_tables import deliveries, waiting
from incidents.store.schema.log_tables import orders as outbox
from incidents.store.schema.tables import sites
from incidents.values.ids import ACT
from tests.fire.deliveries_world import STATES

_of, _before = deliveries.c, deliveries.alias("before")
_in_hand = waiting & (_of.lane == ACT) & _of.held_by.is_not(None)
_behind = exists().where(
    _before.c.lane == ACT,
    _before.c.dead.is_(False),
    _before.c.site_id == _of.site_id,
    _before.c.site_seq < _of.site_seq,
)
NEXT = waiting & (_of.lane == ACT) & not_(_behind)
"""Of the orders that wait the next of each site: whatever the times of those behind it say."""


LEASE = timedelta(seconds=25)


class Watch:
    """Watch the database; `overdue`: for how long nobody took over orders whose lease had ended.

    What lies there for so short a time after its lease that no look has seen it is not among them.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._overdue = dict[tuple[int, ...], timedelta]()

    @property
    def overdue(self) -> list[timedelta]:
        """The shortest first."""
        return sorted(self._overdue.values())

    def ordered(self) -> int:
        """The number of orders into the world."""
        asked = select(func.count()).select_from(outbox).where(outbox.c.kind.in_(STATES))
        with self._engine.connect() as connection:
            return connection.scalar(asked) or 0

    def see_overdue(self, now: datetime, soon: datetime) -> timedelta | None:
        """Look for leases ended by `now`; return the age of the first, also if it ends `soon`."""
        asked = select(_of.site_id, _of.site_seq, _of.attempts, _of.tried_at)
        with self._engine.connect() as connection:
            rows = connection.execute(asked.where(_in_hand, _of.tried_at <= soon - LEASE)).all()
        for *attempt, taken_at in rows:
            if now - taken_at > LEASE:
                # Seen again and again: the last time is the longest.
                self._overdue[tuple(attempt)] = now - taken_at
        return max((now - taken_at for *_, taken_at in rows), default=None)

    def next_at(self) -> datetime | None:
        """The time of the next event; None if nothing is to come.

        At once, in a way, while somebody has something in hand: before it ends nobody knows.
        """
        orders = select(func.min(_of.next_at)).where(NEXT).scalar_subquery()
        in_hand = select(func.min(_of.tried_at)).where(_in_hand).scalar_subquery()
        timers = select(func.min(sites.c.next_due)).scalar_subquery()
        # One statement: what was in hand in one look could be let go, and wait, in the next.
        with self._engine.connect() as connection:
            found = connection.execute(select(orders, in_hand, timers)).one()
        return min((moment for moment in found if moment is not None), default=None)
