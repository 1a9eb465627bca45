"""The findings of a report: what each says, and the sites here that it may be about."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Connection

from incidents.clock import read_rfc3339, rfc3339
from incidents.errors import BadUrlError
from incidents.store.inbox.reports import Report
from incidents.values import web_address
from incidents.views.inbox import candidates

if TYPE_CHECKING:
    from incidents.contract.documents.reports import Finding


def of_reports(
    connection: Connection, of: Iterable[tuple[Report, Mapping[str, Any]]]
) -> dict[int, list[Finding]]:
    """The findings of each report with that reading, by its number."""
    found = {row.id: list(_of_reading(row, reading)) for row, reading in of}
    first = {row.id: _first_at(row) for row, _ in of}
    received = {row.id: row.received_at for row, _ in of}
    asked = {
        (id_, n): _asked(each, first[id_], received[id_])
        for id_, findings in found.items()
        for n, each in enumerate(findings)
    }
    for (id_, n), sites in candidates.of_reports(connection, asked).items():
        found[id_][n]["candidates"] = sites
    return found


def as_one(row: Report, reading: Mapping[str, Any]) -> tuple[int, candidates.Asked]:
    """What the whole report names, with its number; no report names a time after it came in."""
    at = _first_at(row)
    addresses = dict.fromkeys(
        (each["address"], at if seen is None else min(read_rfc3339(seen), row.received_at))
        for each in reading.get("endpoints", ())
        for seen in [each["seen_at"]]
    )
    return row.id, candidates.Asked(_hosts(reading), list(addresses), at)


def left(findings: Sequence[Finding], done: Collection[str]) -> list[str]:
    """The sites that those findings may be about which are about none of the sites `done`."""
    own = (each["candidates"] for each in findings)
    return list(
        dict.fromkeys(site for sites in own if not set(sites) & set(done) for site in sites)
    )


def _first_at(row: Report) -> datetime:
    return min(row.seen_at or row.received_at, row.received_at)


def _hosts(reading: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys((*reading.get("hosts", ()), *reading.get("mentions", ()))))


def _of_reading(row: Report, reading: Mapping[str, Any]) -> Iterable[Finding]:
    for each in reading.get("rows", ()):
        host = each["host"] or _host_of(each["url"])
        yield cast("Finding", {**each, "host": host, "candidates": []})
    if reading.get("rows"):
        return
    hosts = dict.fromkeys(_hosts(reading))
    for url in reading.get("urls", ()):
        host = _host_of(url)
        hosts.pop(host or "", None)
        yield _said(row, url=url, host=host)
    for host in hosts:
        yield _said(row, host=host)
    for each in reading.get("endpoints", ()):
        seen = each["seen_at"]
        yield _said(row, address=each["address"], **({"seen_at": seen} if seen else {}))


def _said(row: Report, **own: str | None) -> Finding:
    """One of the findings to which all that the report says applies, except its `own`."""
    found: Any = {
        "url": None, "host": None, "address": None, "category": row.category,
        "seen_at": None if row.seen_at is None else rfc3339(row.seen_at), "candidates": [], **own,
    }  # fmt: skip
    return cast("Finding", found)


def _host_of(url: str | None) -> str | None:
    with suppress(BadUrlError):
        return None if url is None else web_address.host(web_address.read(url, bare=True))
    return None


def _asked(of: Finding, first: datetime, received_at: datetime) -> candidates.Asked:
    """What the finding names; no finding was seen later than its report came in."""
    seen = of["seen_at"]
    at = first if seen is None else min(read_rfc3339(seen), received_at)
    hosts = [of["host"]] if of["host"] else []
    addresses = [(of["address"], at)] if of["address"] else []
    return candidates.Asked(hosts, addresses, at, is_one=True)
