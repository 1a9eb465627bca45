"""The area codes: six digits for a county, a city or a province, and the years in which they were
in use (GB/T 2260, as python-stdnum tables it)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from incidents.filing.finding import Finding, unknown
from incidents.filing.province import of_area

SOURCE = "GB/T 2260, table of python-stdnum"
MUNICIPALITIES = ("11", "12", "31", "50")
"""The provinces that are one city."""

_SPAN = re.compile(r"(?:\[(?P<since>\d{4})?-(?P<until>\d{4})?\])?(?P<name>.+)")


@dataclass(frozen=True, slots=True)
class Span:
    """What a code meant, from the first day of a year to the last of another.

    None is without end.
    """

    since: int | None
    until: int | None
    name: str

    def holds(self, year: int) -> bool:
        """Whether it meant that in a year."""
        return (self.since or 0) <= year <= (self.until or 9999)


@dataclass(frozen=True, slots=True)
class Area:
    """A code that is in the table, with all that it has meant."""

    code: str
    province: str
    spans: tuple[Span, ...]

    def name(self, year: int) -> str | None:
        """What it meant in a year; None if it was in use in other years alone."""
        return next((span.name for span in self.spans if span.holds(year)), None)

    @property
    def last_name(self) -> str:
        """What it meant last."""
        return self.spans[-1].name

    @property
    def last_year(self) -> int | None:
        """The last year in which it was in use; None if it still is."""
        ends = [span.until for span in self.spans]
        return None if None in ends else max(end for end in ends if end is not None)


@lru_cache(maxsize=8192)
def find(code: str) -> Area | None:
    """The area of a code of six digits; None if the table has none."""
    from stdnum import numdb

    parts = numdb.get("cn/loc").info(code[:6])
    facts = {name: value for _, properties in parts for name, value in properties.items()}
    if "county" not in facts or "province" not in facts:
        return None
    return Area(code[:6], str(facts["province"]), tuple(_spans(str(facts["county"]))))


def city(code: str) -> str | None:
    """The city that an area code lies in, without 市: 深圳; None if the table has none."""
    if code[:2] in MUNICIPALITIES:
        province = of_area(code)
        return None if province is None else province.name
    area = find(f"{code[:4]}00")
    return None if area is None else area.last_name.removesuffix("市")


def warnings(field: str, code: str, year: int) -> list[Finding]:
    """A warning if the table has no such area, or had it in other years alone."""
    here = find(code)
    if here is None:
        return [unknown(field, "area_unknown", SOURCE, area=code)]
    if here.name(year) is None:
        facts = {"area": code, "name": here.last_name, "year": str(year)}
        return [unknown(field, "area_of_other_years", SOURCE, **facts)]
    return []


def _spans(text: str) -> list[Span]:
    found = [_SPAN.fullmatch(each) for each in text.split(",")]
    return [
        Span(
            int(span["since"]) if span["since"] else None,
            int(span["until"]) if span["until"] else None,
            span["name"],
        )
        for span in found
        if span is not None
    ]
