"""The hold's order: a site that an authority wants down goes down, whatever became of other orders.

A site can be down on record and up in the world: its order waits for the brake, was cancelled, or
is a dead letter. A hold then orders it down once more, which no brake holds up.
"""

from __future__ import annotations

from collections.abc import Sequence

from incidents.machine.case import Case
from incidents.machine.commands import CancelOrder, Command, RepeatOrder
from incidents.machine.events import Event, HoldSet
from incidents.machine.ids import ACT, order_id
from incidents.machine.in_force import DOWN
from incidents.machine.order_acts import BY_HAND
from incidents.machine.refusals import Refusal


def repeated(case: Case, events: Sequence[Event]) -> RepeatOrder | None:
    """What a hold orders once more, after the `events` of the act that set it; None where it has
    an order of its own, or the site is known to be down."""
    hold = next((event for event in events if isinstance(event, HoldSet)), None)
    if hold is None or hold.site_from != hold.site_to or _is_down(case):
        return None
    return RepeatOrder(by=hold.by)


def refused(case: Case, command: Command) -> Refusal | None:
    """The refusal to cancel the one order that takes a held site down."""
    if not isinstance(command, CancelOrder) or (command.why, command.lane) != (BY_HAND, ACT):
        return None
    down = [d for d in case.deliveries.values() if d.lane == ACT and d.kind in DOWN]
    is_one = any(each.order == command.order for each in down)
    goes_on = any(each.order != command.order and not each.dead for each in down)
    if not case.held or not is_one or goes_on or _is_down(case):
        return None
    name = order_id(case.site_id, command.order, ACT)
    return Refusal("order_of_hold", {"order": name, "site": case.site})


def _is_down(case: Case) -> bool:
    """Whether the site is known to be down in the world, by whichever order."""
    return case.in_force in DOWN.values()
