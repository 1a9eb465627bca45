"""The unreported: the page of the incidents of which the police are to be told still."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from incidents.console.request_context import Looking
from incidents.settings import police, sources
from incidents.values import site_name
from incidents.views.queue import police as duty

router = APIRouter()


@router.get("/unreported")
def show(here: Looking) -> Response:
    """What is to be reported, the longest overdue first: as many as a view ever gives."""
    here.needs("look")
    owed = police.read(sources.section(police.SECTION))
    with here.reading() as connection:
        here = here.timed(connection)
        found = duty.duties(connection, here.reader.now, owed, limit=duty.MAX_PAGE)
    return here.page(
        "unreported", items=found["items"], summary=found["summary"], shown=site_name.shown,
        more=len(found["items"]) == duty.MAX_PAGE,
    )  # fmt: skip
