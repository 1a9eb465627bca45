"""The letter of an alarm: its facts, its sender, and its id.

It also keeps which sites that a loss has left down the desk knows of, so that it reports others.

The row of that alarm keeps their names as its subject. An hour after the last time at the earliest
the desk is told of the list as it is then; of a list that only shrinks it was told.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Collection
from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from incidents.app import App
from incidents.enforcement.port import Outcome
from incidents.notices.lanes import Desk
from incidents.notices.letter import AlarmFacts
from incidents.store.database import address
from incidents.store.monitoring import Raised
from incidents.values import site_name
from incidents.views.queue.alarm import Alarm

Tell = Callable[[Alarm, Raised, datetime, datetime | None], Outcome]
"""Tells the desk of an alarm, which was raised then, at this time (UTC); and since when nothing is
carried out, if it is so."""


class Place(NamedTuple):
    """From where an alarm is told: the host, and the database that it looks at.

    A copy may be at work beside the true one, and tell of the same.
    """

    host: str
    database: str


def here(house: App) -> Place:
    """This machine, and the database of that house."""
    return Place(socket.gethostname(), address.public_address(house.bare_engine))


def by_channels(to_desk: Desk, place: Place) -> Tell | None:
    """Tells by the channels of the desk; None if it has none."""
    if not to_desk.is_set_up:
        return None

    def tell(alarm: Alarm, raised: Raised, now: datetime, halted_since: datetime | None) -> Outcome:
        # The same alarm tried again is the same letter; when its cause comes again, another one.
        letter = f"{alarm.subject}.{raised.raised_at:%Y%m%dT%H%M%S%f}"
        told = facts(alarm, now, place, halted_since)
        return to_desk.alarm(alarm.kind, told, subject_key=letter)

    return tell


def facts(
    alarm: Alarm, now: datetime, place: Place, halted_since: datetime | None = None
) -> AlarmFacts:
    """What is told of an alarm at `now` (UTC)."""
    alike = {name: getattr(alarm, name) for name in _ALIKE}
    site = None if alarm.site is None else site_name.shown(alarm.site)
    named = tuple(map(site_name.shown, alarm.named))
    suspended_now = tuple(map(site_name.shown, alarm.suspended_now))
    return AlarmFacts(
        at=now, host=place.host, database=place.database, halted_since=halted_since, site=site,
        named=named, suspended_now=suspended_now, **alike,
    )  # fmt: skip


_ALIKE = {each.name for each in fields(Alarm)} & {each.name for each in fields(AlarmFacts)}
_ALIKE -= {"site", "named", "suspended_now"}


APART = timedelta(hours=1)


def told_subject(names: Collection[str]) -> str:
    """How the row names them; no name of a site has a space."""
    return " ".join(sorted(names))


def renewed_list(raised: Raised, names: Collection[str], now: datetime) -> Raised | None:
    """How its row is to be where these are on the list at `now` (UTC); None if it is so already, or
    somebody has it in hand."""
    told = set(raised.subject.split(" "))
    if raised.told_at is None:
        found = replace(raised, subject=told_subject(names)) if raised.due(now) else raised
    elif told.issuperset(names) or now - raised.told_at < APART:
        # One that was taken off the list, and is left down once more, is another one.
        found = replace(raised, subject=told_subject(told.intersection(names)))
    else:
        found = replace(
            raised,
            subject=told_subject(names),
            raised_at=now,
            next_at=now,
            attempts=0,
            told_at=None,
        )
    return None if found == raised else found
