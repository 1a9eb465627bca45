"""The flash: the result of an action, which a cookie carries to the next page."""

from __future__ import annotations

import base64
import json
from dataclasses import astuple, dataclass
from typing import Literal

from fastapi import Request
from starlette.responses import Response

FLASH_COOKIE = "__Host-incidents-said"
_KEPT_S = 60
_MAX_FLASH = 2_500
"""The maximum length of the words, in bytes."""
_MAX_COOKIE = 3_800
"""The maximum length of the cookie's value: browsers drop a cookie of more than 4,096 bytes."""

Tone = Literal["done", "refused"]


@dataclass(frozen=True, slots=True)
class Correction:
    """The link to the form that corrects a record: its path, its words, and what that would do."""

    path: str
    words: str
    effect: str


@dataclass(frozen=True, slots=True)
class Flash:
    """The result of an action, for the next page, and the corrections of it."""

    tone: Tone
    words: str
    back: tuple[Correction, ...] = ()


def set_flash(answer: Response, flash: Flash | None) -> Response:
    """Set the cookie that carries the flash to the next page."""
    if flash is not None:
        kept = _encoded(flash, flash.back)
        if len(kept) > _MAX_COOKIE:
            kept = _encoded(flash, ())
        answer.set_cookie(
            FLASH_COOKIE, kept, max_age=_KEPT_S, path="/", secure=True, httponly=True,
            samesite="strict",
        )  # fmt: skip
    return answer


def _encoded(flash: Flash, back: tuple[Correction, ...]) -> str:
    words = flash.words.encode()[:_MAX_FLASH].decode(errors="ignore")
    kept = json.dumps([flash.tone, words, list(map(astuple, back))], ensure_ascii=False)
    return base64.urlsafe_b64encode(kept.encode()).decode()


def read_flash(request: Request) -> Flash | None:
    """Read the flash from the request's cookie; None if there is none."""
    kept = request.cookies.get(FLASH_COOKIE)
    if not kept:
        return None
    try:
        tone, told, back = json.loads(base64.urlsafe_b64decode(kept))
        found = tuple(Correction(*map(str, each)) for each in back)
    except (ValueError, TypeError):
        return None
    own = tuple(each for each in found if each.path.startswith(("/incidents/", "/sites/")))
    return Flash("refused" if tone == "refused" else "done", str(told), own)


def clear_flash(request: Request, answer: Response) -> None:
    """Delete the cookie after a page has shown its flash."""
    if FLASH_COOKIE in request.cookies:
        answer.delete_cookie(FLASH_COOKIE, path="/", secure=True, httponly=True, samesite="strict")
