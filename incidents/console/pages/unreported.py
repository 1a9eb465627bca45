"""The list of incidents to report to the police, the longest overdue first."""

from __future__ import annotations

from typing import get_args

from fastapi import APIRouter, Request
from starlette.responses import Response

from incidents.console import list_page
from incidents.console.list_page import Filter, ListPage
from incidents.console.pages.log import CATEGORIES
from incidents.console.request_context import Viewer
from incidents.contract.documents.sites import IncidentState
from incidents.errors import InputError, RefusedError
from incidents.settings import police, sources
from incidents.views.queue import police as police_duty
from incidents.views.queue.police import DutyCounts, DutyFilter, DutyPage

router = APIRouter()

PATH = "/unreported"
PAGE = 50
FILTERS = (
    Filter(name="due", codes=tuple(list_page.DUE), group="due_within"),
    Filter(name="state", codes=get_args(IncidentState), group="state"),
    Filter(name="category", group="category", suggested=CATEGORIES),
    Filter(name="site"),
)


@router.get(PATH)
def show(who: Viewer, request: Request) -> Response:
    """List the incidents to report that match the filters of the address."""
    listed = ListPage.of(PATH, FILTERS, request.query_params)
    owed = police.read(sources.section(police.SECTION))
    found, counted, wrong = DutyPage([], None), DutyCounts(0, 0), None
    with who.timed() as (connection, here):
        saved = list_page.tabs(connection, here, listed)
        now = here.reader.now
        if owed is not None:
            try:
                listed.check(here.reader)
                wanted = DutyFilter(
                    site=listed.site(), state=listed.asked.get("state"),
                    category=listed.category(), due_before=listed.due_before(now),
                )  # fmt: skip
                counted = police_duty.counts(connection, now, owed, wanted)
                found = police_duty.duties_page(
                    connection, now, owed, wanted, limit=PAGE, cursor=listed.after
                )
            except (InputError, RefusedError) as error:
                wrong = list_page.wrong(here.reader, error)
    return list_page.answer(
        here, "lists/unreported", status=422 if wrong else 200,
        items=found.items, next=found.next, counted=counted, is_on=owed is not None, wrong=wrong,
        **list_page.facts(here, listed, saved),
    )  # fmt: skip
