"""The log as it is verified: what a database and a bundle both give, and how work is shared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Connection

from incidents.audit.facts import Facts
from incidents.audit.flaw import Flaw
from incidents.audit.workers.worker import Progress, Tell


class Batch(NamedTuple):
    """The entries of one tile: the first one's number, and the bytes of each, None where there is
    no entry; with the rows of a database, if they are from one."""

    first: int
    bodies: Sequence[bytes | None]
    rows: Sequence[Any] = ()


class Placed(NamedTuple):
    """An entry in its site's stream, and its place in the order of all (see `periods.Periods`)."""

    site_id: int
    place: int
    body: bytes


class Log(Protocol):
    """A log that is open."""

    size: int
    """How many entries are numbered."""

    def batches(self, first: int, before: int) -> Iterator[Batch]:
        """The entries from `first`, a multiple of 256, to before `before`."""

    def tile(self, level: int, n: int) -> bytes | None:
        """The hashes of a tile, as they are kept; None if it is not there."""

    def where(self, leaf: int) -> str:
        """How people find an entry."""

    def compare(
        self, batch: Batch, facts: Sequence[Facts | None], hashes: Sequence[bytes]
    ) -> Iterator[Flaw]:
        """What else is kept of the entries of a batch, and differs from them."""


class Source(Protocol):
    """Where a log is; it goes from process to process."""

    def opened(self, connection: Connection | None) -> AbstractContextManager[Any]:
        """The log, as long as it is entered."""


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a job, and the job's place among all."""

    place: int
    result: Any


@dataclass(frozen=True, slots=True)
class Job:
    """A function that is to be called with the log and what is given."""

    place: int
    source: Source
    act: Callable[..., Any]
    given: tuple[Any, ...] = field(default=())

    def do(self, connection: Connection | None, tell: Tell) -> Done:
        """Call it."""
        with self.source.opened(connection) as log:
            return Done(self.place, self.act(log, *self.given, tell=lambda n: tell(Progress(n))))
