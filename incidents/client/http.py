"""The exchange with a server: requests under a token, answers as documents, problems as errors."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
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
        self.facts = dict(problem.get("facts", {}))

    @property
    def type(self) -> str:
        """The problem's type, a URN that stays the same."""
        return str(self.problem.get("type", "about:blank"))

    @property
    def errors(self) -> list[Document]:
        """Which parts of the request are not as described."""
        return list(self.problem.get("errors", ()))

    @property
    def name(self) -> str:
        """The refusal's name."""
        return self.type.removeprefix(_TYPE).replace("-", "_")


class Exchange:
    """A server's API, as the account that the token is of.

    Raises:
        InputError: for an address that is none, or by which the token could be overheard.
        NoClientError: if httpx is not installed.
    """

    def __init__(
        self,
        server: str,
        *,
        token: str | None,
        timeout_s: float = TIMEOUT_S,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.server = _checked(server)
        self.http = _http(self.server, token, timeout_s, transport)

    def close(self) -> None:
        """Let go of the connections."""
        self.http.close()

    def get(self, path: str, **query: Any) -> Document:
        """What stands there; `path` follows /api/v1. Raises ProblemError, ServerError."""
        document, _ = self.exchange("GET", path, query=query)
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
        """The answer and its ETag; raises as `send` does."""
        answer = self.send(method, path, key=key, seen=seen, query=query, json=words)
        return _document(answer) or {}, answer.headers.get("ETag")

    def send(
        self,
        method: str,
        path: str,
        *,
        key: str | None = None,
        seen: str | None = None,
        query: Mapping[str, Any] | None = None,
        **sent: Any,
    ) -> httpx.Response:
        """What the server answers; with a `key` an act is done once, `seen` is the ETag that it is
        decided on.

        Raises:
            ProblemError: for what the server refuses.
            ServerError: if it does not answer; with a `key` the act can be asked for again.
        """
        headers = {"Idempotency-Key": key, "If-Match": seen}
        with self._answering():
            answer = self.http.request(
                method, f"{PREFIX}{path}", params=_asked(query), **sent,
                headers={name: value for name, value in headers.items() if value is not None},
            )  # fmt: skip
        _check(answer)
        return answer

    def lines(self, path: str, **query: Any) -> Iterator[str]:
        """A stream of lines, in bounded memory; raises as `send` does."""
        with (
            self._answering(),
            self.http.stream("GET", f"{PREFIX}{path}", params=_asked(query)) as answer,
        ):
            if answer.is_error:
                answer.read()
            _check(answer)
            yield from answer.iter_lines()

    @contextmanager
    def _answering(self) -> Iterator[None]:
        import httpx

        try:
            yield
        except httpx.HTTPError as error:
            detail = str(error) or type(error).__name__
            raise ServerError(server=self.server, detail=detail) from error


def part(text: str) -> str:
    """`text` as one part of a path."""
    return quote(text, safe="")


def _asked(query: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: _said(value) for name, value in (query or {}).items() if value is not None}


def _check(answer: httpx.Response) -> None:
    if answer.is_error:
        raise ProblemError(answer.status_code, _document(answer) or {})


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


def _http(
    server: str, token: str | None, timeout_s: float, transport: httpx.BaseTransport | None
) -> httpx.Client:
    try:
        import httpx
    except ModuleNotFoundError as error:
        raise NoClientError from error
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return httpx.Client(
        base_url=server, headers=headers, timeout=timeout_s, transport=transport,
        follow_redirects=False, trust_env=False,
    )  # fmt: skip
