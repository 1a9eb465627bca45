"""The order of the queue as people see it: reports from outside stand between the other items."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import TypeIs

    from incidents.contract.documents.queue import QueueItem, ReportsWaiting, WaitingFinding


def is_finding(row: QueueItem | WaitingFinding) -> TypeIs[WaitingFinding]:
    """Whether the row is of reports from outside."""
    return "urgency" in row


def with_reports(
    items: Sequence[QueueItem], reports: ReportsWaiting | None
) -> list[QueueItem | WaitingFinding]:
    """The items with the findings of reports before the first one that is due later.

    What cannot wait comes first; what a blocked reporter sent comes after all items.
    """
    left = list([] if reports is None else reports["items"])
    found: list[QueueItem | WaitingFinding] = []
    for item in items:
        while left and _is_before(left[0], item):
            found.append(left.pop(0))
        found.append(item)
    return [*found, *left]


def _is_before(finding: WaitingFinding, item: QueueItem) -> bool:
    if finding["urgency"] in ("urgent", "last"):
        return finding["urgency"] == "urgent"
    if item["due"] is None:
        return True
    return finding["due"] is not None and _read(finding["due"]) < _read(item["due"])


def _read(moment: str) -> datetime:
    return datetime.fromisoformat(moment)
