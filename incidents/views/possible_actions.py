"""The possible actions on a site, an incident or an order, and the refusals of all others.

The machine decides each action on a copy of the case.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from incidents.contract import target
from incidents.contract.action import Action, name_of
from incidents.contract.actions import ACTIONS
from incidents.contract.target import INCIDENT, ORDER, SITE, Target
from incidents.errors import NoSuchIncidentError, NoSuchOrderError
from incidents.machine import commands as c
from incidents.machine.actions.orders import releasing_command
from incidents.machine.case import Case, Delivery
from incidents.machine.command import Choice, Words
from incidents.machine.decide import Decision, decide
from incidents.machine.policy import Policy
from incidents.machine.refusal import Refusal
from incidents.store import deliveries
from incidents.store.cases import cases, incidents, site_row, sites
from incidents.store.cases.slices import need
from incidents.values.ids import incident_id, order_id
from incidents.views import register

Possible = Mapping[str, Refusal | None]
"""The machine's refusal of each action by name; None if the action is possible."""

_REASON = "tried out"
_ELSEWHERE = (c.AddSite, c.ChangeFiling, c.ImportIncident)
_SAMPLES: dict[type[c.Command], dict[str, Any]] = {
    c.Log: {"again": True}, c.StateFalse: {"field": "phone"},
    c.Attach: {"digest": "0" * 64, "size": 1},
}  # fmt: skip
"""Values for the fields that an action needs before it can be tried."""
_LATER = timedelta(days=1)
"""The time from now to a required time in a trial."""


def on_site(connection: Connection, name: str, by: str, now: datetime) -> Possible:
    """The actions on the site, each with the refusal that person `by` would get at `now`.

    Raises:
        UnknownSiteError: with the nearest names.
    """
    commands = _commands(SITE, (name,), by, now)
    return _refusals(connection, sites.named(connection, name), now, commands)


def on_incident(connection: Connection, key: incidents.Key, by: str, now: datetime) -> Possible:
    """The actions on the incident, each with the refusal that `by` would get at `now`.

    Raises:
        UnknownIncidentError: if there is no such incident.
    """
    name = sites.name_of(connection, key[0])
    if name is None:
        raise NoSuchIncidentError(given=incident_id(*key))
    commands = _commands(INCIDENT, key, by, now)
    return _refusals(connection, sites.named(connection, name), now, commands)


def on_order(
    connection: Connection, order: tuple[int, int, str], by: str, now: datetime
) -> Possible:
    """The actions on the order (site, number, lane), each with the refusal that `by` would get.

    Raises:
        UnknownOrderError: if there is no such site.
    """
    name = sites.name_of(connection, order[0])
    if name is None:
        raise NoSuchOrderError(given=order_id(*order))
    commands = _commands(ORDER, order, by, now)
    unsettled = deliveries.unsettled(connection, *order)
    return _refusals(connection, sites.named(connection, name), now, commands, unsettled)


def tried(
    connection: Connection, name: str, command: c.Command, now: datetime
) -> tuple[Case, Decision]:
    """The case of the site, and what the desk would decide on the command at `now`.

    Raises:
        UnknownSiteError: with the nearest names.
    """
    in_force = register.policy_in_force(connection)
    case = _case(connection, sites.named(connection, name), now, (command,), in_force)
    return case, decide(case, command, in_force, now)


def _commands(kind: str, of: Target, by: str, now: datetime) -> tuple[c.Command, ...]:
    """The commands that a target of that kind accepts, with sample values in their fields."""
    return tuple(
        each.command(**_sample_values(each, by, now), **target.fields(each.command, of))
        for each in ACTIONS
        if each.of == kind and each.command not in _ELSEWHERE
    )


def _sample_values(action: Action, by: str, now: datetime) -> dict[str, Any]:
    given: dict[str, Any] = {"by": by, **action.fixed}
    for field in action.asked:
        if isinstance(field.fact, Choice):
            given[field.name] = field.fact.codes[0]
        elif field.is_time and field.required:
            given[field.name] = now + _LATER
        elif isinstance(field.fact, Words) and (field.required or field.name == "person"):
            given[field.name] = _REASON
    return given | _SAMPLES.get(action.command, {})


def _refusals(
    connection: Connection,
    row: site_row.Row,
    now: datetime,
    commands: tuple[c.Command, ...],
    unsettled: Iterable[Delivery] = (),
) -> Possible:
    in_force = register.policy_in_force(connection)
    case = _case(connection, row, now, commands, in_force)
    case.deliveries.update({(each.order, each.lane): each for each in unsettled})
    return {
        name_of(type(each)): decide(case, releasing_command(case, each), in_force, now).refusal
        for each in commands
    }


def _case(
    connection: Connection,
    row: site_row.Row,
    now: datetime,
    commands: tuple[c.Command, ...],
    in_force: Policy,
) -> Case:
    # The desk locks orders as it loads them; a view locks nothing.
    wanted = {row["id"]: replace(need(commands, now), orders=frozenset(), all_orders=False)}
    return cases.load(connection, {row["id"]: row}, wanted, in_force)[row["id"]]
