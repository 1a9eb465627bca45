"""The IP addresses of a filing: their format, the provinces' rules, and changes of an address.

The rules for the addresses of commercial sites are a table of data, by the province of the servers
on record. When a commercial site gets another IP address, as after an upgrade or reinstallation of
a virtual host, its owner must take further steps (specification B.12).
"""

from __future__ import annotations

import ipaddress
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources

from incidents.filing.area import named, of_character
from incidents.filing.finding import Finding, ok, unknown, wrong
from incidents.filing.items import Item, servers
from incidents.filing.record_number import read_icp, read_licence
from incidents.machine import filing
from incidents.machine.filing import Details

FORM_SOURCE = "RFC 791, RFC 4291"
ADDRESS_FIELDS = ("ip", "contract_ip", "resolved_ip", "reported_ip")

Addresses = frozenset[str]


def read_addresses(text: str) -> Addresses | None:
    """The addresses in a text, separated by spaces or commas; None if the text is invalid."""
    words = text.replace(",", " ").replace("，", " ").replace("、", " ").split()
    try:
        found = frozenset(str(ipaddress.ip_address(word)) for word in words)
    except ValueError:
        return None
    return found or None


def shown_addresses(addresses: Addresses) -> str:
    """The addresses for display, in a fixed order."""
    return ", ".join(sorted(addresses))


def check_addresses(details: Details) -> list[Finding]:
    """A finding for each address detail that is not a list of addresses."""
    return [
        wrong(field, "address_unreadable", FORM_SOURCE)
        for field in ADDRESS_FIELDS
        if field in details and read_addresses(details[field]) is None
    ]


RULE_SOURCE = "specification B.4"

SAME, CONTRACT, INVENTORY = "same", "contract", "inventory"
_NEEDED = {
    SAME: ("contract_ip", "resolved_ip", "reported_ip"),
    CONTRACT: ("contract_ip", "resolved_ip"),
    INVENTORY: ("contract_ip", "resolved_ip", "reported_ip"),
}

REPORT_STEPS = ("change_site_filing", "say_address_changed", "submit_for_first_review")
"""The steps to report a changed address, in provinces where the filing is bound to an address."""

CONTRACT_STEP = "change_contract"
"""The step to change the contract, which names the address in every province."""

STEPS = (*REPORT_STEPS, CONTRACT_STEP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """The rules of a province; `free_cities`: the cities in which they do not apply."""

    province: str
    bind: str
    free_cities: tuple[str, ...] = ()
    server_here: bool = False


@cache
def rules() -> dict[str, Rule]:
    """The rules of each province, by the name of the province, such as 广东."""
    text = (resources.files("incidents.filing") / "address_rules.toml").read_text(encoding="utf-8")
    return {
        province: Rule(
            province=province,
            bind=table["bind"],
            free_cities=tuple(table.get("free_cities", ())),
            server_here=table.get("server_here", False),
        )
        for province, table in tomllib.loads(text).items()
    }


def changed_address_checklist(province: str, city: str = "") -> tuple[str, ...]:
    """The steps after a change of a commercial site's address, as codes in order."""
    here = named(province)
    rule = rules().get(here.name if here is not None else province.strip())
    if rule is None or city.strip().removesuffix("市") in rule.free_cities:
        return (CONTRACT_STEP,)
    return STEPS


def check_address_rules(details: Details) -> list[Finding]:
    """The findings on a commercial site's addresses, and on the locations of its servers."""
    if details.get("nature") != "commercial":
        return []
    on_record = servers(details)
    elsewhere = _outside_beijing(details, on_record)
    provinces = {server.province for server in on_record}
    if not on_record:
        return [*elsewhere, unknown("contract_ip", "no_server_on_record", RULE_SOURCE)]
    if "" in provinces:
        return [*elsewhere, unknown("contract_ip", "server_without_province", RULE_SOURCE)]
    if len(provinces) > 1:
        several = ", ".join(sorted(provinces))
        return [
            *elsewhere, unknown("contract_ip", "several_provinces", RULE_SOURCE, provinces=several),
        ]  # fmt: skip
    return [*elsewhere, *_in_province(details, provinces.pop(), on_record)]


def _outside_beijing(details: Details, on_record: list[Item]) -> list[Finding]:
    """The findings on servers outside Beijing, which a site filed in Beijing must not have.

    The province of a site is that of its licence, otherwise that of its ICP filing.
    """
    licence = read_licence(details.get("icp_licence", ""))
    number = licence or read_icp(details.get("icp_number", ""))
    home = None if number is None else of_character(number.province)
    rule = None if home is None else rules().get(home.name)
    if rule is None or not rule.server_here:
        return []
    return [
        wrong(
            server.key,
            "server_elsewhere",
            "specification B.7",
            province=rule.province,
            stands=server.province,
        )
        for server in on_record
        if server.province not in {"", rule.province}
    ]


def _in_province(details: Details, province: str, on_record: list[Item]) -> list[Finding]:
    rule = rules().get(province)
    if rule is None and named(province) is None:
        return [unknown("contract_ip", "province_not_known", RULE_SOURCE, province=province)]
    if rule is None:
        return [ok("contract_ip", "province_binds_nothing", RULE_SOURCE, province=province)]
    cities = {server.city for server in on_record}
    free = cities & set(rule.free_cities)
    if free and free == cities:
        place = ", ".join(sorted(free))
        return [ok("contract_ip", "province_binds_nothing", RULE_SOURCE, province=place)]
    if rule.free_cities and (free or "" in cities):
        facts = {"province": province, "free": ", ".join(rule.free_cities)}
        return [unknown("contract_ip", "city_decides", RULE_SOURCE, **facts)]
    return _by(rule, details, on_record)


def _by(rule: Rule, details: Details, on_record: list[Item]) -> list[Finding]:
    read = {field: read_addresses(details.get(field, "")) for field in _NEEDED[rule.bind]}
    missing = [field for field, addresses in read.items() if addresses is None]
    if missing:
        return [
            unknown(field, "bound_address_missing", RULE_SOURCE, province=rule.province)
            for field in missing
        ]
    known = {field: addresses for field, addresses in read.items() if addresses is not None}
    broken = (
        _not_in_inventory(rule, known, on_record)
        if rule.bind == INVENTORY
        else _not_in_dns(rule, known)
    )
    return broken or [
        ok("contract_ip", f"addresses_{rule.bind}", RULE_SOURCE, province=rule.province)
    ]


def _not_in_dns(rule: Rule, known: dict[str, Addresses]) -> list[Finding]:
    """The findings on filed addresses that differ from the one in DNS, which visitors use."""
    resolved = known["resolved_ip"]
    return [
        wrong(
            field,
            "addresses_differ",
            RULE_SOURCE,
            province=rule.province,
            addresses=shown_addresses(addresses),
            resolved=shown_addresses(resolved),
        )
        for field, addresses in known.items()
        if addresses != resolved
    ]


def _not_in_inventory(
    rule: Rule, known: dict[str, Addresses], on_record: list[Item]
) -> list[Finding]:
    listed = [read_addresses(server.get("ip")) or frozenset() for server in on_record]
    here: Addresses = frozenset().union(*listed)
    return [
        wrong(
            field,
            "address_not_in_inventory",
            RULE_SOURCE,
            province=rule.province,
            addresses=shown_addresses(addresses - here),
        )
        for field, addresses in known.items()
        if not addresses <= here
    ]


_SITE = ("resolved_ip", "ip")
"""The details with the site's addresses: the address in DNS takes precedence over the filed one."""

_DONE_BY = dict.fromkeys(REPORT_STEPS, "reported_ip") | {CONTRACT_STEP: "contract_ip"}


def remaining_steps(details: Details, changes: Details) -> tuple[str, ...]:
    """The steps that remain after those changes of details, as codes in order.

    There are none unless an address of a commercial site changed; the first address is not a
    change.
    """
    after = filing.changed(details, changes)
    if after.get("nature") != "commercial" or not _has_moved(details, after):
        return ()
    wanted = {
        step
        for server in servers(after)
        for step in changed_address_checklist(server.province, server.city)
    } or {CONTRACT_STEP}
    here = next((read_addresses(after[key]) for key in _SITE if key in after), None)
    return tuple(
        step
        for step in STEPS
        if step in wanted
        and (here is None or read_addresses(after.get(_DONE_BY[step], "")) != here)
    )


def _has_moved(before: Details, after: Details) -> bool:
    was, now = dict(_addresses_by_key(before)), dict(_addresses_by_key(after))
    return any(was[key] != now[key] for key in was.keys() & now.keys())


def _addresses_by_key(details: Details) -> Iterator[tuple[str, Addresses]]:
    written = [(key, details[key]) for key in ADDRESS_FIELDS if key in details]
    written += [(server.key, server.get("ip")) for server in servers(details)]
    for key, text in written:
        found = read_addresses(text)
        if found is not None:
            yield key, found
