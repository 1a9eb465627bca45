"""The paging: how many of a list are asked for, and where a page begins."""

from __future__ import annotations

import base64
from typing import Annotated

from fastapi import Query

from incidents.store.pages import MAX_PAGE, BadCursorError

Limit = Annotated[int, Query(ge=1, le=MAX_PAGE, description="At most so many.")]
Cursor = Annotated[
    str | None,
    Query(max_length=2_000, description="The `next` of the page before; none: the first page."),
]
Reveal = Annotated[
    bool,
    Query(description="Numbers and addresses in full: needs the act `reveal`; goes on record."),
]
Part = Annotated[
    str | None,
    Query(min_length=1, max_length=100, description="Only where this stands somewhere in it."),
]


def number_cursor(kind: str, number: int) -> str:
    """The cursor of what follows a place that is a number."""
    return base64.urlsafe_b64encode(f"{kind} {number}".encode()).decode().rstrip("=")


def read_number(kind: str, cursor: str | None) -> int:
    """That number, 0 for the first page; raises BadCursorError."""
    if cursor is None:
        return 0
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        whose, _, number = base64.b64decode(padded, b"-_", validate=True).decode().partition(" ")
    except ValueError as error:
        raise BadCursorError from error
    if whose != kind or not (number.isascii() and number.isdigit()) or len(number) > 18:
        raise BadCursorError
    return int(number)
