"""The addresses of a filing: one or several IP addresses in a text, each in its shortest form."""

from __future__ import annotations

import ipaddress

from incidents.filing.checks.finding import Finding, wrong
from incidents.machine.filing import Details

SOURCE = "RFC 791, RFC 4291"
FIELDS = ("ip", "contract_ip", "resolved_ip", "reported_ip")

Addresses = frozenset[str]


def read(text: str) -> Addresses | None:
    """The addresses in a text, with spaces or commas between; None if something else is there."""
    words = text.replace(",", " ").replace("，", " ").replace("、", " ").split()
    try:
        found = frozenset(str(ipaddress.ip_address(word)) for word in words)
    except ValueError:
        return None
    return found or None


def shown(addresses: Addresses) -> str:
    """The addresses for people, in an order that is always the same."""
    return ", ".join(sorted(addresses))


def check(details: Details) -> list[Finding]:
    """A finding for each detail that is no list of addresses."""
    return [
        wrong(field, "address_unreadable", SOURCE)
        for field in FIELDS
        if field in details and read(details[field]) is None
    ]
