"""The terms' page: what is to be filed or shown by when on all sites, overdue first; a calendar."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from incidents import views
from incidents.console import writing
from incidents.console.pages import filing_look
from incidents.console.request_context import Looking
from incidents.filing.calendar import Entry, calendar
from incidents.values import site_name

router = APIRouter()

PAGE = 500
DAYS = (0, 7, 14, 30)
"""Within so many days a term ends that is asked for; 0 are those that end today or are over."""

Days = Annotated[int | None, Query(ge=0, le=3_650)]


@router.get("/terms")
def show(here: Looking, days: Days = None) -> Response:
    """The page."""
    here.needs("look")
    with here.reading() as connection:
        here = here.timed(connection)
        found = views.filing_terms(connection, _until(filing_look.day_of(here.reader), days))
    items = filing_look.terms(here.reader, found)
    overdue = sum(each["days"] < 0 for each in items)
    return here.page(
        "terms", items=items[:PAGE], more=len(items) > PAGE, overdue=overdue,
        due=len(items) - overdue, days=days, choices=DAYS, shown=site_name.shown,
    )  # fmt: skip


@router.get("/terms.ics")
def ics(here: Looking, days: Days = None) -> Response:
    """The same as a calendar (RFC 5545)."""
    here.needs("look")
    with here.reading() as connection:
        here = here.timed(connection)
        found = views.filing_terms(connection, _until(filing_look.day_of(here.reader), days))
    entries = [
        Entry(
            site=site_name.shown(each["site"]), term=each["term"],
            due_on=date.fromisoformat(each["due_on"]),
        )
        for each in found
    ]  # fmt: skip
    return Response(
        "".join(calendar(entries, here.reader.now)),
        media_type="text/calendar; charset=utf-8",
        headers={
            **writing.HEADERS,
            "Content-Disposition": 'attachment; filename="terms.ics"',
        },
    )


def _until(today: date, days: int | None) -> str | None:
    return None if days is None else (today + timedelta(days=days)).isoformat()
