"""How the events of an order change a case: what still waits, and what is in force."""

from __future__ import annotations

from dataclasses import replace

from incidents.machine import events as e
from incidents.machine.case import UNKNOWN, Case
from incidents.machine.changes import Changes
from incidents.machine.ids import ACT
from incidents.machine.in_force import BRAKED, FORCE

changes = Changes()


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
    """What follows from it is an order like any other (see `apply`)."""


def _doubt(case: Case, event: e.OrderEvent) -> None:
    """An attempt whose answer was lost may have done what it was to do.

    Of a dead letter that was said when it died; of one that was overtaken nothing is left.
    """
    if event.lane != ACT or case.in_force == FORCE[event.order_kind]:
        return
    known = case.deliveries[event.order, event.lane].dead or event.order < case.last_act
    if not known:
        case.in_force = UNKNOWN
