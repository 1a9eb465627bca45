"""The candidates: the sites that a report may be about, by the register and the address book.

The register comes first: a site called like a host, or like the nearest name above it. For other
hosts and for addresses the address book says whose they were at the time that the report names. Of
an address that customers share, the sites of all are candidates, and a person chooses.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from incidents.store.cases import sites
from incidents.store.inbox import address_book
from incidents.store.inbox.address_book import Holding, Kind, networks_above

_MOST_ABOVE = 8
"""The maximum number of parent names of a host that are looked up."""
_MOST = 20
"""The maximum number of candidates of a report."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a report names: hosts and IP addresses, and the time (UTC) when it saw the content."""

    hosts: Sequence[str]
    addresses: Sequence[str]
    at: datetime


def of_reports(connection: Connection, asked: Mapping[int, Asked]) -> dict[int, list[str]]:
    """The candidates of each report, the surest first, at most twenty.

    The function takes a query for the register, and two for each report that the register does not
    know and the address book may.
    """
    hosts = {host for each in asked.values() for host in each.hosts}
    registered = sites_of_hosts(connection, hosts)
    has_book = bool(asked) and address_book.count(connection) > 0
    found = {}
    for id_, each in asked.items():
        own = in_order(each.hosts, registered)
        left = [host for host in each.hosts if host not in registered]
        if has_book and (left or each.addresses):
            own += _of_book(connection, left, each.addresses, each.at)
        found[id_] = list(dict.fromkeys(own))[:_MOST]
    return found


def sites_of_hosts(connection: Connection, hosts: Collection[str]) -> dict[str, str]:
    """The site of each host: the one called like the host, or like the nearest name above it.

    Hosts of no site are left out. The function takes one query.
    """
    above = {host: names_above(host) for host in hosts}
    names = {name for each in above.values() for name in each}
    known = sites.ids_by_name(connection, names) if names else {}
    found = {
        host: next((name for name in each if name in known), None) for host, each in above.items()
    }
    return {host: site for host, site in found.items() if site is not None}


def names_above(host: str) -> list[str]:
    """The host and its parent names, the nearest name first."""
    labels = host.split(".")
    shorter = range(max(1, len(labels) - _MOST_ABOVE), len(labels))
    return [host, *(".".join(labels[n:]) for n in shorter)]


def in_order(hosts: Iterable[str], sites_: Mapping[str, str]) -> list[str]:
    """The sites of the hosts, each once, in the order of the hosts."""
    return list(dict.fromkeys(sites_[host] for host in hosts if host in sites_))


def _of_book(
    connection: Connection, hosts: Sequence[str], addresses: Sequence[str], at: datetime
) -> list[str]:
    """The sites of the customers who had the hosts or the addresses at that time."""
    lines: list[list[tuple[Kind, str]]] = [
        [each for name in names_above(host) for each in (("site", name), ("domain", name))]
        for host in hosts[:_MOST]
    ]
    lines += [[("network", each) for each in networks_above(one)] for one in addresses[:_MOST]]
    wanted = {key for line in lines for key in line}
    if not wanted:
        return []
    held: dict[tuple[Kind, str], list[Holding]] = {}
    for each in address_book.of_values(connection, wanted, at):
        held.setdefault((each.kind, each.value), []).append(each)
    # The nearest name, or the longest prefix, that anybody had.
    firsts = (next((held[key] for key in line if key in held), None) for line in lines)
    nearest = [each for each in firsts if each is not None]
    customers = {each.customer for some in nearest for each in some}
    own: dict[str, list[str]] = {}
    for each in address_book.sites_of(connection, customers, at):
        own.setdefault(each.customer, []).append(each.value)
    found: list[str] = []
    for some in nearest:
        for each in some:
            named = [each.value] if each.kind in ("site", "domain") else []
            found += named if each.kind == "site" else own.get(each.customer, named)
    return found
