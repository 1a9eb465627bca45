"""The said: what an act has come to, carried by a cookie to the page that comes next."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Literal, TypeVar

from fastapi import Request
from starlette.responses import Response

COOKIE = "__Host-incidents-said"
_KEPT_S = 60
_MAX = 1_500

Tone = Literal["done", "refused"]
R = TypeVar("R", bound=Response)


@dataclass(frozen=True, slots=True)
class Said:
    """What an act has come to, for the next page."""

    tone: Tone
    words: str


def told_next(answer: Response, said: Said | None) -> Response:
    """Has the next page say it."""
    if said is not None:
        kept = json.dumps([said.tone, said.words[:_MAX]], ensure_ascii=False)
        answer.set_cookie(
            COOKIE, base64.urlsafe_b64encode(kept.encode()).decode(), max_age=_KEPT_S,
            path="/", secure=True, httponly=True, samesite="strict",
        )  # fmt: skip
    return answer


def said_before(request: Request) -> Said | None:
    """What the act before has come to, if this page is to say it."""
    kept = request.cookies.get(COOKIE)
    if not kept:
        return None
    try:
        tone, told = json.loads(base64.urlsafe_b64decode(kept))
    except (ValueError, TypeError):
        return None
    return Said("refused" if tone == "refused" else "done", str(told)[:_MAX])


def forget(request: Request, answer: R) -> R:
    """The same answer; it has been said by now."""
    if COOKIE in request.cookies:
        answer.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="strict")
    return answer
