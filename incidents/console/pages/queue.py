"""The page of the queue: open work, most urgent first, with one click for each outcome of a call.

The list is rendered once for all readers with the same role and language, until something changes.
Therefore two hundred consoles need only one query of the database after a change.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from secrets import token_hex
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from markupsafe import escape
from starlette.responses import HTMLResponse, Response

from incidents import clock, views
from incidents.accounts.identity import Identity
from incidents.console import forms, messages, rendering, submission
from incidents.console.changes import Changes
from incidents.console.pages import filing_view
from incidents.console.rendering import Reader
from incidents.console.request_context import RequestContext, Viewer
from incidents.console.submission import Submission, Submitted
from incidents.contract.documents.queue import QueueItem, QueuePage
from incidents.errors import InputError, RefusedError, UnknownTaskError
from incidents.machine import commands as c
from incidents.machine.command import OUTCOMES
from incidents.machine.filing import TERMS
from incidents.settings import police, sources
from incidents.store import entries
from incidents.store.cases import sites
from incidents.values import inputs
from incidents.values.ids import read_incident_id, task_number
from incidents.views.queue import alarm

router = APIRouter()

PAGE = 50
_CALLS = frozenset({"call", "keep_calling"})
_KEPT_S = 5.0
_MOST_KEPT = 64
_CSRF, _HOLDERS = token_hex(16), token_hex(16)
"""Placeholders in the shared list, for the reader's own CSRF token and for parts that only the
holder of an item sees."""

Mine = Annotated[Literal["", "1"], Query()]
After = Annotated[str | None, Query(max_length=100)]


@dataclass(frozen=True, slots=True)
class Place:
    """The part of the queue to show: all items or the person's own, and where to start."""

    mine: str | None
    after: str | None


class ListCache:
    """The lists as last rendered; each is kept until something changes, at most a few seconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[tuple[Any, ...], tuple[str, float, str]] = {}

    def of(self, here: RequestContext, place: Place, changes: Changes) -> str:
        """Return the list for a person with this role and language."""
        key = (here.identity.role, here.reader.language, place)
        version, now = changes.version, clock.now().timestamp()
        if version is None:
            return _rendered(here, place)
        with self._lock:
            kept = self._kept.get(key)
            if kept and kept[0] == version and 0 <= now - kept[1] < _KEPT_S:
                return kept[2]
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            written = _rendered(here, place)
            self._kept[key] = (version, now, written)
            return written


_lists = ListCache()


@router.get("/")
def show(who: Viewer, mine: Mine = "", after: After = None) -> Response:
    """Show the queue."""
    with who.timed() as (_, here):
        place = Place(here.by if mine else None, after or None)
    return here.page(
        "queue", list=_personalised(here, _rendered(here, place)), mine=bool(mine), after=after
    )


@router.get("/queue/list")
def fresh(here: Viewer, mine: Mine = "", after: After = None) -> Response:
    """Return only the list, for a page that is already open."""
    place = Place(here.by if mine else None, after or None)
    return _answer(_personalised(here, _lists.of(here, place, here.request.app.state.changes)))


@router.post("/queue/{item}/claim")
def claim(desk: Submitted, item: str) -> Response:
    """Claim the item, so that nobody else works on it."""
    return _do(desk, item, lambda rest: c.ClaimItem(by=desk.by, item=rest))


@router.post("/queue/{item}/release")
def release(desk: Submitted, item: str) -> Response:
    """Return the item to the queue."""
    return _do(desk, item, lambda rest: c.ReleaseItem(by=desk.by, item=rest))


@router.post("/queue/{item}/contact")
def contact(desk: Submitted, item: str) -> Response:
    """Record the outcome of a call that was made just now."""

    def record(rest: str) -> c.Command:
        if read_incident_id(item) is None:
            raise UnknownTaskError(given=item)
        outcome = desk.form.text("outcome") or ""
        return c.RecordContact(by=desk.by, incident=int(rest), outcome=outcome)

    return _do(desk, item, record, seen=True, steady=True)


@router.post("/queue/{item}/removed")
def removed(desk: Submitted, item: str) -> Response:
    """Record that the content was removed."""
    named = desk.form.text("incident") or item
    return _do(
        desk, item, lambda _: c.StateRemoved(by=desk.by, incident=inputs.incident(named)[1]),
        seen=True,
    )  # fmt: skip


@router.post("/queue/{item}/done")
def done(desk: Submitted, item: str) -> Response:
    """Complete the task with its outcome."""

    def complete(rest: str) -> c.Command:
        number = task_number(rest)
        if number is None:
            raise UnknownTaskError(given=item)
        note = submission.optional_text(desk.form, "note")
        outcome = submission.optional_text(desk.form, "outcome", limit=100)
        return c.CompleteTask(by=desk.by, task=number, outcome=outcome, note=note)

    return _do(desk, item, complete, seen=True)


@router.post("/queue/{item}/reveal")
def reveal(desk: Submitted, item: str) -> Response:
    """Show an item's phone numbers and addresses in full; the reveal goes on record first."""
    read = inputs.item(item)
    submission.reveal_on_record(desk, item)
    with desk.reading() as connection:
        found = views.item(connection, desk.app.now(connection), read, reveal=True)
    if found is None:
        raise UnknownTaskError(given=item)
    return rendering.response("revealed", desk.reader, item=found)


def _do(
    desk: Submission, item: str, command: Any, *, seen: bool = False, steady: bool = False
) -> Response:
    """Do the action and show the queue; if a colleague has claimed the item, ask first.

    `seen` is False for a claim and a release, for which the desk itself checks who has claimed the
    item.
    """
    try:
        site, rest = inputs.item(item)
        answer = desk.submit(
            site, command(rest), seen=seen, steady=steady,
            about=forms.only(rest) if seen else None,
        )  # fmt: skip
        flash = messages.of_answer(desk, answer, seen=desk.seen)
    except (InputError, RefusedError) as error:
        flash = messages.of_error(desk.reader, error)
    mine, after = desk.form.text("mine") == "1", desk.form.text("after")
    if "HX-Request" not in desk.request.headers:
        asked = rendering.query({"mine": "1" if mine else None, "after": after})
        return desk.back(f"/?{asked}" if asked else "/", flash)
    place = Place(desk.by if mine else None, after)
    update = rendering.render("flash_update", desk.reader, flash=flash)
    return _answer(_personalised(desk, _rendered(desk, place)) + update)


def _rendered(who: RequestContext, place: Place) -> str:
    """Render the current list."""
    owed = police.read(sources.section(police.SECTION))
    with who.timed() as (connection, here):
        found: QueuePage = views.queue(
            connection, here.reader.now, mine=place.mine, after=place.after, limit=PAGE,
            report=owed, when=here.reader.when,
        )  # fmt: skip
        ids = {int(item["id"].partition("-")[0]) for item in found["items"]}
        seen, newest = sites.entry_counts(connection, ids), entries.last_id(connection)
    anybody = Identity(handle="", role=here.identity.role)
    return rendering.render(
        "queue_list", here.reader, found=found,
        items=[_item(each, seen, here.reader) for each in found["items"]],
        newest=newest, place=place, outcomes=OUTCOMES, calls=_CALLS, me=anybody, holders=_HOLDERS,
        may=anybody.may, csrf=_CSRF, warnings=alarm.warnings_of(found, here.reader.now),
    )  # fmt: skip


def _item(item: QueueItem, seen: dict[int, int], reader: Reader) -> dict[str, object]:
    site_id = int(item["id"].partition("-")[0])
    return {
        **item, "seen": seen.get(site_id),
        "days": _days(item, reader),
        "warning": item["warning"] and reader.sentence(item["warning"], [item["site"]]),
    }  # fmt: skip


def _days(item: QueueItem, reader: Reader) -> int | None:
    """The days left of a filing's term; None for an item without a term."""
    if item["kind"] not in TERMS:
        return None
    return filing_view.days_left(reader, item["filing"][0])


def _personalised(here: RequestContext, written: str) -> str:
    """Put the reader's CSRF token into the shared list, and release buttons for their claims."""
    first, *rest = written.replace(_CSRF, here.csrf).split(_HOLDERS)
    me = str(escape(here.by))
    for holder, release, more in zip(rest[::3], rest[1::3], rest[2::3], strict=True):
        first += (release if holder == me else "") + more
    return first


def _answer(page: str) -> Response:
    return HTMLResponse(page, headers=rendering.HEADERS)
