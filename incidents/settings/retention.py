"""The settings of retention: how long people's text is kept, and when it may be erased.

Nothing is erased before `MINIMUM`: 网络安全法, article 23(3) in the text in force since 2026-01-01,
requires network logs to be kept for at least six months, and the longest six months in a calendar
have 184 days. Automatic erasure after a time must be enabled in the settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from incidents.errors import IncidentsError
from incidents.machine.policy import read_duration
from incidents.settings import sources

SECTION = "retention"
MINIMUM = timedelta(days=184)
# Far beyond any law; a time before the year 1 does not exist.
_MOST = timedelta(days=36_500)


class RetentionTooShortError(IncidentsError):
    """the settings file says [retention] keep = {value!r}, but 网络安全法 article 23(3) requires
    keeping records for at least six months: write "184d", or a longer time"""


class BadRetentionError(IncidentsError):
    """the settings file says [retention] {setting} = {value!r}: write only keep = "184d", or a
    longer time in days"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long text is kept. `is_enabled`: after that, text is erased automatically."""

    keep: timedelta = MINIMUM
    is_enabled: bool = False

    def cutoff(self, now: datetime) -> datetime:
        """The time before which recorded data may be erased at `now`; both in UTC."""
        return now - self.keep

    def due(self, recorded_at: datetime) -> datetime:
        """The time (UTC) from which data recorded at `recorded_at` may be erased."""
        return recorded_at + self.keep


def read(section: Mapping[str, Any]) -> Retention:
    """Read the section [retention] of the settings file.

    Raises:
        RetentionTooShortError: for less than the law requires.
        BadRetentionError: for anything but a duration under `keep`.
    """
    for setting, value in section.items():
        if setting != "keep":
            raise BadRetentionError(setting=setting, value=value)
    if "keep" not in section:
        return Retention()
    keep = _duration(section["keep"])
    if keep < MINIMUM:
        raise RetentionTooShortError(value=section["keep"])
    return Retention(keep=keep, is_enabled=True)


def of_settings() -> Retention:
    """Return the settings file's retention; raises the errors of `read` and `sources.section`."""
    return read(sources.section(SECTION))


def _duration(value: object) -> timedelta:
    try:
        keep = read_duration(value) if isinstance(value, str) else None
    except (ValueError, OverflowError):
        keep = None
    if keep is None or keep > _MOST:
        raise BadRetentionError(setting="keep", value=value)
    return keep
