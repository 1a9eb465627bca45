"""The effects of events on a case: every change of a case, live or in a replay, is made here.

The changes of incidents and of sites have their own modules; this one has those of orders (the
state in force) and of filings (details and terms).
"""

from __future__ import annotations

from dataclasses import replace

from incidents.machine import events as e
from incidents.machine import filing, incident_changes, site_changes
from incidents.machine.case import UNKNOWN, Case, Delivery
from incidents.machine.command import BRAKED, FORCE
from incidents.machine.handlers import Handlers, merge
from incidents.machine.orders import order_of
from incidents.values.ids import ACT

changes = Handlers[Case]()


@changes.on(e.OrderDelivered)
def _delivered(case: Case, event: e.OrderDelivered) -> None:
    del case.deliveries[event.order, event.lane]
    if event.lane == ACT:
        case.last_act = max(case.last_act, event.order)
        if event.enforced:
            case.in_force = FORCE[event.order_kind]


@changes.on(e.OrderFailed)
def _failed(case: Case, event: e.OrderFailed) -> None:
    key = event.order, event.lane
    braked = event.problem == BRAKED
    if not braked:
        _doubt(case, event)
    case.deliveries[key] = replace(case.deliveries[key], dead=True, braked=braked)


@changes.on(e.OrderCancelled)
def _cancelled(case: Case, event: e.OrderCancelled) -> None:
    if event.tried:
        _doubt(case, event)
    del case.deliveries[event.order, event.lane]


@changes.on(e.OrderRetried)
def _retried(case: Case, event: e.OrderRetried) -> None:
    key = event.order, event.lane
    case.deliveries[key] = replace(case.deliveries[key], dead=False, braked=False)


@changes.on(e.StateSeen)
def _seen(case: Case, event: e.StateSeen) -> None:
    case.in_force = event.seen


@changes.on(e.OrderRepeated)
def _repeated(case: Case, event: e.OrderRepeated) -> None:
    """Change nothing: a repeated order is handled like any other order (see `apply`)."""


def _doubt(case: Case, event: e.OrderEvent) -> None:
    """Set the state in force to unknown, because an attempt might have taken effect.

    A dead letter did this when it was given up. An order older than the last one carried out has no
    effect on the state.
    """
    if event.lane != ACT or case.in_force == FORCE[event.order_kind]:
        return
    known = case.deliveries[event.order, event.lane].dead or event.order < case.last_act
    if not known:
        case.in_force = UNKNOWN


@changes.on(e.FilingChanged)
def _filing_changed(case: Case, event: e.FilingChanged) -> None:
    case.details = filing.changed(case.details, dict(event.details))
    case.terms = filing.terms(case.details, case.terms)


@changes.on(e.FilingReminded)
def _filing_reminded(case: Case, event: e.FilingReminded) -> None:
    case.terms[event.term] = filing.reminded(case.terms[event.term], event.on)


@changes.on(e.SuspicionRaised)
def _suspicion_raised(_case: Case, _: e.SuspicionRaised) -> None:
    """Change nothing: the task that follows has its own event."""


@changes.on(e.FooterSeen)
def _footer_seen(_case: Case, _: e.FooterSeen) -> None:
    """Change nothing: the task that follows has its own event."""


CHANGES = merge(incident_changes.changes, site_changes.changes, changes)


def apply(case: Case, event: e.Event) -> None:
    """Change `case` as `event` requires.

    Raises:
        ImpossibleMoveError: if the event records a move that the tables of `state` do not have.
    """
    CHANGES[type(event)](case, event)
    site_changes.drop_lapsed_request(case)
    if event.run is not None:
        case.run = event.run
    case.last_entry_at = event.recorded_at
    case.seq += 1
    order = order_of(event)
    if order is not None:
        n, kind = case.seq, order.kind
        for lane in order.lanes:
            case.deliveries[n, lane] = Delivery(order=n, lane=lane, kind=kind)
