"""The settings of the duty to report: the deadline for the police, and the desk's reminders.

The duty is a second clock on each incident, which only sends reminders and never suspends a site.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from incidents.errors import Cause
from incidents.machine.policy import read_duration, write_duration
from incidents.settings.options import Options

SECTION = "report"
SOURCE = "计算机信息网络国际联网安全保护管理办法 (公安部令第33号), article 10(6)"
"""The legal basis: keep the original record, and report to the police within 24 hours (L.1)."""

WITHIN = timedelta(hours=24)
REMIND = (timedelta(hours=12), timedelta(hours=2))

OVERDUE_FOR = timedelta(days=7)
"""How long after the deadline the desk is reminded, once a day.

Without a limit, a desk that has never recorded its reports would be reminded of every incident it
ever had.
"""

MAX_REMINDERS = 10
_LEAST, _MOST = timedelta(minutes=1), timedelta(days=30)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminder:
    """A reminder: `12h` before the deadline, or `overdue-1` after the deadline.

    `since`: when the reminder became due (UTC).
    """

    name: str
    since: datetime
    overdue: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportDuty:
    """The time within which a recorded incident must be reported, and the reminders.

    `remind`: the times before the deadline, the longest first.
    """

    within: timedelta = WITHIN
    remind: tuple[timedelta, ...] = REMIND

    @property
    def ahead(self) -> timedelta:
        """The time before its deadline at which an incident's first reminder is due."""
        return self.remind[0] if self.remind else timedelta(0)

    def deadline(self, recorded_at: datetime) -> datetime:
        """The deadline (UTC); a report at exactly that time is in time."""
        return recorded_at + self.within

    def reminder(self, recorded_at: datetime, now: datetime) -> Reminder | None:
        """Return the reminder at `now` for an unreported incident: the latest that is due.

        The 12-hour reminder is due from exactly 12 hours before the deadline until the next
        reminder. The reminders of an overdue incident last a day each, the first one from the
        deadline on.
        """
        deadline = self.deadline(recorded_at)
        if now > deadline:
            return _overdue(deadline, now)
        ahead = next((r for r in reversed(self.remind) if deadline - now <= r), None)
        if ahead is None:
            return None
        return Reminder(name=write_duration(ahead), since=deadline - ahead, overdue=False)


def read(section: Mapping[str, Any]) -> ReportDuty | None:
    """Read the section [report] of the settings file; None if this desk has turned off reminders.

    Raises:
        SettingError, UnknownSettingError: naming the key and its requirement.
    """
    off = section.get("within") == ""
    values = {key: value for key, value in section.items() if not (off and key == "within")}
    options = Options(f"[{SECTION}]", values)
    within = options.duration("within", WITHIN, least=_LEAST, most=_MOST)
    remind = _remind(options, within, is_set="remind" in section)
    options.finish()
    return None if off else ReportDuty(within=within, remind=remind)


def _remind(options: Options, within: timedelta, *, is_set: bool) -> tuple[timedelta, ...]:
    texts = options.texts("remind")
    if not is_set:
        return tuple(ahead for ahead in REMIND if ahead < within)
    try:
        found = {read_duration(text) for text in texts}
    except (ValueError, OverflowError):
        found = {within}
    if len(found) > MAX_REMINDERS or not all(timedelta(0) < ahead < within for ahead in found):
        raise options.wrong(
            "remind",
            Cause.of(
                "must_reminders",
                'a list of {most} durations at most, such as ["12h", "2h"], each shorter'
                " than within ({within})",
                most=MAX_REMINDERS,
                within=write_duration(within),
            ),
        )
    return tuple(sorted(found, reverse=True))


def _overdue(deadline: datetime, now: datetime) -> Reminder | None:
    """The reminder of the nth day, including its end: exactly one day late is the first day."""
    if now - deadline > OVERDUE_FOR:
        return None
    days_before = (now - deadline - timedelta(microseconds=1)) // _DAY
    return Reminder(
        name=f"overdue-{days_before + 1}", since=deadline + days_before * _DAY, overdue=True
    )
