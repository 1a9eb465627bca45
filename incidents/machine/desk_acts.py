"""What people do about the queue: claim, release, hand over, complete a task."""

from __future__ import annotations

from incidents.machine import commands, work
from incidents.machine import events as e
from incidents.machine.case import Case
from incidents.machine.draft import Draft
from incidents.machine.ids import task_id
from incidents.machine.refusals import RefusedError


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
