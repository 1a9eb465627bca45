"""The zone of a request: in which its reader is told times, in sentences and in problems.

It is one parameter of every operation that needs an act, since each may be refused with a time.
"""

from __future__ import annotations

from datetime import tzinfo
from http import HTTPStatus
from typing import Any

from fastapi_problem.error import Problem

from incidents import clock
from incidents.api import problems
from incidents.errors import InputError

PARAMETER = "zone"
FORMAT = "iana-zone"

DESCRIBED: dict[str, Any] = {
    "name": PARAMETER,
    "in": "query",
    "required": False,
    "description": "The IANA name of the zone in which sentences tell times, those of problems"
    " too; none: this desk's own. Times by themselves are in UTC.",
    "schema": {"type": "string", "format": FORMAT},
}
"""How the description tells of it."""


def read(name: str, *where: str) -> tzinfo:
    """The zone of that IANA name, which stands in that part of the request.

    Raises:
        Problem: 422, saying how to write one.
    """
    try:
        return clock.zone(name)
    except InputError as error:
        raise _unknown(where) from error


def _unknown(where: tuple[str, ...]) -> Problem:
    told = "this is no time zone: give an IANA name, such as Asia/Shanghai or UTC"
    return problems.problem(
        HTTPStatus.UNPROCESSABLE_ENTITY, "unknown_zone", told,
        errors=[{"loc": [*where], "type": "unknown_zone", "msg": told}],
    )  # fmt: skip
