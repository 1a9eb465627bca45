"""The security.txt (RFC 9116): whom somebody tells who has found a weakness of this desk."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from fastapi import FastAPI
from starlette.responses import PlainTextResponse

from incidents import clock

PATH = "/.well-known/security.txt"
GOOD_FOR = timedelta(days=180)
"""From each answer on. The RFC wants less than a year, so that nobody trusts an abandoned one."""

_HEADERS = {"Cache-Control": "no-store"}


def add(app: FastAPI, contacts: Sequence[str]) -> None:
    """Adds it, for the contacts that the settings name; without any there is no such path."""

    def security_txt() -> PlainTextResponse:
        """Whom somebody tells who has found a weakness."""
        return PlainTextResponse(_text(contacts), headers=_HEADERS)

    if contacts:
        app.add_api_route(PATH, security_txt, response_model=None, include_in_schema=False)


def _text(contacts: Sequence[str]) -> str:
    expires = clock.rfc3339((clock.now() + GOOD_FOR).replace(microsecond=0))
    lines = [f"Contact: {each}" for each in contacts]
    lines += [f"Expires: {expires}", "Preferred-Languages: zh, en"]
    return "".join(f"{line}\r\n" for line in lines)
