"""The message: a request as a sender is given it, and the answer that it hands back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from incidents.outbound.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked: `headers` without Host and Content-Length, which are added."""

    method: str
    target: Target
    headers: Sequence[tuple[str, str]] = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back. `cut`: there was more of the body than the request had room for."""

    status: int
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes
    cut: bool

    def header(self, name: str) -> str | None:
        """The first value of that header, whose name is given in lower case."""
        wanted = name.encode("ascii")
        return next((_text(value) for key, value in self.headers if key == wanted), None)

    @property
    def content_type(self) -> str:
        """The content type in small letters, without its parameters; empty if there is none."""
        return (self.header("content-type") or "").partition(";")[0].strip().lower()


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
