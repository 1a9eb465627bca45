"""The letter of an alarm: what the desk is told of it, and by what name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from datetime import datetime
from typing import TYPE_CHECKING

from incidents import site_name
from incidents.acts.port import Outcome
from incidents.notices.facts import AlarmFacts
from incidents.store.alarms import Raised
from incidents.views.alarm import Alarm

if TYPE_CHECKING:
    from incidents.notices.desk import Desk

Tell = Callable[[Alarm, Raised, datetime], Outcome]
"""Tells the desk of an alarm, which was raised then, at this time (UTC)."""


def by_channels(to_desk: Desk) -> Tell | None:
    """Tells by the channels of the desk; None if it has none."""
    if not to_desk.is_set_up:
        return None

    def tell(alarm: Alarm, raised: Raised, now: datetime) -> Outcome:
        # The same alarm tried again is the same letter; when its cause comes again, another one.
        letter = f"{alarm.subject}.{raised.raised_at:%Y%m%dT%H%M%S%f}"
        return to_desk.alarm(alarm.kind, facts(alarm, now), subject_key=letter)

    return tell


def facts(alarm: Alarm, now: datetime) -> AlarmFacts:
    """What is told of an alarm at `now` (UTC)."""
    alike = {name: getattr(alarm, name) for name in _ALIKE}
    site = None if alarm.site is None else site_name.shown(alarm.site)
    return AlarmFacts(at=now, site=site, **alike)


_ALIKE = {each.name for each in fields(Alarm)} & {each.name for each in fields(AlarmFacts)}
_ALIKE -= {"site"}
