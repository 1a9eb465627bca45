"""The parameters of a request: one that the operation does not take is refused, not passed over.

A `stat` that was meant as `state` would else be asked, or done, of every site.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from fastapi import Request
from fastapi.routing import APIRoute

from incidents.api import problems, zone

if TYPE_CHECKING:
    from fastapi.dependencies.models import Dependant

DRY_RUN = "dry_run"
_NO = ("false", "0")


def known_only(request: Request) -> None:
    """See that the operation takes all that stands in the query.

    Raises:
        Problem: 422 else, with the names that it takes, and nothing of what was given.
    """
    if not request.query_params:
        return
    route = request.scope["route"]
    assert isinstance(route, APIRoute)
    taken = names(route)
    unknown = request.query_params.keys() - taken
    if DRY_RUN in unknown:
        _see_that_none_is_wanted(request)
    if unknown - {DRY_RUN}:
        told = f"the query has a parameter that this does not take: it takes {_listed(taken)}"
        raise problems.problem(
            HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_request", "the request is not as described",
            errors=[{"loc": ["query"], "type": "unknown_parameter", "msg": told}],
        )  # fmt: skip


def names(route: APIRoute) -> set[str]:
    """What the operation takes in its query."""
    # The zone is read where somebody is let in, before any of the framework's own parameters; a
    # client that sends it always may send it to what tells no time too.
    return {zone.PARAMETER} | _names(route.dependant)


def _names(of: Dependant) -> set[str]:
    found = {field.alias for field in of.query_params}
    return found.union(*(_names(each) for each in of.dependencies))


def _listed(taken: set[str]) -> str:
    return ", ".join(sorted(taken))


def _see_that_none_is_wanted(request: Request) -> None:
    """Whoever asks for a trial of what knows none is not given the real thing instead."""
    if request.query_params[DRY_RUN].lower() not in _NO:
        raise problems.problem(
            HTTPStatus.UNPROCESSABLE_ENTITY, "no_dry_run",
            "this cannot be tried out with dry_run: nothing is done",
        )  # fmt: skip
