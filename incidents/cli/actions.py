"""The actions on the command line: a command for each act of the contract, made when it is typed.

What only some acts do at a terminal, a question or a remark, stands below by the act's command.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import click

from incidents.cli import options, params
from incidents.cli.act import Act
from incidents.cli.reauthentication import password_file_option
from incidents.contract import target
from incidents.contract.action import LABELS, Action, Field
from incidents.contract.actions import ACTIONS
from incidents.contract.target import CONTACT, INCIDENT, ITEM, ORDER, SITE, Target
from incidents.errors import InputError
from incidents.machine import commands as c
from incidents.machine.command import Choice, Words

Command = Callable[..., int | None]
Values = dict[str, Any]

_TARGETS = {
    INCIDENT: params.incident_argument,
    CONTACT: click.argument("contact", type=params.contact, metavar="CONTACT"),
    ITEM: params.item_argument,
    ORDER: params.order_argument,
    SITE: params.name_argument,
}


def __getattr__(typed: str) -> click.Command:
    """The command that is typed so, such as `site hold`."""
    for action in ACTIONS:
        if action.typed == typed and action.help:
            return _command(action)
    raise AttributeError(typed)


def _command(action: Action) -> click.Command:
    @options.acting
    def made(act: Act, **given: Any) -> None:
        password, confirm = given.pop("password_file", None), given.pop("confirm", None)
        site, command, about = _read(act, action, given)
        if action.closes:
            act.close_site(site, command, confirm=confirm, password=password, about=about)
        elif action.in_person:
            act.submit_in_person(site, command, password)
        elif isinstance(command, c.Recur):
            act.submit_once(site, command, may_repeat=False, another="recurrence", confirm=confirm)
        else:
            act.submit(site, command, about=about)
        if isinstance(command, c.AddSite | c.EditSite):
            act.run.tell(*params.hints_on_contact(act.run, command.phone, command.email))

    for parameter in reversed(list(_parameters(action))):
        made = parameter(made)
    return click.command(action.typed.rpartition(" ")[2], help=action.help)(made)


def _parameters(action: Action) -> Iterator[Callable[[Command], Command]]:
    yield params.target_argument if action.command is c.RecordContact else _TARGETS[action.of]
    for each in action.asked:
        yield _parameter(action, each)
    if action.closes or action.command is c.Recur:
        yield params.confirm_option
    if action.in_person:
        yield password_file_option


def _parameter(action: Action, field: Field) -> Callable[[Command], Command]:
    ask = action.asks(field)
    if isinstance(field.fact, Choice):
        return click.argument(field.name, type=click.Choice(field.fact.codes))
    if field.is_time:
        return options.at_option(ask.help)
    name = action.called(field)
    if not isinstance(field.fact, Words):
        return click.option(f"--{name}", field.name, is_flag=True, help=ask.help)
    text = params.text(LABELS.get(name, name), limit=field.fact.limit)
    # --as has the name of the person.
    own = "responsible" if field.name == "person" else field.name
    return click.option(
        f"--{name}", own, type=text, required=field.required, metavar=ask.metavar, help=ask.help
    )


def _read(act: Act, action: Action, given: Values) -> tuple[str | int, c.Command, str | None]:
    """The site, the command, and the id that was typed, for `-q`; None where something is new."""
    if "responsible" in given:
        given["person"] = given.pop("responsible")
    if "at" in given:
        given["at"] = act.run.read_time(given["at"])
    typed = given.pop("target" if action.command is c.RecordContact else action.of)
    of = target.whole(typed)
    if action.command is c.CompleteTask and not target.is_task(of):
        raise _no_task(of)
    if action.command is c.EditSite and not any(given.values()):
        raise InputError.coded(
            "no_change_of_site", "nothing to change: add --phone, --email or --person"
        )
    named = target.fields(action.command, of)
    command = action.command(by=act.by, **action.fixed, **named, **given)
    new = action.creates or action.of == SITE
    return of[0], command, None if new else target.text(action.of, of)


def _no_task(item: Target) -> InputError:
    code = item[1] if item[1] in _INSTEAD else "incident"
    return InputError.coded(
        f"no_task_{code}", f"{{id}} is {_INSTEAD[code]}", id=target.text(ITEM, item)
    )


_INSTEAD = {
    "disputed": "no task: incidents site uphold NAME or site reinstate NAME ends it",
    "closure": "no task: incidents site confirm-closure NAME or site decline-closure NAME ends it",
    "reinstatement": "no task: incidents site approve NAME or site decline NAME ends it",
    "incident": "an incident, no task: incidents contact, removed or refused moves it on",
}
"""What is no task, and what ends or moves it on."""
