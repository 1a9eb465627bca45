"""The client: what is asked of web servers under the guard, with what each of them is told."""

from __future__ import annotations

import ssl
import zlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Self

import incidents
from incidents.outbound.faults import BadAnswerError
from incidents.outbound.guard import Guard
from incidents.outbound.message import Answer, Request
from incidents.outbound.sender import KEPT, Sender

WITHIN_S = 15.0
CAP_BYTES = 1024 * 1024

_TOLD = {
    "Accept": "*/*",
    "Accept-Encoding": "identity",
    "User-Agent": f"incidents/{incidents.__version__}",
}


class Client:
    """Asks under the guard; each method raises OutboundError if there is no answer.

    A request takes at most `within_s` seconds as a whole, and at most `cap` bytes of a body are
    kept, unpacked ones as well. Redirects are not followed.
    """

    def __init__(
        self,
        guard: Guard,
        *,
        within_s: float = WITHIN_S,
        cap: int = CAP_BYTES,
        tls: ssl.SSLContext | None = None,
        keep: int = KEPT,
    ) -> None:
        self._sender = Sender(guard, tls=tls, keep=keep)
        self._within_s, self._cap = within_s, cap

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._sender.close()

    def get(self, url: str) -> Answer:
        """The answer to a GET."""
        return self._sent("GET", url, {}, b"")

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """The answer to a POST."""
        return self._sent("POST", url, headers, body)

    def _sent(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        asked = Request(
            method=method,
            target=self._sender.guard.target(url),
            headers=[*{**_TOLD, **headers}.items()],
            body=body,
        )
        answer = self._sender.send(
            asked, within_s=self._within_s, cap=self._cap, repeatable=method == "GET"
        )
        return _unpacked(asked, answer, self._cap)


def _unpacked(asked: Request, answer: Answer, cap: int) -> Answer:
    """Some servers pack a body although they are asked not to; what a kilobyte unpacks to may be a
    megabyte, so that it is bounded too."""
    packed = answer.header("content-encoding")
    if packed in (None, "", "identity") or not answer.body:
        return answer
    if packed not in ("gzip", "x-gzip", "deflate"):
        raise BadAnswerError(host=asked.target.host, detail="its body is packed in an unknown way")
    unpacking = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    try:
        body = unpacking.decompress(answer.body, cap)
    except zlib.error as error:
        raise BadAnswerError(host=asked.target.host, detail="its body is packed wrong") from error
    return replace(answer, body=body, cut=answer.cut or not unpacking.eof)
