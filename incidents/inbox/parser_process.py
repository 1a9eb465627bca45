"""The parser process: reads reports in a child that has little memory and little time.

What is sent to the inbox is written by anybody. The child sees the report's bytes alone: it has no
database and no settings but the options, and ends with this process.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, NamedTuple, Self

from incidents.errors import IncidentsError
from incidents.inbox import child_limits
from incidents.inbox.child_limits import WITHIN_S
from incidents.inbox.reading import Reading
from incidents.inbox.source import shape_of
from incidents.system.side_process import ProcessEndedError, SideProcess

MAX_REPORTS = 20_000
"""The number of reports after which a fresh child takes over, whatever the last one has kept."""

LOT, LOT_BYTES = 50, 4 << 20
"""How many reports, and bytes, are sent to the child at once; a longer report goes alone."""

_WORK = "from incidents.inbox.parser_process import main; main()"


class ParserNotStartedError(IncidentsError):
    """the process that reads reports cannot be started ({detail}): allow setrlimit and setitimer"""


class Parcel(NamedTuple):
    """The bytes of a report that are read, the name of its file, and when it came in (UTC)."""

    raw: bytes
    name: str
    received_at: datetime | None = None


class ParserProcess:
    """The child, in a `with` block; it is started again when a report has ended it.

    `options`: what the settings give to readers; see `source.Source`.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = dict(options)
        self._process: SideProcess | None = None
        self._read = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self._end()

    def read(self, parcels: Sequence[Parcel]) -> list[Reading]:
        """Read the reports, in order. A report that ended the child is a reading with the reason.

        Raises:
            ParserNotStartedError: if there can be no such child.
        """
        found: list[Reading] = []
        while len(found) < len(parcels):
            found += self._some(_lot(parcels, len(found)))
        return found

    def _some(self, parcels: Sequence[Parcel]) -> Iterator[Reading]:
        """Read reports up to the first one that ends the child."""
        process = self._started()
        self._read += len(parcels)
        done = 0
        try:
            process.send([tuple(each) for each in parcels])
            for _ in parcels:
                yield process.receive(within_s=WITHIN_S)
                done += 1
        except ProcessEndedError as error:
            self._end()
            raw = parcels[done].raw
            yield Reading(format=shape_of(raw), reason=child_limits.reason(error.status))

    def _started(self) -> SideProcess:
        if self._read > MAX_REPORTS:
            self._end()
        if self._process is None:
            try:
                self._process = SideProcess(_WORK)
                self._process.send(self._options)
                problem = self._process.receive(within_s=WITHIN_S)
            except (OSError, ProcessEndedError) as error:
                self._end()
                raise ParserNotStartedError(detail=str(error)) from error
            if problem is not None:
                self._end()
                raise ParserNotStartedError(detail=problem)
        return self._process

    def _end(self) -> None:
        if self._process is not None:
            self._process.__exit__(None, None, None)
        self._process, self._read = None, 0


def _lot(parcels: Sequence[Parcel], start: int) -> Sequence[Parcel]:
    """The parcels from there on that are sent at once: few enough for the child's memory."""
    size = 0
    for end in range(start, min(start + LOT, len(parcels))):
        size += len(parcels[end].raw)
        if size > LOT_BYTES:
            return parcels[start : max(end, start + 1)]
    return parcels[start : start + LOT]


def main() -> None:
    """Read reports for the process at the other end of the pipe (argument: its descriptor)."""
    with Connection(int(sys.argv[1])) as pipe, suppress(EOFError):
        options = pipe.recv()
        try:
            _limit_itself()
        except (OSError, ValueError) as error:
            pipe.send(str(error))
            return
        pipe.send(None)
        while True:
            for each in pipe.recv():
                pipe.send(_read(Parcel(*each), options))


def _limit_itself() -> None:
    # Loaded before the limits, since what a report costs is what counts.
    from incidents.inbox import readers, xarf_schema

    readers.load()
    xarf_schema.load()
    child_limits.limit_memory()


def _read(parcel: Parcel, options: Mapping[str, Any]) -> Reading:
    from incidents.inbox import readers
    from incidents.inbox.source import Source

    try:
        with child_limits.limited():
            return readers.read(Source(*parcel[:2], options, received_at=parcel.received_at))
    except Exception:  # noqa: BLE001 - whatever a report does to a reader, its bytes are kept
        return Reading(format=shape_of(parcel.raw), reason="crashed")
