"""The reporters whom the desk has marked, and the form by which it marks who sent a report."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from incidents.console import messages
from incidents.console.flash import Flash
from incidents.console.pages.inbox import report as report_page
from incidents.console.request_context import Viewer, needs
from incidents.console.submission import Submitted
from incidents.errors import InputError, RefusedError
from incidents.store.inbox.reporters import STANDINGS
from incidents.values import inputs
from incidents.values.ids import report_id
from incidents.views.inbox import reporters, reports

router = APIRouter()


@router.get("/reporters")
def show(who: Viewer) -> Response:
    """List the reporters who are trusted, muted or blocked."""
    with who.timed() as (connection, here):
        found = reporters.with_standing(connection)
    return here.page("reporters", reporters=found)


@router.post("/reports/{report}/reporter", dependencies=needs("mark_reporter"))
def mark(desk: Submitted, report: str) -> Response:
    """Give who sent the report a standing."""
    id_ = inputs.report(report)
    try:
        told = _mark(desk, id_)
    except (InputError, RefusedError) as error:
        flash = messages.of_error(desk.reader, error)
        return report_page.page(desk, id_, flash=flash, opened="reporter")
    return desk.back(f"/reports/{report_id(id_)}", Flash("done", told))


def _mark(desk: Submitted, report: int) -> str:
    with desk.reading() as connection:
        named = reports.report(connection, report)["reporter"]
    standing = desk.form.text("standing") or ""
    if standing not in STANDINGS:
        raise InputError.coded(
            "bad_standing", "{given!r} is no standing: use one of {known}", given=standing[:40],
            known=", ".join(STANDINGS),
        )  # fmt: skip
    reason = inputs.text("reason")(desk.form.text("reason") or "")
    desk.authorise("mark_reporter")
    desk.take_quota()
    if named is None:
        raise InputError.coded(
            "no_reporter", "{report} names no reporter", report=report_id(report)
        )
    desk.app.reports.mark(named, standing, reason, by=desk.by, login=desk.identity.login)
    word = desk.reader.spoken.word("standing", standing)
    return desk.reader.say("reporter.marked", reporter=named, standing=word)
