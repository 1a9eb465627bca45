"""The settings of the archive: where its parts are, and how old what goes there must be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from incidents.errors import IncidentsError
from incidents.machine.policy import read_duration
from incidents.settings import sources

SECTION = "archive"
DEFAULT_AGE = timedelta(days=400)
MINIMUM = timedelta(days=30)
"""No younger entry is archived: views of the last days read the database alone."""
_MOST = timedelta(days=36_500)


class BadArchiveError(IncidentsError):
    """the settings file says [archive] {setting} = {value!r}: write folder = "/a/folder", and
    after = "400d" or another duration of at least 30d"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveSettings:
    """The `folder` of the parts; entries recorded longer ago than `after` may be archived."""

    folder: Path
    after: timedelta = DEFAULT_AGE

    def cutoff(self, now: datetime) -> datetime:
        """The time before which recorded entries may be archived at `now`; both in UTC."""
        return now - self.after


def read(section: Mapping[str, Any], url: str | None) -> ArchiveSettings:
    """Read the section [archive] of the settings file, for the database at `url`.

    Raises:
        BadArchiveError: for an unknown setting, or a value that cannot be used.
    """
    for setting, value in section.items():
        if setting not in ("folder", "after"):
            raise BadArchiveError(setting=setting, value=value)
    folder = section.get("folder", "")
    if not isinstance(folder, str) or ("folder" in section and not folder):
        raise BadArchiveError(setting="folder", value=folder)
    return ArchiveSettings(
        folder=Path(folder).expanduser() if folder else sources.default_path(url, "archive"),
        after=_duration(section["after"]) if "after" in section else DEFAULT_AGE,
    )


def of_settings(url: str | None) -> ArchiveSettings:
    """Return the settings file's archive; raises the errors of `read` and `sources.section`."""
    return read(sources.section(SECTION), url)


def names_folder() -> bool:
    """Whether the settings file names a folder; raises the errors of `sources.section`."""
    return bool(sources.section(SECTION).get("folder"))


def _duration(value: object) -> timedelta:
    try:
        after = read_duration(value) if isinstance(value, str) else None
    except (ValueError, OverflowError):
        after = None
    if after is None or not MINIMUM <= after <= _MOST:
        raise BadArchiveError(setting="after", value=value)
    return after
