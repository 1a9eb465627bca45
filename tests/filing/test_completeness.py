"""The completeness of a filing: what is missing and why, and a score that only rises."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.filing import finding as finding_words
from incidents.filing.checks import NEEDS, completeness
from incidents.filing.ip_addresses import STEPS
from incidents.filing.typed_details import CHOICES
from incidents.machine.filing import FIELDS

SERVER = json.dumps({"province": "北京", "city": "北京", "count": "2", "ip": "192.0.2.1"})
ALWAYS = {
    "subject_kind": "company", "subject_name": "x", "subject_number": "x", "responsible_name": "x",
    "responsible_number": "x", "responsible_phone": "x", "responsible_email": "x",
    "opened_on": "2026-01-01", "service_type": "shop", "level": "3", "nature": "non_commercial",
    "hosting": "other", "ip": "192.0.2.1", "access_provider": "x", "access_method": "other",
    "registrar": "x", "support_kind": "owner", "office_code": "110000000000", "server.web": SERVER,
    "document.contract": json.dumps({"kind": "access_contract"}),
}  # fmt: skip
COMMERCIAL = {
    "icp_number": "x", "icp_licence": "x", "contract_ip": "x", "resolved_ip": "x",
    "reported_ip": "x",
}  # fmt: skip

SOME = st.dictionaries(
    st.sampled_from(FIELDS), st.text(max_size=3) | st.sampled_from(sum(CHOICES.values(), ()))
)
ITEMS = st.dictionaries(
    st.sampled_from(["server.a", "server.b", "document.a", "document.b"]),
    st.fixed_dictionaries(
        {},
        optional={
            "province": st.sampled_from(["北京", ""]), "city": st.sampled_from(["北京", ""]),
            "count": st.sampled_from(["2", ""]),
            "kind": st.sampled_from(["access_contract", "other"]),
        },
    ).map(json.dumps)
    | st.text(max_size=3),
)  # fmt: skip


def missing(details: dict[str, str]) -> list[tuple[str, str]]:
    return [(each.field, each.why) for each in completeness(details).missing]


def test_a_filing_that_has_all_is_complete() -> None:
    found = completeness(ALWAYS)
    assert (found.score, found.missing) == (100, ())


def test_a_site_of_which_nothing_is_known_has_no_score() -> None:
    found = completeness({})
    assert found.score == 0
    assert len(found.missing) == len([need for need in NEEDS if not need.choice])


@pytest.mark.parametrize("key", ALWAYS)
def test_without_any_one_detail_it_is_not_complete(key: str) -> None:
    left = {name: text for name, text in ALWAYS.items() if name != key}
    found = completeness(left)
    assert found.score < 100
    assert {each.field for each in found.missing} == {key.partition(".")[0]}


def test_a_commercial_site_needs_a_licence_its_filing_and_the_addresses() -> None:
    commercial = ALWAYS | {"nature": "commercial"}
    assert missing(commercial) == [
        ("icp_number", "licence_needs_filing"),
        ("icp_licence", "paid_services"),
        ("contract_ip", "province_may_bind"),
        ("resolved_ip", "province_may_bind"),
        ("reported_ip", "province_may_bind"),
    ]
    assert completeness(commercial | COMMERCIAL).score == 100
    without_province = commercial | COMMERCIAL | {"server.web": SERVER.replace("province", "x")}
    assert missing(without_province) == [("server", "server_province")]


def test_a_company_that_supports_a_site_is_named() -> None:
    assert missing(ALWAYS | {"support_kind": "company"}) == [
        ("support_name", "support_is_company"),
        ("support_phone", "support_is_company"),
    ]


@pytest.mark.parametrize(
    ("details", "why"),
    [
        ({"server.web": "{}"}, ["server_place", "server_count"]),
        ({"server.web": "x"}, ["server_on_record", "server_place", "server_count"]),
        ({"server.web": '{"place": "x", "count": "1"}'}, []),
        ({"document.contract": '{"kind": "other"}'}, ["contract_is_filed"]),
        ({"nature": "purple"}, ["decides_licence"]),
        ({"registrar": " "}, ["is_filed"]),
    ],
)
def test_what_says_nothing_is_missing(details: dict[str, str], why: list[str]) -> None:
    assert [code for _, code in missing(ALWAYS | details)] == why


@given(SOME, ITEMS)
def test_the_score_is_100_exactly_if_nothing_is_missing(
    details: dict[str, str], items: dict[str, str]
) -> None:
    for found in (completeness(details | items), completeness(ALWAYS | details | items)):
        assert 0 <= found.score <= 100
        assert (found.score == 100) is (found.missing == ())


@given(SOME, ITEMS, SOME, ITEMS)
def test_no_detail_that_is_added_lowers_the_score(
    details: dict[str, str], items: dict[str, str], more: dict[str, str], more_items: dict[str, str]
) -> None:
    there = details | items
    score = completeness(there).score
    for key, text in (more | more_items).items():
        if key not in there:
            there[key] = text
            assert completeness(there).score >= score
            score = completeness(there).score


def test_each_reason_and_each_step_has_words_and_none_is_left_over() -> None:
    assert {need.why for need in NEEDS} == _group("need")
    assert set(STEPS) == _group("step")
    assert {need.field for need in NEEDS} <= _group("filed")


def _group(name: str) -> set[str]:
    found = finding_words.ENGLISH.phrases
    return {id_.removeprefix(f"{name}.") for id_ in found if id_.startswith(f"{name}.")}
