"""What a history makes of its reports: those close to each other are one, each with calls."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from incidents.history.report import Report
from incidents.machine.command import REACHED

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What came of calling about one incident, at `at` (UTC).

    `outcome` None: the person was called in vain, as often as the policy demands.
    """

    outcome: str | None
    at: datetime
    drawn: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """How the outcome of a call is drawn where the history has none.

    `reach` is the probability that the responsible person is reached. One who is reached is
    reached at the moment of the report, so that no policy's hour is too short. The same seed draws
    the same for the same incident, whatever the policy; whom a smaller `reach` reaches, a greater
    one reaches too.
    """

    reach: float = 1.0
    seed: int = 0

    def call(self, report: Report, n: int) -> Call:
        """The call about the site's nth incident: the history's own, else a drawn one."""
        if report.contact is not None:
            at = report.contact_at or report.occurred_at
            return Call(outcome=report.contact, at=at, drawn=False)
        outcome = REACHED if self._number(report.site, n) < self.reach else None
        return Call(outcome=outcome, at=report.occurred_at, drawn=True)

    def _number(self, site: str, n: int) -> float:
        """A number from 0 up to but not including 1, the same on every machine."""
        digest = hashlib.sha256(f"{self.seed}:{n}:{site}".encode()).digest()
        # 53 bits are what a float holds exactly; more could round up to 1.
        return (int.from_bytes(digest[:8], "big") >> 11) / 2**53
