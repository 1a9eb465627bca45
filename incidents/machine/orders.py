"""The orders that follow from events: changes to the live system, and their sequence.

An order is carried out in lanes, each in its own sequence and at its own pace, so that a failed
mail server does not keep a site up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from incidents.machine import events as e
from incidents.values.ids import ACT as ACT  # noqa: PLC0414 - handed on

NOTICE, DESK = "notice", "desk"
LANES: dict[str, tuple[str, ...]] = {
    "suspend": (ACT, NOTICE),
    "reopen": (ACT, NOTICE),
    "close": (ACT, NOTICE),
    "notify": (NOTICE,),
    "call": (DESK,),
    "alarm": (DESK,),
}
"""The lanes of each kind of order: to the live system, to the customer, or to the desk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One order: `suspend`, `reopen`, `close`, `call`, `notify` or `alarm`.

    `event` is the index of the event that caused the order; numbers are the site's own; `until` is
    the planned end of a suspension (UTC), None if no timer ends it. `again`: a repeated order, of
    which the customer was already told, so that it only goes to the live system unless it `tells`
    the customer of a hold.
    """

    event: int
    kind: str
    rule: str | None = None
    incident: int | None = None
    suspension: int | None = None
    task: int | None = None
    until: datetime | None = None
    again: bool = False
    tells: bool = False

    @property
    def lanes(self) -> tuple[str, ...]:
        """The lanes that carry out the order."""
        return (ACT,) if self.again and not self.tells else LANES[self.kind]


def order_of(event: e.Event) -> Order | None:
    """The order that follows from one event, if any."""
    return _order(0, event) if type(event) in _ORDERING else None


def orders(events: Sequence[e.Event]) -> list[Order]:
    """The orders that follow from one site's events in one transaction, in order.

    A suspension that is lifted in the same transaction was never in force: neither the suspension
    nor the reopening is ordered.
    """
    found: list[Order] = []
    for index, event in enumerate(events):
        order = _order(index, event) if type(event) in _ORDERING else None
        if order is None:
            continue
        taken_back = _suspension(found) if order.kind == "reopen" else []
        if taken_back:
            found = [each for each in found if each not in taken_back]
        else:
            found.append(order)
    return found


def _suspension(found: Sequence[Order]) -> list[Order]:
    """The last order to suspend, with its repetitions; empty if a closure followed."""
    suspension: list[Order] = []
    for order in reversed(found):
        if order.kind == "close":
            break
        if order.kind == "suspend":
            suspension.append(order)
            if not order.again:
                return suspension
    return []


def _order(index: int, event: e.Event) -> Order | None:
    match event:
        case e.IncidentLogged() if event.state_to == "open":
            return Order(event=index, kind="notify", incident=event.incident)
        case e.SiteSuspended():
            return Order(
                event=index, kind="suspend", rule="unreachable", incident=event.incident,
                suspension=event.suspension, until=event.until,
            )  # fmt: skip
        case e.SiteClosed():
            assert event.reason is not None
            return Order(event=index, kind="close", rule=event.reason.rule)
        case e.HoldSet() if event.site_from != event.site_to:
            return Order(event=index, kind="suspend")
        case e.SuspensionEnded() | e.SuspensionStruck() if event.site_from != event.site_to:
            return Order(event=index, kind="reopen", suspension=event.suspension)
        case e.HoldLifted() | e.SiteReinstated() if event.site_from != event.site_to:
            return Order(event=index, kind="reopen")
        case e.TaskOpened() if event.task_kind == "tell":
            return Order(event=index, kind="call", task=event.task)
        case e.OrderRepeated():
            return Order(
                event=index, kind=event.order_kind, until=event.until, again=True,
                tells=event.tells,
            )  # fmt: skip
        case e.AlarmRaised():
            return Order(event=index, kind="alarm", incident=event.incident)
        case _:
            return None


_ORDERING = {
    e.SiteSuspended, e.SiteClosed, e.HoldSet, e.SuspensionEnded, e.SuspensionStruck, e.HoldLifted,
    e.SiteReinstated, e.IncidentLogged, e.TaskOpened, e.AlarmRaised, e.OrderRepeated,
}  # fmt: skip
