"""The result cache: what a page has found, kept in memory for the next page of the same person."""

from __future__ import annotations

import pickle
from secrets import token_urlsafe
from typing import Generic, TypeVar

from incidents.system.shared import SharedValue

Thing = TypeVar("Thing")

MAX_RESULTS = 20
"""The maximum number of kept results; the oldest is dropped first. All are lost when the process
ends."""


MAX_BYTES = 4 * 2**20
"""The maximum number of bytes of all kept results of a kind."""


class ResultCache(Generic[Thing]):
    """Results by id, each only for its owner; the next page may come from another worker.

    Each use reads all of them, and a new one writes all of them anew. So that it takes only
    milliseconds, they have at most `MAX_BYTES` together: the oldest are dropped first. The newest
    stays, however large, since the next page shows it.
    """

    def __init__(self, most: int = MAX_RESULTS) -> None:
        self._most = most
        self._things = SharedValue[dict[str, tuple[str, bytes]]]({})

    def put(self, owner: str, thing: Thing) -> str:
        """Keep the result; return its id."""
        id_, kept = token_urlsafe(9), pickle.dumps(thing, pickle.HIGHEST_PROTOCOL)
        with self._things.changing() as things:
            things[id_] = (owner, kept)
            size = sum(len(each) for _, each in things.values())
            while len(things) > self._most or (size > MAX_BYTES and len(things) > 1):
                _, dropped = things.pop(next(iter(things)))
                size -= len(dropped)
        return id_

    def get(self, owner: str, id_: str) -> Thing | None:
        """Return the result with that id; None if it was dropped or belongs to somebody else."""
        if not id_:
            return None
        kept_for, kept = self._things.get().get(id_, (None, b""))
        if kept_for != owner:
            return None
        thing: Thing = pickle.loads(kept)  # noqa: S301 - only this program writes it
        return thing
