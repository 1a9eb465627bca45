"""The event: what all kinds have in common.

Every event has both times (UTC), the person, the digest of the policy in force, and, if changed,
the run derived after it. A change of state is given as from and to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from incidents.machine.command import Command


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a rule acted: the incidents it counted and the times and numbers it compared."""

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
    """The command behind the event, if the event has all of its fields, so that it can be derived
    again."""

    occurred_at: datetime
    recorded_at: datetime
    by: str
    policy: str
    reason: Reason | None = None
    run: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentEvent(Event):
    """An event of one incident, which may move its state."""

    incident: int
    state_from: str
    state_to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteEvent(Event):
    """An event of the site, which may move its state."""

    site_from: str
    site_to: str


def kinds(names: Mapping[str, object]) -> dict[str, type[Event]]:
    """Each kind of event among a module's names, by its name in an entry."""
    of = (each for each in names.values() if isinstance(each, type) and issubclass(each, Event))
    return {each.kind: each for each in of if hasattr(each, "kind")}
