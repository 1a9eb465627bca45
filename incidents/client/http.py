"""The exchange with a server: requests under a token, answers as documents, problems as errors."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote, urlsplit

from incidents.errors import IncidentsError, InputError, RefusedError

if TYPE_CHECKING:
    import httpx

Document = dict[str, Any]

PREFIX = "/api/v1"
TIMEOUT_S = 30.0
_TYPE = "urn:incidents:problem:"


class NoClientError(IncidentsError):
    """to ask a server needs a library that is not installed: pip install 'incidents[console]'"""


class ServerError(IncidentsError):
    """{server} does not answer: {detail}"""


class ProblemError(RefusedError):
    """What a server has refused (RFC 9457): `status`, and the whole `problem` as it came.

    `name` is the refusal's own: `state_forbids` of `urn:incidents:problem:state-forbids`.
    """

    def __init__(self, status: int, problem: Document) -> None:
        super().__init__(str(problem.get("detail") or problem.get("title") or f"status {status}"))
        self.status, self.problem = status, problem

    @property
    def name(self) -> str:
        """The refusal's name."""
        return str(self.problem.get("type", "")).removeprefix(_TYPE).replace("-", "_") or "failed"


class Client:
    """A server's API, as the account that the token is of. Close it, or use it in a `with`.

    Raises:
        InputError: for an address that is none, or by which the token could be overheard.
        NoClientError: if httpx is not installed.
    """

    def __init__(self, server: str, *, token: str | None, transport: Any = None) -> None:
        self.server = _checked(server)
        self._http = _http(self.server, token, transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def get(self, path: str, **query: Any) -> Document:
        """What stands there; `path` follows /api/v1. Raises ProblemError, ServerError."""
        document, _ = self.exchange("GET", path, query=query)
        return document

    def post(
        self, path: str, words: Mapping[str, Any] | None = None, *, key: str | None = None,
        seen: str | None = None, **query: Any,
    ) -> Document:  # fmt: skip
        """An act; with a `key` it is done once. `seen` is the ETag that it is decided on.

        Raises:
            ProblemError: for what the server refuses.
            ServerError: if it does not answer; with a `key` the act can be asked for again.
        """
        document, _ = self.exchange(
            "POST", path, words=words or {}, key=key, seen=seen, query=query
        )
        return document

    def items(self, path: str, **query: Any) -> Iterator[Document]:
        """All items of a list, page by page."""
        cursor = None
        while True:
            page = self.get(path, **query, **({} if cursor is None else {"cursor": cursor}))
            yield from page["items"]
            cursor = page.get("next")
            if cursor is None:
                return

    def exchange(
        self,
        method: str,
        path: str,
        *,
        words: Mapping[str, Any] | None = None,
        key: str | None = None,
        seen: str | None = None,
        query: Mapping[str, Any] | None = None,
    ) -> tuple[Document, str | None]:
        """The answer and its ETag; raises as `post` does."""
        import httpx

        headers = {"Idempotency-Key": key, "If-Match": seen}
        try:
            answer = self._http.request(
                method, f"{PREFIX}{path}", json=words,
                headers={name: value for name, value in headers.items() if value is not None},
                params={n: _said(v) for n, v in (query or {}).items() if v is not None},
            )  # fmt: skip
        except httpx.HTTPError as error:
            detail = str(error) or type(error).__name__
            raise ServerError(server=self.server, detail=detail) from error
        document = _document(answer)
        if answer.is_error or document is None:
            raise ProblemError(answer.status_code, document or {})
        return document, answer.headers.get("ETag")


def part(text: str) -> str:
    """`text` as one part of a path."""
    return quote(text, safe="")


def _document(answer: httpx.Response) -> Document | None:
    with suppress(ValueError):
        found = answer.json()
        if isinstance(found, dict):
            return found
    return None


def _said(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def _checked(server: str) -> str:
    parts = urlsplit(server)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise InputError(f"not the address of a server: {server!r} (https://desk.host.example)")
    if parts.scheme == "http" and not _is_here(parts.hostname):
        raise InputError(
            f"{server} would send the token in the clear: write https://, or http:// on this"
            " machine alone"
        )
    return server.rstrip("/")


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _http(server: str, token: str | None, transport: Any) -> httpx.Client:
    try:
        import httpx
    except ModuleNotFoundError as error:
        raise NoClientError from error
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return httpx.Client(
        base_url=server, headers=headers, timeout=TIMEOUT_S, transport=transport,
        follow_redirects=False, trust_env=False,
    )  # fmt: skip
