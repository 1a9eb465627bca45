"""The decider: a decision in progress, with the helpers that all actions share.

These are the checks, the tasks that actions open, and the recount, which voids, lifts or disputes
measures after a correction. A recount never suspends or closes a site.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from unicodedata import normalize

from incidents.machine import events as e
from incidents.machine.apply import apply
from incidents.machine.case import Case, ClosureRequest
from incidents.machine.incident import Incident
from incidents.machine.policy import Policy
from incidents.machine.refusal import RefusedAction, RefusedError, Remark
from incidents.machine.rules import closure_grounds, unreachable_rules
from incidents.machine.state import INCIDENT_STATES, can_move_incident, move_site
from incidents.machine.work import TELL
from incidents.values.ids import incident_id, task_id
from incidents.values.incident_states import GONE

_MAY_CHANGE_THE_RUN = {
    e.ContactRecorded, e.ContactVoided, e.IncidentVoided, e.StatementTakenBack, e.SiteSuspended,
    e.SuspensionStruck, e.SuspensionRestored, e.SiteClosed, e.SiteReinstated,
}  # fmt: skip


@dataclass(slots=True)
class Decider:
    """The case so far, its clock and policy, and the events so far.

    `by` is the actor: the clock while due items are processed, then the person who gave the
    command.
    """

    case: Case
    policy: Policy
    now: datetime
    by: str
    digest: str
    events: list[e.Event] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)

    def add(self, kind: type[e.Event], *, at: datetime | None = None, **fields: Any) -> None:
        """Add an event at `at`, or now; recalculate the run if the event can change it."""
        event = kind(
            occurred_at=at or self.now,
            recorded_at=self.now,
            by=self.by,
            policy=self.digest,
            **fields,
        )
        asked = self.case.closure_request
        apply(self.case, event)
        self._tell_what_fell(asked, event)
        if kind in _MAY_CHANGE_THE_RUN:
            derived = unreachable_rules.run(self.case, self.policy)
            if derived != self.case.run:
                self.case.run = derived
                # Nobody has seen the event yet.
                object.__setattr__(event, "run", derived)
        self.events.append(event)

    def _tell_what_fell(self, asked: ClosureRequest | None, event: e.Event) -> None:
        """Remark that the closure request `asked` was dropped, because no event records that."""
        if asked is None or self.case.closure_request is not None:
            return
        if isinstance(event, e.ClosureDeclined) or getattr(event, "asked_by", None):
            return
        facts: dict[str, Any] = {"site": self.case.site, "by": asked.by}
        if isinstance(event, (e.SiteClosed, e.IncidentRefused)):
            assert event.reason is not None
            self.remark("closure_fell", **facts, cause="closed", rule=event.reason.rule)
            return
        assert asked.incident is not None, "a false detail is not taken back"
        state = self.case.incidents[asked.incident].state
        self.remark(
            "closure_fell", **facts, incident=self.name(asked.incident),
            cause=state if state in ("removed", "voided") else "not_told",
        )  # fmt: skip

    def remark(self, name: str, **facts: Any) -> None:
        """Add a remark on the person's action."""
        self.remarks.append(Remark(name, facts))

    def name(self, incident: int) -> str:
        """The public id of one of the site's incidents."""
        return incident_id(self.case.site_id, incident)


def known_incident(decider: Decider, n: int) -> Incident:
    """Return the incident, or refuse an unknown one."""
    found = decider.case.incidents.get(n)
    if found is None:
        raise RefusedError("unknown_incident", incident=decider.name(n))
    return found


def time_of(decider: Decider, at: datetime | None) -> datetime:
    """Return the time of a fact: `at`, or now if omitted; refuse a time in the future."""
    if at is not None and at > decider.now:
        raise RefusedError("future", at=at, now=decider.now)
    return at or decider.now


def not_before(incident: Incident, at: datetime) -> None:
    """Check that a fact about an incident is not earlier than the incident."""
    if at < incident.occurred_at:
        raise RefusedError("before_incident", at=at, occurred_at=incident.occurred_at)


def site_is_open(decider: Decider, action: RefusedAction) -> None:
    """Check that the site is not closed."""
    case = decider.case
    if case.closed:
        raise RefusedError("site_closed", site=case.site, rule=case.rule, act=action)


def state_allows(
    decider: Decider, incident: Incident, trigger: str, action: RefusedAction, **more: object
) -> None:
    """Check that the incident's table has a move by `trigger` from its state.

    `more` facts are added to the refusal.
    """
    if not can_move_incident(incident.state, trigger):
        needs = [state for state in INCIDENT_STATES if can_move_incident(state, trigger)]
        refuse_state(decider, incident, action, needs, **more)


def state_is_one_of(
    decider: Decider, incident: Incident, states: tuple[str, ...], action: RefusedAction
) -> None:
    """Check that the incident is in one of the states."""
    if incident.state not in states:
        refuse_state(decider, incident, action, list(states))


def another_person(asked_by: str, by: str) -> None:
    """Check that the person who decides is not the one who made the request."""
    if _as_one_reads_it(asked_by) == _as_one_reads_it(by):
        raise RefusedError("same_person", by=asked_by)


def _as_one_reads_it(name: str) -> str:
    """The name without case and width: another spelling must not make one person look like two."""
    return normalize("NFKC", normalize("NFKC", name).casefold())


def refuse_state(
    decider: Decider, incident: Incident, action: RefusedAction, needs: list[str], **more: object
) -> None:
    """Refuse the action because of the incident's state; `more` facts are added to the refusal."""
    raise RefusedError(
        "state_forbids", incident=decider.name(incident.n), state=incident.state, act=action,
        needs=" or ".join(needs), **more,
    )  # fmt: skip


_NOT_KNOWN_REMOVED = ("unreached", "notified")

MAX_LISTED = 500
"""The maximum number of incidents in one task, because entries are limited in size and a longer
list is unreadable."""


def recount(decider: Decider, incident: int) -> None:
    """Recalculate everything based on `incident`, after a correction."""
    suspension = decider.case.incidents[incident].suspension
    if suspension is not None:
        _recount_suspension(decider, suspension)
    _recount_closure(decider)


def open_recheck(decider: Decider, suspension: int) -> None:
    """Open a task to recheck the suspension's incidents, unless all are known to be removed."""
    unsettled = (i.n for i in _members(decider, suspension) if i.state in _NOT_KNOWN_REMOVED)
    open_task(decider, "recheck", tuple(unsettled))


def open_task(decider: Decider, kind: str, incidents: tuple[int, ...]) -> None:
    """Open a task for the desk (`tell`, `recheck`, `review`); very many incidents make several.

    Without incidents there is no task.
    """
    for start in range(0, len(incidents), MAX_LISTED):
        decider.add(
            e.TaskOpened,
            task=decider.case.last_task + 1,
            task_kind=kind,
            incidents=incidents[start : start + MAX_LISTED],
        )


def complete_rechecks(decider: Decider) -> None:
    """Complete each recheck task whose incidents are all settled now."""
    case = decider.case
    for task in list(case.tasks.values()):
        if task.kind != "recheck" or task.done_at is not None:
            continue
        if all(case.incidents[n].state in GONE for n in task.incidents):
            decider.add(e.TaskCompleted, task=task.n, outcome="settled")


def open_calls_to_customer(decider: Decider) -> tuple[str, ...]:
    """The ids of the open tasks to tell the customer of the closure (R1)."""
    tasks = decider.case.tasks.values()
    found = sorted(task.n for task in tasks if task.kind == TELL and task.done_at is None)
    return tuple(task_id(decider.case.site_id, n) for n in found)


def _recount_suspension(decider: Decider, n: int) -> None:
    case = decider.case
    suspension = case.suspensions[n]
    stands = any(incident.stands for incident in _members(decider, n))
    if suspension.struck and stands:
        decider.add(e.SuspensionRestored, suspension=n)
        if suspension.epoch != case.epoch:
            decider.remark("from_before", suspension=n, site=case.site)
    elif not suspension.struck and not stands:
        ended = case.running == n
        site_to = move_site(case.state, "strike", case) if ended else case.state
        decider.add(
            e.SuspensionStruck, site_from=case.state, site_to=site_to, suspension=n, ended=ended
        )
        if ended:
            open_recheck(decider, n)


def _recount_closure(decider: Decider) -> None:
    case = decider.case
    closure = case.closure
    if closure is None:
        return
    if closure_grounds.disputed(case) and not case.disputed:
        met = closure_grounds.still_met(case, closure)
        decider.add(e.ClosureDisputed, counted=met, needed=closure.needed)
        tasks = open_calls_to_customer(decider)
        if tasks:
            decider.remark("tell_withdrawn", tasks=tasks)
    elif closure_grounds.settled(case, closure):
        decider.add(e.DisputeSettled, upheld=not closure_grounds.is_met(case, closure))


def _members(decider: Decider, suspension: int) -> list[Incident]:
    return [i for i in decider.case.incidents.values() if i.suspension == suspension]
