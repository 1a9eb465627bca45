"""The calls of a simulation: those that the history tells of, and those that are drawn."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from incidents.intake.report import Report
from incidents.machine.codes import REACHED


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
