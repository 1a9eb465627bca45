"""The courier: takes orders in hand, has them carried out, and records what came of them.

An attempt is made outside any transaction, by a thread; its lease outlasts it. What came of it is
recorded through the desk, many outcomes in one transaction. A courier that is killed at any moment
has recorded nothing of what it had in hand: that is carried out again by another, under the same
id, when the lease ends.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue
from typing import Any

from sqlalchemy import Engine

from incidents import clock
from incidents.acts import errand, schedule
from incidents.acts import problem as problems
from incidents.acts.lifting import lifted
from incidents.acts.port import Adapter, Delivered, Failed, Order, Outcome, Retry, Skipped
from incidents.desk import Answer, Desk, Envelope
from incidents.log import logger
from incidents.machine import commands as c
from incidents.machine.orders import ACT
from incidents.store import deliveries, leases
from incidents.store.engine import database_time, plainly, reading, writing
from incidents.store.leases import Claimed

LEASE = timedelta(seconds=25)
ATTEMPT_S = 20.0
"""So long an attempt may take: one that cannot begin that long before its lease ends is not made.

With the second that it takes to be looked for, what a dead courier had in hand comes back within
30 seconds.
"""

BATCH = 500
_IN_LINE = 16
_BUSY = timedelta(seconds=2)
# A transaction costs the same for one outcome and for many, so they are waited for, but not long.
_TOGETHER_S = 0.03

Choose = Callable[[Order], Adapter]
"""Who carries an order out."""

_log = logger("acts")


@dataclass(frozen=True, slots=True)
class Done:
    """What came of an attempt; no outcome: it was not made."""

    claimed: Claimed
    adapter: str
    outcome: Outcome | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Courier:
    """What a courier stands on: the desk, who carries out what in each lane, and its own name.

    A lane that nobody is named for is left to others; what waits in the first is taken first.

    `give_up_after` is how long an order is tried; `workers` attempts are made at once, for each
    adapter. `clock` gives the machine's
    time (UTC); `own_clock`: it is simulated, and no database's is asked.
    """

    engine: Engine
    desk: Desk
    lanes: Mapping[str, Choose]
    name: str
    give_up_after: timedelta
    workers: int = 16
    own_clock: bool = False
    login: str | None = None
    chance: Callable[[], float] = random.random
    clock: Callable[[], datetime] = clock.now


class Round:
    """Orders in hand, from the first that is due until none is, or it is stopped.

    One thread runs it; the adapters are called by threads of its own. What has not been recorded,
    since the database failed, is kept for the next time. `outcomes` counts what came of the
    attempts, `only_logged` the orders into the world that changed nothing there.
    """

    def __init__(
        self,
        courier: Courier,
        *,
        stopped: Callable[[], bool] = lambda: False,
        recorded: Callable[[list[Answer]], object] = lambda _: None,
    ) -> None:
        self._courier = courier
        self._stopped = stopped
        self._recorded = recorded
        self._finished: SimpleQueue[Done] = SimpleQueue()
        self._unrecorded: list[Done] = []
        self._in_hand: Counter[str] = Counter()
        self._pools: dict[str, ThreadPoolExecutor] = {}
        self.outcomes: Counter[str] = Counter()
        self.only_logged = 0

    def run(self) -> None:
        """Carry out what is due.

        Raises:
            DatabaseError: when the database does not do its part.
        """
        while True:
            took = self._claim() if self._has_room() and not self._stopped() else 0
            if not took and not self._in_hand.total() and not self._unrecorded:
                return
            self._collect()
            self._record()

    def close(self) -> None:
        """Let the threads go."""
        for pool in self._pools.values():
            pool.shutdown()

    # Taking in hand.

    def _has_room(self) -> bool:
        most = self._courier.workers * _IN_LINE
        return self._in_hand.total() <= most // 2 and len(self._unrecorded) < BATCH

    def _claim(self) -> int:
        courier = self._courier
        most = courier.workers * _IN_LINE - self._in_hand.total()
        with plainly(courier.engine):
            with reading(courier.engine) as connection:
                now = self._now(connection)
                due = [lane for lane in courier.lanes if leases.any_due(connection, lane, now)]
            if not due:
                return 0
            found: list[Claimed] = []
            with writing(courier.engine) as connection:
                now = self._now(connection)
                for lane in due:
                    left = most - len(found)
                    found += leases.claim(
                        connection, courier.name, lane, now=now, lease=LEASE, most=left
                    )
        began = time.monotonic()
        left_alone = self._cancel_lifted(found)
        for claimed in found:
            if (claimed.site_id, claimed.seq, claimed.lane) not in left_alone:
                self._hand_out(claimed, now, began)
        return len(found)

    def _now(self, connection: Any) -> datetime:
        there = None if self._courier.own_clock else database_time(connection)
        return self._courier.clock() if there is None else there

    def _cancel_lifted(self, found: list[Claimed]) -> set[tuple[int, int, str]]:
        """Cancels what nobody needs any more; the orders that are not to be carried out now."""
        courier = self._courier
        heads = {claimed.site_id: claimed for claimed in found if claimed.lane == ACT}
        if not heads:
            return set()
        with plainly(courier.engine), reading(courier.engine) as connection:
            chains = deliveries.chains(connection, heads)
        needless = lifted(heads, chains)
        if not needless:
            return set()
        for site_id in needless:
            # As if it had not been claimed: what was never tried is known not to be in force.
            self._put_off(Done(heads[site_id], "", None), courier.clock())
        self._submit([command for commands in needless.values() for command in commands])
        return {(id_, heads[id_].seq, ACT) for id_ in needless}

    def _hand_out(self, claimed: Claimed, now: datetime, began: float) -> None:
        order = errand.order_of(claimed)
        if errand.is_old_news(claimed, now, self._courier.give_up_after):
            self._finished.put(Done(claimed, "", Skipped(why="expired")))
            self._in_hand[""] += 1
            return
        adapter = self._courier.lanes[claimed.lane](order)
        name = adapter.name
        if self._in_hand[name] >= self._courier.workers * _IN_LINE:
            self._put_off(Done(claimed, name, None), now + _BUSY)
            return
        if name not in self._pools:
            self._pools[name] = ThreadPoolExecutor(self._courier.workers, name)
        self._in_hand[name] += 1
        self._pools[name].submit(self._attempt, claimed, order, adapter, began)

    def _attempt(self, claimed: Claimed, order: Order, adapter: Adapter, began: float) -> None:
        """In a thread of the adapter's."""
        outcome: Outcome | None = None
        try:
            if time.monotonic() - began < LEASE.total_seconds() - ATTEMPT_S:
                outcome = adapter.deliver(order)
        except Exception as error:  # noqa: BLE001 - an adapter of whoever's must not end the duty
            _log.error("an adapter failed", order=order.id, error=error)
            outcome = Retry(problem="fault", detail=f"a fault in it: {type(error).__name__}")
        self._finished.put(Done(claimed, adapter.name, outcome))

    # What came of it.

    def _collect(self) -> None:
        """Takes what is finished; for a moment, waits for more to come if some is in hand."""
        until = time.monotonic() + _TOGETHER_S
        most = min(BATCH, self._in_hand.total() // 2 + 1)
        while len(self._unrecorded) < BATCH:
            left_s = until - time.monotonic()
            try:
                if left_s > 0 and self._in_hand.total() and len(self._unrecorded) < most:
                    done = self._finished.get(timeout=left_s)
                else:
                    done = self._finished.get_nowait()
            except Empty:
                return
            self._in_hand[done.adapter] -= 1
            self._unrecorded.append(done)

    def _record(self) -> None:
        done, now = self._unrecorded[:BATCH], self._courier.clock()
        asked = [(each, self._command(each, now)) for each in done]
        self._submit([command for _, command in asked if command is not None])
        for each, command in asked:
            if command is None:
                self._put_off(each, now)
        del self._unrecorded[: len(done)]

    def _command(self, done: Done, now: datetime) -> tuple[int, c.Command] | None:
        """What goes on record; nothing does of an attempt that is made again."""
        claimed, outcome = done.claimed, done.outcome
        own: dict[str, Any] = {"order": claimed.seq, "lane": claimed.lane}
        tried: dict[str, Any] = {"adapter": done.adapter, "attempts": claimed.attempt}
        self.outcomes[type(outcome).__name__.lower()] += 1
        match outcome:
            case Delivered(enforced=enforced):
                self.only_logged += claimed.lane == ACT and not enforced
                return claimed.site_id, c.RecordDelivery(**own, **tried, enforced=enforced)
            case Skipped(why=why):
                return claimed.site_id, c.CancelOrder(by=c.COURIER, **own, why=problems.code(why))
            case Failed(problem=problem):
                problem = problems.code(problem)
                return claimed.site_id, c.RecordFailure(**own, **tried, problem=problem)
            case Retry(problem=problem):
                if schedule.is_given_up(claimed.since, now, self._courier.give_up_after):
                    problem = problems.code(problem)
                    return claimed.site_id, c.RecordFailure(**own, **tried, problem=problem)
        return None

    def _put_off(self, done: Done, now: datetime) -> None:
        claimed, outcome, courier = done.claimed, done.outcome, self._courier
        with plainly(courier.engine), writing(courier.engine) as connection:
            if not isinstance(outcome, Retry):
                leases.put_off(connection, claimed, now, tried=False)
                return
            wait = schedule.wait(claimed.attempt, courier.chance(), outcome.after)
            leases.put_off(
                connection, claimed, now + wait, adapter=done.adapter,
                problem=problems.code(outcome.problem), detail=problems.sentence(outcome.detail),
            )  # fmt: skip

    def _submit(self, commands: list[tuple[int, c.Command]]) -> None:
        if not commands:
            return
        login = self._courier.login
        answers = self._courier.desk.submit(
            [Envelope(site=site, command=command, login=login) for site, command in commands]
        )
        for answer in answers:
            # Somebody else has carried it out, or decided about it: that stands.
            if answer.refusal is not None and answer.refusal.name != "unknown_order":
                _log.error("an outcome was refused", site=answer.site, refusal=answer.refusal.name)
        self._recorded(answers)
