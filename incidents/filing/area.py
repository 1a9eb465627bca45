"""The provinces and area codes, with the characters and digits used in record numbers.

The names and periods of area codes are those of GB/T 2260 as tabled by python-stdnum.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from incidents.filing.finding import Finding, unknown


@dataclass(frozen=True, slots=True)
class Province:
    """One of the 31 provinces that issue record numbers.

    `characters`: the characters at the start of its numbers, first that of public-security numbers:
    川公网安备, but 蜀ICP备.
    """

    name: str
    characters: str
    area: str


PROVINCES = (
    Province("北京", "京", "11"),
    Province("天津", "津", "12"),
    Province("河北", "冀", "13"),
    Province("山西", "晋", "14"),
    Province("内蒙古", "蒙", "15"),
    Province("辽宁", "辽", "21"),
    Province("吉林", "吉", "22"),
    Province("黑龙江", "黑", "23"),
    Province("上海", "沪", "31"),
    Province("江苏", "苏", "32"),
    Province("浙江", "浙", "33"),
    Province("安徽", "皖", "34"),
    Province("福建", "闽", "35"),
    Province("江西", "赣", "36"),
    Province("山东", "鲁", "37"),
    Province("河南", "豫", "41"),
    Province("湖北", "鄂", "42"),
    Province("湖南", "湘", "43"),
    Province("广东", "粤", "44"),
    Province("广西", "桂", "45"),
    Province("海南", "琼", "46"),
    Province("重庆", "渝", "50"),
    Province("四川", "川蜀", "51"),
    Province("贵州", "贵黔", "52"),
    Province("云南", "滇云", "53"),
    Province("西藏", "藏", "54"),
    Province("陕西", "陕", "61"),
    Province("甘肃", "甘陇", "62"),
    Province("青海", "青", "63"),
    Province("宁夏", "宁", "64"),
    Province("新疆", "新", "65"),
)

CHARACTERS = "".join(province.characters for province in PROVINCES)


def of_character(character: str) -> Province | None:
    """The province whose record numbers begin with that character; None if there is none."""
    return _BY_CHARACTER.get(character)


def of_area(code: str) -> Province | None:
    """The province of an area code of at least two digits; None if there is none."""
    return _BY_AREA.get(code[:2])


def named(text: str) -> Province | None:
    """The province with that name, with or without 省, 市 or another suffix."""
    return next((each for each in PROVINCES if text.strip().startswith(each.name)), None)


_BY_CHARACTER = {each: province for province in PROVINCES for each in province.characters}
_BY_AREA = {province.area: province for province in PROVINCES}


SOURCE = "GB/T 2260, table of python-stdnum"
MUNICIPALITIES = ("11", "12", "31", "50")
"""The provinces that consist of one city."""

_SPAN = re.compile(r"(?:\[(?P<since>\d{4})?-(?P<until>\d{4})?\])?(?P<name>.+)")


@dataclass(frozen=True, slots=True)
class Span:
    """A name of an area code, and the first and last year of its use; None if unbounded."""

    since: int | None
    until: int | None
    name: str


@dataclass(frozen=True, slots=True)
class Area:
    """An area code in the table, with all its names."""

    spans: tuple[Span, ...]

    def name(self, year: int) -> str | None:
        """The area's name in a year; None if the code was not used in that year."""
        return next(
            (span.name for span in self.spans if (span.since or 0) <= year <= (span.until or 9999)),
            None,
        )

    @property
    def last_name(self) -> str:
        """The area's latest name."""
        return self.spans[-1].name

    @property
    def last_year(self) -> int | None:
        """The last year in which the code was used; None if it is still used."""
        ends = [span.until for span in self.spans]
        return None if None in ends else max(end for end in ends if end is not None)


@lru_cache(maxsize=8192)
def find(code: str) -> Area | None:
    """The area with a code of six digits; None if the table has none."""
    from stdnum import numdb

    parts = numdb.get("cn/loc").info(code[:6])
    facts = {name: value for _, properties in parts for name, value in properties.items()}
    if "county" not in facts or "province" not in facts:
        return None
    return Area(tuple(_spans(str(facts["county"]))))


def city(code: str) -> str | None:
    """The city of an area code, without 市, such as 深圳; None if the table has none."""
    if code[:2] in MUNICIPALITIES:
        province = of_area(code)
        return None if province is None else province.name
    area = find(f"{code[:4]}00")
    return None if area is None else area.last_name.removesuffix("市")


def warnings(field: str, code: str, year: int) -> list[Finding]:
    """A warning if the table lacks the area code, or has it only for other years."""
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
