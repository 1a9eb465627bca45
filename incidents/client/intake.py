"""The intake of a server: the findings of a history go there part by part, and onto the record."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING

from incidents.client.desk import facts
from incidents.client.faults import Document
from incidents.client.http import Exchange
from incidents.client.record import LONG_S
from incidents.clock import rfc3339
from incidents.errors import InputError
from incidents.machine.policy import write_duration
from incidents.machine.refusals import Refusal
from incidents.values import web_address

if TYPE_CHECKING:
    from incidents.history.grouping import Finding
    from incidents.history.importing import Tally

ROWS_AT_ONCE, BYTES_AT_ONCE = 1_000, 1_000_000
"""So many rows, and bytes of them, go in one request, whose answer is waited for."""

Row = tuple[int, str]
"""The line of the file that a row is of, and the row as JSON."""


class ManyAtOnceError(InputError):
    """a server takes {limit:,} reports at a time, and {count:,} are of {site} at {at}: give them
    times of their own"""


class RemoteIntake:
    """The import; raises ProblemError for what the server refuses, ServerError if it is away."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def bring_in(
        self,
        findings: Sequence[Finding],
        *,
        group_within: timedelta | None,
        skip_bad: bool,
        dry_run: bool,
        done: Callable[[int], object] = lambda _: None,
    ) -> Tally:
        """Brings the findings in, which were grouped with `group_within`; what it comes to. `done`
        is called with the number of rows after each part, which is on disk there by then.

        Raises:
            ManyAtOnceError: for more rows of one site and time than go in one request.
        """
        from incidents.history.importing import Tally

        tally = Tally()
        words = {
            "skip_bad": skip_bad,
            "group_within": None if group_within is None else write_duration(group_within),
        }
        for rows in _parts(findings):
            found, _ = self._exchange.exchange(
                "POST", "/import", words={"history": "".join(row for _, row in rows), **words},
                query={"dry_run": dry_run or None}, within_s=LONG_S,
            )  # fmt: skip
            _add(tally, found, [line for line, _ in rows])
            done(len(rows))
        sites = dict.fromkeys(finding.report.site for finding in findings)
        tally.sites = {site: tally.sites[site] for site in sites if site in tally.sites}
        tally.refused.sort(key=lambda refused: refused[0])
        return tally


def _parts(findings: Sequence[Finding]) -> Iterator[list[Row]]:
    """The rows, so that no part cuts apart what one request would have told apart or taken as one:
    what is of one site and time stays together."""
    rows: list[Row] = []
    size = 0
    ordered = sorted(findings, key=_moment)
    for (site, at), together in groupby(ordered, key=_moment):
        more = [row for finding in together for row in _rows(finding)]
        if len(more) > ROWS_AT_ONCE:
            raise ManyAtOnceError(
                limit=ROWS_AT_ONCE, count=len(more), site=site, at=rfc3339(at)
            )  # fmt: skip
        own = sum(len(row.encode()) for _, row in more)
        if rows and (len(rows) + len(more) > ROWS_AT_ONCE or size + own > BYTES_AT_ONCE):
            yield rows
            rows, size = [], 0
        rows += more
        size += own
    if rows:
        yield rows


def _moment(finding: Finding) -> tuple[str, datetime]:
    return finding.report.site, finding.report.occurred_at


def _rows(finding: Finding) -> Iterator[Row]:
    """The report that is kept, and a row for each address that others of the group have named."""
    report = finding.report
    about = {"occurred_at": rfc3339(report.occurred_at), "site": report.site}
    others = web_address.as_written(finding.urls, finding.written)
    own = {
        "url": others.pop(0) if report.url is not None else None, "category": report.category,
        "note": report.note, "contact": report.contact,
        "contact_at": report.contact_at and rfc3339(report.contact_at),
        "removed_at": report.removed_at and rfc3339(report.removed_at),
    }  # fmt: skip
    yield report.line, _row({**about, **own})
    for url in others:
        yield report.line, _row({**about, "url": url})


def _row(told: Document) -> str:
    return json.dumps({name: text for name, text in told.items() if text is not None}) + "\n"


def _add(tally: Tally, told: Document, lines: Sequence[int]) -> None:
    from incidents.history.importing import SiteTally

    for each in told["by_site"]:
        site = tally.sites.setdefault(each["site"], SiteTally(new=each["new"]))
        site.incidents_new += each["incidents_new"]
        site.incidents_known += each["incidents_known"]
    tally.refused += [
        (lines[each["line"] - 1], Refusal(each["name"], facts(each["facts"])))
        for each in told["refusals"]
    ]
    tally.ids += told["ids"]
