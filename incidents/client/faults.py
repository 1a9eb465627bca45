"""Errors in the exchange with a server: refusals by the server, and failed connections."""

from __future__ import annotations

import ssl
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING

from incidents.contract.documents import Hint
from incidents.errors import FAILED, AwayError, InputError, LibraryError, RefusedError
from incidents.values.json_object import JSONObject

if TYPE_CHECKING:
    import httpx

_TYPE = "urn:incidents:problem:"
_NOT_SIGNED_IN = f"{_TYPE}not-signed-in"
_GIVEN = {"authorization", "cookie"}
_NOBODY = "a server needs a token: set INCIDENTS_TOKEN"
_UNKNOWN = frozenset({"not_found", "method_not_allowed"})


class NoClientError(LibraryError):
    """a library for connecting to a server is not installed"""

    extra = "console"


class NotOverServerError(InputError):
    """not possible over a server: {way_out}"""


class ServerError(AwayError):
    """no answer from {server}: {detail}"""


class UntrustedServerError(ServerError):
    """did not contact {server}: this machine does not trust its certificate: {detail}"""


class NoDeskError(ServerError):
    """{server} answers, but is not a desk ({detail}). Check the address"""


class NoOperationError(ServerError):
    """{server} cannot do this ({asked}): it runs an older version than this program"""


class ProblemError(RefusedError):
    """A refusal by a server (RFC 9457): its `status`, and the whole `problem` as received.

    `name` is the name of the refusal, such as `state_forbids` for the type
    `urn:incidents:problem:state-forbids`.
    """

    def __init__(self, status: int, problem: JSONObject) -> None:
        sentence = str(problem.get("detail") or problem.get("title") or f"status {status}")
        parts = [
            f"{'.'.join(map(str, each.get('loc', ())))}: {each.get('msg', '')}"
            for each in problem.get("errors", ())
        ]
        super().__init__(f"{sentence} ({'; '.join(parts)})" if parts else sentence)
        self.status, self.problem = status, problem
        self.facts = dict(problem.get("facts", {}))

    @property
    def type(self) -> str:
        """The problem's type, a stable URN."""
        return str(self.problem.get("type", "about:blank"))

    @property
    def errors(self) -> list[JSONObject]:
        """The invalid parts of the request."""
        return list(self.problem.get("errors", ()))

    @property
    def hints(self) -> list[Hint]:
        """The hints for other actions, named as in docs/reference/refusals.md."""
        return list(self.problem.get("hints", ()))

    @property
    def name(self) -> str:
        """The name of the refusal."""
        return self.type.removeprefix(_TYPE).replace("-", "_")


class TokenNeededError(ProblemError):
    """A server's refusal of a request that has neither a token nor a session."""

    name = "not_signed_in"


class TroubleError(ProblemError, AwayError):
    """A server error (status 500 or above), which is not a refusal."""

    exit_status = FAILED


def check(server: str, asked: str, answer: httpx.Response) -> None:
    """Check that a server has done what `asked` names, such as `GET /queue`.

    Raises:
        ProblemError: for a refusal; TroubleError: if the server is unavailable.
        ServerError: for an answer from another program, or from an older desk.
    """
    if answer.is_success:
        return
    status, problem = answer.status_code, document(answer) or {}
    if problem.get("type") == _NOT_SIGNED_IN and not _GIVEN & answer.request.headers.keys():
        raise TokenNeededError(status, problem | {"detail": _NOBODY})
    if not str(problem.get("type", "")).startswith(_TYPE):
        kind = ServerError if answer.is_server_error else NoDeskError
        raise kind(server=server, detail=_phrase(status))
    error = (TroubleError if answer.is_server_error else ProblemError)(status, problem)
    if error.name in _UNKNOWN:
        raise NoOperationError(server=server, asked=asked)
    raise error


def document(answer: httpx.Response) -> JSONObject | None:
    """Return the JSON object in an answer; None if there is none."""
    with suppress(ValueError):
        found = answer.json()
        if isinstance(found, dict):
            return found
    return None


def of_transport(server: str, error: Exception) -> ServerError:
    """Return the error for a failed request to a server."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return UntrustedServerError(server=server, detail=cause.verify_message)
        cause = cause.__cause__ or cause.__context__
    return ServerError(server=server, detail=str(error) or type(error).__name__)


def _phrase(status: int) -> str:
    # Our own text: the server's may be anything.
    with suppress(ValueError):
        return f"{status} {HTTPStatus(status).phrase}"
    return f"status {status}"
