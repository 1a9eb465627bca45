"""The part: a part of a duty, which may fail without the others, and then waits for a while."""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Callable

from incidents.audit.log.witnesses import SplitViewError
from incidents.daemon import journal
from incidents.daemon.backoff import Backoff, trouble
from incidents.errors import IncidentsError


class Part:
    """One part of the duty, which waits a while when it has failed, and says so once.

    `wrong` is the sentence for it, `cry` is told it with the reason. `error` is how it failed the
    last time it was tried; None if it did not.
    """

    def __init__(
        self,
        wrong: str,
        monotonic: Callable[[], float] = time.monotonic,
        cry: Callable[..., None] = journal.cry,
    ) -> None:
        self._wrong, self._cry = wrong, cry
        self.error: Exception | None = None
        self._backoff = Backoff(monotonic=monotonic)
        self._trouble: str | None = None

    def do(self, act: Callable[[], object]) -> bool:
        """Whether it was done; not if it is too early after a failure."""
        if self._backoff.waiting:
            return False
        try:
            act()
        except Exception as error:  # noqa: BLE001 - a duty that dies does nothing more
            self._failed(error)
            return False
        lasted_s = self._backoff.succeeded()
        if lasted_s is not None:
            journal.say(f"no longer: {self._wrong}", duration_s=round(lasted_s, 1))
        self._trouble = self.error = None
        return True

    def _failed(self, error: Exception) -> None:
        self.error = error
        wait_s = self._backoff.failed()
        reason = _reason(error)
        # A log that was rewritten is no trouble that one gets used to.
        if reason != self._trouble or isinstance(error, SplitViewError):
            self._cry(self._wrong, reason=reason, wait_s=round(wait_s, 1))
        self._trouble = reason
        if os.environ.get("INCIDENTS_DEBUG") and not isinstance(error, IncidentsError):
            traceback.print_exception(error)


def _reason(error: Exception) -> str:
    reason = trouble(error)
    if reason is not None:
        return reason
    if isinstance(error, IncidentsError):
        return error.message
    return f"a fault in this program: {type(error).__name__}"
