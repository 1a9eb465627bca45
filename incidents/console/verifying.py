"""The verifying: one verification of the live log at a time, while the pages go on being served."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock, Thread
from typing import TYPE_CHECKING

from incidents.errors import IncidentsError
from incidents.log import logger

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from incidents.audit.verdict import Verdict

_log = logger("console")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """One that was asked for `by` somebody at `begun` (UTC): `entries` looked at so far of `of`.

    Once it has `ended` there is a `verdict`, or else `failed` says why there is none.
    """

    by: str
    begun: datetime
    of: int
    entries: int = 0
    ended: datetime | None = None
    verdict: Verdict | None = None
    failed: str | None = None


class Verifying:
    """The last verification of one database, running or ended. Threads may share it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._last: Verification | None = None

    @property
    def last(self) -> Verification | None:
        """The one that runs, else the last one that has ended."""
        with self._lock:
            return self._last

    def begin(self, engine: Engine, *, by: str, of: int, clock: Callable[[], datetime]) -> bool:
        """Begins one, unless one runs already; whether it has begun."""
        with self._lock:
            if self._last is not None and self._last.ended is None:
                return False
            self._last = Verification(by=by, begun=clock(), of=of)
        Thread(target=self._run, args=(engine, clock), name="verify", daemon=True).start()
        return True

    def _run(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        from incidents.audit import verify
        from incidents.audit.trust import Asked

        try:
            verdict = verify.database(engine, Asked(), done=self._done)
        except IncidentsError as error:
            self._change(ended=clock(), failed=error.message)
        except Exception as error:  # noqa: BLE001 - or the page would say for ever that it runs
            _log.error("a verification failed", error=error)
            self._change(ended=clock(), failed=type(error).__name__)
        else:
            self._change(ended=clock(), verdict=verdict)

    def _done(self, entries: int) -> None:
        with self._lock:
            assert self._last is not None, "it runs"
            self._last = replace(self._last, entries=self._last.entries + entries)

    def _change(self, **what: object) -> None:
        with self._lock:
            assert self._last is not None, "it runs"
            self._last = replace(self._last, **what)  # type: ignore[arg-type]  # fields of its own
