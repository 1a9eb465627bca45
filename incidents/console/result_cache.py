"""The shelf: what was worked out for somebody, kept until they have looked at it page by page."""

from __future__ import annotations

from collections import OrderedDict
from secrets import token_urlsafe
from threading import Lock
from typing import Generic, TypeVar

Thing = TypeVar("Thing")

MOST = 20
"""So many things lie there; the oldest goes first. None outlives the process."""


class Shelf(Generic[Thing]):
    """Things by their ids, each only for whom it was put there. Threads may share it."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._lock = Lock()
        self._things: OrderedDict[str, tuple[str, Thing]] = OrderedDict()

    def put(self, owner: str, thing: Thing) -> str:
        """Its id."""
        id_ = token_urlsafe(9)
        with self._lock:
            self._things[id_] = (owner, thing)
            while len(self._things) > self._most:
                self._things.popitem(last=False)
        return id_

    def get(self, owner: str, id_: str) -> Thing | None:
        """What lies there under that id; None if it is gone, or somebody else's."""
        with self._lock:
            kept_for, thing = self._things.get(id_, (None, None))
        return thing if kept_for == owner else None
