"""The aftermath of an act: what its answer alone does not tell of the world.

Each surface looks by its own means, only where it matters, and words what is decided here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from incidents.contract.documents import Facts
    from incidents.contract.documents.acts import Event
    from incidents.contract.documents.sites import Site

_ENDS = frozenset({"suspension_ended", "suspension_struck", "hold_lifted"})
"""The kinds of events that end a suspension, or a hold."""

_DOWN = ("suspended", "closed")


def of_left_down(event: Event, in_force: str = "suspended") -> Event:
    """The event of a site that a loss has left down, as it is in the world: its suspension's end
    opens it no more, nor the lift of a hold one that is closed."""
    return cast("Event", {**event, "left_down": in_force})


def may_open(events: Iterable[Facts]) -> bool:
    """Whether one of them ends a suspension or a hold, so that it matters whether a loss has left
    the site down."""
    return any(each["kind"] in _ENDS for each in events)


def as_left_down(events: list[Event], left_down: Callable[[], str | None]) -> list[Event]:
    """What was done, where the end of a suspension or of a hold does not open its site.

    `left_down`: the site's state in the world if a loss has left it down, else None.
    """
    in_force = left_down() if may_open(events) else None
    if in_force is None:
        return events
    return [of_left_down(each, in_force) for each in events]


def stays_up(site: Site, events: Iterable[Facts], carries_out: Callable[[], bool]) -> bool:
    """Whether a hold was set on a site that is not known to be down, and nothing takes it down.

    `events` are the act's own; `carries_out`: whether a daemon carries orders out.
    """
    is_down = site["in_force"] in _DOWN
    return not is_down and any(e["kind"] == "hold_set" for e in events) and not carries_out()
