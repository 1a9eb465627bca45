"""The orders that follow from events: what the world must be told to do, and in what order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from incidents.machine import events as e


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One order: `suspend`, `reopen`, `close`, `call`, `notify` or `alarm`.

    `event` is the place of the event that it follows from; numbers are the site's own; `until`
    is when a suspension is meant to end (UTC), None when no timer will end it.
    """

    event: int
    kind: str
    rule: str | None = None
    incident: int | None = None
    suspension: int | None = None
    task: int | None = None
    until: datetime | None = None


def orders(events: Sequence[e.Event]) -> list[Order]:
    """The orders of one site's events of one transaction, in order.

    A suspension that is lifted again in the same transaction was never in force for anybody:
    neither it nor its lifting is ordered.
    """
    found: list[Order] = []
    for index, event in enumerate(events):
        order = _order(index, event)
        if order is None:
            continue
        suspended = next((o for o in reversed(found) if o.kind in ("suspend", "close")), None)
        if order.kind == "reopen" and suspended is not None and suspended.kind == "suspend":
            found.remove(suspended)
        else:
            found.append(order)
    return found


def _order(index: int, event: e.Event) -> Order | None:
    match event:
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
        case e.IncidentLogged() if event.state_to == "open":
            return Order(event=index, kind="notify", incident=event.incident)
        case e.TaskOpened() if event.task_kind == "tell":
            return Order(event=index, kind="call", task=event.task)
        case e.AlarmRaised():
            return Order(event=index, kind="alarm", incident=event.incident)
        case _:
            return None
