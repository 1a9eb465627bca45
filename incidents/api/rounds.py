"""The rounds and the turn: what many ask at once is asked once; what takes seconds, one by one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import BoundedSemaphore
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from starlette.concurrency import run_in_threadpool

from incidents.errors import IncidentsError

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
