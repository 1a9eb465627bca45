"""The brake and the schedule: what waits for a person, when an order is tried again or given up.

It holds the world, never the record: decisions and clocks are as they are. What it holds is a dead
letter that was not tried, in each lane of its order, until a supervisor releases or cancels it.
What an authority has ordered is not held, nor what waited to take the site down when a supervisor
put that on record: who did so would release it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from incidents.machine import commands as c
from incidents.machine.in_force import BRAKED, DOWN
from incidents.machine.orders import ACT, NOTICE
from incidents.store.orders import deliveries, outbox
from incidents.store.orders.leases import Claimed
from incidents.store.orders.outbox import Place

NAME = "brake"
"""In place of an adapter's name, in the record."""


def holding(held: Sequence[Claimed]) -> list[tuple[int, c.Command]]:
    """What goes on record, by their sites' ids, of the orders that it holds: in each lane."""
    failed = partial(c.RecordFailure, adapter=NAME, attempts=0, problem=BRAKED)
    orders_held = sorted({(each.site_id, each.seq) for each in held})
    return [(id_, failed(order=n, lane=lane)) for id_, n in orders_held for lane in (ACT, NOTICE)]


# So many orders are looked at; where there are more, too many sites are taken down for sure.
_MOST = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Brake:
    """At most `count` sites may be taken down within a time; once more were, all that is ordered
    waits, for as long as anything does."""

    count: int = 20
    within: timedelta = timedelta(minutes=10)

    def held(self, connection: Connection, claimed: Sequence[Claimed]) -> list[Claimed]:
        """Which of the orders that are in hand must wait.

        Those that take a site down, were never tried and were not released; a notice of one, for
        as long as the order itself waits.
        """
        down = [each for each in claimed if each.kind in DOWN and each.attempt == 1]
        down = [each for each in down if each.lane in (ACT, NOTICE) and not each.released]
        down = [each for each in down if not _is_of_a_hold(each)]
        # What is ordered once more takes nobody down who is not down by decision already.
        repeated = outbox.repeated(connection, [(each.site_id, each.seq) for each in down])
        down = [each for each in down if (each.site_id, each.seq) not in repeated]
        if not down:
            return []
        first = deliveries.first_braked(connection)
        down = [each for each in down if _is_behind(first, each)] + self._beyond(
            connection, [each for each in down if not _is_behind(first, each)]
        )
        notices = [each for each in down if each.lane == NOTICE]
        undone = deliveries.untried(connection, [(each.site_id, each.seq) for each in notices])
        in_hand = {(each.site_id, each.seq) for each in down if each.lane == ACT}
        return [
            each
            for each in down
            if each.lane == ACT or (each.site_id, each.seq) in undone | in_hand
        ]

    def _beyond(self, connection: Connection, down: list[Claimed]) -> list[Claimed]:
        """Those before which so many sites were ordered down, in that time."""
        if not down:
            return []
        times = [each.ordered_at for each in down]
        since = min(times) - self.within
        found = outbox.down_between(connection, since, max(times), most=_MOST)
        if len(found) == _MOST:
            return down
        return [each for each in down if self._number(found, each) > self.count]

    def _number(self, found: Sequence[Place], claimed: Claimed) -> int:
        """How many there were by then, within that time, this one included."""
        first = bisect_right(found, claimed.ordered_at - self.within, key=_time)
        return bisect_right(found, _place(claimed)) - first


def _is_of_a_hold(claimed: Claimed) -> bool:
    since = claimed.held_since
    if since is not None and claimed.ordered_at <= since:
        return True
    return claimed.kind == "suspend" and "suspension" not in claimed.data


def _is_behind(first: Place | None, claimed: Claimed) -> bool:
    return first is not None and first < _place(claimed)


def _place(claimed: Claimed) -> Place:
    return claimed.ordered_at, claimed.site_id, claimed.seq


def _time(place: Place) -> datetime:
    return place[0]


FIRST = timedelta(seconds=2)
MOST = timedelta(hours=2)
MOST_ASKED = timedelta(hours=24)


def wait(attempt: int, chance: float, asked: timedelta | None = None) -> timedelta:
    """How long to wait after the `attempt`th one: 2, 4, 8 … seconds, 2 hours at most.

    Each is shortened by up to a half by `chance` (0 to 1), so that what failed together does not
    come again together. What the other side has `asked` for (RFC 9110, section 10.2.3) is kept,
    up to a day, and lengthened by up to a tenth.
    """
    if asked is not None and asked > timedelta(0):
        return min(asked, MOST_ASKED) * (1 + chance / 10)
    # Beyond this it is the longest anyway, and a power without bound would overflow.
    doubled = FIRST * 2.0 ** min(attempt - 1, 20)
    return min(doubled, MOST) * (1 - chance / 2)


def is_given_up(since: datetime, now: datetime, give_up_after: timedelta) -> bool:
    """Whether an order that was given at `since` and failed at `now` (UTC) is a dead letter."""
    return now - since >= give_up_after
