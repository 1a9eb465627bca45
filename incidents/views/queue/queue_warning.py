"""The warning that stands above the queue for everybody who opens it, the worst first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

if TYPE_CHECKING:
    from incidents.contract.documents.queue import DutySummary, QueuePage


WarningKind = Literal[
    "clock",
    "halted",
    "mark_unread",
    "lost",
    "moved",
    "uncompared",
    "left_down",
    "brake",
    "dead",
    "late",
    "logged",
    "unsigned",
    "unproved",
    "once",
    "report",
]
"""The kinds of warnings, most urgent first.

In this order: nothing enforces the clock; no orders are carried out until a person resumes; a
daemon carries out no orders, because it cannot read its mark; the record has lost its latest
entries; another server has taken over; sites cannot be compared; sites were left down; the brake
holds orders; orders were given up; orders are late; orders were only logged; nothing is signed; the
live system is being compared with the record; the clock is enforced only at intervals; a report to
the police is due (L.1).
"""

# Long enough for a shift that begins to handle it.
_SOON = timedelta(hours=6)

_ALARMS = frozenset(get_args(WarningKind)) - {"unproved", "once", "report"}


class QueueWarning(NamedTuple):
    """A warning, with the part of the queue's document that has its facts."""

    kind: WarningKind
    facts: Mapping[str, Any]

    @property
    def is_alarm(self) -> bool:
        """Whether somebody must act on the warning now."""
        return self.kind in _ALARMS


def warnings_of(queue: QueuePage, now: datetime) -> list[QueueWarning]:
    """The warnings for a page of the queue, as `views.queue` returns it, at `now` (UTC)."""
    enforcement, acts, report = queue["enforcement"], queue["acts"], queue["report"]
    # An older server sends none of it.
    found: Mapping[str, Any] = enforcement
    history, unread = found.get("history") or {}, found.get("mark_unread")
    stands: dict[WarningKind, tuple[bool, Mapping[str, Any]]] = {
        "clock": (enforcement["enforced_by"] is None, enforcement),
        "halted": (history.get("halted_since") is not None, history),
        "mark_unread": (unread is not None, unread or {}),
        "lost": (history.get("lost_since") is not None, history),
        "moved": (history.get("moved_since") is not None, history),
        "uncompared": (history.get("uncompared") is not None, history),
        "left_down": (history.get("left_down") is not None, history),
        "brake": (acts["held"]["braked"] > 0, acts["held"]),
        "dead": (acts["dead"] > 0, acts),
        "late": (acts["late"]["late"] > 0, acts["late"]),
        # The field is present only if it is true.
        "logged": ("only_logged" in acts, acts.get("only_logged", {})),
        "unsigned": (history.get("unsigned_since") is not None, history),
        "unproved": (history.get("unproved_since") is not None, history),
        "once": (enforcement["enforced_by"] == "once", enforcement),
        "report": (_is_soon(report, now), report or {}),
    }
    return [QueueWarning(kind, facts) for kind, (is_so, facts) in stands.items() if is_so]


def _is_soon(report: DutySummary | None, now: datetime) -> bool:
    first = None if report is None else report["first"]
    return first is not None and datetime.fromisoformat(first) - now <= _SOON
