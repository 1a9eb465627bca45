"""The message of an alarm: its facts, its sender, and its ID.

The row of the alarm about left-down sites stores the reported names as its subject. If new sites
join the list, the desk gets the whole list again, but at most once an hour.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Collection
from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from incidents.app import App
from incidents.enforcement.port import Outcome
from incidents.notices.facts import AlarmFacts
from incidents.notices.lanes import DeskLane
from incidents.store.database import address
from incidents.store.monitoring import Raised
from incidents.values import site_name
from incidents.views.queue.alarm import Alarm

SendAlarm = Callable[[Alarm, Raised, datetime, datetime | None], Outcome]
"""A function that sends an alarm.

Its arguments are the alarm, its row, the time (UTC), and since when no orders are carried out (None
if they are).
"""


class Source(NamedTuple):
    """The source of an alarm: the host and the database, because a copy can also send alarms."""

    host: str
    database: str


def this_source(app: App) -> Source:
    """The source for this machine and the app's database."""
    return Source(socket.gethostname(), address.public_address(app.bare_engine))


def channel_sender(lane: DeskLane, source: Source) -> SendAlarm | None:
    """A function that sends alarms through the desk's channels; None if the desk has none."""
    if not lane.is_set_up:
        return None

    def send(alarm: Alarm, raised: Raised, now: datetime, halted_since: datetime | None) -> Outcome:
        # A retry is the same letter; a recurrence is another one.
        letter = f"{alarm.subject}.{raised.raised_at:%Y%m%dT%H%M%S%f}"
        alarm_facts = facts(alarm, now, source, halted_since)
        return lane.alarm(alarm.kind, alarm_facts, subject_key=letter)

    return send


def facts(
    alarm: Alarm, now: datetime, source: Source, halted_since: datetime | None = None
) -> AlarmFacts:
    """The facts of an alarm at `now` (UTC)."""
    common = {name: getattr(alarm, name) for name in _COMMON_FIELDS}
    site = None if alarm.site is None else site_name.shown(alarm.site)
    named = tuple(map(site_name.shown, alarm.named))
    suspended_now = tuple(map(site_name.shown, alarm.suspended_now))
    return AlarmFacts(
        at=now, host=source.host, database=source.database, halted_since=halted_since, site=site,
        named=named, suspended_now=suspended_now, **common,
    )  # fmt: skip


_COMMON_FIELDS = {each.name for each in fields(Alarm)} & {each.name for each in fields(AlarmFacts)}
_COMMON_FIELDS -= {"site", "named", "suspended_now"}


MIN_INTERVAL = timedelta(hours=1)


def subject_of(names: Collection[str]) -> str:
    """The names as the row stores them; no site name contains a space."""
    return " ".join(sorted(names))


def updated_row(raised: Raised, names: Collection[str], now: datetime) -> Raised | None:
    """The row of the alarm for these names at `now` (UTC).

    None if the row stays unchanged, or if the alarm is being sent.
    """
    sent = set(raised.subject.split(" "))
    if raised.told_at is None:
        found = replace(raised, subject=subject_of(names)) if raised.due(now) else raised
    elif sent.issuperset(names) or now - raised.told_at < MIN_INTERVAL:
        # A site that left the list and came back counts as new.
        found = replace(raised, subject=subject_of(sent.intersection(names)))
    else:
        found = replace(
            raised,
            subject=subject_of(names),
            raised_at=now,
            next_at=now,
            attempts=0,
            told_at=None,
        )
    return None if found == raised else found
