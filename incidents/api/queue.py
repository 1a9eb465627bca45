"""The queue over HTTP: what the desk must do now, and who has it in hand."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from incidents import inputs, report_duty, settings
from incidents.api.caller import Caller, actor, caller
from incidents.errors import UnknownTaskError
from incidents.machine import commands as c

router = APIRouter(tags=["queue"])

Looking = Annotated[Caller, Depends(caller)]
Acting = Annotated[Caller, Depends(actor)]
Document = dict[str, Any]


class Done(BaseModel, extra="forbid"):
    """How a task ended."""

    outcome: str | None = Field(None, max_length=100)
    note: str | None = Field(None, max_length=inputs.MAX_TEXT_CHARACTERS)


@router.get("/queue")
def queue(
    by: Looking,
    mine: bool = False,
    reveal: bool = False,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 50,
    after: Annotated[str | None, Query(max_length=100)] = None,
) -> Document:
    """What must happen now, most urgent first; `reveal` shows numbers and addresses whole."""
    by.needs("look")
    if reveal:
        by.needs("reveal", about="queue")
    owed = report_duty.read(settings.section(report_duty.SECTION))
    with by.reading() as connection:
        found: Document = by.house.views.queue(
            connection, by.house.now(connection), mine=by.by if mine else None, limit=limit,
            after=after, reveal=reveal, report=owed,
        )  # fmt: skip
    return found


@router.post("/queue/{item}/claim")
def claim(by: Acting, item: str) -> Document:
    """Take an item, so that nobody else works on it."""
    site, rest = inputs.item(item)
    return by.submit(site, c.ClaimItem(by=by.by, item=rest))


@router.post("/queue/{item}/release")
def release(by: Acting, item: str) -> Document:
    """Give an item back."""
    site, rest = inputs.item(item)
    return by.submit(site, c.ReleaseItem(by=by.by, item=rest))


@router.post("/queue/{item}/done")
def done(by: Acting, item: str, how: Done) -> Document:
    """Complete a task, such as 12-t2, with its outcome."""
    site, rest = inputs.item(item)
    if not rest.startswith("t"):
        raise UnknownTaskError(given=item)
    outcome = None if how.outcome is None else inputs.text("outcome", limit=100)(how.outcome)
    note = None if how.note is None else inputs.text("note")(how.note)
    return by.submit(site, c.CompleteTask(by=by.by, task=int(rest[1:]), outcome=outcome, note=note))
