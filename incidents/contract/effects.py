"""The effects of an action: its actual effects that its answer does not show.

Each surface looks them up by its own means, only if they matter, and words the decisions made here.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from typing import TYPE_CHECKING, cast

from incidents.clock import read_rfc3339
from incidents.machine.command import REACHED

if TYPE_CHECKING:
    from incidents.contract.documents import Facts
    from incidents.contract.documents.actions import Event
    from incidents.contract.documents.sites import Incident, Site

_ENDS = frozenset({"suspension_ended", "suspension_struck", "hold_lifted"})
"""The kinds of events that end a suspension, or a hold."""

_DOWN = ("suspended", "closed")


def of_left_down(event: Event, in_force: str = "suspended") -> Event:
    """The event of a left-down site, changed to its real effect.

    The end of its suspension does not open it any more, nor does lifting a hold open one that is
    closed.
    """
    return cast("Event", {**event, "left_down": in_force})


def may_open(events: Iterable[Facts]) -> bool:
    """Whether one of the events ends a suspension or a hold.

    If so, it matters whether a loss has left the site down.
    """
    return any(each["kind"] in _ENDS for each in events)


def as_left_down(events: list[Event], left_down: Callable[[], str | None]) -> list[Event]:
    """The events, changed so that the end of a suspension or of a hold does not open the site.

    `left_down`: the site's actual state if a loss has left it down, otherwise None.
    """
    in_force = left_down() if may_open(events) else None
    if in_force is None:
        return events
    return [of_left_down(each, in_force) for each in events]


def made_in_time(events: list[Event], in_time: Container[str]) -> list[Event]:
    """The events, with `in_time` set for calls made in time but recorded late.

    `in_time`: the ids of the contacts of these calls.
    """
    return [
        cast("Event", {**each, "in_time": True})
        if may_be_late(each) and cast("Facts", each)["contact"] in in_time
        else each
        for each in events
    ]


def may_be_late(event: Facts) -> bool:
    """Whether it is a call that reached somebody and stopped no clock."""
    if event["kind"] != "contact_recorded" or event["outcome"] != REACHED:
        return False
    return not event["stopped_clock"]


def late_on_record(incidents: Iterable[Incident]) -> set[str]:
    """The ids of the contacts that reached somebody by the deadline and were recorded after it."""
    return {
        each["id"]
        for one in incidents
        for each in one["contacts"]
        if each["in_time"]
        and one["contact_due"] is not None
        and read_rfc3339(each["recorded_at"]) > read_rfc3339(one["contact_due"])
    }


def stays_up(site: Site, events: Iterable[Facts], carries_out: Callable[[], bool]) -> bool:
    """Whether a site was closed or held that is not known to be down, and nothing takes it down.

    `events`: the action's own; `carries_out`: whether a daemon carries out orders.
    """
    is_down = site["in_force"] in _DOWN
    is_ordered = any(e["kind"] in ("hold_set", "site_closed") for e in events)
    return not is_down and is_ordered and not carries_out()
