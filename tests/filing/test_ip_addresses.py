"""The provinces' rules for the addresses of commercial sites, and what a changed one asks for."""

import json

import pytest

from incidents.filing.finding import Finding
from incidents.filing.ip_addresses import (
    REPORT_STEPS,
    STEPS,
    changed_address_checklist,
    check_address_rules,
    rules,
)

A, B, C = "192.0.2.1", "192.0.2.2", "192.0.2.3"


def found(
    *servers: dict[str, str], ips: tuple[str, str, str] = (A, A, A), **details: str
) -> list[Finding]:
    contract, resolved, reported = ips
    given = {
        "nature": "commercial", "contract_ip": contract, "resolved_ip": resolved,
        "reported_ip": reported,
    } | details | {f"server.{n}": json.dumps(each) for n, each in enumerate(servers)}  # fmt: skip
    return check_address_rules({key: text for key, text in given.items() if text})


def coded(each: list[Finding]) -> list[tuple[str, str, str]]:
    return [(one.verdict, one.field, one.code) for one in each]


def server(province: str, city: str = "", ip: str = A) -> dict[str, str]:
    return {"province": province, "city": city, "ip": ip}


@pytest.mark.parametrize("province", ["北京", "北京市", "辽宁", "辽宁省"])
@pytest.mark.parametrize(
    ("ips", "wrong"),
    [
        ((A, A, A), []),
        ((f"{A} {B}", f"{B}  {A}", f"{A},{B}"), []),
        (("2001:DB8:0::1",) * 2 + ("2001:db8::1",), []),
        ((B, A, A), ["contract_ip"]),
        ((A, A, B), ["reported_ip"]),
        ((A, B, A), ["contract_ip", "reported_ip"]),
        ((A, A, f"{A} {B}"), ["reported_ip"]),
    ],
)
def test_in_beijing_and_liaoning_the_three_addresses_are_one(
    province: str, ips: tuple[str, str, str], wrong: list[str]
) -> None:
    expected = [("wrong", field, "addresses_differ") for field in wrong]
    assert coded(found(server(province), ips=ips)) == (
        expected or [("ok", "contract_ip", "addresses_same")]
    )


@pytest.mark.parametrize("province", ["上海", "河北"])
@pytest.mark.parametrize(
    ("ips", "is_right"), [((A, A, B), True), ((A, A, ""), True), ((B, A, A), False)]
)
def test_in_shanghai_and_hebei_the_contract_s_is_the_one_that_the_name_points_to(
    province: str, ips: tuple[str, str, str], is_right: bool
) -> None:
    assert coded(found(server(province), ips=ips)) == (
        [("ok", "contract_ip", "addresses_contract")]
        if is_right
        else [("wrong", "contract_ip", "addresses_differ")]
    )


@pytest.mark.parametrize(
    ("ips", "wrong"),
    [
        ((A, A, A), []),
        ((A, B, f"{A} {B}"), []),
        ((C, A, A), ["contract_ip"]),
        ((A, f"{A} {C}", C), ["resolved_ip", "reported_ip"]),
    ],
)
def test_in_guangdong_all_three_are_addresses_of_its_servers_on_record(
    ips: tuple[str, str, str], wrong: list[str]
) -> None:
    inventory = server("广东", "广州", A), server("广东", "东莞", B)
    expected = [("wrong", field, "address_not_in_inventory") for field in wrong]
    each = found(*inventory, ips=ips)
    assert coded(each) == (expected or [("ok", "contract_ip", "addresses_inventory")])
    assert all(one.facts["addresses"] == C for one in each if one.verdict == "wrong")


def test_shenzhen_has_no_rule_though_it_lies_in_guangdong() -> None:
    each = found(server("广东", "深圳"), server("广东", "深圳市"), ips=(A, B, C))
    assert coded(each) == [("ok", "contract_ip", "province_binds_nothing")]


@pytest.mark.parametrize("cities", [("",), ("深圳", "广州"), ("深圳", ""), ("广州", "")])
def test_in_guangdong_the_city_decides_and_has_to_be_known(cities: tuple[str, ...]) -> None:
    each = found(*(server("广东", city) for city in cities))
    assert coded(each) == [("unknown", "contract_ip", "city_decides")]


def test_another_province_binds_nothing() -> None:
    each = found(server("浙江"), ips=(A, B, C))
    assert coded(each) == [("ok", "contract_ip", "province_binds_nothing")]


@pytest.mark.parametrize(
    ("servers", "code"),
    [
        ((), "no_server_on_record"),
        ((server(""),), "server_without_province"),
        ((server("北京"), server("")), "server_without_province"),
        ((server("北京"), server("上海")), "several_provinces"),
    ],
)
def test_without_one_province_nobody_can_tell_which_rule_holds(
    servers: tuple[dict[str, str], ...], code: str
) -> None:
    assert coded(found(*servers, ips=(A, B, C))) == [("unknown", "contract_ip", code)]


@pytest.mark.parametrize(
    ("ips", "missing"),
    [
        (("", A, A), "contract_ip"),
        ((A, "", A), "resolved_ip"),
        ((A, A, ""), "reported_ip"),
        (("x", A, A), "contract_ip"),
    ],
)
def test_an_address_that_a_province_binds_has_to_be_on_record(
    ips: tuple[str, str, str], missing: str
) -> None:
    assert coded(found(server("北京"), ips=ips)) == [("unknown", missing, "bound_address_missing")]


@pytest.mark.parametrize("nature", ["non_commercial", ""])
def test_no_rule_holds_for_a_site_that_is_not_commercial(nature: str) -> None:
    assert found(server("北京"), ips=(A, B, C), nature=nature) == []


@pytest.mark.parametrize(
    ("licence", "province", "is_wrong"),
    [
        ("京ICP证150476号", "河北", True),
        ("京B2-20090059", "河北", True),
        ("京ICP证150476号", "北京", False),
        ("京ICP证150476号", "", False),
        ("沪B2-20090059", "河北", False),
        ("B2-20090059", "河北", False),
        ("none", "河北", False),
    ],
)
def test_beijing_wants_the_server_of_a_site_that_it_licenses_in_beijing(
    licence: str, province: str, is_wrong: bool
) -> None:
    each = coded(found(server(province), icp_licence=licence))
    assert (("wrong", "server.0", "server_elsewhere") in each) is is_wrong


def test_each_rule_binds_in_a_known_way_and_belongs_to_a_province() -> None:
    assert set(rules()) == {"北京", "辽宁", "广东", "上海", "河北"}
    assert {rule.bind for rule in rules().values()} == {"same", "contract", "inventory"}


@pytest.mark.parametrize(
    ("province", "city", "is_reported"),
    [
        ("北京", "", True), ("辽宁省", "", True), ("上海市", "", True), ("河北", "石家庄", True),
        ("广东", "", True), ("广东", "广州", True), ("广东", "深圳", False),
        ("广东", "深圳市", False), ("浙江", "杭州", False), ("", "", False),
    ],
)  # fmt: skip
def test_a_changed_address_is_reported_where_it_is_bound_and_changes_the_contract_everywhere(
    province: str, city: str, is_reported: bool
) -> None:
    steps = changed_address_checklist(province, city)
    assert steps == (STEPS if is_reported else ("change_contract",))
    assert (set(REPORT_STEPS) <= set(steps)) is is_reported
