"""What is still to be done when a commercial site has moved to another IP."""

import json

import pytest

from incidents.filing.ip_addresses import CONTRACT_STEP, REPORT_STEPS, STEPS, remaining_steps

A, B = "192.0.2.1", "192.0.2.2"


def site(province: str = "北京", city: str = "", **details: str) -> dict[str, str]:
    """A commercial site that is at A, by its contract and by what was reported."""
    server = {"province": province, "city": city, "ip": A}
    given = {
        "nature": "commercial", "contract_ip": A, "resolved_ip": A, "reported_ip": A,
        "server.main": json.dumps(server),
    } | details  # fmt: skip
    return {key: text for key, text in given.items() if text}


@pytest.mark.parametrize("province", ["北京", "辽宁", "广东", "上海", "河北"])
def test_a_changed_address_is_reported_and_the_contract_changed(province: str) -> None:
    assert remaining_steps(site(province), {"resolved_ip": B}) == STEPS


@pytest.mark.parametrize(("province", "city"), [("浙江", ""), ("广东", "深圳")])
def test_where_no_province_binds_the_address_the_contract_alone_is_changed(
    province: str, city: str
) -> None:
    assert remaining_steps(site(province, city), {"resolved_ip": B}) == (CONTRACT_STEP,)


def test_an_address_of_a_server_that_changes_is_a_change() -> None:
    moved = {"server.main": json.dumps({"province": "北京", "ip": B})}
    assert remaining_steps(site(resolved_ip=B, contract_ip=A, reported_ip=A), moved) == STEPS


def test_what_is_on_record_as_done_is_no_step() -> None:
    moved = site(resolved_ip=B)
    assert remaining_steps(moved, {"contract_ip": B}) == REPORT_STEPS
    assert remaining_steps(moved, {"reported_ip": B}) == (CONTRACT_STEP,)
    assert remaining_steps(site(), {"resolved_ip": B, "contract_ip": B, "reported_ip": B}) == ()


def test_without_the_address_that_the_name_points_to_the_filed_one_is_where_the_site_is() -> None:
    assert remaining_steps(site(resolved_ip="", ip=A), {"ip": B, "contract_ip": B}) == REPORT_STEPS
    assert remaining_steps(site(resolved_ip=""), {"contract_ip": B}) == STEPS


@pytest.mark.parametrize(
    ("details", "changes"),
    [
        (site(nature="non_commercial"), {"resolved_ip": B}),
        (site(), {"resolved_ip": f" {A}"}),
        (site(), {"responsible_name": "Li"}),
        (site(resolved_ip=""), {"resolved_ip": B}),
        (site(), {"resolved_ip": ""}),
        (site(), {"resolved_ip": "somewhere"}),
    ],
)
def test_what_moves_no_commercial_site_asks_for_nothing(
    details: dict[str, str], changes: dict[str, str]
) -> None:
    assert remaining_steps(details, changes) == ()


def test_a_site_whose_servers_nobody_knows_has_its_contract_to_change() -> None:
    assert remaining_steps(site(**{"server.main": ""}), {"resolved_ip": B}) == (CONTRACT_STEP,)
