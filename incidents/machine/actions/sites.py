"""Actions on a site, its queue items and its filing: hold, claim, complete, file.

Changing a filing does not change the state of its site: only a person's statement closes a site
with false details (R4). Deadlines and findings of a filing become tasks for the desk.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from incidents.machine import commands, filing, work
from incidents.machine import events as e
from incidents.machine.actions.orders import keep_down
from incidents.machine.case import Case, Task
from incidents.machine.decider import Decider
from incidents.machine.filing import FOOTER, SUSPICION
from incidents.machine.handlers import Handlers
from incidents.machine.refusal import RefusedError
from incidents.machine.state import move_site
from incidents.values.ids import item_id, task_id

decisions = Handlers[Decider]()


@decisions.on(commands.AddSite)
def add_site(decider: Decider, command: commands.AddSite) -> None:
    """Add the site to the register."""
    case = decider.case
    if case.created_at is not None:
        raise RefusedError("site_exists", site=case.site)
    decider.add(
        e.SiteAdded, site=case.site, phone=command.phone, email=command.email,
        person=command.person,
    )  # fmt: skip


@decisions.on(commands.EditSite)
def edit_site(decider: Decider, command: commands.EditSite) -> None:
    """Change the contact details."""
    decider.add(
        e.SiteEdited, phone=command.phone, email=command.email, person=command.person
    )  # fmt: skip


@decisions.on(commands.SetHold)
def set_hold(decider: Decider, command: commands.SetHold) -> None:
    """Hold the site by order of an authority, in any state; an active site is taken down."""
    case = decider.case
    if case.hold is not None:
        raise RefusedError("already_held", site=case.site, at=case.hold.at, by=case.hold.by)
    before = case.state
    decider.add(
        e.HoldSet,
        site_from=before,
        site_to=move_site(before, "hold"),
        text=command.reason,
    )
    if not command.alone:
        # The order of a rule may be braked, cancelled, or a dead letter.
        keep_down(decider)


@decisions.on(commands.LiftHold)
def lift_hold(decider: Decider, command: commands.LiftHold) -> None:
    """Lift the hold: the site opens unless it is closed or a suspension still runs."""
    case = decider.case
    if case.hold is None:
        raise RefusedError("not_held", site=case.site)
    decider.add(
        e.HoldLifted,
        site_from=case.state,
        site_to=move_site(case.state, "lift_hold", case),
        text=command.reason,
    )


@decisions.on(commands.ClaimItem)
def claim(decider: Decider, command: commands.ClaimItem) -> None:
    """Claim an item, so that two people do not call the same customer.

    Claiming it again has no effect.
    """
    case = decider.case
    if command.item not in work.items(case):
        raise RefusedError("unknown_item", item=item_id(case.site_id, command.item))
    held = case.claims.get(command.item)
    if held is None:
        decider.add(e.ItemClaimed, item=command.item, holder=command.by)
    elif held.by != command.by:
        raise RefusedError("claimed", item=item_id(case.site_id, command.item), by=held.by)


@decisions.on(commands.ReleaseItem)
def release(decider: Decider, command: commands.ReleaseItem) -> None:
    """Release an item that the person has claimed."""
    _refuse_unless_held(decider.case, command.item, command.by)
    decider.add(e.ItemReleased, item=command.item)


def _refuse_unless_held(case: Case, item: str, by: str) -> None:
    held = case.claims.get(item)
    if held is None:
        raise RefusedError("not_claimed", item=item_id(case.site_id, item))
    if held.by != by:
        raise RefusedError("claimed", item=item_id(case.site_id, item), by=held.by)


@decisions.on(commands.HandOver)
def hand_over(decider: Decider, command: commands.HandOver) -> None:
    """Transfer an item, or all that the person has claimed on the site, to another person."""
    case = decider.case
    if command.item is not None:
        _refuse_unless_held(case, command.item, command.by)
        decider.add(e.ItemClaimed, item=command.item, holder=command.to)
        return
    mine = [item for item, held in case.claims.items() if held.by == command.by]
    if not mine:
        raise RefusedError("nothing_held", by=command.by, site=case.site)
    for item in sorted(mine):
        decider.add(e.ItemClaimed, item=item, holder=command.to)


@decisions.on(commands.CompleteTask)
def complete(decider: Decider, command: commands.CompleteTask) -> None:
    """Complete a task with its outcome."""
    case = decider.case
    task = case.tasks.get(command.task)
    if task is None or task.done_at is not None:
        raise RefusedError("unknown_task", task=task_id(case.site_id, command.task))
    decider.add(
        e.TaskCompleted,
        task=command.task,
        outcome=command.outcome or "done",
        note=command.note,
    )


# Nowhere on earth is it a later day than in the zone that is 14 hours ahead of UTC.
_MOST_AHEAD = timedelta(hours=14)


@decisions.on(commands.ChangeFiling)
def change_filing(decider: Decider, command: commands.ChangeFiling) -> None:
    """Change the details that differ from the filing, and complete the tasks that this settles."""
    details = decider.case.details
    differ = {key: text for key, text in sorted(command.details) if details.get(key, "") != text}
    for key, text in differ.items():
        _refuse_unfit(decider, key, text)
    _refuse_too_many(filing.changed(details, differ))
    if not differ:
        return
    decider.add(e.FilingChanged, details=tuple(differ.items()))
    for task in _open_tasks(decider):
        outcome = _settled(decider, task, differ)
        if outcome is not None:
            decider.add(e.TaskCompleted, task=task.n, outcome=outcome)


@decisions.on(commands.Remind)
def remind(decider: Decider, command: commands.Remind) -> None:
    """Remind the desk of each term that ends soon or has ended; each has at most one open task.

    A closed site gets no reminders, because it is offline.
    """
    _refuse_bad_day(decider, "on", command.on)
    if decider.case.closed:
        return
    for name, term in decider.case.terms.items():
        if term.remind_on <= command.on:
            decider.add(e.FilingReminded, term=name, due_on=term.due_on, on=command.on)
            if all(task.kind != name for task in _open_tasks(decider)):
                _open_filing_task(decider, name, (term.due_on,))


@decisions.on(commands.RaiseSuspicion)
def raise_suspicion(decider: Decider, command: commands.RaiseSuspicion) -> None:
    """Open a task to verify a detail that seems false to an automatic check, unless one is open."""
    if not filing.is_known(command.field):
        raise RefusedError("unknown_detail", field=command.field)
    about = (command.field, command.finding)
    if decider.case.closed or any(task.about == about for task in _open_tasks(decider)):
        return
    decider.add(e.SuspicionRaised, field=command.field, finding=command.finding)
    _open_filing_task(decider, SUSPICION, about)


@decisions.on(commands.RecordFooter)
def record_footer(decider: Decider, command: commands.RecordFooter) -> None:
    """Open a task if the page footer lacks a required part; complete it once the footer is right.

    A footer that has not changed since the last check is not recorded again.
    """
    case = decider.case
    task = next((task for task in _open_tasks(decider) if task.kind == FOOTER), None)
    if case.closed or command.problems == (() if task is None else task.about):
        return
    decider.add(e.FooterSeen, problems=command.problems)
    if task is not None:
        outcome = "superseded" if command.problems else "right"
        decider.add(e.TaskCompleted, task=task.n, outcome=outcome)
    if command.problems:
        _open_filing_task(decider, FOOTER, command.problems)


def _settled(decider: Decider, task: Task, differ: filing.Details) -> str | None:
    """The outcome that completes the task after the details `differ`; None if it stays open."""
    details, terms = decider.case.details, decider.case.terms
    if task.kind in filing.TERMS:
        term = terms.get(task.kind)
        if term is not None:
            # Another term is reminded of when it is due.
            return None if task.about == (term.due_on,) else "superseded"
        return "met" if filing.is_met(task.kind, details) else "withdrawn"
    if task.kind == SUSPICION:
        return "changed" if task.about[0] in differ else None
    if task.kind == FOOTER and not details.keys() >= filing.SHOWN:
        return "withdrawn"
    return None


def _open_filing_task(decider: Decider, kind: str, about: tuple[str, ...]) -> None:
    decider.add(e.TaskOpened, task=decider.case.last_task + 1, task_kind=kind, about=about)


def _open_tasks(decider: Decider) -> list[Task]:
    return [task for task in decider.case.tasks.values() if task.done_at is None]


def _refuse_unfit(decider: Decider, key: str, text: str) -> None:
    if not filing.is_known(key):
        raise RefusedError("unknown_detail", field=key)
    if text and key in filing.DAYS:
        _refuse_bad_day(decider, key, text)


def _refuse_bad_day(decider: Decider, key: str, text: str) -> None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise RefusedError("bad_day", field=key, given=text) from None
    if day.isoformat() != text or day < filing.FIRST_DAY:
        raise RefusedError("bad_day", field=key, given=text)
    if day > _latest_day(decider.now):
        raise RefusedError("day_in_future", field=key, given=text)


def _latest_day(now: datetime) -> date:
    return (now + _MOST_AHEAD).date()


def _refuse_too_many(details: filing.Details) -> None:
    for prefix, items in ((filing.SERVER, "servers"), (filing.DOCUMENT, "documents")):
        count = sum(key.startswith(prefix) for key in details)
        if count > filing.MAX_ITEMS:
            raise RefusedError("too_many_items", items=items, count=count, limit=filing.MAX_ITEMS)
