"""The next steps: hints that fit the state of an incident, a task or a site."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from incidents.contract.documents import Hint
from incidents.contract.hints import do, look
from incidents.machine import commands as c

if TYPE_CHECKING:
    from incidents.contract.documents.queue import QueueItem

_TELL = "tell"
"""A copy of the name in `machine.work`, because that module is slow to import."""


def after(incident: Mapping[str, Any], site: Mapping[str, Any]) -> list[Hint]:
    """The next actions on an incident, the likeliest first; empty if nothing needs to be done."""
    name = incident["id"]
    match incident["state"]:
        case "open" | "unreached":
            return [contact(name, "reached"), contact(name, "no-answer")]
        case "notified" if site["state"] != "closed" and site.get("asked_by"):
            # One closure is asked for already: another statement would be refused.
            return [do(c.StateRemoved, name), *to_closure(site["site"])]
        case "notified" if site["state"] != "closed":
            return [do(c.StateRemoved, name), do(c.StateRefused, name)]
        case "notified":
            return [do(c.StateRemoved, name)]
        case _:
            return []


def contact(incident: str, outcome: str) -> Hint:
    """Record a contact with that outcome."""
    return do(c.RecordContact, incident, outcome=outcome)


def to_task(task: str, kind: str) -> Hint:
    """Complete a task; if the task is to call the customer, the outcome is `told`."""
    return do(c.CompleteTask, task, **({"outcome": "told"} if kind == _TELL else {}))


def to_closure(site: str) -> list[Hint]:
    """The possible answers to a closure that waits for a second person."""
    return [do(c.ConfirmClosure, site), do(c.DeclineClosure, site, reason=None)]


def to_reinstatement(site: str, *, held: bool = False) -> list[Hint]:
    """The possible answers to a reinstatement that waits for a second person.

    A held site cannot be opened, so the only answer is to decline.
    """
    return [*([] if held else [do(c.Approve, site)]), do(c.Decline, site, reason=None)]


def to_dispute(site: str, *, held: bool, asked_by: str | None) -> list[Hint]:
    """The possible answers to a dispute about a closure; a held site cannot be opened."""
    reopen = to_reopen(site, held=held, asked_by=asked_by)
    return [do(c.Uphold, site), *reopen, look("why", site)]


def to_reopen(site: str, *, held: bool, asked_by: str | None) -> list[Hint]:
    """The steps to reinstate a closed site, which somebody may have requested already."""
    if asked_by:
        return to_reinstatement(site, held=held)
    return [] if held else [do(c.AskReinstatement, site)]


def to_left_closed(site: str, *, suspended: bool) -> list[Hint]:
    """The steps to open a site that is actually closed because entries were lost."""
    # What a rule had closed is recorded again only where it is a fact: that is for a person to say.
    return [] if suspended else [look("repair", site)]


def first_of_two(item: QueueItem) -> str | None:
    """The person who made the request that waits for a second person."""
    return item["asked_by"] or (None if item["closing"] is None else item["closing"]["by"])
