"""The group commit of any work: items that arrive during a batch form the next batch."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


@dataclass(eq=False, slots=True)
class _Place(Generic[Item, Outcome]):
    item: Item
    is_done: bool = False
    outcome: Outcome | None = None
    error: BaseException | None = None

    def result(self) -> Outcome | None:
        if self.error is not None:
            raise self.error
        return self.outcome


class GroupCommit(Generic[Item, Outcome]):
    """Work that costs the same for one item as for many, done by one thread at a time.

    `work` gets the items in the order of arrival, and returns an outcome for each. After a batch of
    many items the next batch waits `gathering_s` seconds before it begins.
    """

    def __init__(
        self, work: Callable[[Sequence[Item]], Sequence[Outcome]], *, gathering_s: float = 0.0
    ) -> None:
        self._work = work
        self._gathering_s = gathering_s
        self._waiting: list[_Place[Item, Outcome]] = []
        self._is_at_work = False
        self._is_busy = False
        self._changed = threading.Condition()

    def take(self, item: Item, patience_s: float | None = None) -> Outcome | None:
        """Return the item's outcome; None if the present batch lasts longer than `patience_s`.

        Without a limit, the caller waits until the outcome is known.

        Raises:
            BaseException: whatever `work` raises, for each of its items.
        """
        place: _Place[Item, Outcome] = _Place(item)
        with self._changed:
            self._waiting.append(place)
            # A finished caller returns at once, without waiting for the next round.
            self._changed.wait_for(lambda: place.is_done or not self._is_at_work, patience_s)
            if place.is_done:
                return place.result()
            if self._is_at_work:
                if place in self._waiting:
                    self._waiting.remove(place)
                return None
            self._is_at_work = True
            if self._gathering_s and (self._is_busy or len(self._waiting) > 1):
                # Callers that have just finished come back with their next item.
                self._changed.wait_for(lambda: False, self._gathering_s)
            places, self._waiting = self._waiting, []
            self._is_busy = len(places) > 1
        try:
            self._do(places)
        finally:
            with self._changed:
                self._is_at_work = False
                self._changed.notify_all()
        return place.result()

    def _do(self, places: Sequence[_Place[Item, Outcome]]) -> None:
        try:
            outcomes = self._work([place.item for place in places])
            for place, outcome in zip(places, outcomes, strict=True):
                place.outcome = outcome
        except BaseException as error:
            for place in places:
                place.error = error
            raise
        finally:
            for place in places:
                place.is_done = True
