"""The last write of a browser: a cookie by which each server shows a person what they did.

Behind a proxy the next page may come from a server that did not write, and that reads a replica.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from fastapi import Request
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.responses import Response

from incidents.api.authentication import SAFE
from incidents.app import App
from incidents.store.database.replica import Replica

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

COOKIE = "__Host-incidents-written"
_POSITION = re.compile(r"[0-9]{1,19}")
_BEYOND_LAG_S = 5


def position(request: Request) -> int:
    """Return the position in PostgreSQL's log that the browser's last write had; 0 without one."""
    found = _POSITION.fullmatch(request.cookies.get(COOKIE, ""))
    return 0 if found is None else int(found[0])


def remembered(app: App, scope: MutableMapping[str, Any], send: Send) -> Send:
    """Return the `send` of a request, which adds the cookie to the answer to a form."""
    replica = app.replica
    if replica is None or scope["method"] in SAFE:
        return send

    async def marked(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            cookie = await run_in_threadpool(_cookie, replica)
            if cookie is not None:
                MutableHeaders(scope=message).append("set-cookie", cookie)
        await send(message)

    return marked


def _cookie(replica: Replica) -> str | None:
    """The cookie, which lasts as long as the replica may be behind; None without a primary."""
    try:
        written = replica.primary.ask().lsn
    except SQLAlchemyError:
        return None
    made = Response()
    made.set_cookie(
        COOKIE, str(written), max_age=int(replica.limit.total_seconds()) + _BEYOND_LAG_S,
        path="/", secure=True, httponly=True, samesite="strict",
    )  # fmt: skip
    return made.headers["set-cookie"]
