"""Imports into a server: the findings in a history, and customer lists with filings."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, cast

from incidents.client.desk import facts
from incidents.client.faults import NoDeskError
from incidents.client.http import Exchange, part
from incidents.client.record import LONG_S
from incidents.clock import rfc3339
from incidents.errors import Cause, InputError
from incidents.machine.policy import write_duration
from incidents.machine.refusal import Refusal
from incidents.values import web_address

if TYPE_CHECKING:
    from incidents.contract.documents.filings import FilingPreset, TakenRow
    from incidents.contract.documents.policies import Imported
    from incidents.filing.finding import Finding as FilingFinding
    from incidents.filing.lists.customer_list import Customer
    from incidents.history.customers import RowResult
    from incidents.history.importing import Tally
    from incidents.history.reports import Finding


HISTORY_ROWS_AT_ONCE, HISTORY_BYTES_AT_ONCE = 1_000, 1_000_000
"""The maximum number of rows, and of their bytes, in one request: the caller waits for the
answer."""

HistoryRow = tuple[int, str]
"""The line number of a row in the file, and the row as JSON."""


class ManyAtOnceError(InputError):
    """a server accepts at most {limit:,} reports at a time, but {count:,} are about {site} at {at}:
    give them different times"""


def import_findings(
    exchange: Exchange,
    findings: Sequence[Finding],
    *,
    group_within: timedelta | None,
    skip_bad: bool,
    dry_run: bool,
    done: Callable[[int], object] = lambda _: None,
) -> Tally:
    """Import findings that were grouped with `group_within`; return the tally.

    After each part, once the part is on the server's disk, `done` is called with the number of its
    rows.

    Raises:
        ManyAtOnceError: if one request cannot hold all rows of one site and time.
        ProblemError, ServerError: as for every request to a server.
    """
    from incidents.history.importing import Tally

    tally = Tally()
    words = {
        "skip_bad": skip_bad,
        "group_within": None if group_within is None else write_duration(group_within),
    }
    for rows in _parts(findings):
        found, _ = exchange.exchange(
            "POST", "/import", words={"history": "".join(row for _, row in rows), **words},
            query={"dry_run": dry_run or None}, within_s=LONG_S,
        )  # fmt: skip
        _add_to_tally(tally, cast("Imported", found), [line for line, _ in rows])
        done(len(rows))
    sites = dict.fromkeys(finding.report.site for finding in findings)
    tally.sites = {site: tally.sites[site] for site in sites if site in tally.sites}
    tally.refused.sort(key=lambda refused: refused[0])
    return tally


def _parts(findings: Sequence[Finding]) -> Iterator[list[HistoryRow]]:
    """Split the rows so that rows of one site and time stay in the same part.

    Only rows in the same request can be told apart or merged correctly.
    """
    rows: list[HistoryRow] = []
    size = 0
    ordered = sorted(findings, key=_moment)
    for (site, at), together in groupby(ordered, key=_moment):
        more = [row for finding in together for row in _rows_of_finding(finding)]
        if len(more) > HISTORY_ROWS_AT_ONCE:
            raise ManyAtOnceError(
                limit=HISTORY_ROWS_AT_ONCE, count=len(more), site=site, at=rfc3339(at)
            )  # fmt: skip
        own = sum(len(row.encode()) for _, row in more)
        if rows and (
            len(rows) + len(more) > HISTORY_ROWS_AT_ONCE or size + own > HISTORY_BYTES_AT_ONCE
        ):
            yield rows
            rows, size = [], 0
        rows += more
        size += own
    if rows:
        yield rows


def _moment(finding: Finding) -> tuple[str, datetime]:
    return finding.report.site, finding.report.occurred_at


def _rows_of_finding(finding: Finding) -> Iterator[HistoryRow]:
    """Yield the kept report, and a row for each address in the other reports of its group."""
    report = finding.report
    about: dict[str, str | None] = {"occurred_at": rfc3339(report.occurred_at), "site": report.site}
    others = web_address.as_written(finding.urls, finding.written)
    own = {
        "url": others.pop(0) if report.url is not None else None, "category": report.category,
        "note": report.note, "contact": report.contact,
        "contact_at": None if report.contact_at is None else rfc3339(report.contact_at),
        "removed_at": None if report.removed_at is None else rfc3339(report.removed_at),
    }  # fmt: skip
    yield report.line, _row_of_history({**about, **own})
    for url in others:
        yield report.line, _row_of_history({**about, "url": url})


def _row_of_history(told: Mapping[str, str | None]) -> str:
    return json.dumps({name: text for name, text in told.items() if text is not None}) + "\n"


def _add_to_tally(tally: Tally, answer: Imported, lines: Sequence[int]) -> None:
    from incidents.history.importing import SiteTally

    for each in answer["by_site"]:
        site = tally.sites.setdefault(each["site"], SiteTally(new=each["new"]))
        site.incidents_new += each["incidents_new"]
        site.incidents_known += each["incidents_known"]
    tally.refused += [
        (lines[each["line"] - 1], Refusal(each["name"], facts(each["facts"])))
        for each in answer["refusals"]
    ]
    tally.ids += answer["ids"]


LIST_ROWS_AT_ONCE, LIST_VALUES_AT_ONCE, LIST_BYTES_AT_ONCE = 500, 10_000, 4_000_000
"""The maximum number of rows, cells and bytes of a list in one request, because the caller waits
for the answer."""


class RemoteFilings:
    """The filings of a server.

    All methods raise ProblemError for a refusal, and ServerError if there is no answer.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def findings(self, site: str) -> list[FilingFinding]:
        """List the findings of the server's checks on a site's filing."""
        from incidents.filing.checks import read_finding

        found = self._exchange.get(f"{_path_of_filing(site)}/findings")
        return [read_finding(each) for each in found["findings"]]

    def presets(self) -> list[FilingPreset]:
        """List the presets that the server knows."""
        return list(self._exchange.get("/filings/presets")["items"])

    def form(self, site: str) -> Iterator[bytes]:
        """Return the printable page of a filing in full; the server records the reveal."""
        return self._exchange.pieces(f"{_path_of_filing(site)}/form", reveal=True)

    def snippet(self, site: str, *, icon: str) -> Iterator[bytes]:
        """Return the HTML for the footers of a site's pages."""
        return self._exchange.pieces(f"{_path_of_filing(site)}/snippet", icon=icon)

    def exported(self, form: str, sites: tuple[str, ...]) -> Iterator[bytes]:
        """Export the filings of some sites, or of all, with personal details; it goes on record.

        `form` is json, jsonl or csv.
        """
        return self._exchange.pieces(
            "/filings/export", within_s=LONG_S, format=form, site=list(sites) or None,
            with_words=True,
        )  # fmt: skip

    def intake(self, *, add: bool, dry_run: bool) -> RemoteList:
        """Prepare the import of a customer list into the register."""
        return RemoteList(self._exchange, add=add, dry_run=dry_run)


class RemoteList:
    """An import of a customer list that was read here (see `history.customers.CustomerImport`).

    The parts of the list are sent one after the other, as JSON; unreadable rows are not sent.
    """

    def __init__(self, exchange: Exchange, *, add: bool, dry_run: bool) -> None:
        self._exchange = exchange
        self._asked = {"add_sites": add or None, "dry_run": dry_run or None}
        self.tally: Counter[str] = Counter()
        # A server's results of rows have none.
        self.suspicions = 0

    def take(self, customers: Iterable[Customer]) -> Iterator[RowResult]:
        """Yield each row in order, with its result, once its part is on the server's disk.

        Raises:
            ProblemError, ServerError: as for every request to a server.
        """
        rows: list[Customer] = []
        lines: list[bytes] = []
        size = values = 0
        for customer in customers:
            line = b"" if _is_bad(customer) else _line_of_customer(customer)
            size, values = size + len(line), values + 1 + len(customer.changes)
            is_much = size > LIST_BYTES_AT_ONCE or values > LIST_VALUES_AT_ONCE
            if rows and (len(rows) == LIST_ROWS_AT_ONCE or is_much):
                yield from self._sent(rows, lines)
                rows, lines, size, values = [], [], len(line), 1 + len(customer.changes)
            rows.append(customer)
            lines += [line] if line else []
        yield from self._sent(rows, lines)

    def _sent(self, rows: list[Customer], lines: list[bytes]) -> Iterator[RowResult]:
        told = iter(self._told(lines) if lines else [])
        for customer in rows:
            taken = _taken(customer, told)
            self.tally[taken.outcome] += 1
            yield taken

    def _told(self, lines: list[bytes]) -> list[TakenRow]:
        answer = self._exchange.send(
            "POST", "/filings/import", query=self._asked, timeout=LONG_S,
            files={"file": ("list", io.BytesIO(b"".join(lines)))},
        )  # fmt: skip
        items: list[TakenRow] = answer.json()["items"]
        if len(items) != len(lines):
            raise NoDeskError(
                server=self._exchange.server,
                detail=Cause.of("takes_other_rows", "it received different rows"),
            )
        return items


def _is_bad(customer: Customer) -> bool:
    return bool(customer.problems) or customer.site is None


def _line_of_customer(customer: Customer) -> bytes:
    from incidents.filing import export

    assert customer.site is not None
    [line] = export.json_lines([(customer.site, customer.changes)])
    return line.encode()


def _taken(customer: Customer, answers: Iterator[TakenRow]) -> RowResult:
    """Return the result of a row; for a valid row, take the server's next answer."""
    from incidents.filing.checks import read_finding
    from incidents.history.customers import UNREADABLE, RowResult

    if _is_bad(customer):
        return RowResult(customer=customer, outcome=UNREADABLE)
    each = next(answers)
    refusal = each["refusal"]
    return RowResult(
        customer=customer, outcome=each["outcome"], changed=tuple(each["changed"]),
        findings=tuple(map(read_finding, each["findings"])),
        refusal=None if refusal is None else Refusal(refusal["name"], facts(refusal["facts"])),
    )  # fmt: skip


def _path_of_filing(site: str) -> str:
    return f"/sites/{part(site)}/filing"
