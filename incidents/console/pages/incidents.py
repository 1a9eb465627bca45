"""The list of incidents: filtered by its address, a page at a time, and as CSV."""

from __future__ import annotations

import csv
import io
import re
import tempfile
from collections.abc import Iterable, Iterator
from datetime import datetime, tzinfo
from typing import get_args

from fastapi import APIRouter, Request
from sqlalchemy import Connection
from starlette.responses import Response, StreamingResponse

from incidents.console import list_page, rendering
from incidents.console.list_page import Filter, ListPage
from incidents.console.pages.log import CATEGORIES
from incidents.console.rendering import Reader
from incidents.console.request_context import RequestContext, Viewer
from incidents.contract.documents.sites import (
    Contact,
    Incident,
    IncidentPage,
    IncidentState,
    Rule,
)
from incidents.errors import InputError, RefusedError
from incidents.filing.lists.table_row import guarded
from incidents.store.cases import sites
from incidents.values import inputs, typed_time
from incidents.views import incident_list
from incidents.views.incident_list import IncidentFilter

router = APIRouter()

PATH = "/incidents"
PAGE = 50
_YES_NO = {"yes": True, "no": False}
STATES: tuple[str, ...] = get_args(IncidentState)
FILTERS = (
    Filter(name="state", codes=STATES, group="state"),
    Filter(name="category", group="category", suggested=CATEGORIES),
    Filter(name="category_not", group="category", several=True, hidden=True, max_characters=1_500),
    Filter(name="categorised", codes=tuple(_YES_NO), group="yes_no", hidden=True),
    Filter(name="voided", codes=tuple(_YES_NO), group="yes_no"),
    Filter(name="site"),
    Filter(name="rule", codes=get_args(Rule), group="rule"),
    Filter(name="holder"),
    Filter(name="due", codes=tuple(list_page.DUE), group="due_within"),
    Filter(name="since", is_time=True),
    Filter(name="until", is_time=True),
    Filter(name="occurred_since", is_time=True),
    Filter(name="occurred_until", is_time=True),
    Filter(name="contact_over_s", hidden=True),
    Filter(name="contact_within_s", hidden=True),
    Filter(name="by"),
)
_COLUMNS = (
    "id", "site", "state", "category", "occurred_at", "recorded_at", "by", "contact_due",
    "removal_due", "reported_at", "last_contact_at", "last_outcome",
)  # fmt: skip
"""The names of the fields and of their codes, in every language: the file is for programs, too."""

_MOMENTS = (
    "occurred_at", "recorded_at", "contact_due", "removal_due", "reported_at", "last_contact_at",
)  # fmt: skip
_PIECE = 2**18
_SECONDS = re.compile(r"[0-9]{1,8}")


@router.get(PATH)
def show(who: Viewer, request: Request) -> Response:
    """List the incidents that match the filters of the address, the last recorded first."""
    listed = ListPage.of(PATH, FILTERS, request.query_params)
    found: IncidentPage = {"items": [], "next": None}
    counts: dict[str, int] = {}
    capped, wrong = False, None
    closed: set[str] = set()
    with who.timed() as (connection, here):
        saved = list_page.tabs(connection, here, listed)
        try:
            wanted = _wanted(here.reader, listed)
            found = incident_list.incidents_page(
                connection, wanted, limit=PAGE, cursor=listed.after, order="newest"
            )
            counts, capped = incident_list.counts_by_state(connection, wanted)
            closed = sites.closed(connection, {each["site"] for each in found["items"]})
        except (InputError, RefusedError) as error:
            wrong = list_page.wrong(here.reader, error)
    return list_page.answer(
        here, "lists/incidents", status=422 if wrong else 200, wrong=wrong, next=found["next"],
        items=found["items"], counts=list_page.counted(counts, STATES),
        counted=incident_list.MAX_COUNTED if capped else None, last=last_contact,
        closed=closed,
        **list_page.facts(here, listed, saved),
    )  # fmt: skip


@router.get(f"{PATH}.csv")
def download(who: Viewer, request: Request) -> Response:
    """Download the incidents that match, as CSV, masked and with times as on the page."""
    listed = ListPage.of(PATH, FILTERS, request.query_params)
    with who.timed() as (connection, here):
        reader, wanted = here.reader, _wanted(here.reader, listed)
        # What cannot be listed is refused before a file begins.
        incident_list.incidents_page(connection, wanted, limit=1, order="newest")
    headers = {
        **rendering.HEADERS, "Content-Disposition": 'attachment; filename="incidents.csv"',
    }  # fmt: skip
    return StreamingResponse(
        _buffered(who, reader, wanted), media_type="text/csv; charset=utf-8", headers=headers
    )


def last_contact(incident: Incident) -> Contact | None:
    """The last contact of the incident that was not voided."""
    return next((each for each in reversed(incident["contacts"]) if not each["voided"]), None)


def _wanted(reader: Reader, listed: ListPage) -> IncidentFilter:
    """The filter that the address names; raises InputError or RefusedError."""
    listed.check(reader)
    asked = listed.asked
    since, until = _period(reader, listed, "since", "until")
    occurred_since, occurred_until = _period(reader, listed, "occurred_since", "occurred_until")
    read = inputs.text("category", limit=100)
    return IncidentFilter(
        state=asked.get("state"), category=listed.category(),
        # Links alone name these, by their codes.
        category_not=[read(each) for each in list_page.split(asked.get("category_not", ""))],
        categorised=_YES_NO.get(asked.get("categorised", "")),
        voided=_YES_NO.get(asked.get("voided", "")), rule=asked.get("rule"),
        site=listed.site(), holder=listed.text("holder"),
        due_before=listed.due_before(reader.now),
        since=since, until=until, occurred_since=occurred_since, occurred_until=occurred_until,
        contact_over_s=_seconds(reader, listed, "contact_over_s"),
        contact_within_s=_seconds(reader, listed, "contact_within_s"), by=listed.text("by"),
    )  # fmt: skip


def _period(
    reader: Reader, listed: ListPage, since: str, until: str
) -> tuple[datetime | None, datetime | None]:
    """The period between those two filters; raises InputError for an empty one."""
    begin, end = _time(reader, listed, since, "since"), _time(reader, listed, until, "until")
    if begin is not None and end is not None and begin >= end:
        raise InputError(reader.say("audit.nothing_between"))
    return begin, end


def _time(reader: Reader, listed: ListPage, name: str, limit: typed_time.Limit) -> datetime | None:
    given = listed.asked.get(name)
    if given is None:
        return None
    return typed_time.read(given, reader.zone, reader.now, limit=limit)


def _seconds(reader: Reader, listed: ListPage, name: str) -> int | None:
    given = listed.asked.get(name)
    if given is None:
        return None
    if not _SECONDS.fullmatch(given):
        raise InputError(
            reader.say("filter.bad_number", name=reader.say(f"filter.{name}"), given=given)
        )
    return int(given)


def _buffered(here: RequestContext, reader: Reader, wanted: IncidentFilter) -> Iterator[bytes]:
    """The rows by a file, so that a slow reader holds no transaction open."""
    with tempfile.TemporaryFile(prefix="incidents-") as file:
        with here.reading() as connection:
            file.writelines(_rows(connection, reader, wanted))
        file.seek(0)
        while piece := file.read(_PIECE):
            yield piece


def _rows(connection: Connection, reader: Reader, wanted: IncidentFilter) -> Iterator[bytes]:
    yield _lines([_COLUMNS])
    for incidents in incident_list.all_incidents(connection, wanted):
        yield _lines(_cells(each, reader.zone) for each in incidents)


def _lines(rows: Iterable[Iterable[str]]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerows(rows)
    return buffer.getvalue().encode()


def _cells(incident: Incident, zone: tzinfo) -> list[str]:
    last = last_contact(incident)
    own = {
        **incident, "last_contact_at": last and last["occurred_at"],
        "last_outcome": last and last["outcome"],
    }  # fmt: skip
    cells = {**own, **{name: _moment(own[name], zone) for name in _MOMENTS}}
    return [guarded(str(cells[name] or "")) for name in _COLUMNS]


def _moment(moment: object, zone: tzinfo) -> str | None:
    """The time in the zone, with its offset from UTC (RFC 3339), so that each cell names it."""
    if moment is None:
        return None
    return datetime.fromisoformat(str(moment)).astimezone(zone).isoformat(timespec="seconds")
