"""An HTTP/1.1 connection to one origin: one request after the other, each within its deadline.

h11 reads and writes HTTP; this module has the socket. The timeouts of HTTP libraries restart with
every byte. Here each step gets the remaining part of the request's total time, so that a server
which sends one byte a second delays nobody. httpcore, which also uses h11, waits forever for such a
server; and if a server sends a second answer after the first, the next request gets that answer.
"""

from __future__ import annotations

import select
import socket
import ssl
from time import monotonic

import h11

from incidents.errors import Cause
from incidents.outbound.faults import BadAnswerError, Deadline, LostConnectionError, TlsError
from incidents.outbound.guard import Guard
from incidents.outbound.message import Answer, Request, Target

IDLE_S = 30.0
"""The time for which an idle connection is kept, in seconds."""

MAX_AGE_S = 300.0
"""The age in seconds at which a connection is replaced, so that the name is looked up again."""

MAX_HEAD_BYTES = 64 * 1024
_PART_BYTES = 64 * 1024


class Connection:
    """A connection for one user at a time. `answer_begun`: part of the answer has arrived."""

    def __init__(self, target: Target, channel: socket.socket) -> None:
        self.origin = target.origin
        self.answer_begun = False
        self._host = target.host
        self._channel = channel
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD_BYTES)
        self._readable = select.poll()
        self._readable.register(channel, select.POLLIN)
        self._too_old_at = monotonic() + MAX_AGE_S
        self._unused_at = monotonic() + IDLE_S

    @classmethod
    def open(
        cls, guard: Guard, target: Target, tls: ssl.SSLContext, deadline: Deadline
    ) -> Connection:
        """Connect to an address that the guard has just checked.

        The certificate must be valid for the target's name, which is also sent as SNI.
        """
        channel = guard.connect(target, deadline)
        if target.scheme != "https":
            return cls(target, channel)
        try:
            channel.settimeout(deadline.left_s())
            return cls(target, tls.wrap_socket(channel, server_hostname=target.host))
        except TimeoutError as error:
            raise deadline.passed() from error
        except ssl.SSLCertVerificationError as error:
            raise TlsError(host=target.host, detail=error.verify_message) from error
        except ssl.SSLError as error:
            raise TlsError(host=target.host, detail=_reason(error)) from error
        except OSError as error:
            raise LostConnectionError(host=target.host) from error
        finally:
            # Once wrapped it is an empty shell; if that has failed it is still the connection.
            channel.close()

    @property
    def usable(self) -> bool:
        """Whether the connection can send another request: the server has not closed it."""
        now = monotonic()
        return now < self._unused_at and now < self._too_old_at and not self._readable.poll(0)

    def ask(self, request: Request, *, deadline: Deadline, cap: int) -> tuple[Answer, bool]:
        """The answer, with at most `cap` bytes of its body; and whether another request can follow.

        Raises:
            OutboundError: if there is no answer in time. The connection must then be closed.
        """
        self.answer_begun = False
        whole = self._send(request, deadline)
        return self._receive(deadline, cap), whole and self._start_next_cycle()

    def close(self) -> None:
        """Close the connection; a second call has no effect."""
        self._channel.close()

    def _send(self, request: Request, deadline: Deadline) -> bool:
        """Send the request; False if the server stopped reading, since it might have answered."""
        left = memoryview(_serialized(self._http, request))
        try:
            while left:
                self._channel.settimeout(deadline.left_s())
                left = left[self._channel.send(left) :]
        except TimeoutError as error:
            raise deadline.passed() from error
        except OSError:
            return False
        return True

    def _receive(self, deadline: Deadline, cap: int) -> Answer:
        head: h11.Response | None = None
        body, came = bytearray(), 0
        while len(body) <= cap:
            event = self._next_event()
            if event is h11.NEED_DATA:
                if came > cap + MAX_HEAD_BYTES:
                    break
                came += self._read_more(deadline)
            elif isinstance(event, h11.Response):
                head = event
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                return _answer(head, body, cap)
            elif not isinstance(event, h11.InformationalResponse):
                break
        if head is None:
            raise BadAnswerError(
                host=self._host,
                detail=Cause.of("never_to_the_point", "it never ends"),
            )
        return _answer(head, body, cap, cut=True)

    def _next_event(self) -> object:
        try:
            return self._http.next_event()
        except h11.RemoteProtocolError as error:
            raise BadAnswerError(host=self._host, detail=str(error)) from error

    def _read_more(self, deadline: Deadline) -> int:
        self._channel.settimeout(deadline.left_s())
        try:
            part = self._channel.recv(_PART_BYTES)
        except TimeoutError as error:
            raise deadline.passed() from error
        except ssl.SSLError as error:
            raise TlsError(host=self._host, detail=_reason(error)) from error
        except OSError as error:
            raise LostConnectionError(host=self._host) from error
        if not part and self._http.their_state is h11.SEND_RESPONSE:
            raise LostConnectionError(host=self._host)
        self.answer_begun = True
        self._http.receive_data(part)
        return len(part)

    def _start_next_cycle(self) -> bool:
        if (self._http.our_state, self._http.their_state) != (h11.DONE, h11.DONE):
            return False
        # Bytes behind the answer would be taken for the answer to the next request.
        if self._http.trailing_data[0]:
            return False
        self._http.start_next_cycle()
        self._unused_at = monotonic() + IDLE_S
        return True


def _serialized(http: h11.Connection, request: Request) -> bytes:
    headers = [("Host", request.target.authority), *request.headers]
    if request.body or request.method not in ("GET", "HEAD"):
        headers.append(("Content-Length", str(len(request.body))))
    head = h11.Request(method=request.method, target=request.target.path, headers=headers)
    parts = [http.send(head)]
    if request.body:
        parts.append(http.send(h11.Data(data=request.body)))
    parts.append(http.send(h11.EndOfMessage()))
    return b"".join(part for part in parts if part)


def _answer(head: h11.Response | None, body: bytearray, cap: int, *, cut: bool = False) -> Answer:
    assert head is not None
    return Answer(
        status=head.status_code, headers=list(head.headers), body=bytes(body[:cap]), cut=cut
    )


def _reason(error: ssl.SSLError) -> str:
    return (error.reason or "the server has ended it").lower().replace("_", " ")
