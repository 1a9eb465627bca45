"""The exchange with a server: its address, requests with a token, and the documents in answers."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from incidents.client import faults
from incidents.client.faults import NoClientError, NoDeskError
from incidents.errors import Cause, InputError
from incidents.outbound import trust
from incidents.values.json_object import JSONObject
from incidents.values.peer_address import is_loopback

if TYPE_CHECKING:
    import httpx


PREFIX = "/api/v1"
"""The path of the API below the server's address."""


def checked_address(server: str) -> str:
    """Return the server's address without the API's path and without a final slash.

    Raises:
        InputError: for an invalid address, or one that could expose a token or a password.
    """
    try:
        parts = urlsplit(server)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if (
        not host
        or any(map(str.isspace, server))
        or parts.scheme not in ("https", "http")
        or parts.query
        or parts.fragment
    ):
        raise bad_address(server)
    if "@" in parts.netloc:
        # Other users see a command's arguments.
        raise InputError.coded(
            "address_with_name",
            "a server address cannot contain a name or password: a token identifies you",
        )
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise InputError.coded(
            "token_in_clear",
            "{server} would send the token unencrypted: use https://, or http:// on this"
            " machine only",
            server=server,
        )
    return server.rstrip("/").removesuffix(PREFIX).rstrip("/")


def bad_address(server: str) -> InputError:
    """Return the error for a bad server address."""
    return InputError.coded(
        "no_address", "{given!r} is not a server address: write one like https://desk.host.example",
        given=server,
    )  # fmt: skip


def trusted_certificates(server: str) -> ssl.SSLContext:
    """Return the certificates that this machine trusts (see `outbound.trust`)."""
    if server.startswith("http:"):
        # It presents no certificate, and loading this machine's takes longer than the request.
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return trust.context()


TIMEOUT_S = 30.0
MAX_KEY = 150
"""The maximum length of a key in a request. The server adds the caller's name to the key before
storing it."""


class Exchange:
    """A server's API, used as the account that owns the token.

    `prove`, in a session, asks the person for the password again when the server requires it.
    `zone` is the IANA name of the time zone for times in sentences; None means the server's own.

    Raises:
        InputError: for an invalid address or token, or an address that could expose the token.
        NoClientError: if httpx is not installed.
    """

    def __init__(
        self,
        server: str,
        *,
        token: str | None,
        timeout_s: float = TIMEOUT_S,
        transport: httpx.BaseTransport | None = None,
        zone: str | None = None,
    ) -> None:
        self.server = checked_address(server)
        self.http = _http(self.server, token, timeout_s, transport)
        if zone is not None:
            self.http.params = self.http.params.set("zone", zone)
        self.prove: Callable[[], None] | None = None

    def close(self) -> None:
        """Close the connections."""
        self.http.close()

    def get(self, path: str, **query: Any) -> Any:
        """Get the document at `path` under /api/v1. Raises ProblemError, ServerError."""
        document, _ = self.exchange("GET", path, query=query)
        return document

    def items(self, path: str, **query: Any) -> Iterator[Any]:
        """Yield all items of a list, page by page."""
        while True:
            page = self.get(path, **query)
            yield from page["items"]
            query["cursor"] = page.get("next")
            if query["cursor"] is None:
                return

    def exchange(
        self,
        method: str,
        path: str,
        *,
        words: Mapping[str, Any] | None = None,
        key: str | None = None,
        key_for_s: int | None = None,
        seen: str | None = None,
        query: Mapping[str, Any] | None = None,
        within_s: float | None = None,
    ) -> tuple[JSONObject, str | None]:
        """Send a request; return the document in the answer, and its ETag.

        Raises the same errors as `send`. `within_s`: another timeout in seconds.
        """
        answer = self.send(
            method, path, key=key, key_for_s=key_for_s, seen=seen, query=query, json=words,
            **_timeout(within_s),
        )  # fmt: skip
        found = faults.document(answer)
        if found is None and answer.content:
            raise NoDeskError(
                server=self.server, detail=Cause.of("no_document", "not a JSON document")
            )
        return found or {}, answer.headers.get("ETag")

    def send(
        self,
        method: str,
        path: str,
        *,
        key: str | None = None,
        key_for_s: int | None = None,
        seen: str | None = None,
        query: Mapping[str, Any] | None = None,
        **sent: Any,
    ) -> httpx.Response:
        """Send a request and return the answer; `seen`: the ETag of the state that the caller saw.

        The server does an action only once for a `key`; after `key_for_s` seconds, the key can be
        used again.

        Raises:
            ProblemError: for a refusal.
            ServerError: if the server does not answer; you can then repeat an action that has a
                `key`.
            InputError: for a `key` that cannot be sent.
        """
        if key is not None and not (_fits_a_header(key) and len(key) <= MAX_KEY):
            raise InputError.coded(
                "unfit_key", "over a server a key can have at most {limit} characters, all"
                " ASCII",
                limit=MAX_KEY,
            )  # fmt: skip
        named = {"Idempotency-Key": key, "Idempotency-Key-For": key_for_s, "If-Match": seen}
        headers = {name: str(value) for name, value in named.items() if value is not None}
        asked = {**sent, "headers": headers, "params": _asked(query)}
        answer = self._sent(method, path, asked)
        if self.prove is not None and _needs_proof(answer):
            self.prove()
            answer = self._sent(method, path, asked)
        faults.check(self.server, f"{method} {path}", answer)
        return answer

    def plain(self, path: str) -> bytes:
        """Get the document at `path`, outside the API. Raises the errors of `send`."""
        with self._answering():
            answer = self.http.get(path)
        faults.check(self.server, f"GET {path}", answer)
        return answer.content

    def lines(self, path: str, **query: Any) -> Iterator[str]:
        """Yield the lines of an answer, in bounded memory. Raises the same errors as `send`."""
        with self._stream(path, query) as answer:
            yield from answer.iter_lines()

    def pieces(self, path: str, *, within_s: float | None = None, **query: Any) -> Iterator[bytes]:
        """Yield the bytes of an answer, in bounded memory. Raises the same errors as `send`."""
        with self._stream(path, query, within_s) as answer:
            yield from answer.iter_bytes()

    def _sent(self, method: str, path: str, asked: Mapping[str, Any]) -> httpx.Response:
        with self._answering():
            return self.http.request(method, f"{PREFIX}{path}", **asked)

    @contextmanager
    def _stream(
        self, path: str, query: Mapping[str, Any], within_s: float | None = None
    ) -> Iterator[httpx.Response]:
        asked = {"params": _asked(query), **_timeout(within_s)}
        with (
            self._answering(),
            self.http.stream("GET", f"{PREFIX}{path}", **asked) as answer,
        ):
            if not answer.is_success:
                answer.read()
            faults.check(self.server, f"GET {path}", answer)
            yield answer

    @contextmanager
    def _answering(self) -> Iterator[None]:
        import httpx

        try:
            yield
        except httpx.HTTPError as error:
            raise faults.of_transport(self.server, error) from error


def part(text: str) -> str:
    """Quote `text` as one segment of a path.

    Raises:
        InputError: for a text that leads to another path.
    """
    if text.strip() in ("", ".", "..") or "/" in text:
        raise InputError.coded(
            "no_name_no_id",
            "{given!r} is not a name or an ID: give one such as shop.example or 12-3",
            given=text,
        )  # fmt: skip
    return quote(text, safe="")


def _timeout(within_s: float | None) -> dict[str, Any]:
    return {} if within_s is None else {"timeout": within_s}


def _asked(query: Mapping[str, Any] | None) -> dict[str, object]:
    return {
        name: str(value).lower() if isinstance(value, bool) else value
        for name, value in (query or {}).items()
        if value is not None
    }


def _fits_a_header(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _needs_proof(answer: httpx.Response) -> bool:
    return answer.status_code == 403 and (faults.document(answer) or {}).get("why") == "prove_again"


def _http(
    server: str, token: str | None, timeout_s: float, transport: httpx.BaseTransport | None
) -> httpx.Client:
    try:
        import httpx
    except ModuleNotFoundError as error:
        raise NoClientError from error
    # A file that holds it ends with a line's end.
    token = None if token is None else token.strip()
    if token == "":
        raise InputError.coded(
            "empty_token",
            "the token is empty: make one with incidents token make HANDLE --days 30, or omit"
            " it to sign in",
        )
    if token is not None and not (_fits_a_header(token) and " " not in token):
        # Without quoting it: it may be a token with something behind it.
        raise InputError.coded(
            "no_token", "the token is not valid: it has characters that no token has"
        )
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    try:
        return httpx.Client(
            base_url=server, headers=headers, timeout=timeout_s, transport=transport,
            verify=trusted_certificates(server), follow_redirects=False, trust_env=False,
        )  # fmt: skip
    except httpx.InvalidURL as error:
        raise bad_address(server) from error
