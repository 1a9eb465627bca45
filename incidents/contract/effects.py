"""The actual effects of an action, where they differ from its events (after a loss, for example).

Each surface looks up the necessary facts by its own means, and only if they matter. The decisions
are made here, and each surface puts them into words.
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
"""The kinds of events that end a suspension or a hold."""

_DOWN = ("suspended", "closed")


def of_left_down(event: Event, in_force: str = "suspended") -> Event:
    """The event of a left-down site, changed to show its real effect.

    On such a site, the end of a suspension no longer opens the site. Lifting a hold does not open
    the site either if it is closed.
    """
    return cast("Event", {**event, "left_down": in_force})


def may_open(events: Iterable[Facts]) -> bool:
    """Whether one of the events ends a suspension or a hold.

    If so, it matters whether a loss has left the site down.
    """
    return any(each["kind"] in _ENDS for each in events)


def as_left_down(events: list[Event], left_down: Callable[[], str | None]) -> list[Event]:
    """The events, changed to show that they do not open a site that a loss has left down.

    `left_down`: returns the actual state of a left-down site, otherwise None.
    """
    in_force = left_down() if may_open(events) else None
    if in_force is None:
        return events
    return [of_left_down(each, in_force) for each in events]


def made_in_time(events: list[Event], in_time: Container[str]) -> list[Event]:
    """The events, with `in_time` set for calls that were made in time but recorded late.

    `in_time`: the IDs of the contacts of these calls.
    """
    return [
        cast("Event", {**each, "in_time": True})
        if may_be_late(each) and cast("Facts", each)["contact"] in in_time
        else each
        for each in events
    ]


def may_be_late(event: Facts) -> bool:
    """Whether the event is a call that reached somebody but stopped no clock."""
    if event["kind"] != "contact_recorded" or event["outcome"] != REACHED:
        return False
    return not event["stopped_clock"]


def late_on_record(incidents: Iterable[Incident], events: Iterable[Facts]) -> set[str]:
    """The IDs of the contacts that were made in time but recorded after the deadline.

    After a reinstatement an incident shows no deadline; if it was unreached, it had passed.
    """
    unreached = {
        each["contact"]
        for each in events
        if each["kind"] == "contact_recorded" and each["state_from"] == "unreached"
    }
    return {
        each["id"]
        for one in incidents
        for each in one["contacts"]
        if each["in_time"]
        and (each["id"] in unreached or _is_after(each["recorded_at"], one["contact_due"]))
    }


def _is_after(recorded_at: str, due: str | None) -> bool:
    return due is not None and read_rfc3339(recorded_at) > read_rfc3339(due)


def stays_up(site: Site, events: Iterable[Facts], carries_out: Callable[[], bool]) -> bool:
    """Whether the action closes or holds a site that stays up because no orders are carried out.

    `events`: the events of the action itself. `carries_out`: returns whether a daemon carries out
    orders.
    """
    is_down = site["in_force"] in _DOWN
    is_ordered = any(e["kind"] in ("hold_set", "site_closed") for e in events)
    return not is_down and is_ordered and not carries_out()
