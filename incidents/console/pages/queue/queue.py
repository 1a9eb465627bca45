"""The page of the queue: the list beside the pane of one item, and the list alone."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from incidents.console import conditional_response, list_page
from incidents.console.pages.queue import queue_item, queue_list
from incidents.console.pages.queue.queue_view import QueueView
from incidents.console.request_context import Viewer
from incidents.errors import InputError, RefusedError

router = APIRouter()

Opened = Annotated[str | None, Query(max_length=100)]


@router.get("/")
def show(who: Viewer, item: Opened = None) -> Response:
    """Show the queue, with the pane of `item` beside it, or else of its first item."""
    view = QueueView.of(who, who.request.query_params)
    with who.timed() as (connection, here):
        saved = list_page.tabs(connection, here, view.listed)
    text, first, wrong = "", None, None
    try:
        written = queue_list.rendered(here, view)
        text, first = written.content()[0], written.first
    except (InputError, RefusedError) as error:
        wrong = list_page.wrong(here.reader, error)
    shown = item or first
    return here.page(
        "queue/queue", status=422 if wrong else 200, wrong=wrong, text=text, view=view,
        opened_item=item, shown=shown, pane=queue_item.pane(here, shown, view) if shown else "",
        **list_page.facts(here, view.listed, saved),
    )  # fmt: skip


@router.get("/queue/list")
def fresh(here: Viewer) -> Response:
    """Return only the list, for a page that is already open."""
    view = QueueView.of(here, here.request.query_params)
    written = queue_list.LISTS.of(here, view, here.request.app.state.changes)
    text, now = written.content()
    return conditional_response.response(here.request, text, written.text, now)
