"""The proving: the last verification or replay that somebody asked a server for.

Only one at a time reads the whole record, while the server answers other requests.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Thread
from time import monotonic, sleep
from typing import Generic, TypeVar

from incidents.audit.pool import Progress
from incidents.errors import IncidentsError
from incidents.log import logger
from incidents.system.shared import SharedValue

_LOOK_S = 0.02

Shown = TypeVar("Shown")

_log = logger("proving")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof(Generic[Shown]):
    """A verification or replay, requested by `by` at `begun` (UTC); it has read `entries` of `of`.

    Once it has `ended`, it has a result, `shown`, or a reason why it failed, `failed`.
    """

    by: str
    begun: datetime
    of: int
    entries: int = 0
    ended: datetime | None = None
    shown: Shown | None = None
    failed: str | None = None


@dataclass(slots=True)
class _Last(Generic[Shown]):
    """The last verification or replay, and the process that it runs in."""

    proof: Proof[Shown] | None = None
    pid: int = 0

    def known(self) -> Proof[Shown] | None:
        """The proof; if its process has died, it has failed."""
        proof = self.proof
        if proof is None or proof.ended is not None or _is_alive(self.pid):
            return proof
        return replace(proof, ended=proof.begun, failed="ProcessEndedError")


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, PermissionError):
        # It has ended, and its number may be that of another user's process by now.
        return False
    return True


class Proving(Generic[Shown]):
    """The last verification or replay of all workers of a server, running or ended."""

    def __init__(self) -> None:
        self._last = SharedValue[_Last[Shown]](_Last())

    @property
    def last(self) -> Proof[Shown] | None:
        """The running verification or replay; if none is running, the last one that ended."""
        return self._last.get().known()

    def begin(
        self, prove: Callable[[Progress], Shown], *, by: str, of: int, clock: Callable[[], datetime]
    ) -> bool:
        """Begin in a thread, unless one is already running; return whether it has begun."""
        with self._last.changing() as last:
            proof = last.known()
            if proof is not None and proof.ended is None:
                return False
            last.proof, last.pid = Proof(by=by, begun=clock(), of=of), os.getpid()
        Thread(target=self._run, args=(prove, clock), name="proving", daemon=True).start()
        return True

    def wait(self, within_s: float) -> Proof[Shown] | None:
        """Wait for the end, at most `within_s` seconds, and return the last one."""
        until = monotonic() + within_s
        while (last := self.last) is not None and last.ended is None and monotonic() < until:
            sleep(_LOOK_S)
        return last

    def _run(self, prove: Callable[[Progress], Shown], clock: Callable[[], datetime]) -> None:
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
        with self._last.changing() as last:
            assert last.proof is not None, "it runs"
            last.proof = replace(last.proof, entries=last.proof.entries + entries)

    def _end(self, **what: object) -> None:
        with self._last.changing() as last:
            assert last.proof is not None, "it runs"
            last.proof = replace(last.proof, **what)  # type: ignore[arg-type]  # fields of its own
