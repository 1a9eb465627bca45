"""The queue over HTTP: what the desk must do now, and all that one holds given to another."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Query

from incidents import settings
from incidents.api import acts, answers, forms, problems
from incidents.api.caller import Caller, actor, looker
from incidents.api.incidents import duty_of_settings
from incidents.api.operation import JSON, operation, router
from incidents.api.paging import Cursor, Limit, Reveal
from incidents.desk.desk import MAX_BATCH
from incidents.machine import commands as c
from incidents.store import claims, keys

routes = router("queue")

Looking = Annotated[Caller, Depends(looker)]
Acting = Annotated[Caller, Depends(actor)]
Document = dict[str, Any]


@routes.get("/queue", **operation("look", answers.Queue))
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
    owed = duty_of_settings()
    with by.reading() as connection:
        found: Document = by.house.views.queue(
            connection, by.house.now(connection), mine=by.by if mine else None, limit=limit,
            after=cursor, reveal=reveal, report=owed,
        )  # fmt: skip
    found["next"] = found.pop("next_after")
    return JSON(found)


@routes.post("/queue/hand-over", **operation("hand_over", answers.HandedOver, acting=True))
def hand_over(by: Acting, shift: forms.Shift) -> JSON:
    """Give all that you hold to another person, at the end of a shift."""
    to = settings.check_person(forms.needed("name", shift.to, 100))
    by.needs("hand_over")
    wanted = _sites(by)
    given = []
    for start in range(0, len(wanted), MAX_BATCH):
        envelopes = [
            by.envelope(site, c.HandOver(by=by.by, to=to), _key(by, site))
            for site in wanted[start : start + MAX_BATCH]
        ]
        given += by.house.desk.submit(envelopes, dry_run=by.dry_run)
    # Let go by somebody else since we looked: nothing is left to give.
    refused = [a for a in given if a.refusal is not None and a.refusal.name != "nothing_held"]
    if refused:
        raise problems.refused(refused[0])
    done = [answer for answer in given if answer.refusal is None]
    return JSON({"items": acts.all_shown(by, done)})


def _sites(by: Caller) -> list[int]:
    """The sites on which they hold something; for a key that was used, those of then."""
    with by.reading() as connection:
        held = claims.sites_of(connection, by.by)
        before = [] if by.key is None else keys.sites_under(connection, f"{by.by}:{by.key}")
    # A batch is done whole or not at all: only after full ones can some have been left undone.
    return before if len(before) % MAX_BATCH else sorted({*before, *held})


def _key(by: Caller, site: int) -> str | None:
    return None if by.key is None else f"{by.key}:{site}"
