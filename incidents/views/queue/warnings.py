"""The warnings: what everybody who looks at the queue must be told first, the worst first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from incidents.contract.documents.queue import DutySummary, QueuePage


Kind = Literal[
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
"""Nothing enforces the clock; nothing is carried out until a person goes on; a daemon carries
nothing out, since it cannot read its mark; the record has lost its end; another server has taken
over; sites cannot be compared; sites were left down; the brake holds orders; orders are given up;
they should be carried out by now; they were only logged; nothing is signed; the world is being
compared with the record; the clock is enforced now and then; the police are to be told (domain.md,
section 4)."""

# So that a shift that begins can still see to it.
_SOON = timedelta(hours=6)
_ALARMS = frozenset(
    {
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
    }
)


class Told(NamedTuple):
    """One of them, and the part of the queue's document that it is told from."""

    kind: Kind
    facts: Mapping[str, Any]

    @property
    def is_alarm(self) -> bool:
        """Whether somebody must do something about it now."""
        return self.kind in _ALARMS


def of(queue: QueuePage, now: datetime) -> list[Told]:
    """Those of a page of the queue, as `views.queue` has it, at `now` (UTC)."""
    enforcement, acts, report = queue["enforcement"], queue["acts"], queue["report"]
    # A server of before says none of it.
    told: Mapping[str, Any] = enforcement
    history, unread = told.get("history") or {}, told.get("mark_unread")
    stands: dict[Kind, tuple[bool, Mapping[str, Any]]] = {
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
        # Only what is so says it.
        "logged": ("only_logged" in acts, acts.get("only_logged", {})),
        "unsigned": (history.get("unsigned_since") is not None, history),
        "unproved": (history.get("unproved_since") is not None, history),
        "once": (enforcement["enforced_by"] == "once", enforcement),
        "report": (_is_soon(report, now), report or {}),
    }
    return [Told(kind, facts) for kind, (is_so, facts) in stands.items() if is_so]


def _is_soon(report: DutySummary | None, now: datetime) -> bool:
    first = None if report is None else report["first"]
    return first is not None and datetime.fromisoformat(first) - now <= _SOON
