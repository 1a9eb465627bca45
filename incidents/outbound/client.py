"""The client: sends requests under a guard, over connections kept for reuse."""

from __future__ import annotations

import ssl
import zlib
from collections.abc import Mapping
from dataclasses import replace
from threading import Lock
from typing import Self

import incidents
from incidents.errors import Cause
from incidents.outbound import trust
from incidents.outbound.connection import Connection
from incidents.outbound.faults import BadAnswerError, Deadline, LostConnectionError
from incidents.outbound.guard import Guard
from incidents.outbound.message import Answer, Request, Target

MAX_IDLE = 64


class Sender:
    """A sender of requests for any number of threads. It follows no redirects and uses no proxy.

    `keep`: the maximum number of idle connections to keep; 0 if each request has another target.
    """

    def __init__(
        self, guard: Guard, *, tls: ssl.SSLContext | None = None, keep: int = MAX_IDLE
    ) -> None:
        self.guard = guard
        self._tls = trust.context() if tls is None else tls
        self._keep = keep
        self._kept: list[Connection] = []
        self._lock = Lock()

    def send(
        self, request: Request, *, within_s: float, cap: int, repeatable: bool = False
    ) -> Answer:
        """Send the request and return the answer, with at most `cap` bytes of its body.

        An answer with any status is returned. The exchange takes at most `within_s`, from the DNS
        look-up to the last byte. If an idle connection ends before the first byte of an answer, a
        `repeatable` request is sent again over a new connection (RFC 9110, 9.2.2).

        Raises:
            OutboundError: if there is no answer.
        """
        deadline = Deadline(request.target.host, within_s)
        kept = self._take_idle(request.target)
        if kept is not None:
            try:
                return self._exchange(kept, request, deadline, cap)
            except LostConnectionError:
                if kept.answer_begun or not repeatable:
                    raise
        fresh = Connection.open(self.guard, request.target, self._tls, deadline)
        return self._exchange(fresh, request, deadline, cap)

    def close(self) -> None:
        """Close the idle connections."""
        with self._lock:
            kept, self._kept = self._kept, []
        for connection in kept:
            connection.close()

    def _exchange(
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

    def _take_idle(self, target: Target) -> Connection | None:
        """Take the most recently used idle connection to the target's origin.

        Dead connections that are found are closed.
        """
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
            # When there are too many, or when it is too old, the longest idle one is closed.
            most = self._keep
            dropped = self._kept[:1] if len(self._kept) > most or not self._kept[0].usable else []
            del self._kept[: len(dropped)]
        for each in dropped:
            each.close()


WITHIN_S = 15.0
CAP_BYTES = 1024 * 1024

_TOLD = {
    "Accept": "*/*",
    "Accept-Encoding": "identity",
    "User-Agent": f"incidents/{incidents.__version__}",
}


class Client:
    """A client for public web addresses; each method raises OutboundError if there is no answer.

    A request takes at most `within_s` seconds in all. At most `cap` bytes of a body are kept, even
    after decompression. Redirects are not followed.
    """

    def __init__(
        self,
        guard: Guard,
        *,
        within_s: float = WITHIN_S,
        cap: int = CAP_BYTES,
        tls: ssl.SSLContext | None = None,
        keep: int = MAX_IDLE,
    ) -> None:
        self._sender = Sender(guard, tls=tls, keep=keep)
        self._within_s, self._cap = within_s, cap

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._sender.close()

    def get(self, url: str) -> Answer:
        """Send a GET request and return the answer."""
        return self._request("GET", url, {}, b"")

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send a POST request and return the answer."""
        return self._request("POST", url, headers, body)

    def _request(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        asked = Request(
            method=method,
            target=self._sender.guard.target(url),
            headers=[*{**_TOLD, **headers}.items()],
            body=body,
        )
        answer = self._sender.send(
            asked, within_s=self._within_s, cap=self._cap, repeatable=method == "GET"
        )
        return _decompressed(asked, answer, self._cap)


def _decompressed(asked: Request, answer: Answer, cap: int) -> Answer:
    """Decompress a body up to `cap`, because a kilobyte can expand to a megabyte.

    The request does not ask for compression, but some servers compress their answers anyway.
    """
    packed = answer.header("content-encoding")
    if packed in (None, "", "identity") or not answer.body:
        return answer
    if packed not in ("gzip", "x-gzip", "deflate"):
        raise BadAnswerError(
            host=asked.target.host,
            detail=Cause.of("body_unknown_packing", "its body has an unknown encoding"),
        )
    unpacking = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    try:
        body = unpacking.decompress(answer.body, cap)
    except zlib.error as error:
        raise BadAnswerError(
            host=asked.target.host,
            detail=Cause.of("body_packed_wrong", "its body is encoded wrong"),
        ) from error
    return replace(answer, body=body, cut=answer.cut or not unpacking.eof)
