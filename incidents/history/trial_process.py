"""The trial process: simulates policies on a history in a separate process.

The calling process also runs a desk, and a hundred thousand reports use the processor for half a
minute. So a long trial runs in another process, with lower priority and a limit. A short trial
costs less than starting that process.
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
from incidents.history.comparison import Named, PreparedHistory, prepare
from incidents.history.reports import Draw, History
from incidents.history.rows import BadLine
from incidents.history.simulate import Outcome
from incidents.system.side_process import ProcessEndedError, SideProcess, Spent

T = TypeVar("T")

SHORT = 16_384
"""The maximum size of a short trial: the bytes of its history times the number of policies, for
about 500 reports."""

MOST_S = 60
"""The limit of a trial's processor time in seconds, after which it is stopped."""

MOST_BYTES = 2 << 30
"""The limit of a trial's memory."""

WITHIN_S = 600
"""The maximum time to wait for a trial, in seconds."""

_MAX_BAD_SHOWN = 100
_WORK = "from incidents.history.trial_process import main; main()"
_LATER = 5
_OUT_OF_MEMORY = 12


class BadLinesError(InputError):
    """{count} lines of the history cannot be used"""


class TooCostlyError(InputError):
    """stopped after {limit_s} seconds of the server's processor time, or out of memory: try fewer
    policies at a time, or a part of the history"""


class TrialLostError(IncidentsError):
    """the trial process ended early ({detail})"""


class UnlimitedError(RefusedError):
    """the trial process cannot limit its own resources ({detail}), so it did not start: allow
    setrlimit and prlimit64 (SystemCallFilter of its unit)"""


class Source(Protocol):
    """The source of a history, in a form that can be sent to another process."""

    @property
    def size(self) -> int:
        """The size of the history in bytes."""

    def read(self, most: int) -> History:
        """Read the history; raises HistoryError, or TooManyReportsError above `most` reports."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A history that was uploaded as a file of that name; times without an offset are in `zone`."""

    text: bytes
    name: str
    zone: tzinfo

    @property
    def size(self) -> int:
        """The size of the history in bytes."""
        return len(self.text)

    def read(self, most: int) -> History:
        """Read the history; raises HistoryError, or TooManyReportsError above `most` reports."""
        return reports.read_history(BytesIO(self.text), self.name, zone=self.zone, most=most)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial(Generic[T]):
    """A simulation of policies on a history; `summarize` makes the result from the outcomes.

    `summarize` must be a module-level function, so that it can be sent to another process. `most`:
    the maximum number of reports. A report within `within` of the one that began a finding belongs
    to that finding.
    """

    source: Source
    policies: tuple[Named, ...]
    draw: Draw
    within: timedelta | None
    most: int
    skip_bad: bool
    summarize: Callable[[PreparedHistory, tuple[Outcome, ...]], T]

    @property
    def is_short(self) -> bool:
        """Whether the trial costs less than starting a process."""
        return self.source.size * len(self.policies) <= SHORT

    def do(self) -> T:
        """Run the trial here; raises HistoryError, TooManyReportsError, or BadLinesError."""
        history = read_usable(self.source, self.most, skip_bad=self.skip_bad)
        taken = prepare(history, self.draw, self.within)
        return self.summarize(taken, taken.run_under(self.policies))


def read_usable(source: Source, most: int, *, skip_bad: bool) -> History:
    """Read the history.

    Raises:
        HistoryError: if it is not a history.
        TooManyReportsError: if it has more than `most` reports.
        BadLinesError: unless `skip_bad`, with the `count` of bad lines, and the first `lines`.
    """
    history = source.read(most)
    if not skip_bad:
        refuse_bad(history.bad)
    return history


def refuse_bad(lines: list[BadLine]) -> None:
    """Refuse lines that cannot be used; raises BadLinesError."""
    if lines:
        raise BadLinesError(count=len(lines), lines=lines[:_MAX_BAD_SHOWN])


def run_trial(trial: Trial[T], spent: Spent) -> T:
    """Run the trial and return its result; `spent` gets the seconds that another process used.

    Raises:
        HistoryError, TooManyReportsError, BadLinesError: as `Trial.do` does.
        TooCostlyError: if the trial exceeds its limits.
        TrialLostError: if the trial process ended for another reason, or cannot be started.
        UnlimitedError: if the system does not allow the process to limit itself.
    """
    if trial.is_short:
        return trial.do()
    limit_s = MOST_S
    try:
        with SideProcess(_WORK) as process:
            process.send(trial)
            limit_s = process.receive(within_s=WITHIN_S)
            found, used_s = process.receive(within_s=WITHIN_S)
    except ProcessEndedError as error:
        # Its use is unknown, so it counts in full.
        spent(limit_s)
        if error.status in (-signal.SIGXCPU, _OUT_OF_MEMORY):
            raise TooCostlyError(limit_s=limit_s) from error
        raise TrialLostError(detail=str(error)) from error
    except OSError as error:
        raise TrialLostError(detail=str(error)) from error
    spent(used_s)
    if isinstance(found, IncidentsError):
        raise found
    return found  # type: ignore[no-any-return]  # what `summarize` returns came through the pipe


def main() -> None:
    """Run one trial for the process at the other end of the pipe (argument: its descriptor)."""
    with suppress(OSError):
        # A sandboxed unit may not lower its priority.
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
    """Limit this process, and return its processor seconds; raises UnlimitedError on failure."""
    # The start of this process does not count for the trial.
    begun_s = int(time.process_time())
    try:
        _limit(resource.RLIMIT_CORE, 0)
        _limit(resource.RLIMIT_AS, MOST_BYTES)
        # At the hard limit Linux kills without a distinct signal.
        most_s = _limit(resource.RLIMIT_CPU, begun_s + MOST_S, before_hard=1)
    except (OSError, ValueError) as error:
        raise UnlimitedError(detail=str(error)) from error
    return most_s - begun_s


def _limit(what: int, most: int, before_hard: int = 0) -> int:
    """Limit a resource to `most`, unless a limit is tighter, and return the soft limit.

    The hard limit is `before_hard` higher.
    """
    soft, hard = (
        sys.maxsize if limit == resource.RLIM_INFINITY else limit
        for limit in resource.getrlimit(what)
    )
    hard = min(hard, most + before_hard)
    soft = min(soft, most, hard - before_hard)
    resource.setrlimit(what, (soft, hard))
    return soft
