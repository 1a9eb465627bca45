"""The answer to a page that has the same already: 304, so that an idle console moves no list."""

from __future__ import annotations

import hashlib

from fastapi import Request
from starlette.responses import HTMLResponse, Response

from incidents.api.authentication import SAFE
from incidents.console import rendering

NOW = "X-Incidents-Now"
"""The header with the desk's time, by which the countdowns of a page run."""


def response(
    request: Request, page: str, content: str | None = None, now: str | None = None
) -> Response:
    """Return the page, or 304 if the request names its tag.

    `content`: what the tag is made of, where the page itself has a new time each time. The browser
    stores nothing: the script keeps the tag beside the part that it shows.
    """
    headers = dict(rendering.HEADERS)
    if now is not None:
        headers[NOW] = now
    if request.method in SAFE:
        digest = hashlib.sha256((page if content is None else content).encode()).hexdigest()[:24]
        headers["ETag"] = tag = f'"{digest}"'
        if request.headers.get("if-none-match", "").removeprefix("W/") == tag:
            return Response(status_code=304, headers=headers)
    return HTMLResponse(page, headers=headers)
