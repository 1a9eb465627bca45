"""The pages for the whole desk: today's numbers, and those of a period as charts.

The list of who has claimed which items, and the hand-over of your own items, are here too.
"""

from __future__ import annotations

from typing import Annotated, get_args

from fastapi import APIRouter, Query
from starlette.responses import Response

from incidents.console import messages
from incidents.console.figures.overview_charts import overview_charts
from incidents.console.figures.quantities import percent, span
from incidents.console.flash import Flash
from incidents.console.request_context import RequestContext, Viewer, needs
from incidents.console.submission import Submission, Submitted
from incidents.errors import InputError, RefusedError
from incidents.store import desk_state
from incidents.values import site_name
from incidents.views import accounts
from incidents.views.figures.columns import Period
from incidents.views.figures.overview import overview
from incidents.views.queue import work

router = APIRouter()


PERIODS: tuple[Period, ...] = get_args(Period)
_USUAL: Period = "30d"


@router.get("/overview")
def show(
    who: Viewer, range_: Annotated[str, Query(alias="range", max_length=10)] = _USUAL
) -> Response:
    """Show the overview of the period that the address names."""
    period: Period = next((each for each in PERIODS if each == range_), _USUAL)
    with who.timed() as (connection, here):
        found = overview(connection, here.reader.now, here.reader.zone, period)
    reader = here.reader
    return here.page(
        "overview",
        found=found, period=period, periods=PERIODS,
        share=percent(found["contact"]["share"]),
        spans={
            name: {"median": span(reader, of["median_s"]), "p90": span(reader, of["p90_s"])}
            for name, of in (("contact", found["contact"]), ("lateness", found["lateness"]))
        },
        # Who may not read the record has no list of its entries.
        charts=overview_charts(
            reader, found, period, reads_record=here.identity.may("export")
        ),
    )  # fmt: skip


SHIFT = "/hand-over"


class NobodyChosenError(RefusedError):
    """choose who takes over: another person with an account that may work at the desk"""


class NothingInHandError(RefusedError):
    """nothing to hand over: you have claimed nothing there"""


@router.get(SHIFT)
def show_shift(here: Viewer) -> Response:
    """Show who has claimed items, and the form for the hand-over."""
    return _shift_page(here)


@router.post(SHIFT, dependencies=needs("hand_over"))
def hand_over(desk: Submitted) -> Response:
    """Hand over the person's items, on one site or on all sites, to another person."""
    try:
        to, sites = _chosen(desk)
    except (InputError, RefusedError) as error:
        return _shift_page(desk, messages.of_error(desk.reader, error))
    answers = desk.hand_over(to, sites)
    refused = [answer.refusal for answer in answers if answer.refusal is not None]
    if refused:
        return _shift_page(desk, Flash("refused", messages.refusal_text(desk.reader, refused[0])))
    happened = [event for answer in answers for event in answer.document["events"]]
    n = sum(each["kind"] == "item_claimed" and each.get("holder") == to for each in happened)
    return desk.back(SHIFT, Flash("done", desk.reader.say("shift.given", n=n, to=to)))


def _chosen(desk: Submission) -> tuple[str, list[int]]:
    """Return the recipient and the sites."""
    desk.authorise("hand_over")
    to, name = desk.form.text("to"), desk.form.text("site")
    with desk.reading() as connection:
        held = work.sites_held(connection, desk.by)
        key = desk.key()
        given = [] if key is None else desk_state.sites_under(connection, key)
    if to is None or to == desk.by:
        raise NobodyChosenError
    # Items handed over already are no longer theirs; a repeated request gets the same answer.
    sites = given or [id_ for id_, each in held if name in (None, each)]
    if not sites:
        raise NothingInHandError
    return to, sites


def _shift_page(here: RequestContext, flash: Flash | None = None) -> Response:
    with here.reading() as connection:
        found = work.holders(connection)
        mine = work.sites_held(connection, here.by)
        takers = accounts.who_may(connection, "claim_item")
    return here.page(
        "shift", status=409 if flash else 200, flash=flash, path=SHIFT,
        holders=sorted(found, key=lambda each: each["by"] != here.by),
        mine=[(name, site_name.shown(name)) for _, name in mine],
        takers=[each for each in takers if each != here.by],
        typed=here.typed,
    )  # fmt: skip
