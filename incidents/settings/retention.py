"""The settings of retention: how long people's text, command keys and checkpoints are kept.

No text is erased before `MINIMUM`: 网络安全法, article 23(3) in the text in force since 2026-01-01,
requires network logs to be kept for at least six months, and the longest six months in a calendar
have 184 days. Automatic erasure after a time must be enabled in the settings. Keys and checkpoints
have a default.
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
LEAST = timedelta(days=30)
"""The default and the minimum for keys, and for all checkpoints."""
# Far beyond any law; a time before the year 1 does not exist.
_MOST = timedelta(days=36_500)


class RetentionTooShortError(IncidentsError):
    """the settings file says [retention] keep = {value!r}, but 网络安全法 article 23(3) requires
    keeping records for at least six months: write "184d", or a longer time"""


class KeysTooShortError(RetentionTooShortError):
    """the settings file says [retention] keys = {value!r}, but a program that repeats a command
    after a long outage gets its answer for at least 30 days: write "30d", or a longer time"""


class CheckpointsTooShortError(RetentionTooShortError):
    """the settings file says [retention] checkpoints = {value!r}, but each checkpoint is kept for
    at least 30 days, so that others can compare what they hold: write "30d", or a longer time"""


class BadRetentionError(IncidentsError):
    """the settings file says [retention] {setting} = {value!r}: write only keep = "184d", keys =
    "30d" or checkpoints = "30d", or a longer time in days"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long data is kept. `is_enabled`: after `keep`, text is erased automatically.

    `keys`: how long the answer to a command with a key is stored. `checkpoints`: how long each
    checkpoint stays; of older ones only some stay.
    """

    keep: timedelta = MINIMUM
    is_enabled: bool = False
    keys: timedelta = LEAST
    checkpoints: timedelta = LEAST

    def cutoff(self, now: datetime) -> datetime:
        """The time before which recorded data may be erased at `now`; both in UTC."""
        return now - self.keep

    def cutoff_of_keys(self, now: datetime) -> datetime:
        """The time before which keys expire: their answers are no older than erased text."""
        return now - (min(self.keys, self.keep) if self.is_enabled else self.keys)

    def due(self, recorded_at: datetime) -> datetime:
        """The time (UTC) from which data recorded at `recorded_at` may be erased."""
        return recorded_at + self.keep


_LIMITS: dict[str, tuple[timedelta, type[RetentionTooShortError]]] = {
    "keep": (MINIMUM, RetentionTooShortError),
    "keys": (LEAST, KeysTooShortError),
    "checkpoints": (LEAST, CheckpointsTooShortError),
}


def read(section: Mapping[str, Any]) -> Retention:
    """Read the section [retention] of the settings file.

    Raises:
        RetentionTooShortError: for less than the minimum.
        BadRetentionError: for anything but a duration, or another setting.
    """
    given = {setting: _duration(setting, value) for setting, value in section.items()}
    return Retention(**given, is_enabled="keep" in given)


def of_settings() -> Retention:
    """Return the settings file's retention; raises the errors of `read` and `sources.section`."""
    return read(sources.section(SECTION))


def _duration(setting: str, value: object) -> timedelta:
    try:
        kept = read_duration(value) if isinstance(value, str) else None
    except (ValueError, OverflowError):
        kept = None
    if setting not in _LIMITS or kept is None or kept > _MOST:
        raise BadRetentionError(setting=setting, value=value)
    least, too_short = _LIMITS[setting]
    if kept < least:
        raise too_short(value=value)
    return kept
