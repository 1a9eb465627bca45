"""The list of the running terms of all filings, and their calendar."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from incidents import views
from incidents.console import list_page, rendering
from incidents.console.list_page import Filter, ListPage
from incidents.console.pages import filing_view
from incidents.console.request_context import Viewer
from incidents.errors import InputError, RefusedError
from incidents.filing.calendar import Entry, calendar
from incidents.machine.filing import TERMS
from incidents.views import lists
from incidents.views.filing import count_terms

if TYPE_CHECKING:
    from incidents.console.rendering import Reader
    from incidents.contract.documents.filings import TermsOfSites

router = APIRouter()

PATH = "/terms"
PAGE = 50
DAYS = ("0", "7", "14", "30")
"""The choices for how many days ahead to list deadlines; 0 means up to today."""
FILTERS = (
    Filter(name="days", codes=DAYS, group="within_days"),
    Filter(name="term", codes=tuple(TERMS), group="term"),
    Filter(name="site"),
)


@router.get(PATH)
def show(who: Viewer, request: Request) -> Response:
    """List the terms of all sites that match the filters of the address, by last day."""
    listed = ListPage.of(PATH, FILTERS, request.query_params)
    found: TermsOfSites = {"items": [], "next": None}
    overdue = due = 0
    wrong = None
    with who.timed() as (connection, here):
        saved = list_page.tabs(connection, here, listed)
        try:
            listed.check(here.reader)
            site, days = listed.site(), listed.asked.get("days")
            term = listed.asked.get("term")
            until = None if days is None else _day(here.reader, int(days))
            found = lists.terms_page(
                connection, until, limit=PAGE, cursor=listed.after, site=site, term=term
            )
            overdue, due = count_terms(
                connection, _day(here.reader, 0), until, site=site, term=term
            )
        except (InputError, RefusedError) as error:
            wrong = list_page.wrong(here.reader, error)
    return list_page.answer(
        here, "lists/terms", status=422 if wrong else 200,
        items=filing_view.terms(here.reader, found["items"]), next=found["next"],
        overdue=overdue, due=due, wrong=wrong,
        **list_page.facts(here, listed, saved),
    )  # fmt: skip


@router.get(f"{PATH}.ics")
def terms_calendar(
    who: Viewer, days: Annotated[int | None, Query(ge=0, le=3_650)] = None
) -> Response:
    """Download the terms as a calendar (RFC 5545)."""
    with who.timed() as (connection, here):
        until = None if days is None else _day(here.reader, days)
        found = views.filing_terms(connection, until)
    return Response(
        "".join(calendar(map(Entry.of, found), here.reader.now)),
        media_type="text/calendar; charset=utf-8",
        headers={
            **rendering.HEADERS,
            "Content-Disposition": 'attachment; filename="terms.ics"',
        },
    )


def _day(reader: Reader, ahead: int) -> str:
    """The day so many days from today, in the reader's time zone."""
    return (filing_view.day_of(reader) + timedelta(days=ahead)).isoformat()
