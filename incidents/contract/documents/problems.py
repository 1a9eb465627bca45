"""The documents about what is wrong with a request."""

from __future__ import annotations

from typing_extensions import TypedDict


class InvalidPart(TypedDict):
    """What is wrong with a part of the request, and where; never what was given."""

    loc: list[str]
    type: str
    msg: str
