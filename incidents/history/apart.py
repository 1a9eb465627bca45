"""The trial apart: policies that are tried on a history by a process of its own.

A desk is at work in the process that is asked, and a hundred thousand reports take the processor
for half a minute: so a long trial is another process's, which comes after it and has an end. A
short one costs less than to start that.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta, tzinfo
from io import BytesIO
from multiprocessing.connection import Connection
from typing import Generic, Protocol, TypeVar

from incidents.errors import IncidentsError, InputError, RefusedError
from incidents.history import reports
from incidents.history.comparison import Named, Taken, take
from incidents.history.reports import Draw, History
from incidents.history.rows import BadLine
from incidents.history.simulate import Outcome
from incidents.system.side_process import EndedError, SideProcess, Spent

T = TypeVar("T")

SHORT = 16_384
"""A trial is short if its history, once for each policy, has no more bytes: some 500 reports."""

MOST_S = 60
"""So many seconds of a processor a trial has: what is more is ended."""

MOST_BYTES = 2 << 30
"""So much memory it has."""

WITHIN_S = 600
"""So long it is waited for, whatever it waits for."""

_TOLD_BAD = 100
_WORK = "from incidents.history.apart import main; main()"
_LATER = 5
_OUT_OF_MEMORY = 12


class BadLinesError(InputError):
    """{count} lines of the history cannot be used"""


class TooCostlyError(InputError):
    """stopped after {limit_s} seconds of the server's processor, or out of memory: try fewer
    policies at a time, or part of the history"""


class TrialLostError(IncidentsError):
    """the trial process ended early ({detail})"""


class UnlimitedError(RefusedError):
    """the trial process cannot limit its own resources ({detail}), so it did not start: allow
    setrlimit and prlimit64 (SystemCallFilter of its unit)"""


class Source(Protocol):
    """Where a history comes from; it goes to another process."""

    @property
    def size(self) -> int:
        """How many bytes it has."""

    def read(self, most: int) -> History:
        """The history; raises HistoryError, and TooManyReportsError for more reports than that."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A history that somebody has sent as a file of that name; a time in it without an offset is in
    `zone`."""

    text: bytes
    name: str
    zone: tzinfo

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return len(self.text)

    def read(self, most: int) -> History:
        """The history; raises HistoryError, and TooManyReportsError for more reports than that."""
        return reports.read_history(BytesIO(self.text), self.name, zone=self.zone, most=most)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial(Generic[T]):
    """A history that policies are tried on, and what is `told` of it, by a function of a module.

    `most` are the reports that it may have. Reports within `within` of one kept are one finding.
    """

    source: Source
    policies: tuple[Named, ...]
    draw: Draw
    within: timedelta | None
    most: int
    skip_bad: bool
    told: Callable[[Taken, tuple[Outcome, ...]], T]

    @property
    def is_short(self) -> bool:
        """Whether it costs less than a process."""
        return self.source.size * len(self.policies) <= SHORT

    def do(self) -> T:
        """Try it here; raises HistoryError, TooManyReportsError and BadLinesError."""
        history = usable(self.source, self.most, skip_bad=self.skip_bad)
        taken = take(history, self.draw, self.within)
        return self.told(taken, taken.under(self.policies))


def usable(source: Source, most: int, *, skip_bad: bool) -> History:
    """The history.

    Raises:
        HistoryError: if it is none.
        TooManyReportsError: if there are more than `most`.
        BadLinesError: if lines cannot be used, and are not to be left out; it has their `count`,
            and the first of these `lines`.
    """
    history = source.read(most)
    if not skip_bad:
        refuse_bad(history.bad)
    return history


def refuse_bad(lines: list[BadLine]) -> None:
    """Take none that cannot be used; raises BadLinesError."""
    if lines:
        raise BadLinesError(count=len(lines), lines=lines[:_TOLD_BAD])


def tried(trial: Trial[T], spent: Spent) -> T:
    """What comes of it; `spent` hears what another process has used for it.

    Raises:
        HistoryError, TooManyReportsError, BadLinesError: as `Trial.do` does.
        TooCostlyError: if it takes longer than a trial may.
        TrialLostError: if its process is ended by something else, or cannot be started.
        UnlimitedError: if the system does not let it limit itself.
    """
    if trial.is_short:
        return trial.do()
    limit_s = MOST_S
    try:
        with SideProcess(_WORK) as process:
            process.tell(trial)
            limit_s = process.hear(within_s=WITHIN_S)
            found, used_s = process.hear(within_s=WITHIN_S)
    except EndedError as error:
        # What it has used nobody knows: it costs as much as it may.
        spent(limit_s)
        if error.status in (-signal.SIGXCPU, _OUT_OF_MEMORY):
            raise TooCostlyError(limit_s=limit_s) from error
        raise TrialLostError(detail=str(error)) from error
    except OSError as error:
        raise TrialLostError(detail=str(error)) from error
    spent(used_s)
    if isinstance(found, IncidentsError):
        raise found
    return found  # type: ignore[no-any-return]  # what `told` gives has come through the pipe


def main() -> None:
    """Try one trial for the process at the other end of the pipe, whose descriptor is the
    argument."""
    with suppress(OSError):
        # A unit that is shut in may not even step back.
        os.nice(_LATER)
    with Connection(int(sys.argv[1])) as pipe:
        trial: Trial[object] = pipe.recv()
        found: object
        try:
            pipe.send(max(1, _limit_itself()))
            found = trial.do()
        except UnlimitedError as error:
            pipe.send(MOST_S)
            found = error
        except IncidentsError as error:
            found = error
        except MemoryError:
            os._exit(_OUT_OF_MEMORY)
        pipe.send((found, time.process_time()))


def _limit_itself() -> int:
    """How many seconds of a processor the trial has; raises UnlimitedError if the system does not
    let it limit itself."""
    # The desk's own start of this process is not the trial's.
    begun_s = int(time.process_time())
    try:
        _limit(resource.RLIMIT_CORE, 0)
        _limit(resource.RLIMIT_AS, MOST_BYTES)
        # Linux kills at the harder one, and then nobody could tell why.
        most_s = _limit(resource.RLIMIT_CPU, begun_s + MOST_S, before_hard=1)
    except (OSError, ValueError) as error:
        raise UnlimitedError(detail=str(error)) from error
    return most_s - begun_s


def _limit(what: int, most: int, before_hard: int = 0) -> int:
    """Limits it to that, and so much above it for good; what is limited already, by the program's
    unit say, stays no wider. The limit that it has now."""
    soft, hard = (
        sys.maxsize if limit == resource.RLIM_INFINITY else limit
        for limit in resource.getrlimit(what)
    )
    hard = min(hard, most + before_hard)
    soft = min(soft, most, hard - before_hard)
    resource.setrlimit(what, (soft, hard))
    return soft
