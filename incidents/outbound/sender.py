"""The sender: requests under a guard, over connections that are kept for the next one."""

from __future__ import annotations

import ssl
from threading import Lock

from incidents.outbound import trust
from incidents.outbound.connection import Connection
from incidents.outbound.deadline import Deadline
from incidents.outbound.faults import LostConnectionError
from incidents.outbound.guard import Guard
from incidents.outbound.message import Answer, Request
from incidents.outbound.target import Target

KEPT = 64


class Sender:
    """Serves any number of threads. Redirects are never followed, and no proxy is ever asked.

    `keep` is how many connections are kept while nobody uses them, 0 where each target is another.
    """

    def __init__(
        self, guard: Guard, *, tls: ssl.SSLContext | None = None, keep: int = KEPT
    ) -> None:
        self.guard = guard
        self._tls = trust.context() if tls is None else tls
        self._keep = keep
        self._kept: list[Connection] = []
        self._lock = Lock()

    def send(
        self, request: Request, *, within_s: float, cap: int, repeatable: bool = False
    ) -> Answer:
        """The answer, whatever its status, with at most `cap` bytes of its body.

        All of it, from the look-up of the name to the last byte, takes at most `within_s`. Where a
        kept connection has ended just now, without a byte of an answer, the request is sent again
        over a new one if it is `repeatable` (RFC 9110 9.2.2).

        Raises:
            OutboundError: if there is none.
        """
        deadline = Deadline(request.target.host, within_s)
        kept = self._taken(request.target)
        if kept is not None:
            try:
                return self._asked(kept, request, deadline, cap)
            except LostConnectionError:
                if kept.heard or not repeatable:
                    raise
        fresh = Connection.open(self.guard, request.target, self._tls, deadline)
        return self._asked(fresh, request, deadline, cap)

    def close(self) -> None:
        """End the connections that are kept."""
        with self._lock:
            kept, self._kept = self._kept, []
        for connection in kept:
            connection.close()

    def _asked(
        self, connection: Connection, request: Request, deadline: Deadline, cap: int
    ) -> Answer:
        again = False
        try:
            answer, again = connection.ask(request, deadline=deadline, cap=cap)
            return answer
        finally:
            if again:
                self._put_back(connection)
            else:
                connection.close()

    def _taken(self, target: Target) -> Connection | None:
        """The one of that origin that was used last; one that has ended is closed on the way."""
        origin = target.origin
        while True:
            with self._lock:
                at = len(self._kept) - 1
                while at >= 0 and self._kept[at].origin != origin:
                    at -= 1
                if at < 0:
                    return None
                connection = self._kept.pop(at)
            if connection.usable:
                return connection
            connection.close()

    def _put_back(self, connection: Connection) -> None:
        with self._lock:
            self._kept.append(connection)
            # The one that has waited longest goes, when there are too many, or when it is too old.
            most = self._keep
            dropped = self._kept[:1] if len(self._kept) > most or not self._kept[0].usable else []
            del self._kept[: len(dropped)]
        for each in dropped:
            each.close()
