"""The possible: which acts on a site, an incident or an order would be done now, and why not.

Nothing is guessed: each act is given to the machine, on a copy of the case.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from incidents.accounts.roles import act_of
from incidents.errors import UnknownIncidentError, UnknownOrderError
from incidents.machine import commands as c
from incidents.machine.case import Delivery
from incidents.machine.decide import decide
from incidents.machine.ids import incident_id, order_id
from incidents.machine.note import FOR_DESK
from incidents.machine.order_acts import BY_HAND, meant
from incidents.machine.refusals import Refusal
from incidents.store import cases, deliveries, site_row, sites
from incidents.store import incidents as incident_rows
from incidents.store.slices import need
from incidents.views import policy

Possible = Mapping[str, Refusal | None]
"""By the act: what the machine would refuse it for, or None."""

_REASON = "tried out"


def on_site(connection: Connection, name: str, by: str, now: datetime) -> Possible:
    """What that person could do to the site at `now`.

    Raises:
        UnknownSiteError: with the nearest names.
    """
    return _tried(connection, sites.named(connection, name), now, (
        c.Log(by=by, again=True),
        c.EditSite(by=by, person=_REASON),
        c.RecordContact(by=by, incident=None, outcome="reached"),
        c.StateFalse(by=by, field="phone", evidence=_REASON),
        c.ConfirmClosure(by=by),
        c.DeclineClosure(by=by),
        c.SetHold(by=by, reason=_REASON),
        c.LiftHold(by=by, reason=_REASON),
        c.AskReinstatement(by=by, reason=_REASON),
        c.Approve(by=by),
        c.Decline(by=by, reason=_REASON),
        c.Uphold(by=by, reason=_REASON),
    ))  # fmt: skip


def on_incident(connection: Connection, key: incident_rows.Key, by: str, now: datetime) -> Possible:
    """What that person could do to the incident at `now`.

    Raises:
        UnknownIncidentError: if there is none.
    """
    site_id, n = key
    name = sites.name_of(connection, site_id)
    if name is None:
        raise UnknownIncidentError(given=incident_id(*key))
    return _tried(connection, sites.named(connection, name), now, (
        c.RecordContact(by=by, incident=n, outcome="reached"),
        c.StateRemoved(by=by, incident=n),
        c.StateRefused(by=by, incident=n),
        c.Recur(by=by, incident=n),
        c.VoidIncident(by=by, incident=n, reason=_REASON),
        c.TakeBack(by=by, incident=n, reason=_REASON),
        c.StateReported(by=by, incident=n),
        c.Attach(by=by, incident=n, digest="0" * 64, size=1),
        c.AddNote(by=by, incident=n, audience=FOR_DESK, text=_REASON),
    ))  # fmt: skip


def on_order(
    connection: Connection, order: tuple[int, int, str], by: str, now: datetime
) -> Possible:
    """What that person could do about the order (site, number, lane) at `now`.

    Raises:
        UnknownOrderError: if there is no such site.
    """
    site_id, seq, lane = order
    name = sites.name_of(connection, site_id)
    if name is None:
        raise UnknownOrderError(given=order_id(*order))
    acts = (
        c.RetryOrder(by=by, order=seq, lane=lane),
        c.CancelOrder(by=by, order=seq, lane=lane, why=BY_HAND, reason=_REASON),
    )
    unsettled = deliveries.unsettled(connection, *order)
    return _tried(connection, sites.named(connection, name), now, acts, unsettled)


def _tried(
    connection: Connection,
    row: site_row.Row,
    now: datetime,
    commands: tuple[c.Command, ...],
    unsettled: Iterable[Delivery] = (),
) -> Possible:
    in_force = policy.in_force(connection)
    # The desk locks orders as it loads them; who only looks locks nothing.
    wanted = {row["id"]: replace(need(commands, now), orders=frozenset(), acts=False)}
    case = cases.load(connection, {row["id"]: row}, wanted, in_force)[row["id"]]
    case.deliveries.update({(each.order, each.lane): each for each in unsettled})
    return {
        act_of(type(each)): decide(case, meant(case, each), in_force, now).refusal
        for each in commands
    }
