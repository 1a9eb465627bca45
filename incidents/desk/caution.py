"""The cautions: what somebody is asked before a violation closes a site, and told of its hosts."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TypeGuard

from incidents import web_address
from incidents.machine.case import Case
from incidents.machine.codes import BY_HAND
from incidents.machine.commands import CancelOrder, Command, Log, RecordFailure
from incidents.machine.decide import Decision, decide
from incidents.machine.events import SiteClosed
from incidents.machine.ids import ACT, order_id
from incidents.machine.in_force import BRAKED, DOWN
from incidents.machine.order_acts import is_down
from incidents.machine.policy import Policy
from incidents.machine.refusals import Refusal, Remark


def would_close(case: Case, command: Command, policy: Policy, now: datetime) -> Refusal | None:
    """The refusal of a violation that completes a window and so closes the site (R1).

    What closes on somebody's word (R4, R5) is asked about by whoever takes that word. `now` is in
    UTC.
    """
    decision = decide(case, command, policy, now)
    for event in decision.events[decision.due :]:
        reason = event.reason if isinstance(event, SiteClosed) else None
        if reason is not None and reason.within is not None:
            within_s = int(reason.within.total_seconds())
            facts = {"site": case.site, "n": reason.counted, "needed": reason.needed}
            return Refusal("would_close", {**facts, "within_s": within_s})
    return None


def order_of_hold(case: Case, command: Command) -> Refusal | None:
    """The refusal to cancel the one order that takes a held site down, or to brake it, if a courier
    took it in hand before the hold."""
    if not (_is_by_hand(command) or _is_braking(command)):
        return None
    down = [d for d in case.deliveries.values() if d.lane == ACT and d.kind in DOWN]
    is_one = any(each.order == command.order for each in down)
    goes_on = any(each.order != command.order and not each.dead for each in down)
    if not case.held or not is_one or goes_on or is_down(case):
        return None
    name = order_id(case.site_id, command.order, ACT)
    return Refusal("order_of_hold", {"order": name, "site": case.site})


def _is_by_hand(command: Command) -> TypeGuard[CancelOrder]:
    if not isinstance(command, CancelOrder):
        return False
    return (command.why, command.lane) == (BY_HAND, ACT)


def _is_braking(command: Command) -> TypeGuard[RecordFailure]:
    return isinstance(command, RecordFailure) and command.problem == BRAKED


def remarked(decision: Decision, command: Command) -> Decision:
    """The decision, with a remark on the hosts that are not the site's, nor below it.

    A mistyped name logs the violation on somebody else's site, and may close it.
    """
    if not isinstance(command, Log) or decision.refusal is not None:
        return decision
    site = decision.case.site
    hosts = web_address.hosts_elsewhere(command.urls, site)
    if not hosts:
        return decision
    remark = Remark("other_host", {"hosts": hosts, "site": site})
    return replace(decision, remarks=(*decision.remarks, remark))
