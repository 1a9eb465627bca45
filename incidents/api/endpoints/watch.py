"""Monitoring over HTTP: liveness and readiness, Prometheus metrics, and alarms.

`security.txt` (RFC 9116) names the contacts for reporting a vulnerability.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from importlib.util import find_spec
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from starlette.responses import PlainTextResponse, Response

from incidents import clock, views
from incidents.api.authentication import ReadCaller
from incidents.api.limits import TRYING
from incidents.api.operation import JSON, GuardedRoute, operation, router, summary
from incidents.contract.documents import enforcement as enforcement_documents
from incidents.locale.words import TimeFormat
from incidents.metrics.database import look, replica_samples
from incidents.metrics.service import LIBRARY, MetricsLibraryError
from incidents.notices import notice_settings, trial

METRICS = "text/plain; version=0.0.4; charset=utf-8"

_OPEN: dict[str, Any] = {"response_model": None, "tags": ["watch"]}


def add_probes(app: FastAPI) -> None:
    """Add the probes at their usual paths."""
    fine: dict[int | str, dict[str, Any]] = {200: {"model": enforcement_documents.Status}}
    unready = operation("look")["responses"][503]
    app.add_api_route("/healthz", healthz, summary=summary(healthz), responses=fine, **_OPEN)
    app.add_api_route(
        "/readyz", readyz, summary=summary(readyz), responses={**fine, 503: unready}, **_OPEN
    )
    told = operation("metrics")
    told["responses"][200] = {
        "description": "The text format 0.0.4.",
        "content": {"text/plain": {"schema": {"type": "string"}}},
    }
    app.router.add_api_route(
        "/metrics", metrics, tags=["watch"], response_class=Response,
        route_class_override=GuardedRoute, **told,
    )  # fmt: skip


def healthz() -> JSON:
    """Report that the process is running."""
    return JSON({"status": "ok"})


_READING = Query(description="Report only whether reading works, as on a standby.")


def readyz(request: Request, reading: Annotated[bool, _READING] = False) -> JSON:
    """Report whether actions can be recorded now; the schema and the server's key are right."""
    state = request.app.state
    if reading:
        state.app.check_reading()
    else:
        state.readiness.check()
    state.authenticator.check()
    return JSON({"status": "ok"})


def metrics(by: ReadCaller) -> Response:
    """Return metrics in Prometheus text format."""
    # The library is an extra, installed only where metrics are wanted.
    if find_spec(LIBRARY) is None:
        raise MetricsLibraryError
    from incidents.metrics import exposition

    with by.app.reading() as connection:
        found = look(connection, by.app.now(connection))
    replica_samples(by.app.replica, found)
    return Response(
        exposition.text(found), media_type=METRICS, headers={"Cache-Control": "no-store"}
    )


routes = router("alarms")


@routes.get("/alarms", **operation("look", enforcement_documents.Alarms))
def alarms(by: ReadCaller) -> JSON:
    """List current alarms, the most urgent first, and whether the desk was notified."""
    app = by.app
    with by.app.reading() as connection:
        now = app.now(connection)
        found = views.alarms_now(
            connection, now, app.report_duty, app.triage_within, unset=app.lanes_without_channel
        )
    return JSON(found)


@routes.post("/alarms/test", **operation("try_alarms", enforcement_documents.Tried, acting=True))
def test(by: ReadCaller) -> JSON:
    """Send a test message through each alarm channel, at any hour, and show the results.

    Each channel has 18 seconds to accept the message.
    """
    desk, now = notice_settings.desk_settings(by.app.settings.zone), clock.now()
    when = TimeFormat(zone=by.app.settings.zone, now=now)
    with TRYING.taken():
        return JSON({"items": list(trial.send(desk, now, when))})


@routes.get("/enforcement", **operation("look", enforcement_documents.Enforcement))
def enforcement(by: ReadCaller) -> JSON:
    """Show whether a daemon enforces deadlines, which daemons are known, and what is overdue."""
    with by.app.reading() as connection:
        return JSON(views.enforcement(connection, by.app.now(connection)))


SECURITY_TXT = "/.well-known/security.txt"
GOOD_FOR = timedelta(days=180)
"""How long security.txt is valid after each request. RFC 9116 recommends less than a year, so that
an abandoned file expires."""


def add_security_txt(app: FastAPI, contacts: Sequence[str]) -> None:
    """Add the path of security.txt if the settings name any contacts."""

    def security_txt() -> PlainTextResponse:
        """Return the contacts for reporting a vulnerability."""
        expires = clock.rfc3339((clock.now() + GOOD_FOR).replace(microsecond=0))
        lines = [f"Contact: {each}" for each in contacts]
        lines += [f"Expires: {expires}", "Preferred-Languages: zh, en"]
        told = "".join(f"{line}\r\n" for line in lines)
        return PlainTextResponse(told, headers={"Cache-Control": "no-store"})

    if contacts:
        app.add_api_route(SECURITY_TXT, security_txt, response_model=None, include_in_schema=False)
