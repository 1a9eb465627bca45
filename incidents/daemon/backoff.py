"""The back-off: how long to leave alone what has just failed."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from incidents.errors import DatabaseError
from incidents.store.database.file import UnseenError

FIRST_S = 1.0
MOST_S = 30.0


class Backoff:
    """Waits 1, 2, 4 … 30 s, each shortened by up to a half by chance.

    Daemons that lost the same database at one moment must not all come back at one moment.
    """

    def __init__(
        self,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._monotonic = monotonic
        self._chance = chance
        self._failures = 0
        self._since = 0.0
        self._until = 0.0

    @property
    def waiting(self) -> bool:
        """Whether it is too early to try again."""
        return self._failures > 0 and self._monotonic() < self._until

    def failed(self) -> float:
        """Count a failure; how many seconds to wait."""
        now = self._monotonic()
        if not self._failures:
            self._since = now
        wait_s = min(FIRST_S * 2.0**self._failures, MOST_S) * (1 - self._chance() / 2)
        # Beyond this the wait no longer grows, and a power without bound would overflow.
        self._failures = min(self._failures + 1, 10)
        self._until = now + wait_s
        return wait_s

    def succeeded(self) -> float | None:
        """It works; for how many seconds it had not, None if the last attempt worked too."""
        if not self._failures:
            return None
        self._failures = 0
        return self._monotonic() - self._since


def trouble(error: Exception) -> str | None:
    """What is the matter with the database, if that is what went wrong and it may pass."""
    cause = error.__cause__
    if isinstance(error, UnseenError):
        return error.message
    if not isinstance(error, DatabaseError) or not isinstance(cause, DBAPIError):
        return None
    # What is said of a row that does not fit may quote it.
    if isinstance(cause, IntegrityError | DataError):
        return f"the database refused a row ({type(cause).__name__})"
    return error.message
