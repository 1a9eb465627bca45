"""The event: the fields common to all kinds of events.

Every event has both times (UTC), the person, the digest of the policy in force, and the run if the
event changed it. A change of state is given by both states, before and after.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from incidents.machine.command import Command


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """The reason why a rule applied: the incidents counted, and the times and numbers compared."""

    rule: str
    incidents: tuple[int, ...] = ()
    counted: int | None = None
    needed: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    within: timedelta | None = None
    deadline: datetime | None = None
    decided_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """The fields that all events have."""

    kind: ClassVar[str]
    command: ClassVar[type[Command] | None] = None
    """The command that a replay rebuilds from such an event; None if the event lacks a field of the
    command."""

    occurred_at: datetime
    recorded_at: datetime
    by: str
    policy: str
    reason: Reason | None = None
    run: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentEvent(Event):
    """An event of one incident, which can change the incident's state."""

    incident: int
    state_from: str
    state_to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteEvent(Event):
    """An event of the site, which can change the site's state."""

    site_from: str
    site_to: str


def kinds(names: Mapping[str, object]) -> dict[str, type[Event]]:
    """The kinds of events defined in a module, by their names in an entry."""
    of = (each for each in names.values() if isinstance(each, type) and issubclass(each, Event))
    return {each.kind: each for each in of if hasattr(each, "kind")}
