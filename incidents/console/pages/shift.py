"""The shift's page: who holds what of the queue, and the hand-over of what one holds."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from incidents.console import messages
from incidents.console.flash import Said
from incidents.console.request_context import Acting, Doing, Looking, Sitting, needs
from incidents.errors import InputError, RefusedError
from incidents.store.desk import command_keys
from incidents.values import site_name
from incidents.views import accounts
from incidents.views.queue import holders

router = APIRouter()
Document = dict[str, Any]

PATH = "/hand-over"


class NobodyChosenError(RefusedError):
    """choose who takes it over: somebody else who may come in and work at the desk"""


class NothingInHandError(RefusedError):
    """you hold nothing there: there is nothing to hand over"""


@router.get(PATH)
def show(here: Looking) -> Response:
    """The page."""
    here.needs("look")
    return _page(here)


@router.post(PATH, dependencies=needs("hand_over"))
def hand_over(desk: Doing) -> Response:
    """Gives what they hold, on one site or on all, to somebody else."""
    try:
        to, sites = _chosen(desk)
    except (InputError, RefusedError) as error:
        return _page(desk, messages.refused(desk.reader, error))
    answers = desk.hand_over(to, sites)
    refused = [answer.refusal for answer in answers if answer.refusal is not None]
    if refused:
        return _page(desk, Said("refused", messages.refusal_of(desk.reader, refused[0])))
    happened = [event for answer in answers for event in answer.document["events"]]
    n = sum(each["kind"] == "item_claimed" and each["holder"] == to for each in happened)
    return desk.back(PATH, Said("done", desk.reader.say("shift.given", n=n, to=to)))


def _chosen(desk: Acting) -> tuple[str, list[int]]:
    """To whom, and of which sites."""
    desk.proves("hand_over")
    to, name = desk.given.text("to"), desk.given.text("site")
    with desk.reading() as connection:
        held = holders.sites_held(connection, desk.by)
        key = desk.key()
        given = [] if key is None else command_keys.sites_under(connection, key)
    if to is None or to == desk.by:
        raise NobodyChosenError
    # What was given already is theirs no more, and is to be told again to who asks again.
    sites = given or [id_ for id_, each in held if name in (None, each)]
    if not sites:
        raise NothingInHandError
    return to, sites


def _page(here: Sitting, said: Said | None = None) -> Response:
    with here.reading() as connection:
        found = holders.holders(connection)
        mine = holders.sites_held(connection, here.by)
        takers = accounts.who_may(connection, "claim_item")
    return here.page(
        "shift", status=409 if said else 200, said=said, path=PATH,
        holders=sorted(found, key=lambda each: each["by"] != here.by),
        mine=[(name, site_name.shown(name)) for _, name in mine],
        takers=[each for each in takers if each != here.by], shown=site_name.shown,
        typed=here.typed,
    )  # fmt: skip
