"""The documents about what is wrong with a request."""

from __future__ import annotations

from typing import NotRequired

from typing_extensions import TypedDict

from incidents.contract.documents import Facts, Hint, Open
from incidents.contract.documents.acts import EventOfSite


class InvalidPart(TypedDict):
    """What is wrong with a part of the request, and where; never what was given."""

    loc: list[str]
    type: str
    msg: str


class Problem(Open):
    """A problem (RFC 9457). `facts` and `events` come with what the desk refuses; `hints` say what
    can be done instead."""

    type: str
    title: str
    status: int
    detail: NotRequired[str | None]
    errors: NotRequired[list[InvalidPart]]
    facts: NotRequired[Facts]
    events: NotRequired[list[EventOfSite]]
    hints: NotRequired[list[Hint]]
