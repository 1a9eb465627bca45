"""The page of one report: what was read out of it, beside what the desk can do with it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from incidents.console import messages, submission
from incidents.console.flash import Flash
from incidents.console.pages.log import CATEGORIES
from incidents.console.rendering import joined
from incidents.console.request_context import RequestContext, Viewer, needs
from incidents.console.submission import Submission, Submitted
from incidents.contract.documents.reports import ReportInFull, Settled
from incidents.desk import Answer
from incidents.errors import InputError, LibraryError, RefusedError
from incidents.inbox import triage
from incidents.inbox.children.source_view import plain
from incidents.inbox.snapshots import taking
from incidents.locale import words
from incidents.machine.commands import Command
from incidents.machine.refusal import Remark
from incidents.store.inbox.reporters import STANDINGS
from incidents.values import inputs
from incidents.values.ids import report_id
from incidents.views.inbox import held, reporters, reports, snapshots

router = APIRouter()
_SETTLE = needs("settle_report")


@router.get("/reports/{report}")
def show(here: Viewer, report: str) -> Response:
    """Show a report."""
    return page(here, inputs.report(report))


@router.post("/reports/{report}/log", dependencies=_SETTLE)
def log(desk: Submitted, report: str) -> Response:
    """Log the report as a new incident."""
    id_ = inputs.report(report)
    try:
        site, answer = log_one(desk, id_)
    except (InputError, RefusedError) as error:
        return page(desk, id_, flash=messages.of_error(desk.reader, error), opened="log")
    if answer.refusal is not None and answer.refusal.name == "would_close":
        return page(desk, id_, opened="log", closes=site)
    return _after(desk, id_, answer, "log")


def log_one(desk: Submission, report: int) -> tuple[str, Answer]:
    """Log the report as the form says; return its site, and the answer.

    A log that would close the site is refused unless the form confirms it. Raises the desk's errors
    about the report.
    """
    found = desk.app.reports.waiting(report, desk.reader.spoken)
    given = desk.form.text("site")
    site = triage.site_of(found, None if given is None else inputs.site(given))
    category = submission.optional_text(desk.form, "category", limit=100)
    command = triage.log_command(
        found, site, desk.by, desk.reader.now,
        at=submission.time_field(desk.form, "at", desk.reader),
        category=None if category is None else words.category_code(category),
        note=submission.optional_text(desk.form, "note"),
        again=desk.form.text("again") is not None,
    )  # fmt: skip
    desk.authorise("log", site)
    desk.app.reports.ensure_site(site, found, by=desk.by, login=desk.identity.login, at=command.at)
    confirmed = desk.form.text("confirm")
    return site, _settle(desk, found, site, command, unless_closing=confirmed != site)


@router.post("/reports/{report}/join", dependencies=_SETTLE)
def join(desk: Submitted, report: str) -> Response:
    """Add the report to the incident that it is about."""
    id_ = inputs.report(report)
    try:
        answer = join_to(desk, id_, inputs.incident(desk.form.text("incident") or ""))
    except (InputError, RefusedError) as error:
        return page(desk, id_, flash=messages.of_error(desk.reader, error), opened="join")
    return _after(desk, id_, answer, "join")


def join_to(desk: Submission, report: int, incident: tuple[int, int]) -> Answer:
    """Add the report to the incident; raises the desk's errors about the report."""
    site, n = incident
    found = desk.app.reports.waiting(report, desk.reader.spoken)
    desk.authorise("attach", site)
    return _settle(desk, found, site, triage.join_command(found, n, desk.by))


@router.post("/reports/{report}/dismiss", dependencies=_SETTLE)
def dismiss(desk: Submitted, report: str) -> Response:
    """Dismiss the report, as not ours if the form says so."""
    id_, not_ours = inputs.report(report), desk.form.text("not_ours") is not None
    try:
        reason = inputs.text("reason")(desk.form.text("reason") or "")
        tell = desk.form.text("tell_reporter") is not None
        told = dismiss_one(desk, id_, reason, not_ours=not_ours, tell_reporter=tell)
    except (InputError, RefusedError) as error:
        return page(desk, id_, flash=messages.of_error(desk.reader, error), opened="dismiss")
    return desk.back(_next(desk), Flash("done", told))


def dismiss_one(
    desk: Submission, report: int, reason: str, *, not_ours: bool, tell_reporter: bool = False
) -> str:
    """Dismiss the report, and say so; raises the desk's errors about the report."""
    answer = desk.app.reports.dismiss(
        report, reason, not_ours=not_ours, tell_reporter=tell_reporter, **_acting(desk)
    )
    return _told(desk, "report.not_ours" if not_ours else "report.dismissed", answer)


@router.post("/reports/{report}/reopen", dependencies=_SETTLE)
def reopen(desk: Submitted, report: str) -> Response:
    """Open the report again, and say what stays as it is."""
    id_ = inputs.report(report)
    try:
        reason = inputs.text("reason")(desk.form.text("reason") or "")
        answer = desk.app.reports.reopen(id_, reason, **_acting(desk))
    except (InputError, RefusedError) as error:
        return page(desk, id_, flash=messages.of_error(desk.reader, error), opened="reopen")
    told = _told(desk, "report.reopened", answer)
    return desk.back(f"/reports/{report_id(id_)}", Flash("done", told))


@router.post("/reports/{report}/retest", dependencies=_SETTLE)
def retest(desk: Submitted, report: str) -> Response:
    """Look at the pages that the report names."""
    id_ = inputs.report(report)
    try:
        answer = desk.app.reports.retest(id_, **_acting(desk))
    except (InputError, RefusedError, LibraryError) as error:
        return page(desk, id_, flash=messages.of_error(desk.reader, error))
    told = _told(desk, "snapshots.taken", answer)
    return desk.back(f"/reports/{report_id(id_)}", Flash("done", told))


def _acting(desk: Submission) -> dict[str, Any]:
    """Who acts on a report, for an act that touches no site; raises if they may not."""
    desk.authorise("settle_report")
    desk.take_quota()
    return {"by": desk.by, "login": desk.identity.login}


def _told(desk: Submission, code: str, answer: Settled) -> str:
    """What was done, and the remarks on it."""
    remarks = [Remark(each["name"], dict(each["facts"])) for each in answer["remarks"]]
    done = desk.reader.say(code, report=answer["report"]["id"])
    return joined([done, *messages.remark_texts(desk.reader, remarks)])


def _settle(
    desk: Submission, found: ReportInFull, site: str | int, command: Command, *,
    unless_closing: bool = False,
) -> Answer:  # fmt: skip
    desk.take_quota()
    envelope = replace(desk.envelope(site, command, None), unless_closing=unless_closing)
    keep_open = desk.form.text("keep_open") is not None
    return desk.app.reports.settle(found, envelope, keep_open=keep_open)


def _after(desk: Submission, report: int, answer: Answer, form: str) -> Response:
    """Show the answer: on the report's page if it was refused or waits on, else the incident's."""
    flash = messages.of_answer(desk, answer)
    if answer.refusal is not None:
        is_double = answer.refusal.name == "double_entry"
        entered = str(answer.refusal.facts["incident"]) if is_double else None
        return page(desk, report, flash=flash, opened=form, entered=entered)
    if any(each.name == "report_stays_open" for each in answer.remarks):
        return desk.back(f"/reports/{report_id(report)}", flash)
    return desk.back(f"/incidents/{answer.incident_document['id']}", flash)


def _next(desk: Submission) -> str:
    """The path of the report that waits longest, or of the list if none waits."""
    with desk.reading() as connection:
        found = reports.page(connection, reports.ReportFilter(waiting=True), limit=1)["items"]
    return f"/reports/{found[0]['id']}" if found else "/reports"


def _time_hint(here: RequestContext, found: ReportInFull) -> str:
    """What an empty field takes for the time of the violation."""
    stated = {triage.stated_at(found, each, here.reader.now) for each in found["candidates"]}
    if found["seen_at"] is None or "seen_at" in found["guessed"] or stated == {None}:
        code, at = "field.at.hint", None
    else:
        at = stated.pop() if len(stated) == 1 else None
        code = "report.log.at.site" if at is None else "report.log.at"
    return here.reader.say(code, at=at, zone=str(here.reader.zone))


def page(
    who: RequestContext, report: int, *, flash: Flash | None = None, opened: str | None = None,
    closes: str | None = None, entered: str | None = None,
) -> Response:  # fmt: skip
    """Show the report: with the result of an act, its opened form, or the site that it closes.

    `entered`: the incident that a refused log would have entered twice.
    """
    with who.timed() as (connection, here):
        found = reports.report(connection, report, here.reader.spoken)
        joinable = reports.open_incidents(connection, found["candidates"])
        named = found["reporter"]
        reporter = None if named is None else reporters.reporter(connection, named)
    status = 409 if flash or closes else 200
    # After the transaction, since a child takes the source apart meanwhile.
    source = who.app.report_sources.view(found) if who.identity.may("reveal") else None
    if not who.identity.may("reveal"):
        found["snapshots"] = snapshots.without_words(found["snapshots"])
        found["held"] = held.without_customers(found["held"])
    files = [{**each, "name": plain(each["name"])} for each in found["attachments"]]
    of_sites = triage.parts(found)
    on_record = dict.fromkeys([*([] if entered is None else [entered]), *found["on_record"]])
    # Left out where sites differ, so that each is logged with its own.
    categories = {each.category for each in of_sites} or {found["category"]}
    return here.page(
        "report", status=status, flash=flash, report=found, of_sites=of_sites,
        several=triage.names_several(found),
        category=categories.pop() if len(categories) == 1 else None, path=f"/reports/{found['id']}",
        joinable=joinable, reporter=reporter, standings=STANDINGS, categories=CATEGORIES,
        typed=here.typed, closes=closes, opened=opened or here.kept.opened, source=source,
        files=files, has_pages=bool(taking.addresses(found)),
        compared=snapshots.compared(found["snapshots"]), on_record=list(on_record),
        pictured=who.app.report_sources.screenshots(found) if who.identity.may("reveal") else (),
        time_hint=_time_hint(here, found),
    )  # fmt: skip
