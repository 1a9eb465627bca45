"""The changed address: what is still to be done when a commercial site has moved to another IP, as
an upgraded or re-installed virtual host does (domain.md, section 5)."""

from __future__ import annotations

from collections.abc import Iterator

from incidents.filing.checks import address
from incidents.filing.checks.address_rules import (
    CONTRACT_STEP,
    REPORT,
    STEPS,
    changed_address_checklist,
)
from incidents.filing.checks.item import servers
from incidents.machine import filing
from incidents.machine.filing import Details

_SITE = ("resolved_ip", "ip")
"""Where the site is: what the name points to goes before what is filed."""

_DONE_BY = dict.fromkeys(REPORT, "reported_ip") | {CONTRACT_STEP: "contract_ip"}


def to_do(details: Details, changes: Details) -> tuple[str, ...]:
    """The steps that are left after those changes, as codes in their order; none, if no address of
    a commercial site became another one by them. What is put on record for the first time has not
    changed."""
    after = filing.changed(details, changes)
    if after.get("nature") != "commercial" or not _has_moved(details, after):
        return ()
    wanted = {step for steps in _lists(after) for step in steps} or {CONTRACT_STEP}
    here = next((address.read(after[key]) for key in _SITE if key in after), None)
    return tuple(
        step
        for step in STEPS
        if step in wanted and (here is None or address.read(after.get(_DONE_BY[step], "")) != here)
    )


def _has_moved(before: Details, after: Details) -> bool:
    was, now = dict(_addresses(before)), dict(_addresses(after))
    return any(was[key] != now[key] for key in was.keys() & now.keys())


def _addresses(details: Details) -> Iterator[tuple[str, address.Addresses]]:
    written = [(key, details[key]) for key in address.FIELDS if key in details]
    written += [(server.key, server.get("ip")) for server in servers(details)]
    for key, text in written:
        found = address.read(text)
        if found is not None:
            yield key, found


def _lists(details: Details) -> Iterator[tuple[str, ...]]:
    for server in servers(details):
        yield changed_address_checklist(server.province, server.city)
