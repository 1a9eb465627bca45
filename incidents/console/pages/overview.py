"""The pages for the whole desk: today's numbers, and the last thirty days as charts.

The list of who has claimed which items, and the hand-over of your own items, are here too.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from fastapi import APIRouter
from starlette.responses import Response

from incidents.console import messages
from incidents.console.chart import Chart, Series
from incidents.console.flash import Flash
from incidents.console.rendering import Reader
from incidents.console.request_context import RequestContext, Viewer, needs
from incidents.console.submission import Submission, Submitted
from incidents.contract.documents.overview import Load, OfCategory, Overview, Spread
from incidents.errors import InputError, RefusedError
from incidents.store import desk_state
from incidents.values import site_name
from incidents.views import accounts
from incidents.views.overview import DAYS, overview
from incidents.views.queue import work

router = APIRouter()


@router.get("/overview")
def show(who: Viewer) -> Response:
    """Show the overview."""
    with who.timed() as (connection, here):
        found = overview(connection, here.reader.now, here.reader.zone)
    reader = here.reader
    categories = [
        Series(_category(reader, each), each["counts"])
        for each in found["violations"]["categories"]
    ]
    rules = [
        Series(reader.word("closed_by", each["rule"]), each["counts"])
        for each in found["closures"]["rules"]
    ]
    return here.page(
        "overview",
        found=found,
        share=percent(found["contact"]["share"]),
        spans={
            name: {"median": span(reader, of["median_s"]), "p90": span(reader, of["p90_s"])}
            for name, of in (("contact", found["contact"]), ("lateness", found["lateness"]))
        },
        charts=[
            _by_day(reader, found, "violations", categories),
            _by_day(reader, found, "closures", rules),
            _spread(reader, found["contact"], "contact", "median"),
            _spread(reader, found["lateness"], "lateness", "most"), _load(reader, found["load"]),
        ],
    )  # fmt: skip


def span(reader: Reader, seconds: float | None) -> str:
    """Write a length of time with two units; None becomes a dash."""
    if seconds is None:
        return "–"
    if seconds < 1:
        return f"{round(seconds * 1_000)} ms"
    whole, parts = round(seconds), []
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        n, whole = divmod(whole, size)
        if n:
            parts.append(reader.say(f"unit.{unit}", n=n))
    return " ".join(parts[:2])


def percent(share: float | None) -> str:
    """Write a share between 0 and 1 as a percentage; only an exact 1 becomes 100 %."""
    if share is None:
        return "–"
    return "100 %" if share == 1 else f"{min(share * 100, 99.9):.1f} %"


def _by_day(
    reader: Reader,
    found: Overview,
    name: Literal["violations", "closures"],
    series: Sequence[Series],
) -> Chart:
    days = found["days"]
    return Chart(
        key=name,
        title=reader.say(f"overview.{name}", days=DAYS),
        told=reader.say(
            f"overview.{name}.told", n=f"{found[name]['total']:,}", first=days[0], last=days[-1]
        ),
        across=reader.say("overview.day"),
        labels=days,
        ticks=[day[5:] for day in days],
        series=series,
    )


def _category(reader: Reader, each: OfCategory) -> str:
    if each["other"]:
        return reader.say("overview.other")
    named = each["category"]
    return reader.say("overview.none") if named is None else reader.word("category", named)


def _spread(reader: Reader, spread: Spread, name: str, figure: Literal["median", "most"]) -> Chart:
    """Chart the distribution of durations; the chart's description also states `figure`."""
    named = {figure: span(reader, spread["median_s" if figure == "median" else "most_s"])}
    bounds = [span(reader, bound) for bound in spread["bounds_s"]]
    return Chart(
        key=name,
        title=reader.say(f"overview.{name}", days=DAYS),
        told=reader.say(f"overview.{name}.told", n=f"{spread['count']:,}", **named),
        across=reader.say("overview.span"),
        labels=[f"≤ {bound}" for bound in bounds] + [f"> {bounds[-1]}"],
        # There is room for the bound alone below a column.
        ticks=[*bounds, f"> {bounds[-1]}"],
        series=[Series(reader.say(f"overview.{name}.what"), spread["classes"])],
    )


def _load(reader: Reader, load: Load) -> Chart:
    begins = [datetime.fromisoformat(hour).astimezone(reader.zone) for hour in load["hours"]]
    counts = {"logged": load["logged"], "contacts": load["contacts"], "other": load["other"]}
    series = [Series(reader.say(f"overview.load.{name}"), each) for name, each in counts.items()]
    total = sum(sum(each.counts) for each in series)
    return Chart(
        key="load",
        title=reader.say("overview.load"),
        told=reader.say("overview.load.told", n=f"{total:,}"),
        across=reader.say("overview.hour"),
        labels=[f"{begin:%m-%d %H:%M}" for begin in begins],
        ticks=[f"{begin:%H:%M}" for begin in begins],
        series=series,
    )


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
