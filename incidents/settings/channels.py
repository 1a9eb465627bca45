"""The channels of the settings: who is told nothing, since no channel to them is set."""

from __future__ import annotations

from collections.abc import Mapping

from incidents.errors import SettingsFileError
from incidents.settings import sources

SECTIONS = {"notice": "notices", "desk": "alarms"}
"""By the lane of what is told, to the customer or to the desk, the section that names channels."""

SETTINGS = {lane: f"[{section}] channels" for lane, section in SECTIONS.items()}
"""And the setting, as people are told of it."""


def unset(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The setting of each lane to which these settings name no channel; where their file cannot be
    read, none: it is not known."""
    try:
        return {
            lane: SETTINGS[lane]
            for lane, section in SECTIONS.items()
            if not sources.section(section, environ).get("channels")
        }
    except SettingsFileError:
        return {}
