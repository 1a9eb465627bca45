"""The page of the queue: the list beside the pane of one item, and the list alone."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from incidents.console import unchanged
from incidents.console.pages import queue_item, queue_list
from incidents.console.pages.queue_list import After, Mine, Place
from incidents.console.request_context import Viewer

router = APIRouter()

Opened = Annotated[str | None, Query(max_length=100)]


@router.get("/")
def show(who: Viewer, mine: Mine = "", after: After = None, item: Opened = None) -> Response:
    """Show the queue, with the pane of `item` beside it, or else of its first item."""
    with who.timed() as (_, here):
        place = Place(here.by if mine else None, after or None)
    written = queue_list.rendered(here, place)
    shown = item or written.first
    return here.page(
        "queue", list=written.content()[0], place=place, opened_item=item, shown=shown,
        pane=queue_item.pane(here, shown, place) if shown else "",
    )  # fmt: skip


@router.get("/queue/list")
def fresh(here: Viewer, mine: Mine = "", after: After = None) -> Response:
    """Return only the list, for a page that is already open."""
    place = Place(here.by if mine else None, after or None)
    written = queue_list.LISTS.of(here, place, here.request.app.state.changes)
    text, now = written.content()
    return unchanged.response(here.request, text, written.text, now)
