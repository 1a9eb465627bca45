"""The rounds: what many requests wait for at one moment is asked once for all, by one thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from starlette.concurrency import run_in_threadpool

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


@dataclass(slots=True, weakref_slot=True)
class _Waiting(Generic[Item, Outcome]):
    """Those of one loop who wait for the next round, and the rounds that are under way."""

    places: list[tuple[Item, asyncio.Future[Outcome]]] = field(default_factory=list)
    going: asyncio.Task[None] | None = None


class Rounds(Generic[Item, Outcome]):
    """Work that costs the same for one item as for many, done in a thread for those who await it.

    It is what `GroupCommit` is to threads. `work` gets the items in the order in which they came,
    and gives an outcome for each, of at most `most` at once; what comes while it is under way is
    given to the next round, so that nobody is answered by a look that began before they asked.
    """

    def __init__(
        self, work: Callable[[Sequence[Item]], Sequence[Outcome]], *, most: int = 100
    ) -> None:
        self._work, self._most = work, most
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
        if waiting.going is None:
            waiting.going = loop.create_task(self._go(waiting))
        return await place

    async def _go(self, waiting: _Waiting[Item, Outcome]) -> None:
        """Round after round, until nobody waits."""
        try:
            while waiting.places:
                places, waiting.places = waiting.places[: self._most], waiting.places[self._most :]
                await self._round(places)
        finally:
            waiting.going = None

    async def _round(self, places: Sequence[tuple[Item, asyncio.Future[Outcome]]]) -> None:
        try:
            outcomes = await run_in_threadpool(self._work, [item for item, _ in places])
        except BaseException as error:
            for _, place in places:
                if not place.done():
                    place.set_exception(error)
            if not isinstance(error, Exception):
                raise
            return
        for (_, place), outcome in zip(places, outcomes, strict=True):
            # Whoever has gone meanwhile waits no more.
            if not place.done():
                place.set_result(outcome)
