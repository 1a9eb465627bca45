"""Reports of violations over HTTP: send them in, list them, and log, join or dismiss each."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import nullcontext
from http import HTTPStatus
from typing import Annotated, Any, BinaryIO, cast

from fastapi import Path, Query, Request
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from incidents import clock
from incidents.api import bodies, problems, statuses
from incidents.api.authentication import ActionCaller, ReadCaller
from incidents.api.caller import Caller
from incidents.api.endpoints import actions
from incidents.api.operation import JSON, has_files, operation, router
from incidents.api.parameters import Cursor, Limit
from incidents.contract.documents.reports import (
    ReportInFull,
    ReportPage,
    ReportState,
    Settled,
)
from incidents.desk import Envelope
from incidents.inbox import triage
from incidents.inbox.receiving import Delivery
from incidents.machine.commands import Command
from incidents.values import inputs
from incidents.values.json_object import JSONObject
from incidents.views.inbox import reports
from incidents.views.inbox.held import without_customers
from incidents.views.inbox.snapshots import without_words

routes = router("reports")

Id = Annotated[str, Path(max_length=30, description="A report's ID, such as r17.")]
_BYTES = {"type": "string", "format": "binary"}
_BODY = {
    "description": "The report as it came: a mail, XARF, a table or text.",
    "required": True,
    "content": {
        kind: {"schema": _BYTES}
        for kind in ("message/rfc822", "application/json", "text/csv", "text/plain",
                     "application/octet-stream")
    },
}  # fmt: skip
_IN_MEMORY = 2**20
_A_FORM = (
    "the report was not kept, because the body is a form around it: send the report itself as the"
    " body (curl: data-binary, not form), and its name as ?name="
)


class Logged(bodies.Form):
    """How a report is logged.

    `site` can be left out if the report names one site of this desk. `again` marks a separate
    violation at the same URL. `keep_open`: the report waits on as long as it names further sites.
    """

    site: Annotated[str, Field(max_length=300)] | None = None
    category: bodies.Short | None = None
    at: bodies.Time | None = None
    note: bodies.Text | None = None
    again: bool = False
    keep_open: bool = False


class Joined(bodies.Form):
    """The incident that a report is about, such as 12-3; `keep_open` as when it is logged."""

    incident: Annotated[str, Field(max_length=300)]
    keep_open: bool = False


class Dismissed(bodies.Form):
    """Why a report leads to no incident; `not_ours`: it is about nothing that is hosted here.

    `tell_reporter`: the mail that tells the reporter the outcome has the reason.
    """

    reason: bodies.Text
    not_ours: bool = False
    tell_reporter: bool = False


class Reopened(bodies.Form):
    """Why a report that has ended is opened again."""

    reason: bodies.Text


def _receiving() -> JSONObject:
    """The description of the operation: it takes any bytes, and 200 means that they were known."""
    found = operation("receive_report", ReportInFull, status=201, acting=True)
    found["responses"][200] = found["responses"][201]
    found["responses"][415] = {
        **found["responses"][413], "description": statuses.phrase(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    }  # fmt: skip
    found["openapi_extra"] = {**found["openapi_extra"], "requestBody": _BODY}
    return found


@routes.post("/reports", **_receiving())
async def receive(
    by: ActionCaller,
    request: Request,
    name: Annotated[str | None, Query(max_length=255)] = None,
) -> JSON:
    """Send in a report, byte for byte: a mail, ARF, XARF, CSV or text.

    By the time of the response, the whole report is stored on disk and on record. The same bytes,
    sent again, are the same report (200). `name` is the name of the file that the report is from.
    A form is refused (415).
    """
    if has_files(request):
        raise problems.problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", _A_FORM)
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as body:
        async for piece in request.stream():
            body.write(piece)
        found, is_new = await run_in_threadpool(_receive, by, cast("BinaryIO", body), name or "")
    return JSON(_visible(by, found), 201 if is_new else 200)


def _receive(by: Caller, body: BinaryIO, name: str) -> tuple[ReportInFull, bool]:
    if by.dry_run:
        raise problems.unprocessable("no_dry_run", "nothing was done: this has no dry run")
    by.take_quota(1)
    body.seek(0)
    delivery = Delivery(lambda: nullcontext(body), name)
    [received] = by.app.reports.receive(
        [delivery], channel="api", by=by.by, login=by.identity.login
    )
    return received


@routes.get("/reports", **operation("look", ReportPage))
def list_reports(  # noqa: PLR0913, PLR0917 - called by FastAPI, by names
    by: ReadCaller,
    state: Annotated[ReportState | None, Query()] = None,
    waiting: Annotated[bool | None, Query()] = None,
    channel: Annotated[str | None, Query(max_length=20)] = None,
    format: Annotated[str | None, Query(max_length=50)] = None,  # noqa: A002 - the field's name
    category: Annotated[str | None, Query(max_length=100)] = None,
    reporter: Annotated[str | None, Query(max_length=254)] = None,
    host: Annotated[str | None, Query(max_length=300)] = None,
    newest: Annotated[bool, Query()] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> JSON:
    """List reports, the oldest first, or the newest first (`newest`).

    `waiting` finds those that wait for the desk, or those that have ended. `host` is one that the
    report names.
    """
    wanted = reports.ReportFilter(
        state=state, waiting=waiting, channel=bodies.optional_text("channel", channel, 20),
        format=bodies.optional_text("format", format, 50),
        category=bodies.optional_text("category", category, 100),
        reporter=bodies.optional_text("reporter", reporter, 254),
        host=None if host is None else inputs.site(host),
    )  # fmt: skip
    with by.reading() as connection:
        found = reports.page(connection, wanted, limit=limit, cursor=cursor, newest=newest)
    return JSON(found)


@routes.get("/reports/{report}", **operation("look", ReportInFull))
def show_report(by: ReadCaller, report: Id) -> JSON:
    """Show a report, and what was read out of it.

    Its text, and the titles and texts of its snapshots, are shown only with the right `reveal`.
    """
    with by.reading() as connection:
        found = reports.report(connection, inputs.report(report))
    return JSON(_visible(by, found))


@routes.post("/reports/{report}/log", **operation("settle_report", Settled, acting=True))
def log_report(by: ActionCaller, report: Id, words: Logged | None = None) -> JSON:
    """Log a report as a new incident, with its URLs, its category and its bytes.

    Of a report about several sites the incident has what it says of the site.
    """
    words = words or Logged()
    found = by.app.reports.waiting(inputs.report(report))
    site = triage.site_of(found, None if words.site is None else inputs.site(words.site))
    command = triage.log_command(
        found, site, by.by, clock.now(), at=bodies.read_time(words.at),
        category=bodies.optional_text("category", words.category, 100),
        note=bodies.optional_text("note", words.note), again=words.again,
    )  # fmt: skip
    by.needs("log", about=site)
    of_site: dict[str, Any] = {"by": by.by, "login": by.identity.login, "at": command.at}
    if by.dry_run:
        missing = by.app.reports.missing_site(site, found, **of_site)
        return _settle(by, found, site, command, before=missing, keep_open=words.keep_open)
    by.app.reports.ensure_site(site, found, **of_site)
    return _settle(by, found, site, command, keep_open=words.keep_open)


@routes.post("/reports/{report}/join", **operation("settle_report", Settled, acting=True))
def join_report(by: ActionCaller, report: Id, words: Joined) -> JSON:
    """Add a report to the incident that it is about: its bytes become evidence."""
    found = by.app.reports.waiting(inputs.report(report))
    site, n = inputs.incident(words.incident)
    by.needs("attach", about=words.incident)
    command = triage.join_command(found, n, by.by)
    return _settle(by, found, site, command, keep_open=words.keep_open)


@routes.post("/reports/{report}/dismiss", **operation("settle_report", Settled, acting=True))
def dismiss_report(by: ActionCaller, report: Id, words: Dismissed) -> JSON:
    """Dismiss a report: it leads to no incident, for the reason given."""
    reason = inputs.text("reason")(words.reason)
    answer = by.app.reports.dismiss(
        inputs.report(report), reason, not_ours=words.not_ours, tell_reporter=words.tell_reporter,
        **_acting(by),
    )  # fmt: skip
    return _given(by, answer)


@routes.post("/reports/{report}/reopen", **operation("settle_report", Settled, acting=True))
def reopen_report(by: ActionCaller, report: Id, words: Reopened) -> JSON:
    """Open a report again that was settled wrongly: it waits for the desk like a new one.

    The incident that it led to stays as it is, and no mail that was sent is taken back: the remarks
    say so.
    """
    reason = inputs.text("reason")(words.reason)
    return _given(by, by.app.reports.reopen(inputs.report(report), reason, **_acting(by)))


@routes.post("/reports/{report}/retest", **operation("settle_report", Settled, acting=True))
def retest_report(by: ActionCaller, report: Id) -> JSON:
    """Look at the web addresses of a report again, and put on record what is there.

    It changes no state. The owner of the site can see the visit.
    """
    return _given(by, by.app.reports.retest(inputs.report(report), **_acting(by)))


def _acting(by: Caller) -> dict[str, Any]:
    """Who acts on a report, for an act that touches no site; it counts for their quota."""
    by.take_quota(1)
    return {"by": by.by, "login": by.identity.login, "dry_run": by.dry_run}


def _visible(by: Caller, found: ReportInFull) -> ReportInFull:
    """The report as every route shows it to the caller."""
    # As in the console: what somebody wrote may name people.
    if by.identity.may("reveal"):
        return found
    hidden = {
        "text": "", "snapshots": without_words(found["snapshots"]),
        "held": without_customers(found["held"]),
    }  # fmt: skip
    return cast("ReportInFull", {**found, **hidden})


def _given(by: Caller, answer: Settled) -> JSON:
    return JSON({**answer, "report": _visible(by, answer["report"])})


def _read(by: Caller, report: str) -> ReportInFull:
    with by.app.reading() as connection:
        return reports.report(connection, inputs.report(report))


def _settle(
    by: Caller, found: ReportInFull, site: str | int, command: Command, *,
    before: Sequence[Envelope] = (), keep_open: bool,
) -> JSON:  # fmt: skip
    by.take_quota(1)
    envelope = by.envelope(site, command)
    answer = by.app.reports.settle(
        found, envelope, before=before, dry_run=by.dry_run, keep_open=keep_open
    )
    if answer.refusal is not None:
        raise by.refused(answer)
    [document] = actions.action_documents(by.app, [answer])
    return JSON({**document, "report": _visible(by, _read(by, found["id"]))})
