"""The parser: reads reports in limited children, of which this process has few.

What is sent to the inbox is written by anybody. A child sees the reports' bytes and the options.
"""

from __future__ import annotations

import atexit
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from threading import BoundedSemaphore, Lock
from typing import Any, NamedTuple

from incidents.errors import BusyError
from incidents.inbox.children.limited_child import LimitedChild
from incidents.inbox.reading import Reading
from incidents.inbox.source import shape_of

MAX_CHILDREN = 2
"""The maximum number of parsers of this process at a time."""
MAX_REPORTS = 20_000
"""The number of reports after which a fresh child takes over, whatever the last one has kept."""

LOT, LOT_BYTES = 50, 4 << 20
"""How many reports, and bytes, are sent to the child at once; a longer report goes alone."""


class Parcel(NamedTuple):
    """The bytes of a report that are read, the name of its file, and when it came in (UTC)."""

    raw: bytes
    name: str
    received_at: datetime | None = None


class Parser:
    """A child that reads reports; it is started on first need, and again when a report ended it.

    `options`: what the settings give to readers; see `source.Source`.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.options = dict(options)
        self.child: LimitedChild | None = None

    def read(self, parcels: Sequence[Parcel]) -> list[Reading]:
        """Read the reports, in order. A report that ended the child is a reading with the reason.

        Raises:
            ParserNotStartedError: if there can be no such child.
        """
        found: list[Reading] = []
        while len(found) < len(parcels):
            lot = _lot(parcels, len(found))
            for parcel, (reading, reason) in zip(lot, self._started().work(lot), strict=False):
                unread = Reading(format=shape_of(parcel.raw), reason=reason) if reason else None
                found.append(unread or reading)
        return found

    def end(self) -> None:
        """End the child."""
        if self.child is not None:
            self.child.end()
        self.child = None

    def _started(self) -> LimitedChild:
        if self.child is not None and self.child.done > MAX_REPORTS:
            self.end()
        if self.child is None or self.child.has_ended:
            self.child = LimitedChild(__name__, self.options)
        return self.child


class Parsers:
    """The parsers of this process: at most so many at a time, each kept for the next user."""

    def __init__(self, most: int = MAX_CHILDREN) -> None:
        self._places = BoundedSemaphore(most)
        self._idle: list[Parser] = []
        self._lock = Lock()

    @contextmanager
    def taken(
        self, options: Mapping[str, Any], patience_s: float | None = None
    ) -> Iterator[Parser]:
        """A parser with those options.

        Raises:
            BusyError: if all are in use, and none is free within so many seconds.
        """
        if not self._places.acquire(timeout=patience_s):
            raise BusyError
        try:
            parser = self._next(options)
            try:
                yield parser
            except BaseException:
                # Somebody may still read by it, in another thread.
                parser.end()
                raise
            with self._lock:
                self._idle.append(parser)
        finally:
            self._places.release()

    def _next(self, options: Mapping[str, Any]) -> Parser:
        with self._lock:
            found = self._idle.pop() if self._idle else None
        if found is not None and found.options != options:
            found.end()
            found = None
        return found or Parser(options)

    def end(self) -> None:
        """End the parsers that nobody uses."""
        with self._lock:
            idle, self._idle = self._idle, []
        for each in idle:
            each.end()


PARSERS = Parsers()
atexit.register(PARSERS.end)


def _lot(parcels: Sequence[Parcel], start: int) -> Sequence[Parcel]:
    """The parcels from there on that are sent at once: few enough for the child's memory."""
    size = 0
    for end in range(start, min(start + LOT, len(parcels))):
        size += len(parcels[end].raw)
        if size > LOT_BYTES:
            return parcels[start : max(end, start + 1)]
    return parcels[start : start + LOT]


def prepared(options: Mapping[str, Any]) -> Callable[[Parcel], Reading]:
    """What the child does with a report; see `limited_child.Work`."""
    from incidents.inbox import readers, xarf_schemas
    from incidents.inbox.source import Source

    readers.load()
    xarf_schemas.load()

    def read(parcel: Parcel) -> Reading:
        return readers.read(Source(*parcel[:2], options, received_at=parcel.received_at))

    return read
