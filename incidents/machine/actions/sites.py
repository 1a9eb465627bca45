"""What people do about a site and its items of the queue: hold, reinstate, claim, complete."""

from __future__ import annotations

from incidents.machine import commands, rules, work
from incidents.machine import draft as checks
from incidents.machine import events as e
from incidents.machine.actions.orders import keep_down
from incidents.machine.case import Case, Request
from incidents.machine.command import RefusedError
from incidents.machine.draft import Draft
from incidents.machine.recount import open_task, open_tells
from incidents.machine.state import move_site
from incidents.values.ids import task_id

_SETTLED = ("removed", "voided")


def add_site(draft: Draft, command: commands.AddSite) -> None:
    """Take the site into the register."""
    case = draft.case
    if case.created_at is not None:
        raise RefusedError("site_exists", site=case.site)
    draft.add(
        e.SiteAdded, site=case.site, phone=command.phone, email=command.email,
        person=command.person,
    )  # fmt: skip


def edit_site(draft: Draft, command: commands.EditSite) -> None:
    """Change whom to call."""
    draft.add(
        e.SiteEdited, phone=command.phone, email=command.email, person=command.person
    )  # fmt: skip


def set_hold(draft: Draft, command: commands.SetHold) -> None:
    """Keep the site down by order, in any state; an active site goes down."""
    case = draft.case
    if case.hold is not None:
        raise RefusedError("already_held", site=case.site, at=case.hold.at, by=case.hold.by)
    before = case.state
    draft.add(
        e.HoldSet,
        site_from=before,
        site_to=move_site(before, "hold"),
        text=command.reason,
    )
    if not command.alone:
        # The order of a rule may be braked, cancelled, or a dead letter.
        keep_down(draft)


def lift_hold(draft: Draft, command: commands.LiftHold) -> None:
    """Lift the hold: the site opens, unless a suspension still runs or it is closed."""
    case = draft.case
    if case.hold is None:
        raise RefusedError("not_held", site=case.site)
    runs = case.suspension is not None
    draft.add(
        e.HoldLifted,
        site_from=case.state,
        site_to=move_site(case.state, "lift_hold", suspension_runs=runs),
        text=command.reason,
    )


def ask_reinstatement(draft: Draft, command: commands.AskReinstatement) -> None:
    """Ask that a closed site be opened again; another person answers."""
    case = draft.case
    if not case.closed:
        raise RefusedError("site_not_closed", site=case.site, state=case.state)
    if case.held:
        raise RefusedError("held", site=case.site)
    if case.request is not None:
        raise RefusedError("already_requested", site=case.site, by=case.request.by)
    draft.add(e.ReinstatementAsked, text=command.reason)


def approve(draft: Draft, command: commands.Approve) -> None:
    """Reinstate the site: all counts start afresh, and one task lists what is not settled."""
    case = draft.case
    if case.held:
        raise RefusedError("held", site=case.site)
    request = _request_of_another(draft, command.by)
    for task in list(case.tasks.values()):
        if task.kind in ("tell", "recheck") and task.done_at is None:
            draft.add(e.TaskCompleted, task=task.n, outcome="superseded")
    draft.add(
        e.SiteReinstated,
        site_from=case.state,
        site_to=move_site(case.state, "reinstate", held=case.held),
        asked_by=request.by,
    )
    unsettled = (i.n for i in case.incidents.values() if i.state not in _SETTLED)
    open_task(draft, "recheck", tuple(sorted(unsettled)))


def decline(draft: Draft, command: commands.Decline) -> None:
    """Decline the reinstatement; the site stays closed."""
    _request_of_another(draft, command.by)
    draft.add(e.ReinstatementDeclined, text=command.reason)


def uphold(draft: Draft, command: commands.Uphold) -> None:
    """Let a disputed closure stand, as it is met now."""
    case = draft.case
    if case.closure is None or not case.disputed:
        raise RefusedError("not_disputed", site=case.site)
    draft.add(
        e.ClosureUpheld, counted=rules.still_met(case, case.closure), text=command.reason
    )  # fmt: skip
    tasks = open_tells(draft)
    if tasks:
        draft.remark("tell_again", tasks=tasks)


def _request_of_another(draft: Draft, person: str) -> Request:
    request = draft.case.request
    if request is None:
        raise RefusedError("no_request", site=draft.case.site)
    checks.another_person(request.by, person)
    return request


def claim(draft: Draft, command: commands.ClaimItem) -> None:
    """Take an item, so that two people do not call one customer; claiming it again is nothing."""
    case = draft.case
    if command.item not in work.items(case):
        raise RefusedError("unknown_item", item=_name(case, command.item))
    held = case.claims.get(command.item)
    if held is None:
        draft.add(e.ItemClaimed, item=command.item, holder=command.by)
    elif held.by != command.by:
        raise RefusedError("claimed", item=_name(case, command.item), by=held.by)


def release(draft: Draft, command: commands.ReleaseItem) -> None:
    """Give back what one holds oneself."""
    case = draft.case
    held = case.claims.get(command.item)
    if held is None:
        raise RefusedError("not_claimed", item=_name(case, command.item))
    if held.by != command.by:
        raise RefusedError("claimed", item=_name(case, command.item), by=held.by)
    draft.add(e.ItemReleased, item=command.item)


def hand_over(draft: Draft, command: commands.HandOver) -> None:
    """Give all that one holds on the site to the next shift."""
    case = draft.case
    mine = [item for item, held in case.claims.items() if held.by == command.by]
    if not mine:
        raise RefusedError("nothing_held", by=command.by, site=case.site)
    for item in sorted(mine):
        draft.add(e.ItemClaimed, item=item, holder=command.to)


def complete(draft: Draft, command: commands.CompleteTask) -> None:
    """Complete a task with its outcome."""
    case = draft.case
    task = case.tasks.get(command.task)
    if task is None or task.done_at is not None:
        raise RefusedError("unknown_task", task=task_id(case.site_id, command.task))
    draft.add(
        e.TaskCompleted,
        task=command.task,
        outcome=command.outcome or "done",
        note=command.note,
    )


def _name(case: Case, item: str) -> str:
    return f"{case.site_id}-{item}"
