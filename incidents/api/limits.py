"""The limits of the API: acts a minute, turns for slow requests, and shared rounds."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import BoundedSemaphore, Lock
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from starlette.concurrency import run_in_threadpool

from incidents.accounts.identity import Identity
from incidents.errors import IncidentsError

_MINUTE_S = 60.0


class TooManyActsError(IncidentsError):
    """{who} may do {limit} acts a minute: ask again in {wait_s} seconds"""


class Quota:
    """What those have done who come in at one server. Threads may share it.

    A quota fills up again steadily. Who has any left may go on, so a batch that is longer than the
    rest of it is done, and waited for before the next act.
    """

    def __init__(
        self, acts_per_minute: int, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit, self._monotonic = acts_per_minute, monotonic
        self._lock = Lock()
        self._done: dict[str, tuple[float, float]] = {}

    def take(self, of: Identity, acts: int = 1) -> None:
        """Counts acts that are about to be done; any number is let through where the limit is 0.

        Raises:
            TooManyActsError: if the quota is used up; `wait_s` says for how long.
        """
        if not self._limit:
            return
        who = of.handle if of.token is None else f"token {of.token}"
        with self._lock:
            now = self._monotonic()
            done, at = self._done.get(who, (0.0, now))
            left = self._limit - max(0.0, done - (now - at) * self._limit / _MINUTE_S)
            if left < 1:
                wait_s = max(1, math.ceil((1 - left) * _MINUTE_S / self._limit))
                raise TooManyActsError(who=who, limit=f"{self._limit:,}", wait_s=wait_s)
            self._done[who] = (self._limit - left + acts, now)


PATIENCE_S = 5.0


class BusyError(IncidentsError):
    """something else of that kind is being worked out just now: ask again in a few seconds"""


class Turn:
    """One of them in a process; the desk works on the same machine."""

    def __init__(self) -> None:
        self._free = BoundedSemaphore(1)

    @contextmanager
    def taken(self) -> Iterator[None]:
        """While it is somebody's; raises BusyError if nobody gives it up in time."""
        if not self._free.acquire(timeout=PATIENCE_S):
            raise BusyError
        try:
            yield
        finally:
            self._free.release()


SIMULATING, IMPORTING, BUNDLING, ERASING, TRYING = Turn(), Turn(), Turn(), Turn(), Turn()


Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


class _Waiting(Generic[Item, Outcome]):
    """Those of one loop who wait for a round, and the tasks that go round for them."""

    def __init__(self) -> None:
        self.places: list[tuple[Item, asyncio.Future[Outcome]]] = []
        self.going: set[asyncio.Task[None]] = set()

    def take(self, most: int) -> list[tuple[Item, asyncio.Future[Outcome]]]:
        """Those who came first, and wait still."""
        places = [each for each in self.places if not each[1].done()]
        taken, self.places = places[:most], places[most:]
        return taken


class Rounds(Generic[Item, Outcome]):
    """Work that costs the same for one item as for many, done in a thread for those who await it.

    It is what `GroupCommit` is to threads. `work` gets at most `most` items in the order in which
    they came, and gives an outcome for each. `at_once` rounds are under way at most: what comes
    meanwhile is given to the next one, so that nobody is answered by a look that began before they
    asked.
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

    async def take(self, item: Item) -> Outcome:
        """The item's outcome.

        Raises:
            Exception: whatever `work` raises, for each item that it was given.
        """
        loop = asyncio.get_running_loop()
        waiting = self._of_loop.setdefault(loop, _Waiting())
        place: asyncio.Future[Outcome] = loop.create_future()
        waiting.places.append((item, place))
        if len(waiting.going) < self._at_once:
            waiting.going.add(loop.create_task(self._go(waiting)))
        return await place

    async def _go(self, waiting: _Waiting[Item, Outcome]) -> None:
        """Round after round, until nobody waits."""
        try:
            while places := waiting.take(self._most):
                await self._round(places)
        finally:
            task = asyncio.current_task()
            assert task is not None
            waiting.going.discard(task)

    async def _round(self, places: Sequence[tuple[Item, asyncio.Future[Outcome]]]) -> None:
        try:
            outcomes = await run_in_threadpool(self._work, [item for item, _ in places])
            for (_, place), outcome in zip(places, outcomes, strict=True):
                # Whoever has gone meanwhile waits no more.
                if not place.done():
                    place.set_result(outcome)
        except BaseException as error:
            for _, place in places:
                if not place.done():
                    place.set_exception(error)
            if not isinstance(error, Exception):
                raise
