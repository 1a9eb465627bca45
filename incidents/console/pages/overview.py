"""The overview's page: today's numbers and the last thirty days, as charts with their tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from incidents.console.drawing.chart import Chart, Series
from incidents.console.request_context import Looking
from incidents.console.writing import Reader
from incidents.views.figures.overview import DAYS, overview

router = APIRouter()

Document = dict[str, Any]


@router.get("/overview")
def show(here: Looking) -> Response:
    """The page."""
    here.needs("look")
    with here.reading() as connection:
        here = here.timed(connection)
        found = overview(connection, here.reader.now, here.reader.zone)
    reader = here.reader
    return here.page(
        "overview",
        found=found,
        share=percent(found["contact"]["share"]),
        spans={
            name: {which: span(reader, found[name][f"{which}_s"]) for which in ("median", "p90")}
            for name in ("contact", "lateness")
        },
        charts=[
            _violations(reader, found), _closures(reader, found), _contact(reader, found),
            _lateness(reader, found), _load(reader, found),
        ],
    )  # fmt: skip


def span(reader: Reader, seconds: float | None) -> str:
    """A length of time as people say it, to two units; a dash for None."""
    if seconds is None:
        return "–"
    if seconds < 1:
        return f"{round(seconds * 1_000)} ms"
    whole, parts = round(seconds), []
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        n, whole = divmod(whole, size)
        if n:
            parts.append(f"{n} {reader.say(f'unit.{unit}')}")
    return " ".join(parts[:2])


def percent(share: float | None) -> str:
    """A share of 1 as people say it: 100 % is all of them, and nothing less."""
    if share is None:
        return "–"
    return "100 %" if share == 1 else f"{min(share * 100, 99.9):.1f} %"


def _violations(reader: Reader, found: Document) -> Chart:
    series = [
        Series(_category(reader, each), each["counts"])
        for each in found["violations"]["categories"]
    ]
    return _by_day(reader, found, "violations", series)


def _closures(reader: Reader, found: Document) -> Chart:
    rules = found["closures"]["rules"]
    series = [Series(reader.word("closed_by", each["rule"]), each["counts"]) for each in rules]
    return _by_day(reader, found, "closures", series)


def _by_day(reader: Reader, found: Document, name: str, series: Sequence[Series]) -> Chart:
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


def _category(reader: Reader, each: Document) -> str:
    if each["other"]:
        return reader.say("overview.other")
    return reader.say("overview.none") if each["category"] is None else str(each["category"])


def _contact(reader: Reader, found: Document) -> Chart:
    told = reader.say(
        "overview.contact.told", n=f"{found['contact']['count']:,}",
        median=span(reader, found["contact"]["median_s"]),
    )  # fmt: skip
    return _spread(reader, found["contact"], "contact", told)


def _lateness(reader: Reader, found: Document) -> Chart:
    told = reader.say(
        "overview.lateness.told", n=f"{found['lateness']['count']:,}",
        most=span(reader, found["lateness"]["most_s"]),
    )  # fmt: skip
    return _spread(reader, found["lateness"], "lateness", told)


def _spread(reader: Reader, spread: Document, name: str, told: str) -> Chart:
    bounds = [span(reader, bound) for bound in spread["bounds_s"]]
    return Chart(
        key=name,
        title=reader.say(f"overview.{name}", days=DAYS),
        told=told,
        across=reader.say("overview.span"),
        labels=[f"≤ {bound}" for bound in bounds] + [f"> {bounds[-1]}"],
        # There is room for the bound alone below a column.
        ticks=[*bounds, f"> {bounds[-1]}"],
        series=[Series(reader.say(f"overview.{name}.what"), spread["classes"])],
    )


def _load(reader: Reader, found: Document) -> Chart:
    load = found["load"]
    begins = [datetime.fromisoformat(hour).astimezone(reader.zone) for hour in load["hours"]]
    series = [
        Series(reader.say(f"overview.load.{name}"), load[name])
        for name in ("logged", "contacts", "other")
    ]
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
