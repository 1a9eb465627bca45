"""Many reports at once: forty reports of one finding join one incident, or are dismissed together.

Each report ends by an act of its own: one that is refused stops no other.
"""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from starlette.responses import Response

from incidents.console import messages
from incidents.console.flash import Flash
from incidents.console.pages.bulk import MAX_ROWS, NothingChosenError, Row, TooManyChosenError
from incidents.console.pages.inbox import report
from incidents.console.pages.sign_in import own
from incidents.console.request_context import needs
from incidents.console.submission import Submission, Submitted
from incidents.errors import InputError, RefusedError
from incidents.values import inputs
from incidents.values.ids import report_id

router = APIRouter()

Act = Literal["join", "dismiss", "not-ours"]
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
        rows = _settled(desk, act, ids) if done else []
    except (InputError, RefusedError) as error:
        return desk.back(back, messages.of_error(desk.reader, error))
    return desk.page(
        "lists/report_bulk", act=act, ids=[report_id(each) for each in ids], rows=rows, done=done,
        place_back=back, typed=desk.typed, opened=act,
    )  # fmt: skip


def _chosen(desk: Submission) -> list[int]:
    ids = list(dict.fromkeys(inputs.report(each) for each in desk.form.texts("row")))
    if not ids:
        raise NothingChosenError
    if len(ids) > MAX_ROWS:
        raise TooManyChosenError(given=len(ids), most=MAX_ROWS)
    return ids


def _settled(desk: Submission, act: Act, ids: list[int]) -> list[Row]:
    """Settle the reports one by one; raises what is wrong with the incident or the reason."""
    incident = reason = None
    if act == "join":
        incident = inputs.incident(desk.form.text("incident") or "")
    else:
        reason = inputs.text("reason")(desk.form.text("reason") or "")
    desk.take_quota(len(ids))
    rows = []
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
