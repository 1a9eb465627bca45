"""The recount: what late truth strikes, lifts and disputes. It never suspends or closes."""

from __future__ import annotations

from incidents.machine import events as e
from incidents.machine import rules
from incidents.machine.draft import Draft
from incidents.machine.incident import Incident
from incidents.machine.state import move_site
from incidents.machine.work import TELL
from incidents.values.ids import task_id

_NOT_KNOWN_REMOVED = ("unreached", "notified")
_SETTLED = ("removed", "voided")

MAX_LISTED = 500
"""So many incidents one task lists: an entry has its limit, and a person too."""


def recount(draft: Draft, incident: int) -> None:
    """Derive anew what rests on `incident`, now that the truth about it has changed."""
    suspension = draft.case.incidents[incident].suspension
    if suspension is not None:
        _recount_suspension(draft, suspension)
    _recount_closure(draft)


def open_recheck(draft: Draft, suspension: int) -> None:
    """Ask the desk to look again at what the suspension rested on, unless it is known removed."""
    unsettled = (i.n for i in _members(draft, suspension) if i.state in _NOT_KNOWN_REMOVED)
    open_task(draft, "recheck", tuple(unsettled))


def open_task(draft: Draft, kind: str, incidents: tuple[int, ...]) -> None:
    """Give the desk a task: `tell`, `recheck` or `review`; very many incidents make several.

    Without incidents there is nothing to do, and no task.
    """
    for start in range(0, len(incidents), MAX_LISTED):
        draft.add(
            e.TaskOpened,
            task=draft.case.last_task + 1,
            task_kind=kind,
            incidents=incidents[start : start + MAX_LISTED],
        )


def complete_rechecks(draft: Draft) -> None:
    """Complete each recheck task of which every incident is settled by now."""
    case = draft.case
    for task in list(case.tasks.values()):
        if task.kind != "recheck" or task.done_at is not None:
            continue
        if all(case.incidents[n].state in _SETTLED for n in task.incidents):
            draft.add(e.TaskCompleted, task=task.n, outcome="settled")


def open_tells(draft: Draft) -> tuple[str, ...]:
    """The ids of the open tasks to tell the customer of the closure (R1)."""
    tasks = draft.case.tasks.values()
    found = sorted(task.n for task in tasks if task.kind == TELL and task.done_at is None)
    return tuple(task_id(draft.case.site_id, n) for n in found)


def _recount_suspension(draft: Draft, n: int) -> None:
    case = draft.case
    suspension = case.suspensions[n]
    stands = any(incident.stands for incident in _members(draft, n))
    if suspension.struck and stands:
        draft.add(e.SuspensionRestored, suspension=n)
    elif not suspension.struck and not stands:
        ended = case.running == n
        site_to = move_site(case.state, "strike", held=case.held) if ended else case.state
        draft.add(
            e.SuspensionStruck, site_from=case.state, site_to=site_to, suspension=n, ended=ended
        )
        if ended:
            open_recheck(draft, n)


def _recount_closure(draft: Draft) -> None:
    case = draft.case
    closure = case.closure
    if closure is None:
        return
    if rules.disputed(case) and not case.disputed:
        met = rules.still_met(case, closure)
        draft.add(e.ClosureDisputed, counted=met, needed=closure.needed)
        tasks = open_tells(draft)
        if tasks:
            draft.remark("tell_withdrawn", tasks=tasks)
    elif rules.settled(case, closure):
        draft.add(e.DisputeSettled, upheld=not rules.is_met(case, closure))


def _members(draft: Draft, suspension: int) -> list[Incident]:
    return [i for i in draft.case.incidents.values() if i.suspension == suspension]
