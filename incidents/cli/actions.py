"""The actions on the command line: a command for each action, built when it is typed.

The questions and remarks that only some actions have at a terminal are defined below, by the
command of the action.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import click

from incidents.cli import options, params, suggestions
from incidents.cli.lazy_group import Verb
from incidents.cli.reauthentication import password_file_option
from incidents.cli.submission import Submission
from incidents.contract import target
from incidents.contract.action import LABELS, Action, Field
from incidents.contract.actions import ACTIONS, of_command
from incidents.contract.target import CONTACT, INCIDENT, ITEM, ORDER, SITE, Target
from incidents.errors import Cause, InputError, RefusedError
from incidents.machine import commands as c
from incidents.machine.command import Choice, Words
from incidents.values import ids

Command = Callable[..., int | None]

_TARGETS = {
    INCIDENT: params.incident_argument,
    CONTACT: click.argument("contact", type=params.contact, metavar="CONTACT"),
    ITEM: params.item_argument,
    ORDER: params.order_argument,
    SITE: params.name_argument,
}


_BY_SITE = (c.RecordContact, c.StateRemoved)
"""The commands that also accept a site in place of an incident."""

_SUGGESTED = {"category": suggestions.categories, "outcome": suggestions.outcomes}

_OPPOSITES: dict[type[c.Command], tuple[str, type[c.Command], str]] = {
    c.ClaimItem: ("release", c.ReleaseItem, "Release the item instead: return it to the queue."),
    c.SetHold: (
        "lift", c.LiftHold,
        "End the hold: the site opens, unless it is suspended or closed.",
    ),
}  # fmt: skip
"""The flag that turns an action into its opposite, by command."""


class WhichIncidentError(RefusedError):
    """{site} has no single incident to state as removed{which}"""


def __getattr__(word: str) -> click.Command:
    """Return the command for an action by its name, such as `site hold`."""
    for action in ACTIONS:
        if action.word == word and action.help:
            return _command(action)
    raise AttributeError(word)


def _command(row: Action) -> click.Command:
    @(options.first_action if row.command is c.AddSite else options.action)
    def made(submission: Submission, **given: Any) -> None:
        flag, opposite, _ = _OPPOSITES.get(row.command, ("", row.command, ""))
        action = of_command(opposite) if given.pop(flag, False) else row
        password, confirm = given.pop("password_file", None), given.pop("confirm", None)
        site, command, about = _read(submission, action, given)
        if isinstance(command, c.AddSite | c.EditSite):
            submission.also += params.hints_on_contact(
                submission.run, str(site), command.phone, command.email
            )  # fmt: skip
        if action.closes:
            submission.close_site(site, command, confirm=confirm, password=password, about=about)
        elif action.in_person:
            submission.submit_in_person(site, command, password)
        elif isinstance(command, c.Recur):
            submission.submit_once(
                site, command, may_repeat=False, another="recurrence", confirm=confirm
            )
        else:
            submission.submit(site, command, about=about)

    for parameter in reversed(list(_parameters(row))):
        made = parameter(made)
    return click.command(row.word.rpartition(" ")[2], cls=Verb, help=row.help)(made)


def _parameters(action: Action) -> Iterator[Callable[[Command], Command]]:
    if action.command is c.CompleteTask:
        yield params.task_argument
    else:
        yield params.target_argument if action.command in _BY_SITE else _TARGETS[action.of]
    for each in action.asked:
        yield _parameter(action, each)
    if action.command in _OPPOSITES:
        flag, _, told = _OPPOSITES[action.command]
        yield click.option(f"--{flag}", is_flag=True, help=told)
    if action.closes or action.command is c.Recur:
        yield params.confirm_option
    if action.in_person:
        yield password_file_option


def _parameter(action: Action, field: Field) -> Callable[[Command], Command]:
    ask = action.asks(field)
    if isinstance(field.fact, Choice):
        return click.argument(field.name, type=params.Outcome(field.fact.codes))
    if field.is_time_of_fact:
        return options.at_option(ask.help)
    name = action.called(field)
    if field.is_time:
        return options.time_option(name, ask.help, required=field.required)
    if not isinstance(field.fact, Words):
        return click.option(f"--{name}", field.name, is_flag=True, help=ask.help)
    fact = field.fact
    text = params.text(LABELS.get(name, name), limit=fact.limit, is_half_width=fact.is_half_width)
    # --as has the name of the person.
    own = "responsible" if field.name == "person" else field.name
    return click.option(
        f"--{name}", own, type=text, required=field.required, metavar=ask.metavar, help=ask.help,
        callback=params.field if name == "field" else params.refuse_placeholder,
        shell_complete=_SUGGESTED.get(name),
    )  # fmt: skip


def _read(
    submission: Submission, action: Action, given: dict[str, Any]
) -> tuple[str | int, c.Command, str | None]:
    """Read the site, the command, and the ID to print for `-q` from the typed values.

    The ID is None if the action creates something or concerns a whole site.
    """
    if "responsible" in given:
        given["person"] = given.pop("responsible")
    given |= {
        each.name: submission.run.read_time(given[each.name])
        for each in action.asked
        if each.is_time
    }
    typed = given.pop("target" if action.command in _BY_SITE else action.of)
    if action.command is c.StateRemoved and isinstance(typed, str):
        typed = _only_one_to_remove(submission, typed)
    of = target.whole(typed)
    if action.command is c.CompleteTask and not target.is_task(of):
        raise _no_task(of)
    if action.command is c.EditSite and not any(given.values()):
        raise InputError.coded(
            "no_change_of_site", "nothing to change: add --phone, --email or --person"
        )
    named = target.fields(action.command, of)
    command = action.command(by=submission.by, **action.fixed, **named, **given)
    new = action.creates or action.of == SITE
    return of[0], command, None if new else target.text(action.of, of)


def _only_one_to_remove(submission: Submission, site: str) -> tuple[int, int]:
    """The only incident of the site that can be recorded as removed.

    Raises:
        UnknownSiteError: with the nearest names.
        WhichIncidentError: if there is not exactly one such incident.
    """
    from incidents.machine.state import can_move_incident

    with params.site_or_id(site), submission.run.queries() as queries:
        found = queries.site(site)
    open_ = [
        each["id"] for each in found["incidents"] if can_move_incident(each["state"], "remove")
    ]
    one = ids.read_incident_id(open_[0]) if len(open_) == 1 else None
    if one is None or found["incidents_total"] > len(found["incidents"]):
        which = Cause.of("name_one", ": name one of {ids}", ids=", ".join(open_)) if open_ else ""
        raise WhichIncidentError(site=found["site"], which=which)
    return one


def _no_task(item: Target) -> InputError:
    code = item[1] if item[1] in _INSTEAD else "incident"
    return InputError.coded(
        f"no_task_{code}", f"{{id}} is {_INSTEAD[code]}", id=target.text(ITEM, item)
    )


_INSTEAD = {
    "disputed": "no task: incidents site uphold NAME or site reinstate NAME ends it",
    "closure": "no task: incidents approve SITE or decline SITE ends it",
    "reinstatement": "no task: incidents approve SITE or decline SITE ends it",
    "incident": "an incident, no task: incidents contact, removed or refused moves it on",
}
"""What an item of the queue is if it is not a task, and which command ends or advances it."""
