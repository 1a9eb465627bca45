"""The pane of an item of the queue: whom to call, the outcomes, and what happened last."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from secrets import token_hex
from typing import Any
from urllib.parse import parse_qsl

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from incidents import views
from incidents.console import conditional_response, forms, messages, rendering, submission
from incidents.console.pages.queue import held_act, queue_list, queue_report
from incidents.console.pages.queue.queue_view import QueueView
from incidents.console.rendering import Reader
from incidents.console.request_context import RequestContext, Viewer
from incidents.console.submission import Submission, Submitted
from incidents.contract.documents.queue import QueueItem
from incidents.contract.documents.sites import Line
from incidents.errors import InputError, RefusedError, UnknownTaskError
from incidents.locale import refusals
from incidents.machine import commands as c
from incidents.machine.command import OUTCOMES
from incidents.store.cases import sites
from incidents.values import inputs
from incidents.values.ids import read_incident_id, task_number
from incidents.views import masked

router = APIRouter()

_CALLS = frozenset({"call", "keep_calling"})
_RIGHTS = {
    "call": "record_contact", "keep_calling": "record_contact", "check_removal": "state_removed",
    "closure": "confirm_closure", "disputed": "uphold", "reinstatement": "approve",
}  # fmt: skip
"""The right to do each kind of work; the rest are tasks, which `complete_task` completes."""
_CSRF = token_hex(16)
"""A placeholder for the CSRF token, which is new each time: no tag of a pane counts it."""
_STORY = 6
"""The number of events that the pane shows, the newest first."""


@router.get("/queue/{item}")
def show(here: Viewer, item: str) -> Response:
    """Return the pane, for the page that is open; otherwise go to the page that has it."""
    view = QueueView.of(here, here.request.query_params)
    if "HX-Request" not in here.request.headers:
        return RedirectResponse(view.path(item), status_code=303, headers=rendering.HEADERS)
    text = _pane(here, item, view)
    return conditional_response.response(
        here.request, text.replace(_CSRF, here.csrf), text.replace(_CSRF, "")
    )


def pane(who: RequestContext, item: str, view: QueueView) -> str:
    """Render the pane; an item that is no longer in the queue has a pane that says so."""
    return _pane(who, item, view).replace(_CSRF, who.csrf)


def _pane(who: RequestContext, item: str, view: QueueView) -> str:
    report = queue_report.number(item)
    if report is not None:
        return queue_report.pane(who, report, view)
    try:
        read = inputs.item(item)
    except UnknownTaskError:
        read = (0, "")
    with who.timed() as (connection, here):
        reader = here.reader
        found = views.item(connection, reader.now, read, when=reader.when) if read[0] else None
        name = None if found or not read[0] else sites.name_of(connection, read[0])
        seen = sites.entry_counts(connection, {read[0]}).get(read[0])
        story = _story(connection, found, read[0], seen or 0, reader) if found else []
    shown = {} if found is None else _shown(found, reader)
    right = _RIGHTS.get(found["kind"], "complete_task") if found else "look"
    only_for = "" if who.identity.may(right) else refusals.roles_for(right, reader.spoken)
    others = who.request.app.state.changes.presence.note(item, who.by) if found else []
    return rendering.render(
        "queue/queue_item", reader, item=shown, id=item, site=name, seen=seen, story=story,
        view=view, others=reader.spoken.comma.join(others), outcomes=OUTCOMES, calls=_CALLS,
        only_for=only_for, me=who.identity, may=who.identity.may, csrf=_CSRF,
    )  # fmt: skip


def _shown(item: QueueItem, reader: Reader) -> dict[str, Any]:
    warning = queue_list.warning(item, reader)
    return {**item, "days": queue_list.days(item, reader), "warning": warning}


def _story(
    connection: Connection, item: QueueItem, site: int, seen: int, reader: Reader
) -> list[Line]:
    """The latest events of the item's incident, or else of its site; the newest first."""
    key = read_incident_id(item["incident"] or "")
    if key is None:
        lines = views.timeline(
            connection, site, now=reader.now, zone=reader.zone, language=reader.spoken,
            after=max(0, seen - _STORY),
        )  # fmt: skip
        return masked.document(list(islice(lines, _STORY))[::-1])
    found = views.newest_of_story(
        connection, *key, now=reader.now, zone=reader.zone, language=reader.spoken, most=_STORY
    )
    return masked.document(found.lines[::-1])


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
    """Record the outcome of a call at the moment of the click, which the page may have held."""

    def record(rest: str) -> c.Command:
        if read_incident_id(item) is None:
            raise UnknownTaskError(given=item)
        outcome = desk.form.text("outcome") or ""
        at = held_act.clicked_at(desk)
        return c.RecordContact(by=desk.by, incident=int(rest), outcome=outcome, at=at)

    return _do(desk, item, record, seen=True, steady=True, is_held=True)


@router.post("/queue/{item}/removed")
def removed(desk: Submitted, item: str) -> Response:
    """Record that the content was removed."""
    named = desk.form.text("incident") or item

    def state(_rest: str) -> c.Command:
        incident = inputs.incident(named)[1]
        return c.StateRemoved(by=desk.by, incident=incident, at=held_act.clicked_at(desk))

    return _do(desk, item, state, seen=True, is_held=True)


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
    desk: Submission,
    item: str,
    command: Callable[[str], c.Command],
    *,
    seen: bool = False,
    steady: bool = False,
    is_held: bool = False,
) -> Response:
    """Do the action; answer with the list, the pane and the result, in one exchange.

    If a colleague has claimed the item, ask first. `seen` is False for a claim and a release, for
    which the desk itself checks who has claimed the item. `is_held`: the page may have held the
    act. The form's `then` names the item whose pane is open by now.
    """
    try:
        site, rest = inputs.item(item)
        asked = command(rest)
        if is_held:
            answer = held_act.submit(desk, site, asked, item=rest, steady=steady)
        else:
            about = forms.only(rest) if seen else None
            answer = desk.submit(site, asked, seen=seen, steady=steady, about=about)
        flash = messages.of_answer(desk, answer, seen=desk.seen)
    except (InputError, RefusedError) as error:
        flash = messages.of_error(desk.reader, error)
    sent = {name: desk.form.text(name) or "" for name in ("mine", "after", "filter")}
    view = QueueView.of(desk, {**dict(parse_qsl(sent["filter"])), **sent})
    if "HX-Request" not in desk.request.headers:
        return desk.back(view.path(item), flash)
    text, now = queue_list.rendered(desk, view).content()
    opened = pane(desk, desk.form.text("then") or item, view)
    update = rendering.render("flash_update", desk.reader, flash=flash)
    return conditional_response.response(desk.request, text + opened + update, now=now)
