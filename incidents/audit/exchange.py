"""The exchange: one HTTP request to a stranger, whose answer is bounded in size and in time.

No proxy of the environment is asked, and no redirect is followed: what is sent goes where it is
said to go.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from incidents.errors import IncidentsError
from incidents.missing_library import LibraryError

if TYPE_CHECKING:
    import httpx

CONNECT_S, WAIT_S, WHOLE_S = 5.0, 10.0, 20.0
"""How long a connection, the next bytes, and an answer as a whole may take."""

MAX_ANSWER_BYTES = 256 * 1024


class ExchangeError(IncidentsError):
    """{detail}"""


class NoClientError(LibraryError):
    """{library} is not installed, which witnesses and time stamps need"""

    extra = "witness"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP status, the content type without its parameters, and the body."""

    status: int
    content_type: str
    body: bytes


def client() -> httpx.Client:
    """What `post` sends with; several requests may share it, and its connection.

    Raises:
        NoClientError: if httpx is not installed.
    """
    try:
        import httpx
    except ModuleNotFoundError as error:
        raise NoClientError(library=error.name) from error
    from incidents.outbound import trust

    timeout = httpx.Timeout(WAIT_S, connect=CONNECT_S)
    return httpx.Client(
        verify=trust.context(), trust_env=False, follow_redirects=False, timeout=timeout
    )


def post(client: httpx.Client, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """What is answered to a POST, whatever its status.

    Raises:
        ExchangeError: if nothing is, or too much, or too slowly.
    """
    import httpx

    try:
        return _posted(client, url, body, {**headers, "Accept-Encoding": "identity"})
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ExchangeError(detail=str(error) or type(error).__name__) from error


def _posted(client: httpx.Client, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    until = monotonic() + WHOLE_S
    answer = bytearray()
    with client.stream("POST", url, content=body, headers=headers) as response:
        for part in response.iter_raw():
            answer += part
            if len(answer) > MAX_ANSWER_BYTES or monotonic() > until:
                raise ExchangeError(detail="its answer is too long, or takes too long")
    content_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return Answer(response.status_code, content_type, bytes(answer))
