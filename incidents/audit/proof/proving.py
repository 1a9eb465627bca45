"""The proving: one long look through the whole record at a time, while others are answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Event, Lock, Thread
from typing import Generic, TypeVar

from incidents.errors import IncidentsError
from incidents.log import logger

Shown = TypeVar("Shown")

Done = Callable[[int], object]
"""Is told of entries, as they have been looked at."""

_log = logger("proving")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof(Generic[Shown]):
    """One that was asked for `by` somebody at `begun` (UTC): `entries` looked at so far of `of`.

    Once it has `ended` there is what it has `shown`, or else `failed` says why there is nothing.
    """

    by: str
    begun: datetime
    of: int
    entries: int = 0
    ended: datetime | None = None
    shown: Shown | None = None
    failed: str | None = None


class Proving(Generic[Shown]):
    """The last proof of one kind, running or ended. Threads may share it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._last: Proof[Shown] | None = None
        self._over = Event()

    @property
    def last(self) -> Proof[Shown] | None:
        """The one that runs, else the last one that has ended."""
        with self._lock:
            return self._last

    def begin(
        self, prove: Callable[[Done], Shown], *, by: str, of: int, clock: Callable[[], datetime]
    ) -> bool:
        """Begins one, unless one runs already; whether it has begun."""
        with self._lock:
            if self._last is not None and self._last.ended is None:
                return False
            self._last = Proof(by=by, begun=clock(), of=of)
            self._over.clear()
        Thread(target=self._run, args=(prove, clock), name="proving", daemon=True).start()
        return True

    def wait(self, within_s: float) -> Proof[Shown] | None:
        """The last one, as it stands when it ends, or else after so many seconds."""
        if within_s > 0 and self.last is not None:
            self._over.wait(within_s)
        return self.last

    def _run(self, prove: Callable[[Done], Shown], clock: Callable[[], datetime]) -> None:
        try:
            shown = prove(self._done)
        except IncidentsError as error:
            self._end(ended=clock(), failed=error.message)
        except Exception as error:  # noqa: BLE001 - or it would be said for ever that it runs
            _log.error("a proof failed", error=error)
            self._end(ended=clock(), failed=type(error).__name__)
        else:
            self._end(ended=clock(), shown=shown)

    def _done(self, entries: int) -> None:
        with self._lock:
            assert self._last is not None, "it runs"
            self._last = replace(self._last, entries=self._last.entries + entries)

    def _end(self, **what: object) -> None:
        # At once: of one that begins in between, nobody who waits would be told that it is over.
        with self._lock:
            assert self._last is not None, "it runs"
            self._last = replace(self._last, **what)  # type: ignore[arg-type]  # fields of its own
            self._over.set()
