"""A part of a duty: it can fail without the other parts, and waits before it retries."""

from __future__ import annotations

import os
import random
import time
import traceback
from collections.abc import Callable

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from incidents.audit.log.witnesses import SplitViewError
from incidents.daemon import journal
from incidents.errors import DatabaseError, IncidentsError
from incidents.store.database.sqlite_file import UnseenError

FIRST_S = 1.0
MAX_S = 30.0
MAX_DATABASE_S = 2.0
"""The longest wait for a database: daemons are back within seconds of a new primary."""


class Backoff:
    """The waits after failures: 1, 2, 4 … `max_s`, each shortened by up to a half by `jitter`.

    Without the jitter, daemons that lost the same database would all reconnect at once.
    """

    def __init__(
        self,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._monotonic = monotonic
        self._jitter = jitter
        self._failures = 0
        self._since = 0.0
        self._until = 0.0

    @property
    def waiting(self) -> bool:
        """Whether it is too early to try again."""
        return self._failures > 0 and self._monotonic() < self._until

    def failed(self, max_s: float = MAX_S) -> float:
        """Count a failure, and return the number of seconds to wait, at most `max_s`."""
        now = self._monotonic()
        if not self._failures:
            self._since = now
        wait_s = min(FIRST_S * 2.0**self._failures, max_s) * (1 - self._jitter() / 2)
        # Beyond this the wait no longer grows, and an unbounded power would overflow.
        self._failures = min(self._failures + 1, 10)
        self._until = now + wait_s
        return wait_s

    def succeeded(self) -> float | None:
        """Reset the waits; return how long the failures lasted, in seconds.

        None if there were no failures.
        """
        if not self._failures:
            return None
        self._failures = 0
        return self._monotonic() - self._since


def database_fault(error: Exception) -> str | None:
    """The database fault behind an error, if the fault is temporary; otherwise None."""
    cause = error.__cause__
    if isinstance(error, UnseenError):
        return error.message
    if not isinstance(error, DatabaseError) or not isinstance(cause, DBAPIError):
        return None
    # The message about a refused row may quote it.
    if isinstance(cause, IntegrityError | DataError):
        return f"the database refused a row ({type(cause).__name__})"
    return error.message


class Part:
    """One part of a duty, which waits after a failure and logs each failure once.

    `wrong`: the sentence that is logged with the reason. `longest_s`: the longest wait after an
    error, in seconds. `error`: the error of the last attempt; None if the attempt succeeded.
    """

    def __init__(
        self,
        wrong: str,
        monotonic: Callable[[], float] = time.monotonic,
        log_error: Callable[..., None] = journal.error,
        longest_s: Callable[[Exception], float] = lambda _: MAX_S,
    ) -> None:
        self._wrong, self._log_error, self._longest_s = wrong, log_error, longest_s
        self.error: Exception | None = None
        self._backoff = Backoff(monotonic=monotonic)
        self._last_reason: str | None = None

    @property
    def reason(self) -> str | None:
        """Why the last attempt failed, as it was logged; None if it succeeded."""
        return None if self.error is None else self._last_reason

    def attempt(self, action: Callable[[], object]) -> bool:
        """Call `action`, unless an earlier failure was too recent; return whether it succeeded."""
        if self._backoff.waiting:
            return False
        try:
            action()
        except Exception as error:  # noqa: BLE001 - a duty that dies does nothing more
            self._failed(error)
            return False
        lasted_s = self._backoff.succeeded()
        if lasted_s is not None:
            journal.info(f"no longer: {self._wrong}", duration_s=round(lasted_s, 1))
        self._last_reason = self.error = None
        return True

    def _failed(self, error: Exception) -> None:
        self.error = error
        fault = database_fault(error)
        wait_s = self._backoff.failed(self._longest_s(error) if fault is None else MAX_DATABASE_S)
        reason = _reason(error) if fault is None else fault
        # A rewritten log is reported every time.
        if reason != self._last_reason or isinstance(error, SplitViewError):
            self._log_error(self._wrong, reason=reason, wait_s=round(wait_s, 1))
        self._last_reason = reason
        if os.environ.get("INCIDENTS_DEBUG") and not isinstance(error, IncidentsError):
            traceback.print_exception(error)


def _reason(error: Exception) -> str:
    if isinstance(error, IncidentsError):
        return error.message
    return f"a fault in this program: {type(error).__name__}"
