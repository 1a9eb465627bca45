"""The steps of histories at random, and the commands that they come to.

A step names its incident and its order by how far they lie back, and its time by how long ago, so
that a history stays a sensible one while it shrinks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from incidents.machine import commands as c
from incidents.machine.case import Case
from incidents.machine.command import AUDIENCES
from incidents.machine.orders import ACT

ACTIVATE = "activate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One act at random, `wait` after the one before."""

    wait: timedelta
    act: str
    by: str = "p"
    back: int = 0
    contact: int = 1
    whole_site: bool = False
    outcome: str = "reached"
    ago: timedelta | None = None
    at_deadline: bool = False
    off: timedelta = timedelta(0)
    urls: tuple[str, ...] = ()
    again: bool = False
    policy: int = 0
    lane: str = ACT
    details: tuple[tuple[str, str], ...] = ()

    def incident(self, case: Case) -> int:
        """The incident meant: the latest, or `back` before it; one that is not there for -1."""
        return max(1, case.last_incident - self.back)

    def order(self, case: Case) -> tuple[int, str]:
        """The unsettled order meant: the latest in its lane, or `back` before; unknown for -1."""
        unsettled = [key for key in case.deliveries if key[1] == self.lane]
        if self.back < 0 or not unsettled:
            return case.seq + 1, self.lane
        return unsettled[max(0, len(unsettled) - 1 - self.back)]

    def at(self, case: Case, now: datetime) -> datetime | None:
        """The time said: the incident's deadline or so, some time ago (or to come), or none."""
        incident = case.incidents.get(self.incident(case))
        if self.at_deadline and incident is not None and incident.contact_due is not None:
            return min(incident.contact_due + self.off, now)
        return None if self.ago is None else now - self.ago


def command(step: Step, case: Case, now: datetime) -> c.Command:
    """The command of a step; an activation is none, and comes after what is due."""
    return _COMMANDS[step.act](step, case, now)


def _imported(step: Step, case: Case, now: datetime) -> c.Command:
    """A past incident; with `again` it is known to have been removed."""
    at = step.at(case, now) or now
    return c.ImportIncident(
        by=step.by, at=at, urls=step.urls, contact=step.outcome or None,
        contact_at=at if step.outcome and step.again else None,
        removed_at=at if step.again else None,
    )  # fmt: skip


def _named(step: Step, case: Case) -> dict[str, Any]:
    order, lane = step.order(case)
    return {"order": order, "lane": lane}


_COMMANDS: dict[str, Callable[[Step, Case, datetime], c.Command]] = {
    "elapse": lambda s, k, now: c.Elapse(),
    ACTIVATE: lambda s, k, now: c.Elapse(),
    "log": lambda s, k, now: c.Log(by=s.by, at=s.at(k, now), urls=s.urls, again=s.again),
    "contact": lambda s, k, now: c.RecordContact(
        by=s.by, incident=None if s.whole_site else s.incident(k), outcome=s.outcome,
        at=s.at(k, now),
    ),
    "void_contact": lambda s, k, now: c.VoidContact(
        by=s.by, incident=s.incident(k), contact=s.contact, reason="r"
    ),
    "void": lambda s, k, now: c.VoidIncident(by=s.by, incident=s.incident(k), reason="r"),
    "removed": lambda s, k, now: c.StateRemoved(
        by=s.by, incident=s.incident(k), at=s.at(k, now)
    ),
    "refused": lambda s, k, now: c.StateRefused(
        by=s.by, incident=s.incident(k), at=s.at(k, now)
    ),
    "recur": lambda s, k, now: c.Recur(by=s.by, incident=s.incident(k), at=s.at(k, now)),
    "import": _imported,
    "take_back": lambda s, k, now: c.TakeBack(by=s.by, incident=s.incident(k), reason="r"),
    "false_info": lambda s, k, now: c.StateFalse(by=s.by, field="phone", evidence="e"),
    "confirm_closure": lambda s, k, now: c.ConfirmClosure(by=s.by),
    "decline_closure": lambda s, k, now: c.DeclineClosure(by=s.by),
    "hold": lambda s, k, now: c.SetHold(by=s.by, reason="r"),
    "unhold": lambda s, k, now: c.LiftHold(by=s.by, reason="r"),
    "reinstate": lambda s, k, now: c.AskReinstatement(by=s.by, reason="r"),
    "approve": lambda s, k, now: c.Approve(by=s.by),
    "decline": lambda s, k, now: c.Decline(by=s.by),
    "uphold": lambda s, k, now: c.Uphold(by=s.by, reason="r"),
    "reported": lambda s, k, now: c.StateReported(
        by=s.by, incident=s.incident(k), at=s.at(k, now)
    ),
    "note": lambda s, k, now: c.AddNote(
        by=s.by, incident=s.incident(k), audience=AUDIENCES[s.again], text="n"
    ),
    "revoke_links": lambda s, k, now: c.RevokeLinks(by=s.by, incident=s.incident(k)),
    "change_filing": lambda s, k, now: c.ChangeFiling(by=s.by, details=s.details),
    "remind": lambda s, k, now: c.Remind(
        on=(now + timedelta(hours=12 * s.back)).date().isoformat()
    ),
    "suspect": lambda s, k, now: c.RaiseSuspicion(field=s.outcome, finding="repeated_digit"),
    "footer": lambda s, k, now: c.RecordFooter(problems=s.urls),
    "say_removed": lambda s, k, now: c.SayRemoved(incident=s.incident(k)),
    "deliver": lambda s, k, now: c.RecordDelivery(
        **_named(s, k), adapter="a", attempts=s.contact, enforced=s.again
    ),
    "fail": lambda s, k, now: c.RecordFailure(
        **_named(s, k), adapter="a", attempts=s.contact, problem="fault"
    ),
    "cancel": lambda s, k, now: c.CancelOrder(
        by=s.by, **_named(s, k), why=s.outcome, tried=(None, False, True)[s.contact - 1]
    ),
    "retry": lambda s, k, now: c.RetryOrder(by=s.by, **_named(s, k)),
    "see": lambda s, k, now: c.RecordState(
        by=s.by, adapter="a", seen=s.outcome, in_force=k.in_force, last_act=k.last_act - s.back
    ),
    "repeat": lambda s, k, now: c.RepeatOrder(by=s.by),
}  # fmt: skip
