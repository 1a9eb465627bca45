"""The queues: the due orders that wait for each adapter, the most urgent first.

A dispatcher reads the due orders ahead, without a lock, and sorts them by adapter. So it claims
only what an adapter can take now, and the orders of a slow adapter, however many, are passed by.

A lane is read in two ways. Each look reads the orders that are new, and from time to time again
those that fell due lately, so that a new order is found at once, whatever waits before it. A pass
over the whole lane, one page at each look, finds the older ones, such as one that was behind an
order that another dispatcher settled. Passes take a small part of the time, and rest 20 seconds at
most.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial
from math import inf

from sqlalchemy import Connection

from incidents.enforcement.adapter_queue import Queue
from incidents.enforcement.dispatcher import ConcurrencyLimit
from incidents.store import due_orders
from incidents.store.due_orders import START, Due, Place

PAGE = 1_000
"""The most orders that are read at once."""

RECENT = timedelta(seconds=5)
"""How long after the time from which it is due an order may become visible to others."""

_REST, _SHORT_REST = 50, 25
"""How many times its duration is the rest after a pass over a whole lane, and after the reading of
what fell due lately."""

_LONGEST_REST_S = 20.0
"""So long an order waits at most behind one that a dying dispatcher still settled."""

_URGENT_S = 0.1
"""How long after an adapter was given orders an urgent one waits, so that several are claimed
together."""


class Lane:
    """One lane: the queues of its adapters, and how far it has been read. Times are in UTC.

    `adapter_of` names the adapter of an order, or None if the order must not be claimed.
    `seconds` is a monotonic clock. `salt`: see `Queues`.
    """

    def __init__(
        self,
        name: str,
        adapter_of: Callable[[Due], str | None],
        seconds: Callable[[], float],
        salt: int,
    ) -> None:
        self.name, self._salt = name, salt
        self.queues = defaultdict[str, Queue](lambda: Queue(self._salt))
        self._adapter_of, self._seconds = adapter_of, seconds
        self._again: set[int] = set()
        # The pass over the whole lane: its place, its seconds, the end of the rest after it, and
        # the time by which what it reads had fallen due at its beginning.
        self._whole, self._whole_s, self._rest_until = START, 0.0, seconds()
        self._whole_began = START[0]
        # The reading of the orders that fell due lately: its place, and the same time of its own;
        # the seconds it took, and when it begins again.
        self._lately: Place | None = None
        self._lately_began: datetime | None = None
        self._lately_s, self._lately_again = 0.0, inf

    def look_again(self, site_ids: Iterable[int]) -> None:
        """Look at the orders of these sites again, because they may have changed."""
        self._again.update(site_ids)

    def refresh(self, salt: int) -> None:
        """Look again at all orders in the queues, which take another salt."""
        self._salt = salt
        for queue in self.queues.values():
            self._again.update(queue.clear(salt))

    def look(self, connection: Connection, due_at: datetime) -> bool:
        """Read the orders that are due at `due_at`; return whether there is more to read.

        Call this in a transaction that only reads.
        """
        if self._again:
            found = due_orders.of_sites(connection, self.name, self._again, due_at=due_at)
            self._again = set()
            self._offer(found)
        read = partial(due_orders.page, connection, self.name, due_at=due_at, most=PAGE)
        is_more = False
        if self._seconds() >= self._rest_until:
            is_more = self._read_whole(read, due_at)
        # A pass that has come so far reads what fell due lately anyway.
        if not is_more or self._whole < _late(due_at):
            is_more |= self._read_lately(read, due_at)
        return is_more | self._fill(read)

    def _read_whole(self, read: _Read, due_at: datetime) -> bool:
        began = self._seconds()
        if self._whole == START:
            self._whole_began = due_at
        found = read(start=self._whole)
        self._offer(found)
        now = self._seconds()
        self._whole_s += now - began
        if found:
            self._whole = found[-1].place
        if len(found) == PAGE:
            return True
        # The pass has read the latest, too: from here on, only what is new is read.
        self._lately = max(self._whole, _late(self._whole_began))
        self._lately_began = self._whole_began
        # What became visible late meanwhile is read at the next look.
        self._lately_again = now
        self._rest_until = now + min(_REST * self._whole_s, _LONGEST_REST_S)
        self._whole, self._whole_s = START, 0.0
        return False

    def _read_lately(self, read: _Read, due_at: datetime) -> bool:
        now = self._seconds()
        if self._lately is None or now >= self._lately_again:
            self._lately = _late(self._lately_began or due_at)
            self._lately_began = due_at
            self._lately_s, self._lately_again = 0.0, inf
        found = read(start=self._lately)
        self._offer(found)
        if found:
            # Until it begins again, only what is new is read.
            self._lately = found[-1].place
        is_more = len(found) == PAGE
        if self._lately_again == inf:
            ended = self._seconds()
            self._lately_s += ended - now
            if not is_more:
                self._lately_again = ended + _SHORT_REST * self._lately_s
        return is_more

    def _fill(self, read: _Read) -> bool:
        """Read what the queues have missed for which there is room now."""
        for queue in list(self.queues.values()):
            if queue.missed is None or not queue.has_room:
                continue
            start, queue.missed = queue.missed, None
            found = read(start=start)
            self._offer(found)
            if len(found) == PAGE and queue.missed is None:
                queue.missed = found[-1].place
        return any(queue.missed and queue.has_room for queue in self.queues.values())

    def _offer(self, found: Iterable[Due]) -> None:
        for each in found:
            adapter = self._adapter_of(each)
            if adapter is not None:
                self.queues[adapter].offer(each)


def _late(due_at: datetime) -> Place:
    """The place of the first order that may become visible only after the time `due_at`."""
    return due_at - RECENT, 0, 0


class Queues:
    """The queues of all lanes; see `Lane`.

    `salt`: makes a number of this dispatcher's own. Once others take the same orders, it decides
    between sites whose orders fell due within a second, so that they seldom try the same again.
    """

    def __init__(
        self,
        adapter_of: Callable[[Due], str | None],
        *,
        seconds: Callable[[], float],
        salt: Callable[[], int] = lambda: 0,
    ) -> None:
        self._adapter_of, self._seconds, self._new_salt = adapter_of, seconds, salt
        self._salt = 0
        self._lanes: dict[str, Lane] = {}
        self._took_at: dict[str, float] = {}

    def look(self, connection: Connection, lanes: Mapping[str, datetime]) -> bool:
        """Read the orders of each lane that are due at the given time (UTC).

        Returns whether there is more to read. Call this in a transaction that only reads.
        """
        due_orders.plan_by_index(connection)
        found = [self._lane(name).look(connection, due_at) for name, due_at in lanes.items()]
        return any(found)

    def look_again(self, sites: Iterable[tuple[str, int]]) -> None:
        """Look at the orders of these lanes and sites again, because they may have changed."""
        for lane, site_id in sites:
            self._lane(lane).look_again([site_id])

    def refresh(self) -> None:
        """Look again at all orders in the queues, because others have claimed some of them."""
        self._salt = self._new_salt()
        for lane in self._lanes.values():
            lane.refresh(self._salt)

    def take(self, limit: ConcurrencyLimit) -> list[Due]:
        """Remove and return the orders that their adapters can take now, the most urgent first."""
        found: list[Due] = []
        now, given = self._seconds(), Counter[str]()
        for lane in self._lanes.values():
            for adapter, queue in lane.queues.items():
                free = limit.free_for(adapter) - given[adapter]
                # A transaction costs the same for one order and for many.
                minimum = min(len(queue), limit.share(adapter) // 2)
                if queue.is_urgent and now - self._took_at.get(adapter, -inf) >= _URGENT_S:
                    minimum = 1
                if free >= minimum and (taken := queue.take(free)):
                    self._took_at[adapter] = now
                    given[adapter] += len(taken)
                    found += taken
        return found

    def clear(self) -> None:
        """Forget everything, so that all is read anew."""
        self._lanes = {}

    def _lane(self, name: str) -> Lane:
        if name not in self._lanes:
            self._lanes[name] = Lane(name, self._adapter_of, self._seconds, self._salt)
        return self._lanes[name]


_Read = Callable[..., list[Due]]
