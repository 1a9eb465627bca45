"""The next steps after an action, as commands, with the roles that may use them."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from incidents.machine import commands as c
from incidents.values.ids import read_item_id
from incidents.values.site_name import shown

if TYPE_CHECKING:
    from incidents.cli.run import Run
    from incidents.contract.documents import Hint
    from incidents.contract.documents.actions import Event, Outcome, TaskOpened
    from incidents.contract.documents.sites import Site
    from incidents.locale.language import Language


RECHECK, REVIEW = "recheck", "review"
"""Copies of the names in `machine.work`, because that module is slow to import."""

_ANOTHERS = (c.ConfirmClosure, c.Approve, c.Decline)
"""The actions that only a second person may perform, not the person who made the request."""


def opened_tasks(own: list[Event]) -> list[TaskOpened]:
    """The tasks that the action has opened."""
    return [cast("TaskOpened", event) for event in own if event["kind"] == "task_opened"]


def hints_after(run: Run, site: Site, document: Outcome, own: list[Event]) -> list[Hint]:
    """The next steps after an action, starting with the tasks that it has opened."""
    from incidents.contract import next_steps
    from incidents.contract.hints import look

    kinds = {event["kind"] for event in own}
    if "closure_asked" in kinds:
        return next_steps.to_closure(site["site"])
    if "reinstatement_asked" in kinds:
        return next_steps.to_reinstatement(site["site"])
    opened = opened_tasks(own)
    if any(task["task_kind"] == "suspicion" for task in opened):
        # A person checks before it is settled.
        return [look("check_filing", site["site"])]
    found = [
        next_steps.to_task(task["task"], task["task_kind"])
        for task in opened
        # A review is a supervisor's, not that of the person who corrects.
        if task["task_kind"] not in (RECHECK, REVIEW)
    ]
    if "closure_disputed" in kinds:
        found = next_steps.to_dispute(
            site["site"], held=site["held"], asked_by=site.get("asked_by")
        )
    if document["incident"] is not None:
        found += next_steps.after(document["incident"], site)
    rechecks = [task["task"] for task in opened if task["task_kind"] == RECHECK]
    # A recheck is completed last, after the record of whether the content is gone.
    for hint in _recheck_hints(run, rechecks):
        if hint not in found:
            found.append(hint)
    return found


def _recheck_hints(run: Run, tasks: list[str]) -> list[Hint]:
    """The hints that the queue has for these recheck tasks."""
    if not tasks:
        return []
    with run.queries() as queries:
        items = [queries.item(key) for task in tasks if (key := read_item_id(task)) is not None]
    return [hint for item in items if item is not None for hint in item["hints"]]


def left_down_hints(site: Site, events: list[Event]) -> list[Hint]:
    """The hints for a site that a loss has left down, unless one of the events opened the site."""
    from incidents.contract import next_steps
    from incidents.contract.hints import look

    left = {event.get("left_down") for event in events}
    if "closed" in left:
        return next_steps.to_left_closed(site["site"], suspended=site["state"] == "suspended")
    return [look("why", site["site"])] if left - {None} else []


def next_line(run: Run, hint: Hint, asked_by: str | None = None) -> str:
    """Write the line with the next command, and the role that may use the command."""
    return run.text("answer.next", step=next_step(run, hint, asked_by))


def next_step(run: Run, hint: Hint, asked_by: str | None = None) -> str:
    """Write the command as typed, with a comment that says who may use it.

    `asked_by`: the person who made the waiting request.
    """
    from incidents.contract.hints import action_of, right_of

    action = action_of(hint)
    another = action is not None and action.command in _ANOTHERS and asked_by is not None
    who = [run.text("who.another", by=asked_by)] if another else []
    who += _required_role(run, right_of(hint))
    # As a shell comment, so that the whole line can be typed.
    line = command_line(hint, run.language)
    return f"{line}  # {run.text('list.semicolon').join(who)}" if who else line


def command_line(hint: Hint, spoken: Language) -> str:
    """Write the command for people: the site's shown name, and placeholders of their language."""
    from incidents.cli import chinese_help
    from incidents.contract.hints import typed
    from incidents.locale.language import language

    words = chinese_help.placeholder if spoken is language("zh_CN", "cli") else None
    return typed(cast("Hint", {**hint, "of": shown(hint["of"])}), words)


def _required_role(run: Run, right: str | None) -> list[str]:
    """Name the required role, unless every operator may use the command."""
    from incidents.accounts import identity
    from incidents.locale import refusals

    if right is None or identity.may("operator", right):
        return []
    return [run.text("who.role", who=refusals.roles_for(right, run.language))]
