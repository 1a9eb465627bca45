"""The receiving of reports: keep the bytes, read them in the child, and put each on record.

A report is received at least once: its bytes are on disk before it is on record, and its sender
gets the answer after both. The same bytes, sent again, are the same report.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from incidents import clock
from incidents.desk.desk import Desk
from incidents.desk.inbox import receiving
from incidents.desk.inbox.receiving import Incoming, Received
from incidents.errors import EmptyFileError, EmptyReportError, IncidentsError
from incidents.inbox.children.parser import PARSERS, Parcel
from incidents.inbox.reading import Reading
from incidents.inbox.source import shape_of
from incidents.record.streams import Kept, Streams

MAX_READ = 16 << 20
"""The number of bytes of a report that are read; the rest is only kept."""
AT_ONCE = 400
"""The maximum number of reports that are put on record in one transaction."""

_WRITERS = 8
"""The number of threads that wait for the disk."""
_HELD = 32 << 20
"""The number of bytes in memory from which on reports are put on record, however few they are."""

_Group = list[tuple[Kept, str]]
"""Reports whose bytes are kept, with the names of their files."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A report that somebody brings: a function that opens its bytes, and the name of its file.

    `may_be_empty`: whether it is kept without a byte in it, too. Otherwise something failed before,
    and who brings it is told.
    """

    open: Callable[[], AbstractContextManager[BinaryIO]]
    name: str = ""
    may_be_empty: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbox:
    """The inbox of a desk.

    `folder`: of the evidence; `limit`: the most bytes of a file that are kept there. `options`:
    what the settings give to readers. `by`: the person or the duty that brings the reports.
    `patience_s`: how long it waits for a child that reads them; None: until there is one.
    """

    desk: Desk
    folder: Path
    limit: int
    options: Mapping[str, Any]
    channel: str
    by: str
    login: str | None
    patience_s: float | None = None

    def receive(self, deliveries: Iterable[Delivery]) -> Iterator[list[Received]]:
        """Receive the reports, in order; each list is on record when it is yielded.

        While the child reads some reports, those before are put on record, and those after are
        kept. So the deliveries are asked for in another thread.

        Raises:
            BusyError: if no child is free in time; nothing was kept.
            EmptyReportError: if one is empty that may not be; others may be on record.
            FileError: if a report cannot be read, or its bytes cannot be kept.
            ParserNotStartedError: if there can be no child to read it.
            DatabaseError, RefusedError: as `Desk.on_record` does.
        """
        before: tuple[list[Kept], Future[list[Reading]]] | None = None
        with (
            PARSERS.taken(self.options, self.patience_s) as parser,
            ThreadPoolExecutor(_WRITERS) as writers,
            # One thread each: the child reads one group after another.
            ThreadPoolExecutor(1) as keeper,
            ThreadPoolExecutor(1) as reader,
        ):
            groups = self._kept(writers, deliveries)
            ahead = keeper.submit(_next, groups)
            while (group := ahead.result()) or before is not None:
                after = None
                if group:
                    now = clock.now()
                    parcels = [Parcel(kept.first, name, now) for kept, name in group]
                    after = [kept for kept, _ in group], reader.submit(parser.read, parcels)
                    ahead = keeper.submit(_next, groups)
                if before is not None:
                    kept, readings = before
                    yield self._put_on_record(kept, readings.result())
                before = after

    def _kept(
        self, writers: ThreadPoolExecutor, deliveries: Iterable[Delivery]
    ) -> Iterator[_Group]:
        """The reports whose bytes are kept, with the names of their files, some at a time."""
        rest = iter(deliveries)
        while found := self._next(writers, rest):
            yield found

    def _next(self, writers: ThreadPoolExecutor, deliveries: Iterator[Delivery]) -> _Group:
        found: _Group = []
        held = 0
        with Streams(self.folder, limit=self.limit, first=MAX_READ, threads=writers) as streams:
            for each in islice(deliveries, AT_ONCE):
                with each.open() as source:
                    kept = streams.keep(source)
                if not kept.size and not each.may_be_empty:
                    raise EmptyFileError(name=each.name) if each.name else EmptyReportError
                found.append((kept, each.name))
                held += len(kept.first)
                if held >= _HELD:
                    break
        return found

    def _put_on_record(self, kept: Sequence[Kept], readings: Sequence[Reading]) -> list[Received]:
        try:
            return self._record(kept, readings)
        except IncidentsError:
            raise
        except Exception:  # noqa: BLE001 - what one sender wrote keeps back no other report
            return [
                received
                for each, reading in zip(kept, readings, strict=True)
                for received in self._record_alone(each, reading)
            ]

    def _record_alone(self, kept: Kept, reading: Reading) -> list[Received]:
        """Put one report on record, as unreadable if what was read cannot be."""
        try:
            return self._record([kept], [reading])
        except IncidentsError:
            raise
        except Exception:  # noqa: BLE001 - its bytes are kept, and the desk is asked
            return self._record([kept], [Reading(format=shape_of(kept.first), reason="crashed")])

    def _record(self, kept: Sequence[Kept], readings: Sequence[Reading]) -> list[Received]:
        new = [
            incoming(each, reading, self.channel)
            for each, reading in zip(kept, readings, strict=True)
        ]
        return self.desk.on_record(
            partial(receiving.receive, incoming=new, by=self.by, login=self.login, clock=clock.now)
        )


def _next(groups: Iterator[_Group]) -> _Group:
    return next(groups, [])


def incoming(kept: Kept, reading: Reading, channel: str) -> Incoming:
    """What goes on record of a report, by its bytes and what was read out of them."""
    document = reading.document()
    if kept.size > len(kept.first):
        document["more"] = True
    return Incoming(
        digest=kept.digest, size=kept.size, kept=kept.kept_digest, channel=channel,
        format=reading.format, unread=reading.reason, reading=document,
        message_id=reading.message_id, reporter=reading.reporter, category=reading.category,
        seen_at=reading.seen_at, hosts=list(dict.fromkeys([*reading.hosts, *reading.mentions])),
        subject=reading.subject,
    )  # fmt: skip
