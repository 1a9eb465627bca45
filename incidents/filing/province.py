"""The provinces: the characters that stand for them in record numbers, their names as people write
them, and the two digits that their area codes begin with (GB/T 2260)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Province:
    """One of the 31 that keep record numbers.

    `characters` are those that its numbers begin with, the public-security ones' first: 川公网安备,
    but 蜀ICP备.
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
    """The province whose record numbers begin with that character."""
    return _BY_CHARACTER.get(character)


def of_area(code: str) -> Province | None:
    """The province that an area code, of two digits or more, lies in."""
    return _BY_AREA.get(code[:2])


def named(text: str) -> Province | None:
    """The province that a text names, with or without 省, 市 or what else stands behind."""
    written = text.strip()
    return next((each for each in PROVINCES if written.startswith(each.name)), None)


_BY_CHARACTER = {each: province for province in PROVINCES for each in province.characters}
_BY_AREA = {province.area: province for province in PROVINCES}
