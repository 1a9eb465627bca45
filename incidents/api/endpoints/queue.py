"""The queue over HTTP: what the desk must do now, and all that one holds given to another."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Path, Query

from incidents.api import bodies, problems
from incidents.api.caller import Caller
from incidents.api.endpoints import actions
from incidents.api.entrance import actor, looker
from incidents.api.operation import JSON, operation, router
from incidents.api.parameters import Cursor, Limit, Reveal
from incidents.contract.documents import queue as queue_answers
from incidents.contract.hints import with_commands
from incidents.errors import NoSuchTaskError
from incidents.machine import commands as c
from incidents.settings import sources
from incidents.values import inputs

routes = router("queue")

Looking = Annotated[Caller, Depends(looker)]
Acting = Annotated[Caller, Depends(actor)]
Document = dict[str, Any]


@routes.get("/queue", **operation("look", queue_answers.Queue))
def queue(
    by: Looking,
    mine: Annotated[bool, Query(description="Only what you have claimed.")] = False,
    reveal: Reveal = False,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> JSON:
    """What must happen now, most urgent first."""
    if reveal:
        by.reveals("queue")
    owed = by.house.report_duty
    with by.reading() as connection:
        found: Document = by.house.views.queue(
            connection, by.house.now(connection), mine=by.by if mine else None, limit=limit,
            after=cursor, reveal=reveal, report=owed,
        )  # fmt: skip
    found["items"] = [with_commands(each) for each in found["items"]]
    found["next"] = found.pop("next_after")
    return JSON(found)


@routes.get("/queue/{item}", **operation("look", queue_answers.Item))
def item(
    by: Looking,
    item: Annotated[str, Path(max_length=300, description="Such as 12-3 or 12-t2.")],
    reveal: Reveal = False,
) -> JSON:
    """One item of the queue: for who asks for one number, and shall not be shown a page of them."""
    of = inputs.item(item)
    if reveal:
        by.reveals(item.strip())
    with by.reading() as connection:
        found = by.house.views.item(connection, by.house.now(connection), of, reveal=reveal)
    if found is None:
        raise NoSuchTaskError(given=item.strip())
    return JSON(with_commands(found))


@routes.post("/queue/hand-over", **operation("hand_over", queue_answers.HandedOver, acting=True))
def hand_over(by: Acting, shift: bodies.Shift) -> JSON:
    """Give all that you hold to another person, at the end of a shift."""
    to = sources.check_person(bodies.required_text("name", shift.to, 100))
    by.needs("hand_over")
    by.counts(1)
    order = by.envelope(0, c.HandOver(by=by.by, to=to))
    given = by.house.hand_over(order, dry_run=by.dry_run)
    refused = [answer for answer in given if answer.refusal is not None]
    if refused:
        raise problems.refused(refused[0], by.when)
    return JSON({"items": actions.told(by.house, given)})
