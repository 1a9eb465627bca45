"""The list of reports from outside: those that wait for the desk first, the oldest on top."""

from __future__ import annotations

from typing import get_args

from fastapi import APIRouter, Request
from starlette.responses import Response

from incidents.console import list_page
from incidents.console.list_page import Filter, ListPage
from incidents.console.pages.log import CATEGORIES
from incidents.console.request_context import Viewer
from incidents.contract.documents.reports import ReportPage, ReportState
from incidents.errors import InputError, RefusedError
from incidents.intake.rules import CHANNELS
from incidents.values import inputs
from incidents.values.report_formats import FORMATS
from incidents.views.inbox import reports

router = APIRouter()

PATH = "/reports"
PAGE = 50
STATES: tuple[str, ...] = get_args(ReportState)
FILTERS = (
    Filter(name="state", codes=STATES, group="report_state"),
    Filter(name="category", group="category", suggested=CATEGORIES),
    Filter(name="host"),
    Filter(name="reporter"),
    Filter(name="format", codes=FORMATS, group="report_format"),
    Filter(name="channel", codes=CHANNELS, group="report_channel"),
)


@router.get(PATH)
def show(who: Viewer, request: Request) -> Response:
    """List the reports that match; without a state, those that wait for the desk."""
    listed = ListPage.of(PATH, FILTERS, request.query_params)
    found: ReportPage = {"items": [], "next": None}
    counts: dict[str, int] = {}
    wrong = None
    with who.timed() as (connection, here):
        saved = list_page.tabs(connection, here, listed)
        try:
            listed.check(here.reader)
            wanted = _wanted(listed)
            found = reports.page(
                connection, wanted, limit=PAGE, cursor=listed.after, newest=not wanted.waits,
                language=here.reader.spoken,
            )  # fmt: skip
            counts = reports.counts_by_state(connection, wanted)
        except (InputError, RefusedError) as error:
            wrong = list_page.wrong(here.reader, error)
    return list_page.answer(
        here, "lists/reports", status=422 if wrong else 200, wrong=wrong, items=found["items"],
        next=found["next"], counts=list_page.counted(counts, STATES),
        capped=reports.MAX_COUNTED if reports.MAX_COUNTED in counts.values() else None,
        opened=here.kept.opened, typed=here.typed, **list_page.facts(here, listed, saved),
    )  # fmt: skip


def _wanted(listed: ListPage) -> reports.ReportFilter:
    host, state = listed.asked.get("host"), listed.asked.get("state")
    return reports.ReportFilter(
        state=state, waiting=True if state is None else None, category=listed.category(),
        host=None if host is None else inputs.site(host), reporter=listed.text("reporter", 254),
        format=listed.asked.get("format"), channel=listed.asked.get("channel"),
    )  # fmt: skip
