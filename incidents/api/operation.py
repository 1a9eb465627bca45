"""The operation: one endpoint of the API, its required action, and its possible answers.

The caller is authenticated and authorised before anything else of the request is read, even its
body.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any, BinaryIO

from fastapi import APIRouter, Depends, Request, Response
from fastapi.routing import APIRoute
from pydantic import ConfigDict
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import Message
from typing_extensions import is_typeddict

from incidents.api import parameters, problems, statuses
from incidents.api.authentication import known
from incidents.api.caller import Caller
from incidents.contract import documents, target
from incidents.contract.documents import (
    accounts,
    actions,
    enforcement,
    filings,
    is_open,
    orders,
    policies,
    proofs,
    queue,
    record,
    reports,
    sites,
)
from incidents.errors import RefusedError
from incidents.store.database.replica import ReplicaReadError
from incidents.values.json_object import JSONObject

PREFIX = "/api/v1"

ACTION = "x-act"
"""The key under which an operation's description names its action (see `accounts.identity`)."""

MAX_BODY, MAX_LARGE_BODY = 2**20, 8 * 2**20
"""The maximum size of a request in bytes, and that of a request with a list, a history or a
filing."""
MAX_VALUES = 100_000
"""The maximum number of values and keys in a JSON body: a value costs far more time than its
bytes."""
MAX_OPEN_BODY = 2**14
"""The maximum number of bytes that are read from a request before its caller is known."""
_AROUND_A_FILE = 2**16
_PIECE = 2**18

LARGE = "x-large"
"""The mark of an operation whose requests may have `MAX_LARGE_BODY` bytes."""

OPEN = "x-open"
"""The mark of an operation that needs no permission: it signs somebody in or out."""

ALONE = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox;"
    " frame-ancestors 'none'",
}
"""The headers of a file in an answer: if a browser opens the file, it runs and loads nothing."""

# An unterminated string takes all that follows: that is not JSON.
_JSON_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\Z)', re.DOTALL)
_END_OF_SUMMARY = re.compile(r"[.:;](?: |$)")

_LOOKING = (401, 403, 404, 409, 422, 500, 503)
_ACTING = (400, 412, 413, 429)
_CLOSING, _SLOWED = (428,), (429,)
_OPEN = (400, 401, 403, 413, 422, 429, 500, 503)


TEXT = {"type": "string"}


class JSON(JSONResponse):
    """A JSON answer that no cache may keep."""

    def __init__(
        self,
        content: Any,
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        background: BackgroundTask | None = None,
    ) -> None:
        own = {"Cache-Control": "no-store", **(headers or {})}
        super().__init__(content, status_code, own, background=background)


for _module in (
    documents, accounts, actions, enforcement, filings, orders, policies, proofs, queue, record,
    reports, sites,
):  # fmt: skip
    for _kind in vars(_module).values():
        if is_typeddict(_kind):
            # Routes read this when they are made: a document has the fields of its type, no others.
            _kind.__pydantic_config__ = ConfigDict(extra="allow" if is_open(_kind) else "forbid")


def summary(endpoint: Callable[..., Any]) -> str:
    """Return the summary of an operation: its docstring up to the first colon or full stop."""
    first = " ".join(inspect.cleandoc(endpoint.__doc__ or "").partition("\n\n")[0].split())
    return f"{_END_OF_SUMMARY.split(first)[0]}."


class SummaryRoute(APIRoute):
    """A route whose summary is the start of its docstring, unless another is given."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **given: Any) -> None:
        super().__init__(
            path, endpoint, **{**given, "summary": given.get("summary") or summary(endpoint)}
        )


class BoundedRoute(SummaryRoute):
    """A route that needs no permission; it reads at most `MAX_OPEN_BODY` bytes (see `opened`)."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler of a request, with the limit on its body."""
        answer = super().get_route_handler()

        async def handle(request: Request) -> Response:
            return await answer(counted(request, MAX_OPEN_BODY))

        return handle


class GuardedRoute(SummaryRoute):
    """A route that checks whether the caller may do its action (see `operation`).

    The endpoint need not check the permission again.
    """

    async def answer_plain(self, request: Request) -> Response | None:  # noqa: ARG002 - for others
        """Answer a request that needs no more of the framework; None for any other."""
        return None

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler of a request, behind the check and the limits on its body."""
        answer = super().get_route_handler()
        extra = self.openapi_extra or {}
        action: str = extra[ACTION]
        limit = MAX_LARGE_BODY if LARGE in extra else MAX_BODY

        async def handle(request: Request) -> Response:
            await _let_in(request, action)
            most = limit
            if action in ("attach", "receive_report"):
                most = request.app.state.app.settings.evidence_limit + _AROUND_A_FILE
            bounded = counted(request, most)
            if self.body_field is not None and not has_files(request):
                await _insist_on_few_values(bounded)
            try:
                return await self.answer_plain(bounded) or await answer(bounded)
            except ReplicaReadError:
                # Nothing of the answer was sent: the primary can give it.
                caller: Caller = request.state.caller
                request.state.caller = replace(caller, views=False)
                return await answer(counted(request, most))

        return handle


def router(tag: str, kind: type[APIRoute] = GuardedRoute) -> APIRouter:
    """Return a router for operations of that kind; it refuses unknown query parameters."""
    return APIRouter(
        prefix=PREFIX, tags=[tag], default_response_class=JSON, route_class=kind,
        dependencies=[Depends(parameters.known_only)],
    )  # fmt: skip


def operation(
    action: str,
    model: Any = None,
    *,
    status: int = 200,
    acting: bool = False,
    closing: bool = False,
    tagged: bool = False,
    slowed: bool = False,
    large: bool = False,
) -> JSONObject:
    """Describe a route: its action, its answer, and its possible problems.

    `slowed`: the route can answer 429, because it takes a password or counts an account's processor
    time (`Caller.spending`). `large`: see `LARGE`.
    """
    codes = [
        *_LOOKING, *(_ACTING if acting else ()), *(_CLOSING if closing else ()),
        *(_SLOWED if slowed else ()),
    ]  # fmt: skip
    found = _described(codes, model, status, {ACTION: action, **({LARGE: True} if large else {})})
    if tagged:
        found["responses"][status]["headers"] = {
            "ETag": {"description": "The current state of the site.", "schema": TEXT}
        }
    return found


def answering(
    action: str,
    description: str,
    *kinds: str,
    schema: Mapping[str, Any] = TEXT,
    acting: bool = False,
    large: bool = False,
    slowed: bool = False,
) -> JSONObject:
    """Describe a route whose answer is a file of one of those media types."""
    found = operation(action, acting=acting, large=large, slowed=slowed)
    content = {kind: {"schema": dict(schema)} for kind in kinds}
    found["responses"][200] = {"description": description, "content": content}
    return found


def opened(model: Any = None, *, status: int = 200) -> JSONObject:
    """Describe a route that needs no permission."""
    return _described(_OPEN, model, status, {OPEN: True})


def _described(codes: Iterable[int], model: Any, status: int, extra: JSONObject) -> JSONObject:
    content = {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    answers: dict[int | str, JSONObject] = {
        code: {"description": statuses.phrase(HTTPStatus(code)), "content": content}
        for code in codes
    }
    if model is not None:
        answers[status] = {"model": model}
    return {
        "status_code": status, "responses": answers, "response_model": None, "openapi_extra": extra,
    }  # fmt: skip


async def _let_in(request: Request, action: str) -> None:
    found = await known(request, action)
    if not found.may(action):
        await run_in_threadpool(found.needs, action, about=_about(request))
    asked = request.query_params.get(parameters.PARAMETER)
    zone_asked = None if asked is None else parameters.read(asked, "query", parameters.PARAMETER)
    request.state.caller = replace(found, zone_asked=zone_asked)


def _about(request: Request) -> str | None:
    """The target of a refused action, counted with the refusal; None without a valid id."""
    for kind in target.KINDS:
        given = request.path_params.get(kind)
        if given is None:
            continue
        try:
            return target.text(kind, target.read(kind, given))
        except RefusedError:
            return None
    return None


def has_files(request: Request) -> bool:
    """Whether the request is a multipart form, which can contain files."""
    return request.headers.get("Content-Type", "").lower().startswith("multipart/")


async def _insist_on_few_values(request: Request) -> None:
    """Check the number of values in a JSON body before it is parsed.

    Raises:
        Problem: 413 for more than `MAX_VALUES`.
    """
    try:
        body = await request.body()
    except ClientDisconnect as error:
        raise HTTPException(HTTPStatus.BAD_REQUEST) from error
    if len(body) <= MAX_VALUES:
        return
    marks = _JSON_TEXT.sub(b"", body)
    if sum(map(marks.count, (b",", b"[", b"{"))) > MAX_VALUES:
        raise problems.problem(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_many_values",
            f"the body has more than {MAX_VALUES:,} keys and values: send it in parts",
        )  # fmt: skip


def counted(request: Request, limit: int) -> Request:
    """Return the same request with a limit in bytes on its body, whatever Content-Length says.

    Raises:
        HTTPException: 413, once more bytes are read.
    """
    left = limit

    async def receive() -> Message:
        nonlocal left
        message = await request.receive()
        left -= len(message.get("body", b""))
        if left < 0:
            detail = f"the body has more than {limit:,} bytes, the limit here"
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
        return message

    return Request(request.scope, receive)


def pieces(file: BinaryIO) -> Iterator[bytes]:
    """Yield the content of the file in pieces, then close the file."""
    with file:
        while piece := file.read(_PIECE):
            yield piece
