"""The operation: one endpoint of the API, the act it needs, and its possible answers.

Who asks is let in, and may do the act, before anything else of the request is looked at: not even
its body is read for nobody.
"""

from __future__ import annotations

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

from incidents.api import parameters, problems
from incidents.api.entrance import known
from incidents.contract import documents
from incidents.contract.documents import (
    accounts,
    acts,
    enforcement,
    filings,
    is_open,
    orders,
    policies,
    queue,
    record,
    sites,
)
from incidents.errors import RefusedError
from incidents.values import inputs

PREFIX = "/api/v1"

ACT = "x-act"
"""Where an operation's description names its act (see `accounts.identity`)."""

MAX_BODY, MAX_LARGE_BODY = 2**20, 8 * 2**20
"""So many bytes a request has, and one of an operation that takes a list, a history or a filing."""
MAX_VALUES = 100_000
"""So many values and keys a body of JSON has: each costs far more to read than its bytes."""
MAX_OPEN_BODY = 2**14
"""So much is read of a request before anybody is known."""
_AROUND_A_FILE = 2**16
_PIECE = 2**18
_TELLING = ("site", "incident", "contact", "item", "order")

LARGE = "x-large"
"""So an operation says that its requests have up to `MAX_LARGE_BODY` bytes."""

OPEN = "x-open"
"""So an operation says that it needs no act: who asks is only about to come in, or goes."""

ALONE = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox;"
    " frame-ancestors 'none'",
}
"""The headers of a file that is answered: a page that is opened so runs and asks for nothing."""

# Of a text without an end all that follows is one: it is no JSON.
_JSON_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\Z)', re.DOTALL)

_LOOKING = (401, 403, 404, 409, 422, 500, 503)
_ACTING = (400, 412, 413, 429)
_CLOSING, _SLOWED = (428,), (429,)
_OPEN = (400, 401, 403, 413, 422, 429, 500, 503)


TEXT = {"type": "string"}


class JSON(JSONResponse):
    """What is answered; nobody keeps a copy of it."""

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
    documents, accounts, acts, enforcement, filings, orders, policies, queue, record, sites,
):  # fmt: skip
    for _kind in vars(_module).values():
        if is_typeddict(_kind):
            # What it holds is what its type says; routes read this when they are made.
            _kind.__pydantic_config__ = ConfigDict(extra="allow" if is_open(_kind) else "forbid")


class Bounded(APIRoute):
    """A route that needs no act, added with `opened`: no more is read than a handle and a password
    need."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What answers a request."""
        answer = super().get_route_handler()

        async def handle(request: Request) -> Response:
            return await answer(counted(request, MAX_OPEN_BODY))

        return handle


class Guarded(APIRoute):
    """A route, added with `operation`, whose act somebody may do, or they are told why not: the
    endpoint need not ask again."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What answers a request."""
        answer = super().get_route_handler()
        extra = self.openapi_extra or {}
        act: str = extra[ACT]
        limit = MAX_LARGE_BODY if LARGE in extra else MAX_BODY

        async def handle(request: Request) -> Response:
            await _let_in(request, act)
            most = limit
            if act == "attach":
                most = request.app.state.house.settings.evidence_limit + _AROUND_A_FILE
            bounded = counted(request, most)
            if self.body_field is not None and not has_files(request):
                await _insist_on_few_values(bounded)
            return await answer(bounded)

        return handle


def router(tag: str, kind: type[APIRoute] = Guarded) -> APIRouter:
    """A router of operations of that kind, none of whose parameters is passed over."""
    return APIRouter(
        prefix=PREFIX, tags=[tag], default_response_class=JSON, route_class=kind,
        dependencies=[Depends(parameters.known_only)],
    )  # fmt: skip


def operation(
    act: str,
    model: Any = None,
    *,
    status: int = 200,
    acting: bool = False,
    closing: bool = False,
    tagged: bool = False,
    slowed: bool = False,
    large: bool = False,
) -> dict[str, Any]:
    """What a route says of itself: its act, its answer, and which problems there may be.

    `slowed`: who asks may be told to wait, since a password may come with it, or since an account
    has only so much of it (`Caller.spending`). `large`: see `LARGE`.
    """
    codes = [
        *_LOOKING, *(_ACTING if acting else ()), *(_CLOSING if closing else ()),
        *(_SLOWED if slowed else ()),
    ]  # fmt: skip
    found = _described(codes, model, status, {ACT: act, **({LARGE: True} if large else {})})
    if tagged:
        found["responses"][status]["headers"] = {
            "ETag": {"description": "The site as it stands.", "schema": TEXT}
        }
    return found


def answering(
    act: str,
    told: str,
    *kinds: str,
    schema: Mapping[str, Any] = TEXT,
    acting: bool = False,
    large: bool = False,
    slowed: bool = False,
) -> dict[str, Any]:
    """The same, of an operation whose answer is a file of one of those kinds."""
    found = operation(act, acting=acting, large=large, slowed=slowed)
    content = {kind: {"schema": dict(schema)} for kind in kinds}
    found["responses"][200] = {"description": told, "content": content}
    return found


def opened(model: Any = None, *, status: int = 200) -> dict[str, Any]:
    """The same, of an operation that needs no act."""
    return _described(_OPEN, model, status, {OPEN: True})


def _described(
    codes: Iterable[int], model: Any, status: int, extra: dict[str, Any]
) -> dict[str, Any]:
    told = {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    answers: dict[int | str, dict[str, Any]] = {
        code: {"description": HTTPStatus(code).phrase, "content": told} for code in codes
    }
    if model is not None:
        answers[status] = {"model": model}
    return {
        "status_code": status, "responses": answers, "response_model": None, "openapi_extra": extra,
    }  # fmt: skip


async def _let_in(request: Request, act: str) -> None:
    found = await known(request, act)
    if not found.may(act):
        await run_in_threadpool(found.needs, act, about=_about(request))
    asked = request.query_params.get(parameters.PARAMETER)
    told_in = None if asked is None else parameters.read(asked, "query", parameters.PARAMETER)
    request.state.caller = replace(found, told_in=told_in)


def _about(request: Request) -> str | None:
    """What it would have been done to, if that is a name or an id: it is kept with the count."""
    for what in _TELLING:
        given = request.path_params.get(what)
        if given is None:
            continue
        try:
            read = getattr(inputs, what)(given)
        except RefusedError:
            return None
        return str(read) if what == "site" else str(given).strip()
    return None


def has_files(request: Request) -> bool:
    """Whether it is a form with which files may come."""
    return request.headers.get("Content-Type", "").lower().startswith("multipart/")


async def _insist_on_few_values(request: Request) -> None:
    """See, before it is parsed, that a body of JSON has not more values than anybody means.

    Raises:
        Problem: 413.
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
    """The same request, of whose body no more than `limit` bytes are read, whatever it says of
    itself: more raises HTTPException 413.
    """
    left = limit

    async def receive() -> Message:
        nonlocal left
        message = await request.receive()
        left -= len(message.get("body", b""))
        if left < 0:
            told = f"the body has more than {limit:,} bytes, which are the most here"
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, told)
        return message

    return Request(request.scope, receive)


def pieces(file: BinaryIO) -> Iterator[bytes]:
    """What the file holds, piece by piece; then it is closed."""
    with file:
        while piece := file.read(_PIECE):
            yield piece
