"""The charts of the overview, each bar with the address of the list that it counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal

from incidents.clock import rfc3339
from incidents.console import list_page, rendering
from incidents.console.figures import dates
from incidents.console.figures.chart import Chart, Series
from incidents.console.figures.quantities import span
from incidents.console.figures.svg import width
from incidents.console.rendering import Reader
from incidents.contract.documents.overview import Load, OfCategory, Overview, Spread
from incidents.locale.words import category_code

_MOST_CHARACTERS = 1_500
"""The maximum length of a list of categories in an address."""
_DAY = "24h"
"""The period of what is not counted for longer."""
_TICK = 50.0
"""The room below a column of a distribution, as `svg.width` measures."""
_Bounds = Sequence[tuple[str, str]]
"""The beginning and the end of each column, as an address names them."""


def overview_charts(
    reader: Reader, found: Overview, period: str, *, reads_record: bool
) -> list[Chart]:
    """The charts of the overview; `reads_record`: whether the reader may list its entries."""
    charts = (
        (period, _violations(reader, found)),
        (period, _closures(reader, found, linked=reads_record)),
        (period, _contact(reader, found)),
        (_DAY, _lateness(reader, found["lateness"])),
        (_DAY, _load(reader, found["load"], linked=reads_record)),
    )
    return [_of_period(reader, chart, of) for of, chart in charts]


def _of_period(reader: Reader, chart: Chart, period: str) -> Chart:
    length = reader.word("period", period)
    return replace(chart, title=reader.say("overview.titled", title=chart.title, period=length))


def _violations(reader: Reader, found: Overview) -> Chart:
    categories = found["violations"]["categories"]
    named = [each["category"] for each in categories if each["category"] is not None]
    bounds = _bounds(reader, found["begins"], found["end"], found["unit"])
    series = [
        Series(_category(reader, each), each["counts"], _behind_category(each, named, bounds))
        for each in categories
    ]
    return _over_time(reader, found, "violations", series)


def _behind_category(
    each: OfCategory, named: Sequence[str], bounds: _Bounds
) -> Sequence[str | None]:
    """The list of incidents behind each column of a category."""
    if each["other"]:
        others = list_page.joined(named)
        if len(others) > _MOST_CHARACTERS:
            return ()
        asked = {"category_not": others, "categorised": "yes"}
    elif each["category"] is None:
        asked = {"categorised": "no"}
    elif category_code(each["category"]) != each["category"]:
        # In an address its name means another category.
        return ()
    else:
        asked = {"category": each["category"]}
    return [
        _address(
            "/incidents", {**asked, "voided": "no", "occurred_since": begin, "occurred_until": end}
        )
        for begin, end in bounds
    ]


def _closures(reader: Reader, found: Overview, *, linked: bool) -> Chart:
    bounds = _exact(found["begins"], found["end"])
    series = [
        Series(
            reader.word("closed_by", each["rule"]), each["counts"],
            _entries(bounds, kind="site_closed", rule=each["rule"]) if linked else (),
        )
        for each in found["closures"]["rules"]
    ]  # fmt: skip
    return _over_time(reader, found, "closures", series)


def _over_time(
    reader: Reader,
    found: Overview,
    name: Literal["violations", "closures"],
    series: Sequence[Series],
) -> Chart:
    begins = _moments(found["begins"])
    labels = dates.labels(reader, begins, found["unit"])
    total = f"{found[name]['total']:,}"
    return Chart(
        key=name,
        title=reader.say(f"overview.{name}"),
        told=reader.say(f"overview.{name}.told", n=total, first=labels[0], last=labels[-1]),
        counted=reader.say(f"overview.{name}.axis"),
        across=reader.say(f"overview.{name}.{found['unit']}", zone=found["zone"]),
        labels=labels,
        ticks=dates.ticks(reader, begins, found["unit"]),
        series=series,
    )


def _contact(reader: Reader, found: Overview) -> Chart:
    spread = found["contact"]
    bounds = [round(bound) for bound in spread["bounds_s"]]
    lately: dict[str, str] = {"voided": "no", "since": found["begins"][0]}
    links = [
        _address("/incidents", {**lately, **_within(*limits)})
        for limits in pairwise((None, *bounds, None))
    ]
    return _spread(reader, spread, "contact", links)


def _lateness(reader: Reader, spread: Spread) -> Chart:
    return _spread(reader, spread, "lateness", (), most=span(reader, spread["most_s"]))


def _spread(
    reader: Reader, spread: Spread, name: str, links: Sequence[str | None], **figures: str
) -> Chart:
    """Chart the distribution of durations; the chart's description also states the figures."""
    bounds = [span(reader, bound) for bound in spread["bounds_s"]]
    return Chart(
        key=name,
        title=reader.say(f"overview.{name}"),
        told=reader.say(f"overview.{name}.told", n=f"{spread['count']:,}", **figures),
        counted=reader.say(f"overview.{name}.what"),
        across=reader.say(f"overview.{name}.axis"),
        labels=[f"≤ {bound}" for bound in bounds] + [f"> {bounds[-1]}"],
        ticks=[*(_tick("≤", bound) for bound in bounds), _tick(">", bounds[-1])],
        series=[Series(reader.say(f"overview.{name}.what"), spread["classes"], links)],
    )


def _tick(sign: str, bound: str) -> str:
    """The sign and the bound, without blanks where there is no room for them."""
    told = f"{sign} {bound}"
    return told if width(told) <= _TICK else f"{sign}{bound}".replace(" ", "")


def _load(reader: Reader, load: Load, *, linked: bool) -> Chart:
    begins = _moments(load["hours"])
    bounds = _exact(load["hours"], rfc3339(begins[-1] + timedelta(hours=1)))
    of_kind = {"logged": "incident_logged", "contacts": "contact_recorded"}
    counts = {"logged": load["logged"], "contacts": load["contacts"], "other": load["other"]}
    series = [
        Series(
            reader.say(f"overview.load.{name}"), each,
            _entries(bounds, kind=of_kind[name]) if linked and name in of_kind else (),
        )
        for name, each in counts.items()
    ]  # fmt: skip
    return Chart(
        key="load",
        title=reader.say("overview.load"),
        told=reader.say("overview.load.told", n=f"{sum(map(sum, counts.values())):,}"),
        counted=reader.say("overview.load.axis"),
        across=reader.say("overview.load.hour", zone=str(reader.zone)),
        labels=dates.labels(reader, begins, "hour"),
        ticks=dates.ticks(reader, begins, "hour"),
        series=series,
    )


def _category(reader: Reader, each: OfCategory) -> str:
    if each["other"]:
        return reader.say("overview.other")
    named = each["category"]
    return reader.say("overview.none") if named is None else reader.word("category", named)


def _entries(bounds: _Bounds, **asked: str) -> list[str]:
    """The entries on record behind each column."""
    return [_address("/audit", {**asked, "since": begin, "until": end}) for begin, end in bounds]


def _bounds(
    reader: Reader, begins: Sequence[str], end: str, unit: Literal["hour", "day"]
) -> _Bounds:
    """The bounds of each column; a day is its own beginning and end, and easier to read."""
    if unit == "hour":
        return _exact(begins, end)
    days = [moment.astimezone(reader.zone).date().isoformat() for moment in _moments(begins)]
    return [(day, day) for day in days]


def _exact(begins: Sequence[str], end: str) -> _Bounds:
    return list(pairwise((*begins, end)))


def _moments(times: Iterable[str]) -> list[datetime]:
    return [datetime.fromisoformat(each) for each in times]


def _within(over_s: int | None, within_s: int | None) -> dict[str, str]:
    limits = {"contact_over_s": over_s, "contact_within_s": within_s}
    return {name: str(limit) for name, limit in limits.items() if limit is not None}


def _address(path: str, asked: Mapping[str, str]) -> str:
    return f"{path}?{rendering.query(asked)}"
