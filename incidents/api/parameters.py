"""The query parameters of a request: the time zone, and the page of a list.

Every operation that needs a permission takes the time zone, because any refusal can contain a time.
An unknown parameter is refused: if `stat` were ignored in place of `state`, the request would apply
to every site.
"""

from __future__ import annotations

import base64
from datetime import tzinfo
from typing import Annotated

from fastapi import Path, Query, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from incidents import clock
from incidents.api import problems
from incidents.errors import InputError
from incidents.store.pages import MAX_PAGE, BadCursorError
from incidents.values.json_object import JSONObject

PARAMETER = "zone"
FORMAT = "iana-zone"

DESCRIBED: JSONObject = {
    "name": PARAMETER,
    "in": "query",
    "required": False,
    "description": "The IANA name of the time zone for times in sentences, including those of"
    " problems. Default: the desk's own zone. Times in fields are in UTC.",
    "schema": {"type": "string", "format": FORMAT},
}
"""The description of the parameter in the OpenAPI document."""


def read(name: str, *where: str) -> tzinfo:
    """Return the time zone with an IANA name; `where` locates the name in the request.

    Raises:
        Problem: 422, with examples of valid names.
    """
    try:
        return clock.zone(name)
    except InputError as error:
        kind = "unknown_zone"
        detail = "not a time zone: give an IANA name, such as Asia/Shanghai or UTC"
        raise problems.unprocessable(
            kind, detail, errors=[problems.part(kind, detail, *where)]
        ) from error


DRY_RUN = "dry_run"
_NO = ("false", "0")


async def known_only(request: Request) -> None:
    """Check that the operation takes every parameter in the query.

    Raises:
        Problem: 422, with the known parameters and without the caller's input.
    """
    if not request.query_params:
        return
    route = request.scope["route"]
    assert isinstance(route, APIRoute)
    taken = names(route)
    unknown = request.query_params.keys() - taken
    if DRY_RUN in unknown and request.query_params[DRY_RUN].lower() not in _NO:
        # A caller who asks for a dry run must not get the real action instead.
        raise problems.unprocessable("no_dry_run", "nothing was done: this has no dry run")
    if unknown - {DRY_RUN}:
        known = ", ".join(sorted(taken))
        detail = f"unknown query parameter: use {known}"
        raise problems.invalid_request([problems.part("unknown_parameter", detail, "query")])


def names(route: APIRoute) -> set[str]:
    """The names of the query parameters that the operation takes."""
    # The zone is read during authorisation, before the framework's own parameters. A client that
    # always sends it may also send it to operations without times.
    return {PARAMETER} | _names(route.dependant)


def _names(of: Dependant) -> set[str]:
    found = {field.alias for field in of.query_params}
    return found.union(*(_names(each) for each in of.dependencies))


SiteName = Annotated[str, Path(max_length=300, description="A site's name.")]
OptionalTime = Annotated[
    str | None, Query(max_length=64, description="A time in RFC 3339 with an offset.")
]
Seconds = Annotated[
    int | None, Query(ge=0, le=31_536_000, description="A duration in seconds, up to 365 days.")
]
Limit = Annotated[int, Query(ge=1, le=MAX_PAGE, description="Maximum number of items.")]
Cursor = Annotated[
    str | None,
    Query(
        max_length=2_000, description="The `next` of the previous page. Default: the first page."
    ),
]
Reveal = Annotated[
    bool,
    Query(
        description="Show numbers and addresses in full. Needs the action `reveal`; goes on record."
    ),
]
Part = Annotated[
    str | None,
    Query(min_length=1, max_length=100, description="Only items that contain this text."),
]


def number_cursor(kind: str, number: int) -> str:
    """Return the cursor of the page that begins after the item with that number."""
    return base64.urlsafe_b64encode(f"{kind} {number}".encode()).decode().rstrip("=")


def read_number(kind: str, cursor: str | None) -> int:
    """Return the number in a cursor, or 0 for the first page; raises BadCursorError."""
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
