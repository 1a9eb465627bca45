"""Many reports at once: forty of one finding are one incident, or are dismissed together.

Each report ends by an act of its own: one that is refused stops no other, unless it is the one that
makes the incident.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from fastapi import APIRouter
from starlette.responses import Response

from incidents.console import messages
from incidents.console.flash import Flash
from incidents.console.pages.bulk import MAX_ROWS, NothingChosenError, Row, TooManyChosenError
from incidents.console.pages.inbox import report
from incidents.console.pages.sign_in import own
from incidents.console.request_context import needs
from incidents.console.submission import Submission, Submitted
from incidents.errors import InputError, NoSuchReportError, RefusedError
from incidents.inbox import triage
from incidents.values import inputs
from incidents.values.ids import report_id
from incidents.views.inbox import reports
from incidents.views.inbox.reports import Joinable

router = APIRouter()

Act = Literal["log", "join", "dismiss", "not-ours"]
_SETTLE = needs("settle_report")


@router.post("/bulk/report-{act}", dependencies=_SETTLE)
def ask(desk: Submitted, act: Act) -> Response:
    """Show the reports that were chosen, and ask for the incident or the reason."""
    return _page(desk, act, done=False)


@router.post("/bulk/report-{act}/do", dependencies=_SETTLE)
def do(desk: Submitted, act: Act) -> Response:
    """Settle each report, and show each result."""
    return _page(desk, act, done=True)


def _page(desk: Submission, act: Act, *, done: bool) -> Response:
    back = own(desk.form.text("back") or "/reports")
    try:
        ids = _chosen(desk)
        found = _first(desk, ids) if act in {"log", "join"} and not done else None
        rows = _settled(desk, act, ids) if done else []
    except (InputError, RefusedError) as error:
        return desk.back(back, messages.of_error(desk.reader, error))
    return desk.page(
        "lists/report_bulk", act=act, ids=[report_id(each) for each in ids], rows=rows, done=done,
        place_back=back, typed=desk.typed, opened=desk.kept.opened, found=found,
    )  # fmt: skip


def _chosen(desk: Submission) -> list[int]:
    ids = list(dict.fromkeys(inputs.report(each) for each in desk.form.texts("row")))
    if not ids:
        raise NothingChosenError
    if len(ids) > MAX_ROWS:
        raise TooManyChosenError(given=len(ids), most=MAX_ROWS)
    return ids


class _First(NamedTuple):
    """The sites that the first of the reports may be about, and its incidents on them.

    `several`: some of the reports may stay open for further sites.
    """

    candidates: list[str]
    joinable: list[Joinable]
    several: bool


def _first(desk: Submission, ids: list[int]) -> _First:
    with desk.reading() as connection:
        found = reports.with_findings(connection, ids, desk.reader.spoken)
        if not found:
            raise NoSuchReportError(given=report_id(ids[0]))
        candidates = found[0]["candidates"]
        return _First(
            candidates, reports.open_incidents(connection, candidates),
            any(map(triage.names_several, found)),
        )  # fmt: skip


def _settled(desk: Submission, act: Act, ids: list[int]) -> list[Row]:
    """Settle the reports one by one; raises what is wrong with the incident or the reason."""
    incident = reason = None
    rows: list[Row] = []
    if act == "log":
        first, *ids = sorted(ids)
        _, answer = report.log_one(desk, first)
        flash = messages.of_answer(desk, answer)
        if answer.refusal is not None:
            return [Row(report_id(first), flash)]
        rows.append(Row(report_id(first), flash))
        incident = inputs.incident(answer.incident_document["id"])
    elif act == "join":
        incident = inputs.incident(desk.form.text("incident") or "")
    else:
        reason = inputs.text("reason")(desk.form.text("reason") or "")
    desk.take_quota(len(ids))
    for id_ in ids:
        try:
            if incident is not None:
                flash = messages.of_answer(desk, report.join_to(desk, id_, incident))
            else:
                assert reason is not None, "one of both is asked for"
                told = report.dismiss_one(desk, id_, reason, not_ours=act == "not-ours")
                flash = Flash("done", told)
        except (InputError, RefusedError) as error:
            flash = messages.of_error(desk.reader, error)
        rows.append(Row(report_id(id_), flash))
    return rows
