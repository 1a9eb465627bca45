"""Actions on an order: record its delivery or failure, cancel, retry or repeat it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from incidents.machine import commands
from incidents.machine import events as e
from incidents.machine.case import Case, Delivery
from incidents.machine.command import BY_HAND, DOWN, FORCE, LEFT_DOWN, LIFTED, REPEATED, SUPERSEDED
from incidents.machine.decider import Decider
from incidents.machine.handlers import Handlers
from incidents.machine.refusal import RefusedError
from incidents.values.ids import ACT, order_id

decisions = Handlers[Decider]()

REOPEN = "reopen"


@decisions.on(commands.RecordDelivery)
def record_delivery(decider: Decider, command: commands.RecordDelivery) -> None:
    """Record that an order was carried out, even if it had been given up as a dead letter."""
    delivery = _unsettled(decider, command)
    decider.add(
        e.OrderDelivered, **_of(delivery), adapter=command.adapter, attempts=command.attempts,
        enforced=command.enforced,
    )  # fmt: skip


@decisions.on(commands.RecordFailure)
def record_failure(decider: Decider, command: commands.RecordFailure) -> None:
    """Record that an order is given up: it becomes a dead letter."""
    delivery = _unsettled(decider, command)
    if delivery.dead:
        raise RefusedError("order_dead", order=_name(decider.case, delivery))
    decider.add(
        e.OrderFailed, **_of(delivery), adapter=command.adapter, attempts=command.attempts,
        problem=command.problem,
    )  # fmt: skip


@decisions.on(commands.CancelOrder)
def cancel(decider: Decider, command: commands.CancelOrder) -> None:
    """Cancel an unsettled order: manually, or because the measure it ordered was lifted."""
    delivery = _unsettled(decider, command)
    if command.why == LIFTED and not is_lifted(
        delivery, _deliveries(decider.case), decider.case.in_force
    ):
        raise RefusedError("not_lifted", order=_name(decider.case, delivery))
    if command.why == SUPERSEDED and not (decider.case.held and _gives_way_to_hold(delivery)):
        raise RefusedError("not_lifted", order=_name(decider.case, delivery))
    if command.why == LEFT_DOWN and not _may_be_left_down(decider.case, delivery):
        raise RefusedError("not_lifted", order=_name(decider.case, delivery))
    if command.why == BY_HAND and _in_hand(decider, delivery):
        raise RefusedError(
            "order_in_hand", order=_name(decider.case, delivery), until=delivery.lease_until
        )
    tried = delivery.attempts > 0 if command.tried is None else command.tried
    decider.add(
        e.OrderCancelled, **_of(delivery), why=command.why, tried=tried, text=command.reason
    )
    if command.why == SUPERSEDED:
        return
    for each in _braked_with(decider.case, delivery):
        decider.add(e.OrderCancelled, **_of(each), why=command.why, text=command.reason)


@decisions.on(commands.RetryOrder)
def retry(decider: Decider, command: commands.RetryOrder) -> None:
    """Retry a dead letter; an order to the live system only while it is the current order.

    If the brake holds the order, this releases the order and its notice.
    """
    case, delivery = decider.case, _unsettled(decider, command)
    if not delivery.dead:
        raise RefusedError("order_not_dead", order=_name(case, delivery))
    overtaken = FORCE.get(delivery.kind) != case.state or delivery.order < case.last_act
    if delivery.lane == ACT and overtaken:
        raise RefusedError("overtaken", order=_name(case, delivery), site=case.site)
    later = (each for each in _deliveries(case) if each.order > delivery.order and not each.dead)
    if delivery.lane == ACT and any(each.attempts for each in later):
        raise RefusedError("overtaken", order=_name(case, delivery), site=case.site)
    for each in (delivery, *_braked_with(case, delivery)):
        decider.add(e.OrderRetried, **_of(each))


def releasing_command(case: Case, command: commands.Command) -> commands.Command:
    """Return the command; for a braked notice, the command that releases the order it announces.

    The brake holds the order and its notice, and both are released together: if the order can no
    longer be carried out, its notice is not sent.
    """
    if not isinstance(command, commands.RetryOrder) or command.lane == ACT:
        return command
    own = case.deliveries.get((command.order, ACT))
    return command if own is None or not own.braked else replace(command, lane=ACT)


@decisions.on(commands.RecordState)
def record_state(decider: Decider, command: commands.RecordState) -> None:
    """Record the actual state; this has no effect if that state is already on record."""
    case = decider.case
    if (command.in_force, command.last_act) != (case.in_force, case.last_act):
        raise RefusedError("seen_too_early", site=case.site)
    if command.seen != case.in_force:
        decider.add(e.StateSeen, adapter=command.adapter, seen=command.seen)


@decisions.on(commands.RepeatOrder)
def repeat(decider: Decider, command: commands.RepeatOrder) -> None:
    """Repeat the current order, and cancel dead letters with the same order."""
    case = decider.case
    if command.in_force is not None and _has_moved_on(command, case):
        raise RefusedError("seen_too_early", site=case.site)
    # A hold orders a site down even if it is down already (`keep_down`).
    is_of_hold = command.alone and case.hold is not None and case.hold.at == decider.now
    if case.in_force == case.state and (case.state == "active" or is_down(case)) and not is_of_hold:
        raise RefusedError("in_force_already", site=case.site, state=case.state)
    outlasts = is_of_hold and case.suspension is not None and not case.closed
    repeat_current_order(decider, alone=command.alone, tells=command.tells and outlasts)


def is_down(case: Case) -> bool:
    """Whether the site is known to be actually down, and no order waits to open it."""
    return case.in_force in DOWN.values() and not any(map(_opens, _deliveries(case)))


def keep_down(decider: Decider) -> None:
    """Keep a held site down in the live system: cancel the orders that wait to open it.

    The site gets another order to take it down, unless such an order is waiting, even if the site
    is already down. Otherwise nothing outside the record would show the hold if the record lost its
    latest entries. A site that is actually closed gets no order to suspend it.

    An order that a worker has claimed cannot be cancelled, so the order that takes the site down
    follows it. A customer who expects a suspension to end is told that the hold outlasts it.
    """
    case = decider.case
    openings = [each for each in _deliveries(case) if _opens(each) and not _in_hand(decider, each)]
    for each in _deliveries(case):
        untried = each.braked or not (each.attempts or each.dead)
        if untried and each.kind in DOWN and any(o.order > each.order for o in openings):
            # As the dispatcher would: it was lifted before anybody tried it.
            lifting = commands.CancelOrder(
                by=decider.by, order=each.order, lane=each.lane, why=LIFTED
            )
            cancel(decider, lifting)
    for each in openings:
        decider.add(e.OrderCancelled, **_of(each), why=SUPERSEDED, tried=each.attempts > 0)
    if _goes_down(case) or (case.in_force == "closed" and case.state != "closed"):
        return
    braked = [each for each in _deliveries(case) if each.braked]
    repeat_current_order(decider, tells=case.suspension is not None and not (case.closed or braked))
    for each in braked:
        # The site goes down with the hold, and the customer is informed of that.
        letters = _braked_with(case, each)
        decider.add(e.OrderCancelled, **_of(each), why=SUPERSEDED)
        for letter in letters:
            decider.add(e.OrderRetried, **_of(letter))


def repeat_current_order(decider: Decider, *, alone: bool = False, tells: bool = False) -> None:
    """Repeat the current order; unless `alone`, cancel dead letters with the same order."""
    case = decider.case
    kind = next(kind for kind, state in FORCE.items() if state == case.state)
    dead = [
        each for each in _deliveries(case) if each.dead and not each.braked and each.kind == kind
    ]
    decider.add(e.OrderRepeated, order_kind=kind, until=case.suspended_until, tells=tells)
    for each in () if alone else dead:
        decider.add(e.OrderCancelled, **_of(each), why=REPEATED, tried=True)


def is_lifted(delivery: Delivery, unsettled: Iterable[Delivery], in_force: str) -> bool:
    """Whether the order is no longer needed; `unsettled`: the site's unsettled orders.

    An order to take a site down is not needed if an order to open the site follows it. An order to
    open a site is not needed if no earlier order has taken the site down or still could.
    """
    if delivery.kind in DOWN:
        return any(
            each.kind == REOPEN and each.order > delivery.order and not each.dead
            for each in unsettled
        )
    before = [each for each in unsettled if each.order < delivery.order]
    last = max(before, key=lambda each: each.order, default=delivery)
    return (
        delivery.kind == REOPEN
        and in_force == "active"
        and last.kind == REOPEN
        and not any(each.attempts or (each.dead and not each.braked) for each in before)
    )


def _braked_with(case: Case, delivery: Delivery) -> list[Delivery]:
    """The other braked deliveries of the same order, such as the notice to the customer."""
    return [
        each
        for each in case.deliveries.values()
        if delivery.braked and each.braked and each.order == delivery.order and each != delivery
    ]


def _has_moved_on(command: commands.RepeatOrder, case: Case) -> bool:
    """Whether the site has changed since the caller read its state, or an order is waiting."""
    known = (command.in_force, command.last_act)
    return known != (case.in_force, case.last_act) or not all(
        each.dead for each in _deliveries(case)
    )


def _deliveries(case: Case) -> list[Delivery]:
    return [each for each in case.deliveries.values() if each.lane == ACT]


def _opens(delivery: Delivery) -> bool:
    return (delivery.lane, delivery.kind, delivery.dead) == (ACT, REOPEN, False)


def _may_be_left_down(case: Case, delivery: Delivery) -> bool:
    """Whether the order opens a site, or would suspend a site that is actually closed."""
    suspends = (delivery.lane, delivery.kind) == (ACT, "suspend")
    return _opens(delivery) or (suspends and case.in_force == "closed")


def _gives_way_to_hold(delivery: Delivery) -> bool:
    return _opens(delivery) or (delivery.lane == ACT and delivery.braked)


def _goes_down(case: Case) -> bool:
    """Whether the site's last waiting order takes it down."""
    waiting = (each for each in _deliveries(case) if not each.dead)
    last = max(waiting, key=lambda each: each.order, default=None)
    return last is not None and last.kind in DOWN


def _unsettled(decider: Decider, command: commands.OrderCommand) -> Delivery:
    found = decider.case.deliveries.get((command.order, command.lane))
    if found is None:
        id_ = order_id(decider.case.site_id, command.order, command.lane)
        raise RefusedError("unknown_order", order=id_)
    return found


def _in_hand(decider: Decider, delivery: Delivery) -> bool:
    return delivery.lease_until is not None and decider.now < delivery.lease_until


def _of(delivery: Delivery) -> dict[str, Any]:
    return {"order": delivery.order, "lane": delivery.lane, "order_kind": delivery.kind}


def _name(case: Case, delivery: Delivery) -> str:
    return order_id(case.site_id, delivery.order, delivery.lane)
