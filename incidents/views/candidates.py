"""The candidates: the sites here that a host may belong to."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import Connection

from incidents.store.cases import sites

_MOST_ABOVE = 8
"""The maximum number of parent names of a host that are looked up as sites."""


def sites_of_hosts(connection: Connection, hosts: Collection[str]) -> dict[str, str]:
    """The site of each host: the one called like the host, or like the nearest name above it.

    Hosts of no site are left out. The function takes one query.
    """
    above = {host: names_above(host) for host in hosts}
    names = {name for each in above.values() for name in each}
    known = sites.ids_by_name(connection, names) if names else {}
    found = ((host, next((name for name in each if name in known), None))
             for host, each in above.items())  # fmt: skip
    return {host: site for host, site in found if site is not None}


def names_above(host: str) -> list[str]:
    """The host and its parent names, the nearest name first."""
    labels = host.split(".")
    shorter = range(max(1, len(labels) - _MOST_ABOVE), len(labels))
    return [host, *(".".join(labels[n:]) for n in shorter)]


def in_order(hosts: Iterable[str], sites_: dict[str, str]) -> list[str]:
    """The sites of the hosts, each once, in the order of the hosts."""
    return list(dict.fromkeys(sites_[host] for host in hosts if host in sites_))
