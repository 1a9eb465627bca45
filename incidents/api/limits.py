"""The limits of the API: actions per minute, a lock for slow requests, and batched work."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

from starlette.concurrency import run_in_threadpool

from incidents.accounts.identity import Identity
from incidents.errors import BusyError, IncidentsError
from incidents.system.shared import SharedLock, SharedValue

_MINUTE_S = 60.0
_MOST_CALLERS = 100
"""From this number on, callers whose quota is full again are forgotten."""


class TooManyActsError(IncidentsError):
    """{who} has reached the limit of {limit} actions a minute: try again in {wait_s} seconds"""


class Quota:
    """The actions of each caller at one server, all its workers together, with a limit per minute.

    A quota refills steadily. A caller with any quota left can act: a batch that exceeds the quota
    still runs, and the caller's next action must wait until the quota has refilled.
    """

    def __init__(
        self, acts_per_minute: int, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit, self._monotonic = acts_per_minute, monotonic
        self._done = SharedValue[dict[str, tuple[float, float]]]({})

    def take(self, of: Identity, actions: int = 1) -> None:
        """Count actions that are about to be done; a limit of 0 means no limit.

        Raises:
            TooManyActsError: if the quota is used up; `wait_s` is the wait in seconds.
        """
        if not self._limit:
            return
        who = of.handle if of.token is None else f"token {of.token}"
        with self._done.changing() as done:
            now = self._monotonic()
            used = self._used(done.get(who), now)
            left = self._limit - used
            if left < 1:
                wait_s = max(1, math.ceil((1 - left) * _MINUTE_S / self._limit))
                raise TooManyActsError(who=who, limit=f"{self._limit:,}", wait_s=wait_s)
            if who not in done and len(done) >= _MOST_CALLERS:
                for other in [each for each in done if not self._used(done[each], now)]:
                    del done[other]
            done[who] = (used + actions, now)

    def _used(self, done: tuple[float, float] | None, now: float) -> float:
        """What is used of the quota by what was done."""
        if done is None:
            return 0.0
        actions, at = done
        return max(0.0, actions - (now - at) * self._limit / _MINUTE_S)


PATIENCE_S = 5.0


class SlowWorkLock:
    """A lock that allows one slow task at a time, because the desk shares the machine.

    All workers of the server share it.
    """

    def __init__(self) -> None:
        self._lock = SharedLock()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Hold the lock; raises BusyError if it is not free within `PATIENCE_S` seconds."""
        if not self._lock.acquire(PATIENCE_S):
            raise BusyError
        try:
            yield
        finally:
            self._lock.release()


SIMULATING, IMPORTING, BUNDLING, ERASING, TRYING = (
    SlowWorkLock(),
    SlowWorkLock(),
    SlowWorkLock(),
    SlowWorkLock(),
    SlowWorkLock(),
)


Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


GATHERING_S = 0.002
"""How long a round waits for items that are coming."""


class _Waiting(Generic[Item, Outcome]):
    """The waiting items of one event loop, and the tasks that process them in rounds."""

    def __init__(self) -> None:
        self.places: list[tuple[Item, asyncio.Future[Outcome]]] = []
        self.going: set[asyncio.Task[None]] = set()
        self.coming: set[Coming] = set()
        self.are_here = asyncio.Event()
        self.are_here.set()

    def take(self, most: int) -> list[tuple[Item, asyncio.Future[Outcome]]]:
        """Remove and return the oldest items whose callers still wait."""
        places = [each for each in self.places if not each[1].done()]
        taken, self.places = places[:most], places[most:]
        return taken


class Coming:
    """An item that is on its way to a batcher."""

    def __init__(self, waiting: _Waiting[Any, Any]) -> None:
        self._waiting = waiting
        waiting.coming.add(self)
        waiting.are_here.clear()

    def arrived(self) -> None:
        """Note that the item has arrived, or that it does not come."""
        self._waiting.coming.discard(self)
        if not self._waiting.coming:
            self._waiting.are_here.set()


class AsyncBatcher(Generic[Item, Outcome]):
    """A batcher for work that costs the same for many items as for one.

    The work runs in a thread, and a coroutine awaits the outcome of each item; in `GroupCommit`, a
    thread waits for each item. `work` gets at most `most` items, in the order of arrival, and
    returns an outcome for each. At most `at_once` rounds run at a time. Items that arrive during a
    round go into the next round, so no answer comes from a read that began before its request.
    """

    def __init__(
        self,
        work: Callable[[Sequence[Item]], Sequence[Outcome]],
        *,
        at_once: int = 1,
        most: int = 100,
    ) -> None:
        self._work, self._at_once, self._most = work, at_once, most
        self._of_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, _Waiting[Item, Outcome]] = (
            WeakKeyDictionary()
        )

    @contextmanager
    def coming(self) -> Iterator[Coming]:
        """Announce an item: the next round waits for it, but no longer than `GATHERING_S`."""
        coming = Coming(self._waiting(asyncio.get_running_loop()))
        try:
            yield coming
        finally:
            coming.arrived()

    def _waiting(self, loop: asyncio.AbstractEventLoop) -> _Waiting[Item, Outcome]:
        return self._of_loop.setdefault(loop, _Waiting())

    async def take(self, item: Item) -> Outcome:
        """Return the outcome of the item.

        Raises:
            Exception: the error that `work` raises, for each item of the same round.
        """
        loop = asyncio.get_running_loop()
        waiting = self._waiting(loop)
        place: asyncio.Future[Outcome] = loop.create_future()
        waiting.places.append((item, place))
        if len(waiting.going) < self._at_once:
            waiting.going.add(loop.create_task(self._run_rounds(waiting)))
        return await place

    async def _run_rounds(self, waiting: _Waiting[Item, Outcome]) -> None:
        """Run rounds until no item waits."""
        try:
            while waiting.places:
                with suppress(TimeoutError):
                    await asyncio.wait_for(waiting.are_here.wait(), GATHERING_S)
                if places := waiting.take(self._most):
                    await self._run_round(places)
        finally:
            task = asyncio.current_task()
            assert task is not None
            waiting.going.discard(task)

    async def _run_round(self, places: Sequence[tuple[Item, asyncio.Future[Outcome]]]) -> None:
        try:
            outcomes = await run_in_threadpool(self._work, [item for item, _ in places])
            for (_, place), outcome in zip(places, outcomes, strict=True):
                # The awaiter may have been cancelled meanwhile.
                if not place.done():
                    place.set_result(outcome)
        except BaseException as error:
            for _, place in places:
                if not place.done():
                    place.set_exception(error)
            if not isinstance(error, Exception):
                raise
