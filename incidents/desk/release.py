"""The release: an order that the brake holds goes with its notice, whichever of them is named."""

from __future__ import annotations

from dataclasses import replace

from incidents.machine.case import Case
from incidents.machine.commands import Command, RetryOrder
from incidents.machine.ids import ACT


def of_order(case: Case, command: Command) -> Command:
    """The release of a notice that waits with its order, as that of the order: both go together,
    and what may not be carried out any more is not told either. Any other command as it is."""
    if not isinstance(command, RetryOrder) or command.lane == ACT:
        return command
    own = case.deliveries.get((command.order, ACT))
    return command if own is None or not own.braked else replace(command, lane=ACT)
