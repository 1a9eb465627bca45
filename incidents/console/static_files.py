"""The static files: each has an address that its content gives it, so browsers keep it for good."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from fastapi import Request
from starlette.responses import Response
from starlette.routing import Route

_STATIC = Path(__file__).with_name("static")
_KINDS = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".svg": "image/svg+xml",
}
_DIGITS = 16
STATIC_PREFIX = "/static"


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A static file, which is served at `path`."""

    path: str
    kind: str
    content: bytes


def _static_file(name: str, content: bytes) -> StaticFile:
    digest = hashlib.sha256(content).hexdigest()[:_DIGITS]
    return StaticFile(f"{STATIC_PREFIX}/{digest}/{name}", _KINDS[Path(name).suffix], content)


_SHEETS = ("tokens", "base", "frame", "parts", "lists", "queue", "record", "admin", "figures")
"""The style sheets in order; `tokens` declares the cascade layers."""

_FILES = {
    file.name: file.read_bytes() for file in sorted(_STATIC.iterdir()) if file.suffix in _KINDS
}
_FILES["console.css"] = b"".join((_STATIC / "css" / f"{name}.css").read_bytes() for name in _SHEETS)
STATIC_FILES = {name: _static_file(name, content) for name, content in _FILES.items()}
_BY_PATH = {file.path: file for file in STATIC_FILES.values()}


def _serve_static(request: Request) -> Response:
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


STATIC_ROUTE = Route(f"{STATIC_PREFIX}/{{rest:path}}", _serve_static, methods=["GET"])
