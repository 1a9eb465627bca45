"""The round: one pass that claims orders, attempts them, and records the outcomes.

A thread makes an attempt outside any transaction, and the order's lease lasts longer than the
attempt. The desk records the outcomes, many in one transaction. If a dispatcher is killed, its
claimed orders have no outcome on record: when their leases end, another dispatcher carries them out
again, under the same IDs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from queue import Empty, SimpleQueue

from sqlalchemy import Connection

from incidents.clock import passing
from incidents.desk import Answer
from incidents.enforcement import order_payload
from incidents.enforcement.adapter_queue import urgency
from incidents.enforcement.attempts import WorkerPool, attempt
from incidents.enforcement.dispatcher import (
    NO_CHANNEL_AFTER,
    AttemptResult,
    ConcurrencyLimit,
    Dispatcher,
)
from incidents.enforcement.exclusions import Exclusions
from incidents.enforcement.outcomes import BATCH, Outcomes
from incidents.enforcement.port import Adapter, Order, Outcome, Retry, Skipped
from incidents.enforcement.queues import Queues
from incidents.machine.orders import ACT, DESK, NOTICE
from incidents.store import entries, leases
from incidents.store.database.engine import plainly, reading, writing
from incidents.store.desk_state import database_time
from incidents.store.due_orders import Due
from incidents.store.log import lineage

LEASE = timedelta(seconds=25)
ATTEMPT_S = 20.0
"""The time limit of an attempt. No attempt begins if its lease has less time left.

Including the second until the next search, the orders of a dead dispatcher are tried again within
30 seconds.
"""

_PER_WORKER = 16
# A transaction costs the same for one outcome and for many, so wait briefly for more.
_BATCH_WAIT_S = 0.03

LANES = (ACT, NOTICE, DESK)

_NOBODY = "none"
"""In place of an adapter's name, for a lane without a channel."""

_TRIES, _SALTS = 4, 1 << 30


class Round:
    """A pass over the orders, until no order is due or the pass is stopped.

    One thread runs the pass, which calls the adapters in other threads. Outcomes that the database
    did not accept are kept for the next round. `outcomes` counts the results of attempts. `once`:
    each order is tried only once, even if it is due again during the pass.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        *,
        stopped: Callable[[], bool] = lambda: False,
        recorded: Callable[[list[Answer]], object] = lambda _: None,
        once: bool = False,
    ) -> None:
        self._dispatcher = dispatcher
        self._once = once
        self._due_by: datetime | None = None
        self._untried: set[tuple[int, int, str]] = set()
        self._stopped = stopped
        self._finished: SimpleQueue[AttemptResult] = SimpleQueue()
        self.outcomes = Outcomes(dispatcher, recorded)
        self._limit = ConcurrencyLimit(dispatcher.workers * _PER_WORKER, seconds=dispatcher.seconds)
        self._pools: dict[str, WorkerPool] = {}
        self._exclusions = Exclusions(dispatcher, self.outcomes, passing(LEASE))
        self._queues = Queues(
            self._adapter_of, seconds=dispatcher.seconds,
            salt=lambda: int(dispatcher.jitter() * _SALTS),
        )  # fmt: skip

    def run(self) -> None:
        """Carry out all due orders.

        Raises:
            DatabaseError: if the database fails.
        """
        try:
            self._carry_out()
        except BaseException:
            # What was taken from the queues may not have been claimed.
            self._queues.clear()
            raise

    def _carry_out(self) -> None:
        while True:
            has_room = len(self.outcomes) < BATCH
            took = has_room and not self._stopped() and self._claim()
            if not took and not self._limit.total and not self.outcomes:
                return
            self._collect()
            done = self.outcomes.record()
            self._queues.look_again((each.claimed.lane, each.claimed.site_id) for each in done)

    def close(self) -> None:
        """End the threads, without waiting for a thread that an adapter blocks."""
        for pool in self._pools.values():
            pool.close()

    # Claiming.

    def _claim(self) -> bool:
        """Claim due orders; return whether any were claimed, or there are more to read."""
        is_more = False
        for _ in range(_TRIES):
            due, is_more = self._look()
            if not due:
                return is_more
            claimed = self._claim_due(due)
            # If other dispatchers have claimed all of them, look for the next ones.
            if claimed != 0:
                return claimed is not None
        return is_more

    def _look(self) -> tuple[list[Due], bool]:
        """The orders to claim now, and whether there are more to read."""
        engine = self._dispatcher.engine
        with plainly(engine), reading(engine) as connection:
            now = self._now(connection)
            self._due_by = (self._due_by or now) if self._once else None
            is_more = self._queues.look(connection, self._lanes(now))
        return self._queues.take(self._limit), is_more

    def _claim_due(self, due: list[Due]) -> int | None:
        """Claim these orders and start their attempts; return how many others have left.

        None: the history is new, and must be checked before anything is carried out.
        """
        dispatcher = self._dispatcher
        began = dispatcher.seconds()
        with plainly(dispatcher.engine), writing(dispatcher.engine) as connection:
            now, history = self._now(connection), lineage.read(connection)
            if history.is_new:
                self._queues.clear()
                return None
            found = leases.claim(connection, dispatcher.name, due, now=now, lease=passing(LEASE))
            held = [] if dispatcher.brake is None else dispatcher.brake.held(connection, found)
            # So that they do not count as tried, even if recording them fails.
            leases.undo_claim(connection, held)
            newest = entries.newest(connection)
        self._look_again(due, found)
        if dispatcher.continuity is not None:
            dispatcher.continuity.advance_mark(history, newest, now)
        excluded = self._exclusions.of(found, held, epoch=history.epoch, now=now, began=began)
        for claimed in found:
            if claimed.key not in excluded:
                self._start_attempt(claimed, now, began)
        return len(found)

    def _look_again(self, due: list[Due], found: list[leases.Claimed]) -> None:
        """Look again at what others have claimed; if that is most, at all that waits."""
        claimed = {(each.lane, each.site_id) for each in found}
        missing = [key for each in due if (key := (each.lane, each.site_id)) not in claimed]
        self._queues.look_again(missing)
        if len(missing) > len(due) // 2:
            self._queues.refresh()

    def _adapter_of(self, due: Due) -> str | None:
        """The name of the adapter for a due order; None if it was tried before in this pass."""
        if (
            self._due_by is not None
            and due.attempts
            and due.next_at > self._due_by
            and (due.site_id, due.seq, due.lane) not in self._untried
        ):
            return None
        choose = self._dispatcher.lanes.get(due.lane)
        return _NOBODY if choose is None else choose(due.site).name

    def _lanes(self, now: datetime) -> dict[str, datetime]:
        """The lanes to read, and the time by which an order must have fallen due there."""
        dispatcher = self._dispatcher
        known = (*dispatcher.lanes, *dispatcher.without_channel)
        return {lane: self._due_at(lane, now) for lane in LANES if lane in known}

    def _due_at(self, lane: str, now: datetime) -> datetime:
        """The time by which an order of that lane must have fallen due to be claimed now."""
        if lane not in self._dispatcher.lanes:
            return now - NO_CHANNEL_AFTER
        return now

    def _now(self, connection: Connection) -> datetime:
        return database_time(connection) or self._dispatcher.clock()

    def _start_attempt(self, claimed: leases.Claimed, now: datetime, began: float) -> None:
        dispatcher = self._dispatcher
        if claimed.lane not in dispatcher.lanes:
            # A tried notice is given up; only an untried one is skipped.
            untried = claimed.attempt == 1
            outcome = Skipped(why="no_channel") if untried else Retry(problem="no_channel")
            self.outcomes.add(AttemptResult(claimed, _NOBODY, outcome))
            return
        if order_payload.is_expired(claimed, now, dispatcher.give_up_after):
            self.outcomes.add(AttemptResult(claimed, "", Skipped(why="expired")))
            return
        order = order_payload.order_of(claimed, self._exclusions.epochs)
        adapter = dispatcher.lanes[claimed.lane](claimed.site)
        name = adapter.name
        if name not in self._pools:
            self._pools[name] = WorkerPool(name, dispatcher.workers)
        self._limit.acquire(claimed, order, name, began)
        work = partial(self._attempt, claimed, order, adapter, began)
        held = claimed.held_since is not None
        urgent = urgency(claimed.kind, held=held, attempts=claimed.attempt - 1)
        self._pools[name].submit(work, urgent)

    def _attempt(
        self, claimed: leases.Claimed, order: Order, adapter: Adapter, began: float
    ) -> None:
        """Make an attempt, in a thread of the adapter's pool."""
        outcome: Outcome | None = None
        in_time = self._dispatcher.seconds() - began < LEASE.total_seconds() - ATTEMPT_S
        if in_time and not self._stopped():
            outcome = attempt(adapter, order)
        self._finished.put(AttemptResult(claimed, adapter.name, outcome))

    # Outcomes.

    def _collect(self) -> None:
        """Collect the finished attempts, and wait a moment for more while attempts are running."""
        until = time.monotonic() + _BATCH_WAIT_S
        most = min(BATCH, self._limit.total // 2 + 1)
        while len(self.outcomes) < BATCH:
            left_s = until - time.monotonic()
            try:
                if left_s > 0 and self._limit.total and len(self.outcomes) < most:
                    done = self._finished.get(timeout=left_s)
                else:
                    done = self._finished.get_nowait()
            except Empty:
                break
            self._limit.release(done)
            self.outcomes.add(done)
            if done.outcome is None and self._once:
                claimed = done.claimed
                self._untried.add((claimed.site_id, claimed.seq, claimed.lane))
        self._limit.drop_expired(LEASE)
