"""The findings of a report: what each says, and the sites here that it may be about."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from incidents.clock import read_rfc3339, rfc3339
from incidents.errors import BadUrlError
from incidents.store.inbox.reports import Report
from incidents.values import web_address
from incidents.views.inbox.candidates import Asked, names_above

if TYPE_CHECKING:
    from incidents.contract.documents.reports import Finding


def of_reading(row: Report, reading: Mapping[str, Any]) -> list[Finding]:
    """The findings of the report with that reading; whoever looks them up adds the candidates."""
    return list(_of_reading(row, reading))


def whole(row: Report, reading: Mapping[str, Any]) -> Asked:
    """What the whole report names; no report names a time after it came in."""
    at = _first_at(row)
    addresses = dict.fromkeys(
        (each["address"], at if seen is None else min(read_rfc3339(seen), row.received_at))
        for each in reading.get("endpoints", ())
        for seen in [each["seen_at"]]
    )
    return Asked(_hosts(reading), list(addresses), at)


def asked(row: Report, of: Finding) -> Asked:
    """What the finding names; no finding was seen later than its report came in."""
    seen = of["seen_at"]
    at = _first_at(row) if seen is None else min(read_rfc3339(seen), row.received_at)
    hosts = [of["host"]] if of["host"] else []
    addresses = [(of["address"], at)] if of["address"] else []
    return Asked(hosts, addresses, at, is_one=True)


def left(findings: Sequence[Finding], done: Collection[str]) -> list[str]:
    """The sites that those findings may be about which are about none of the sites `done`."""
    found: dict[str, None] = {}
    ended = set(done)
    for each in findings:
        named = {*each["candidates"], *names_above(each["host"] or "")}
        if not named & ended:
            found |= dict.fromkeys(each["candidates"])
    return list(found)


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
