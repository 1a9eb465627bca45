"""The grouping: reports of one site that follow each other closely are one finding."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice

from incidents.intake.report import Report

# What one incident may have, and what keeps its entry in the record well below its limit.
MAX_URLS = 50
MAX_URLS_BYTES = 40 * 1024


@dataclass(frozen=True, slots=True)
class Finding:
    """What becomes one incident: the report that is kept, and the addresses of all that it covers.

    `urls` and `written` are as in `commands.Log`. `left_out` counts the addresses beyond what one
    incident may have.
    """

    report: Report
    urls: tuple[str, ...]
    written: tuple[str, ...] = ()
    left_out: int = 0


def group(reports: Iterable[Report], within: timedelta | None) -> list[Finding]:
    """The findings among `reports`, which come in the order of their times.

    A report is kept only if it lies further than `within` from the last one kept of its site; one
    that lies exactly that far does not. With None, each report is kept.
    """
    groups: list[list[Report]] = []
    last_kept: dict[str, list[Report]] = {}
    for report in reports:
        last = last_kept.get(report.site)
        if (
            within is not None
            and last is not None
            and report.occurred_at - last[0].occurred_at <= within
        ):
            last.append(report)
        else:
            last_kept[report.site] = [report]
            groups.append(last_kept[report.site])
    return list(map(_finding, groups))


def _finding(reports: list[Report]) -> Finding:
    found: dict[str, str] = {}
    for report in reports:
        if report.url is not None:
            found.setdefault(report.url, report.written)
    fitting = _fitting(found)
    written = tuple(found.values())[:fitting]
    return Finding(
        reports[0], tuple(found)[:fitting], written if any(written) else (), len(found) - fitting
    )


def _fitting(found: Mapping[str, str]) -> int:
    """How many of the addresses, from the first one on, one incident may have."""
    size = 0
    for n, address in enumerate(islice(found.items(), MAX_URLS)):
        size += len("".join(address).encode())
        if size > MAX_URLS_BYTES:
            return n
    return min(len(found), MAX_URLS)
