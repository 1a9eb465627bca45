"""Items: office codes and the servers' cities, the access contract, and documents that expire."""

import json
from datetime import date

import pytest

from incidents.filing.finding import Finding
from incidents.filing.items import DOCUMENT_KINDS, check_documents, check_office, offices

TODAY = date(2026, 3, 1)


def office_finding(code: str, *cities: str) -> Finding:
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
    found = office_finding(code, written.format(city))
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
    found = office_finding(code, *cities)
    assert (found.verdict, found.code, found.false) == (verdict, name, False)


CONTRACT = json.dumps({"kind": "access_contract", "digest": "0" * 64, "size": "1"})


def document_findings(details: dict[str, str]) -> list[tuple[str, str, str]]:
    return [(each.verdict, each.field, each.code) for each in check_documents(details, today=TODAY)]


@pytest.mark.parametrize(
    ("day", "verdict", "code"),
    [
        ("2026-02-28", "wrong", "document_expired"),
        # Its last day it holds to the end.
        ("2026-03-01", "suspect", "document_expires"),
        ("2026-03-31", "suspect", "document_expires"),
        ("2026-04-01", "ok", "document_holds"),
        ("2026-02-30", "wrong", "expiry_unreadable"),
        ("20260401", "wrong", "expiry_unreadable"),
        ("soon", "wrong", "expiry_unreadable"),
    ],
)
def test_a_document_is_to_be_renewed_within_30_days_of_its_end(
    day: str, verdict: str, code: str
) -> None:
    document = json.dumps({"kind": "idc_licence", "expires_on": day})
    assert document_findings({"document.a": document}) == [(verdict, "document.a", code)]


def test_a_filed_site_has_its_access_contract_on_record() -> None:
    assert document_findings({"filed_on": "2026-02-01"}) == [
        ("wrong", "filed_on", "filed_without_contract")
    ]
    assert document_findings({"filed_on": "2026-02-01", "document.c": CONTRACT}) == [
        ("ok", "document.c", "contract_present")
    ]
    assert document_findings({"opened_on": "2026-02-01"}) == []


@pytest.mark.parametrize("kind", DOCUMENT_KINDS)
def test_each_kind_of_document_is_known(kind: str) -> None:
    assert "document_kind_unknown" not in str(
        document_findings({"document.a": json.dumps({"kind": kind})})
    )


def test_a_kind_that_is_none_of_them_is_a_warning() -> None:
    assert document_findings({"document.a": json.dumps({"kind": "poem"})}) == [
        ("unknown", "document.a", "document_kind_unknown")
    ]


@pytest.mark.parametrize(
    "text", ["", "x", "[]", '"x"', '{"kind": 1}', "[" * 100_000, "1" * 5_000, '{"kind": null}']
)
@pytest.mark.parametrize("key", ["server.a", "document.a"])
def test_an_item_that_cannot_be_read_is_wrong(key: str, text: str) -> None:
    assert document_findings({key: text}) == [("wrong", key, "item_unreadable")]
