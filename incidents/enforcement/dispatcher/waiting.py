"""The orders that wait: after a loss, held by the brake, or until their next attempt.

After a loss a site is compared with the world before anything is delivered. What is in force on
record was so before the loss. Once an order of the new epoch was carried out, nobody could tell any
more what had been down for a reason that is lost. That may be a court's order, and the clock knows
nothing of it: a site that a loss has left down stays so until a person holds it or has it opened.

The brake holds the world, never the record: decisions and clocks are as they are. What it holds is
a dead letter that was not tried, in each lane of its order, until a supervisor releases or cancels
it. What an authority has ordered is not held, nor what waited to take the site down when a
supervisor put that on record: who did so would release it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from operator import itemgetter

from sqlalchemy import Connection, Engine

from incidents.machine import commands as c
from incidents.machine.actions.orders import REOPEN
from incidents.machine.command import BRAKED, DOWN, LEFT_DOWN
from incidents.machine.orders import ACT, NOTICE
from incidents.store import after_loss, deliveries, entries, lineage
from incidents.store.cases import sites
from incidents.store.database.engine import plainly, reading
from incidents.store.leases import Claimed
from incidents.views.left_down import marked

Compare = Callable[[Sequence[str]], AbstractSet[str]]
"""Compares sites, by their names, with the world, and puts on record how they are; returns those
that could be compared, without those whose adapter had a fault."""


class FirstLook:
    """Which sites were compared in the epoch that runs; `compare` looks at others."""

    def __init__(self, engine: Engine, compare: Compare) -> None:
        self._engine, self._compare = engine, compare
        self._epoch = 0
        self._seen: set[int] = set()

    def to_wait(self, claimed: Sequence[Claimed]) -> list[Claimed]:
        """Looks at the sites of those orders, unless the world is as the record says. Returns those
        that wait until their sites could be compared: all but what takes one down that is held or
        closed on record. So do the letters of what is not done: they would say what may never
        be."""
        new = self._new(claimed)
        if not new:
            return []
        seen = self._compare(sorted({each.site for each in new}))
        self._seen |= {each.site_id for each in new if each.site in seen}
        return [each for each in new if each.site not in seen and _waits(each)]

    def _new(self, claimed: Sequence[Claimed]) -> list[Claimed]:
        """Those for the world, and their letters, whose sites were not compared."""
        with plainly(self._engine), reading(self._engine) as connection:
            standing = lineage.standing(connection)
            if standing.unproved_since is None:
                return []
            told_of = {each.site_id for each in claimed if each.lane == NOTICE}
            chains = deliveries.chains(connection, told_of)
            if standing.epoch != self._epoch:
                self._epoch, self._seen = standing.epoch, set()
            unseen = {each.site_id for each in claimed} - self._seen
            # The recovery may have looked before, and an adapter may fail since.
            self._seen |= after_loss.note_compared(connection, standing, unseen)
        undone = {(site_id, each.order) for site_id, each in chains if not each.dead}
        return [
            each
            for each in claimed
            if each.site_id not in self._seen
            and (each.lane == ACT or (each.lane == NOTICE and (each.site_id, each.seq) in undone))
        ]


def _waits(claimed: Claimed) -> bool:
    """What the clock orders, and every opening, waits. A decision that a site stays down does not,
    since it stands whatever is lost; nor does what stands before that, if it takes the site
    down."""
    if claimed.kind not in DOWN:
        return True
    return not stays_down(claimed) and claimed.kind == "suspend" and "suspension" in claimed.data


def stays_down(claimed: Claimed) -> bool:
    """Whether the site is held or closed on record."""
    return claimed.held_since is not None or claimed.ordered == DOWN["close"]


def left_down(connection: Connection, claimed: Sequence[Claimed]) -> list[Claimed]:
    """Those of them that would open a site which a loss has left down, however often they were
    tried, or suspend one which it has left closed: what a person decides takes that mark away."""
    acts = [each for each in claimed if each.lane == ACT]
    if not acts or lineage.standing(connection).lost_at is None:
        return []
    ids = {each.site_id for each in acts}
    closed = sites.closed_in_the_world(connection, ids)
    asked = [
        each
        for each in acts
        if each.kind == REOPEN or (each.kind == "suspend" and each.site_id in closed)
    ]
    found = marked(connection, {each.site_id for each in asked})
    return [
        each
        for each in asked
        if each.site_id in found or (each.kind != REOPEN and each.held_since is not None)
    ]


def cancelling_left_down(claimed: Claimed) -> c.CancelOrder:
    """What goes on record in place of that order's being carried out now."""
    tried = claimed.attempt > 1
    return c.CancelOrder(
        by=c.COURIER, order=claimed.seq, lane=claimed.lane, why=LEFT_DOWN, tried=tried
    )


BRAKE = "brake"
"""In place of an adapter's name, in the record."""


def recording_braked(held: Sequence[Claimed]) -> list[tuple[int, c.Command]]:
    """What goes on record, by their sites' ids, of the orders that it holds: in each lane."""
    failed = partial(c.RecordFailure, adapter=BRAKE, attempts=0, problem=BRAKED)
    orders_held = sorted({(each.site_id, each.seq) for each in held})
    return [(id_, failed(order=n, lane=lane)) for id_, n in orders_held for lane in (ACT, NOTICE)]


# So many orders are looked at; where there are more, too many sites are taken down for sure.
_MAX_LOOKED_AT = 20_000


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
        repeated = entries.repeated_orders(connection, [(each.site_id, each.seq) for each in down])
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
        found = entries.ordered_down_between(connection, since, max(times), most=_MAX_LOOKED_AT)
        if len(found) == _MAX_LOOKED_AT:
            return down
        return [each for each in down if self._number(found, each) > self.count]

    def _number(self, found: Sequence[entries.Place], claimed: Claimed) -> int:
        """How many there were by then, within that time, this one included."""
        first = bisect_right(found, claimed.ordered_at - self.within, key=itemgetter(0))
        return bisect_right(found, _place(claimed)) - first


def _is_of_a_hold(claimed: Claimed) -> bool:
    since = claimed.held_since
    if since is not None and claimed.ordered_at <= since:
        return True
    return claimed.kind == "suspend" and "suspension" not in claimed.data


def _is_behind(first: entries.Place | None, claimed: Claimed) -> bool:
    return first is not None and first < _place(claimed)


def _place(claimed: Claimed) -> entries.Place:
    return claimed.ordered_at, claimed.site_id, claimed.seq


FIRST_WAIT = timedelta(seconds=2)
MAX_WAIT = timedelta(hours=2)
MAX_WAIT_ASKED = timedelta(hours=24)


def wait(attempt: int, chance: float, asked: timedelta | None = None) -> timedelta:
    """How long to wait after the `attempt`th one: 2, 4, 8 … seconds, 2 hours at most.

    Each is shortened by up to a half by `chance` (0 to 1), so that what failed together does not
    come again together. What the other side has `asked` for (RFC 9110, section 10.2.3) is kept,
    up to a day, and lengthened by up to a tenth.
    """
    if asked is not None and asked > timedelta(0):
        return min(asked, MAX_WAIT_ASKED) * (1 + chance / 10)
    # Beyond this it is the longest anyway, and a power without bound would overflow.
    doubled = FIRST_WAIT * 2.0 ** min(attempt - 1, 20)
    return min(doubled, MAX_WAIT) * (1 - chance / 2)


def is_given_up(since: datetime, now: datetime, give_up_after: timedelta) -> bool:
    """Whether an order that was given at `since` and failed at `now` (UTC) is a dead letter."""
    return now - since >= give_up_after
