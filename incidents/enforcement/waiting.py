"""The waiting orders: those after a loss, those held by the brake, and those between attempts.

After a loss, a site is compared with its actual state before any order is delivered, because the
recorded state is the one from before the loss. Once an order of the new epoch is carried out, it
can no longer be seen that the site was down for a reason that is lost. This reason can be an
authority's order, unknown to the clock, so a left-down site stays down until a person holds the
site or has it opened.

The brake stops changes to the live system, never the record: decisions and clocks continue. A
braked order is a dead letter that was not tried, in each of its lanes, until a supervisor releases
or cancels the order. The brake does not hold an order that carries out an authority's hold, nor an
order to take the site down that was waiting when a supervisor recorded the hold, because the
supervisor would release that order.
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
from incidents.store import after_loss, deliveries, entries
from incidents.store.cases import sites
from incidents.store.database.engine import plainly, reading
from incidents.store.leases import Claimed
from incidents.store.log import lineage
from incidents.views.left_down import marked

Compare = Callable[[Sequence[str]], AbstractSet[str]]
"""A function that compares the sites of those names with their actual state and records this state.
It returns the names of the sites that could be compared."""


class FirstComparison:
    """The sites that were compared in the present epoch; `compare` compares further sites."""

    def __init__(self, engine: Engine, compare: Compare) -> None:
        self._engine, self._compare = engine, compare
        self._epoch = 0
        self._seen: set[int] = set()

    def must_wait(self, claimed: Sequence[Claimed]) -> list[Claimed]:
        """Compare the sites of the orders, unless the live system is known to match the record.

        Returns the orders that wait until their sites can be compared: all orders except those that
        take down a site that is held or closed on record. The notices of waiting orders wait too,
        because they would announce measures that might never be taken.
        """
        new = self._uncompared(claimed)
        if not new:
            return []
        seen = self._compare(sorted({each.site for each in new}))
        self._seen |= {each.site_id for each in new if each.site in seen}
        return [each for each in new if each.site not in seen and _must_wait(each)]

    def _uncompared(self, claimed: Sequence[Claimed]) -> list[Claimed]:
        """The orders to the live system, and their notices, whose sites were not compared yet."""
        with plainly(self._engine), reading(self._engine) as connection:
            standing = lineage.standing(connection)
            if standing.unproved_since is None:
                return []
            notified = {each.site_id for each in claimed if each.lane == NOTICE}
            chains = deliveries.chains(connection, notified)
            if standing.epoch != self._epoch:
                self._epoch, self._seen = standing.epoch, set()
            unseen = {each.site_id for each in claimed} - self._seen
            # The recovery may have compared the site before, and its adapter may fail now.
            self._seen |= after_loss.compared_since(connection, standing, unseen)
        undone = {(site_id, each.order) for site_id, each in chains if not each.dead}
        return [
            each
            for each in claimed
            if each.site_id not in self._seen
            and (each.lane == ACT or (each.lane == NOTICE and (each.site_id, each.seq) in undone))
        ]


def _must_wait(claimed: Claimed) -> bool:
    """Return whether the order waits: every order to open a site, and every order of the clock.

    An order to take down a site that is held or closed on record does not wait, because no loss can
    change that decision.
    """
    if claimed.kind not in DOWN:
        return True
    return not stays_down(claimed) and claimed.kind == "suspend" and "suspension" in claimed.data


def stays_down(claimed: Claimed) -> bool:
    """Whether the site is held or closed on record."""
    return claimed.held_since is not None or claimed.ordered == DOWN["close"]


def left_down(connection: Connection, claimed: Sequence[Claimed]) -> list[Claimed]:
    """The orders that would open a left-down site, tried or not, or suspend a left-closed site.

    A site is no longer left down after a person's decision about it.
    """
    enforcing = [each for each in claimed if each.lane == ACT]
    if not enforcing or lineage.standing(connection).lost_at is None:
        return []
    ids = {each.site_id for each in enforcing}
    closed = sites.closed_in_the_world(connection, ids)
    asked = [
        each
        for each in enforcing
        if each.kind == REOPEN or (each.kind == "suspend" and each.site_id in closed)
    ]
    found = marked(connection, {each.site_id for each in asked})
    return [
        each
        for each in asked
        if each.site_id in found or (each.kind != REOPEN and each.held_since is not None)
    ]


def cancelling_left_down(claimed: Claimed) -> c.CancelOrder:
    """The command that cancels an order which would open a left-down site."""
    tried = claimed.attempt > 1
    return c.CancelOrder(
        by=c.DISPATCHER, order=claimed.seq, lane=claimed.lane, why=LEFT_DOWN, tried=tried
    )


BRAKE = "brake"
"""The name that the record has in place of an adapter's name for a braked order."""


def recording_braked(held: Sequence[Claimed]) -> list[tuple[int, c.Command]]:
    """The commands that record the orders held by the brake, in each lane, with the sites' IDs."""
    failed = partial(c.RecordFailure, adapter=BRAKE, attempts=0, problem=BRAKED)
    orders_held = sorted({(each.site_id, each.seq) for each in held})
    return [(id_, failed(order=n, lane=lane)) for id_, n in orders_held for lane in (ACT, NOTICE)]


# The maximum of orders read; more of them certainly exceed the limit of sites.
_MAX_LOOKED_AT = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Brake:
    """The limit (`count`) of sites that may be taken down within a period.

    Once the limit is exceeded, all new orders wait as long as any order is held.
    """

    count: int = 20
    within: timedelta = timedelta(minutes=10)

    def held(self, connection: Connection, claimed: Sequence[Claimed]) -> list[Claimed]:
        """The claimed orders that the brake holds.

        They would take a site down, were never tried and were not released. A notice waits as long
        as its order.
        """
        down = [each for each in claimed if each.kind in DOWN and each.attempt == 1]
        down = [each for each in down if each.lane in (ACT, NOTICE) and not each.released]
        down = [each for each in down if not _is_exempt(each)]
        # A repeated order takes down only sites that a decision has already taken down.
        repeated = entries.repeated_orders(connection, [(each.site_id, each.seq) for each in down])
        down = [each for each in down if (each.site_id, each.seq) not in repeated]
        if not down:
            return []
        first = deliveries.first_braked(connection)
        down = [each for each in down if _follows(first, each)] + self._over_limit(
            connection, [each for each in down if not _follows(first, each)]
        )
        notices = [each for each in down if each.lane == NOTICE]
        undone = deliveries.untried(connection, [(each.site_id, each.seq) for each in notices])
        claimed_orders = {(each.site_id, each.seq) for each in down if each.lane == ACT}
        return [
            each
            for each in down
            if each.lane == ACT or (each.site_id, each.seq) in undone | claimed_orders
        ]

    def _over_limit(self, connection: Connection, down: list[Claimed]) -> list[Claimed]:
        """The orders that exceed the limit of sites to take down within the period."""
        if not down:
            return []
        times = [each.ordered_at for each in down]
        since = min(times) - self.within
        found = entries.ordered_down_between(connection, since, max(times), most=_MAX_LOOKED_AT)
        if len(found) == _MAX_LOOKED_AT:
            return down
        return [each for each in down if self._taken_down_before(found, each) > self.count]

    def _taken_down_before(self, found: Sequence[entries.Place], claimed: Claimed) -> int:
        """The number of sites to take down in the period up to the order, with its own site."""
        first = bisect_right(found, claimed.ordered_at - self.within, key=itemgetter(0))
        return bisect_right(found, _place(claimed)) - first


def _is_exempt(claimed: Claimed) -> bool:
    since = claimed.held_since
    if since is not None and claimed.ordered_at <= since:
        return True
    return claimed.kind == "suspend" and "suspension" not in claimed.data


def _follows(first: entries.Place | None, claimed: Claimed) -> bool:
    return first is not None and first < _place(claimed)


def _place(claimed: Claimed) -> entries.Place:
    return claimed.ordered_at, claimed.site_id, claimed.seq


FIRST_WAIT = timedelta(seconds=2)
MAX_WAIT = timedelta(hours=2)
MAX_WAIT_ASKED = timedelta(hours=24)


def wait(attempt: int, jitter: float, asked: timedelta | None = None) -> timedelta:
    """The wait after attempt number `attempt`: 2, 4, 8 … seconds, at most 2 hours.

    `jitter` (0 to 1) shortens the wait by up to a half, so that orders that failed together are not
    retried together. `asked`: the wait that the other side requested (RFC 9110, section 10.2.3),
    which is respected up to a day, and lengthened by up to a tenth.
    """
    if asked is not None and asked > timedelta(0):
        return min(asked, MAX_WAIT_ASKED) * (1 + jitter / 10)
    # Beyond this it is the longest anyway, and an unbounded power would overflow.
    doubled = FIRST_WAIT * 2.0 ** min(attempt - 1, 20)
    return min(doubled, MAX_WAIT) * (1 - jitter / 2)


def is_given_up(since: datetime, now: datetime, give_up_after: timedelta) -> bool:
    """Whether an order given at `since` that failed at `now` (UTC) becomes a dead letter."""
    return now - since >= give_up_after
