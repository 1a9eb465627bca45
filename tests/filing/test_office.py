"""Office codes: their form, the city that they are of, and the servers' cities."""

import json
from datetime import date

import pytest

from incidents.filing.checks.finding import Finding
from incidents.filing.checks.items import check_office, offices

TODAY = date(2026, 3, 1)


def of(code: str, *cities: str) -> Finding:
    servers = {
        f"server.{n}": json.dumps({"city": city} if city else {}) for n, city in enumerate(cities)
    }
    (found,) = check_office({"office_code": code, **servers}, today=TODAY)
    return found


@pytest.mark.parametrize(
    ("city", "code"),
    [
        ("青岛", "370200000000"), ("北京", "110000000000"), ("杭州", "330100000000"),
        ("上海", "310113"), ("深圳", "440300000000"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("written", ["{}", "{}市"])
def test_the_listed_codes_are_those_of_their_cities(city: str, code: str, written: str) -> None:
    assert offices()[city] == code
    found = of(code, written.format(city))
    assert (found.verdict, found.code, found.facts) == ("ok", "office_ok", {"city": city})


@pytest.mark.parametrize(
    ("code", "cities", "verdict", "name"),
    [
        # Six digits and twelve say the same.
        ("310113000000", ("上海",), "ok", "office_ok"),
        ("440300", ("深圳",), "ok", "office_ok"),
        ("４４０３００", (), "ok", "office_ok"),
        # Without a server's city there is nothing to compare with.
        ("440300000000", (), "ok", "office_ok"),
        ("440300000000", ("",), "ok", "office_ok"),
        ("440300000000", ("广州", "深圳"), "ok", "office_ok"),
        ("440300000000", ("广州",), "suspect", "office_of_another_city"),
        ("310113", ("北京",), "suspect", "office_of_another_city"),
        ("310113", ("宝山",), "suspect", "office_of_another_city"),
        # A city that is not listed has the office that its area code names.
        ("440100000000", ("广州",), "ok", "office_ok"),
        ("320583000000", ("苏州",), "ok", "office_ok"),
        ("320583000000", ("昆山",), "ok", "office_ok"),
        ("320583000000", ("南京",), "suspect", "office_of_another_city"),
        # In a listed city, another office than the listed one.
        ("310101000000", ("上海",), "unknown", "office_not_listed"),
        ("370202000000", (), "unknown", "office_not_listed"),
        ("999900000000", ("深圳",), "unknown", "area_unknown"),
        ("110103000000", ("北京",), "unknown", "area_of_other_years"),
        ("31011", (), "wrong", "office_unreadable"),
        ("3101130", (), "wrong", "office_unreadable"),
        ("3101130000001", (), "wrong", "office_unreadable"),
        ("", (), "wrong", "office_unreadable"),
        ("shanghai", (), "wrong", "office_unreadable"),
    ],
)
def test_an_office_is_one_of_a_city_where_the_servers_stand(
    code: str, cities: tuple[str, ...], verdict: str, name: str
) -> None:
    found = of(code, *cities)
    assert (found.verdict, found.code, found.false) == (verdict, name, False)
