"""The flash: the result of an action, which a cookie carries to the next page."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Literal

from fastapi import Request
from starlette.responses import Response

FLASH_COOKIE = "__Host-incidents-said"
_KEPT_S = 60
_MAX_FLASH = 1_500

Tone = Literal["done", "refused"]


@dataclass(frozen=True, slots=True)
class WayBack:
    """The link to the form that corrects an action: its path, its words, and what that restarts."""

    path: str
    words: str
    effect: str


@dataclass(frozen=True, slots=True)
class Flash:
    """The result of an action, for the next page, and the way back from it."""

    tone: Tone
    words: str
    back: WayBack | None = None


def set_flash(answer: Response, flash: Flash | None) -> Response:
    """Set the cookie that carries the flash to the next page."""
    if flash is not None:
        back = flash.back
        kept = json.dumps(
            [flash.tone, flash.words[:_MAX_FLASH], back and [back.path, back.words, back.effect]],
            ensure_ascii=False,
        )
        answer.set_cookie(
            FLASH_COOKIE, base64.urlsafe_b64encode(kept.encode()).decode(), max_age=_KEPT_S,
            path="/", secure=True, httponly=True, samesite="strict",
        )  # fmt: skip
    return answer


def read_flash(request: Request) -> Flash | None:
    """Read the flash from the request's cookie; None if there is none."""
    kept = request.cookies.get(FLASH_COOKIE)
    if not kept:
        return None
    try:
        tone, told, back = json.loads(base64.urlsafe_b64decode(kept))
        way = None if back is None else WayBack(*map(str, back))
    except (ValueError, TypeError):
        return None
    if way is not None and not way.path.startswith("/incidents/"):
        way = None
    return Flash("refused" if tone == "refused" else "done", str(told)[:_MAX_FLASH], way)


def clear_flash(request: Request, answer: Response) -> None:
    """Delete the cookie after a page has shown its flash."""
    if FLASH_COOKIE in request.cookies:
        answer.delete_cookie(FLASH_COOKIE, path="/", secure=True, httponly=True, samesite="strict")
