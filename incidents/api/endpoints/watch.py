"""The watch: whether the program answers, whether its database does, and what a Prometheus asks."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request
from starlette.responses import Response

from incidents.api.caller import Caller
from incidents.api.entrance import looker
from incidents.api.operation import JSON, Guarded, operation
from incidents.contract.documents import enforcement as clock_answers
from incidents.metrics.look import look
from incidents.metrics.service import LIBRARY, MetricsLibraryError
from incidents.store.database import schema

METRICS = "text/plain; version=0.0.4; charset=utf-8"

_OPEN: dict[str, Any] = {"response_model": None, "tags": ["watch"]}


def add(app: FastAPI) -> None:
    """Adds them, at the paths where they are looked for."""
    fine: dict[int | str, dict[str, Any]] = {200: {"model": clock_answers.Status}}
    unready = operation("look")["responses"][503]
    app.add_api_route("/healthz", healthz, responses=fine, **_OPEN)
    app.add_api_route("/readyz", readyz, responses={**fine, 503: unready}, **_OPEN)
    told = operation("metrics")
    told["responses"][200] = {
        "description": "The text format 0.0.4.",
        "content": {"text/plain": {"schema": {"type": "string"}}},
    }
    app.router.add_api_route(
        "/metrics", metrics, tags=["watch"], response_class=Response, route_class_override=Guarded,
        **told,
    )  # fmt: skip


def healthz() -> JSON:
    """The process clock_answers."""
    return JSON({"status": "ok"})


def readyz(request: Request) -> JSON:
    """Its database answers too, and has the schema of this program and the key of this server."""
    schema.check(request.app.state.house.bare_engine)
    request.app.state.door.check()
    return JSON({"status": "ok"})


def metrics(by: Annotated[Caller, Depends(looker)]) -> Response:
    """What the database tells a Prometheus."""
    # Its library is there only where somebody wants metrics.
    if find_spec(LIBRARY) is None:
        raise MetricsLibraryError
    from incidents.metrics import exposition

    with by.reading() as connection:
        found = look(connection, by.house.now(connection))
    return Response(
        exposition.text(found), media_type=METRICS, headers={"Cache-Control": "no-store"}
    )
