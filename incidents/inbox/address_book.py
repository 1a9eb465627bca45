"""The address book as a file: one customer's site, domain or network a line (CSV).

`customer,site,domain,address,since,until`: a line names the customer, and one thing or several of
them; `address` is an IP address or a prefix; `since` and `until` are dates, or times (RFC 3339), or
empty. Another source, such as a billing system, gives `store.address_book.Holding` in the same way.
"""

from __future__ import annotations

import csv
import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, tzinfo

from incidents import clock
from incidents.errors import BadSiteNameError, Cause, InputError
from incidents.store.inbox.address_book import ALWAYS, Holding
from incidents.values import site_name

COLUMNS = ("customer", "site", "domain", "address", "since", "until")
MAX_CUSTOMER = 200

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


class BadBookError(InputError):
    """line {line} of the address book: {detail}"""


def read(lines: Iterable[str], zone: tzinfo = UTC) -> Iterator[Holding]:
    """Read the holdings of a file; a date alone is the beginning of that day in `zone`.

    Raises:
        BadBookError: for the first line that cannot be used; it names the value.
    """
    reader = csv.DictReader(lines, skipinitialspace=True)
    names = [name.strip().lower() for name in reader.fieldnames or ()]
    missing = [name for name in ("customer",) if name not in names]
    if missing or not set(names) & set(COLUMNS[1:4]):
        raise _bad(1, "header", "write the header {columns}", columns=",".join(COLUMNS))
    reader.fieldnames = names
    try:
        for row in reader:
            yield from _of_row(reader.line_num, row, zone)
    except csv.Error as error:
        raise _bad(reader.line_num, "not_csv", "not CSV ({error})", error=str(error)) from error


def _of_row(line: int, row: Mapping[str, str | None], zone: tzinfo) -> Iterator[Holding]:
    def text(name: str) -> str:
        return (row.get(name) or "").strip()

    customer = text("customer")
    if not customer or len(customer) > MAX_CUSTOMER:
        raise _bad(
            line, "customer", "customer is {value!r}: name the customer", value=customer[:80]
        )
    since = _time(line, "since", text("since"), zone) or ALWAYS
    until = _time(line, "until", text("until"), zone)
    if until is not None and until <= since:
        raise _bad(line, "order", "until is not after since")
    if text("site"):
        yield Holding("site", _name(line, "site", text("site")), customer, since, until)
    if text("domain"):
        yield Holding("domain", _name(line, "domain", text("domain")), customer, since, until)
    if text("address"):
        yield Holding("network", _network(line, text("address")), customer, since, until)


def _name(line: int, what: str, given: str) -> str:
    try:
        return site_name.read(given)
    except BadSiteNameError as error:
        bad = "{what} is {value!r}, not a name"
        raise _bad(line, "name", bad, what=what, value=given[:80]) from error


def _network(line: int, given: str) -> str:
    try:
        return str(ipaddress.ip_network(given, strict=False))
    except ValueError as error:
        bad = "address is {value!r}, neither an IP address nor a prefix such as 192.0.2.0/24"
        raise _bad(line, "address", bad, value=given[:80]) from error


def _time(line: int, what: str, given: str, zone: tzinfo) -> datetime | None:
    if not given:
        return None
    try:
        if _DATE.fullmatch(given):
            return datetime.fromisoformat(given).replace(tzinfo=zone).astimezone(UTC)
        return clock.parse_exact(given)
    except (InputError, ValueError, OverflowError) as error:
        bad = "{what} is {value!r}: write a date, or a time such as 2026-03-01T00:00:00+08:00"
        raise _bad(line, "time", bad, what=what, value=given[:80]) from error


def _bad(line: int, code: str, sentence: str, **facts: object) -> BadBookError:
    return BadBookError(line=line, detail=Cause.of(f"book_{code}", sentence, **facts))
