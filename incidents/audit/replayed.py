"""The replayed: what a replay of the record has come to, as far as it is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Engine

from incidents.audit.finding import Finding
from incidents.audit.replay import OUTSIDE
from incidents.audit.split import Split

MAX_FINDINGS = 1_000
"""So many findings are told; of the rest, only that there are more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """How many sites and entries were looked at, and what the tables say that the record does not;
    whether there is `more` than was told."""

    sites: int
    entries: int
    findings: tuple[Finding, ...]
    more: bool

    def document(self) -> dict[str, Any]:
        """For programs."""
        return {
            "sites": self.sites,
            "entries": self.entries,
            "findings": [asdict(finding) for finding in self.findings],
            "more": self.more,
            "outside": OUTSIDE,
        }


def replayed(
    engine: Engine, site_id: int | None = None, done: Callable[[int], object] = lambda _: None
) -> Replayed:
    """Derive every table again from the entries alone, and compare; or those of one site.

    Raises:
        DatabaseError: when the database does not do its part.
        WorkerLostError: if a process ends before its time.
    """
    split = Split(engine, site_id, most=MAX_FINDINGS + 1, done=done)
    found = tuple(split.findings())
    return Replayed(
        sites=split.sites, entries=split.entries, findings=found[:MAX_FINDINGS],
        more=len(found) > MAX_FINDINGS,
    )  # fmt: skip
