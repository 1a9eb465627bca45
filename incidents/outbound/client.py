"""The client: httpx under the guard, for what is easier to write with it than with a sender."""

from __future__ import annotations

import ssl
import zlib

import httpx

import incidents
from incidents.outbound.faults import BadAnswerError
from incidents.outbound.guard import Guard
from incidents.outbound.message import Answer, Request
from incidents.outbound.sender import KEPT, Sender

WITHIN_S = 15.0
CAP_BYTES = 1024 * 1024
USER_AGENT = f"incidents/{incidents.__version__}"

_ADDED_BY_THE_CONNECTION = frozenset({"host", "content-length", "transfer-encoding"})
_NO_LONGER_TRUE = frozenset({b"content-encoding", b"content-length", b"transfer-encoding"})


def client(
    guard: Guard,
    *,
    within_s: float = WITHIN_S,
    cap: int = CAP_BYTES,
    tls: ssl.SSLContext | None = None,
    keep: int = KEPT,
) -> httpx.Client:
    """An httpx client whose every request is under the guard, each hop of a redirect too.

    A request takes at most `within_s` seconds as a whole: httpx's own timeouts, which count anew
    with every byte, are not looked at. At most `cap` bytes of a body are kept, unpacked ones as
    well; `response.extensions["cut"]` says whether there were more. Redirects are not followed,
    unless a call asks for it. What goes wrong is an OutboundError, not one of httpx's.
    """
    transport = _Transport(Sender(guard, tls=tls, keep=keep), within_s, cap)
    headers = {"Accept-Encoding": "identity", "User-Agent": USER_AGENT}
    return httpx.Client(
        transport=transport, headers=headers, trust_env=False, follow_redirects=False
    )


class _Transport(httpx.BaseTransport):
    def __init__(self, sender: Sender, within_s: float, cap: int) -> None:
        self._sender = sender
        self._within_s = within_s
        self._cap = cap

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        asked = Request(
            method=request.method,
            target=self._sender.guard.target(str(request.url)),
            headers=[
                (name, value)
                for name, value in request.headers.multi_items()
                if name not in _ADDED_BY_THE_CONNECTION
            ],
            body=request.read(),
        )
        answer = self._sender.send(
            asked,
            within_s=self._within_s,
            cap=self._cap,
            repeatable=request.method in ("GET", "HEAD"),
        )
        body, cut = _unpacked(asked, answer, self._cap)
        kept = [header for header in answer.headers if header[0] not in _NO_LONGER_TRUE]
        return httpx.Response(answer.status, headers=kept, content=body, extensions={"cut": cut})

    def close(self) -> None:
        self._sender.close()


def _unpacked(asked: Request, answer: Answer, cap: int) -> tuple[bytes, bool]:
    """The body, and whether it is cut. Some servers pack it although they are asked not to; what a
    kilobyte unpacks to may be a megabyte, so that it is bounded too."""
    packed = answer.header("content-encoding")
    if packed in (None, "", "identity") or not answer.body:
        return answer.body, answer.cut
    if packed not in ("gzip", "x-gzip", "deflate"):
        raise BadAnswerError(host=asked.target.host, detail="its body is packed in an unknown way")
    unpacking = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    try:
        body = unpacking.decompress(answer.body, cap)
    except zlib.error as error:
        raise BadAnswerError(host=asked.target.host, detail="its body is packed wrong") from error
    return body, answer.cut or not unpacking.eof
