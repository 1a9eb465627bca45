"""The static files: style, scripts and their licence, each under a name that its content gives it.

What is served under such a name never changes, so browsers keep it for good.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from fastapi import Request
from starlette.responses import Response
from starlette.routing import Route

_FOLDER = Path(__file__).with_name("static")
_KINDS = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".svg": "image/svg+xml",
}
_DIGITS = 16
PREFIX = "/static"


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file as it is served, at `path`."""

    path: str
    kind: str
    content: bytes


def _read() -> dict[str, StaticFile]:
    found = {}
    for file in sorted(_FOLDER.iterdir()):
        if file.suffix in _KINDS:
            content = file.read_bytes()
            digest = hashlib.sha256(content).hexdigest()[:_DIGITS]
            path = f"{PREFIX}/{digest}/{file.name}"
            found[file.name] = StaticFile(path, _KINDS[file.suffix], content)
    return found


FILES = _read()
_BY_PATH = {file.path: file for file in FILES.values()}


def path(name: str) -> str:
    """Where that file is served; raises KeyError if there is none."""
    return FILES[name].path


def _serve(request: Request) -> Response:
    found = _BY_PATH.get(request.url.path)
    if found is None:
        return Response("no such file", status_code=404, media_type="text/plain")
    return Response(
        found.content,
        media_type=found.kind,
        headers={
            "Cache-Control": "public, max-age=31536000, immutable",
            "X-Content-Type-Options": "nosniff",
        },
    )


ROUTE = Route(f"{PREFIX}/{{rest:path}}", _serve, methods=["GET"])
