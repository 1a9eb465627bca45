"""The section [filing] of the settings file: footer, page checks, reminders and presets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

from incidents.errors import BadSiteNameError, Cause
from incidents.filing.record_number import ICP_FORMS, IcpForm
from incidents.outbound.guard import Guard
from incidents.settings import sources
from incidents.settings.options import Options

SECTION = "filing"
RECHECK_WITHIN = timedelta(days=7)
_LEAST, _MOST = timedelta(hours=1), timedelta(days=365)


@dataclass(frozen=True, slots=True, kw_only=True)
class FilingSettings:
    """The settings in the section.

    `icp_form`: see `ICP_FORMS`. `allow`: non-public hosts whose pages may be fetched.
    `recheck_within`: the interval at which the daemon checks the page of each approved site; None
    for no checks. `remind`: whether the daemon reminds the desk of terms. `presets`: the file with
    the desk's own presets.
    """

    icp_form: IcpForm = "province"
    allow: tuple[str, ...] = ()
    recheck_within: timedelta | None = RECHECK_WITHIN
    remind: bool = True
    presets: Path | None = None

    def guard(self) -> Guard:
        """The guard for fetched pages, which allows plain http."""
        return Guard(allow=self.allow, plain_http=True)


def load(environ: Mapping[str, str] | None = None) -> FilingSettings:
    """The settings of the section, from the settings file.

    Raises:
        SettingError, UnknownSettingError: naming the key and its requirement.
        SettingsFileError: if the file cannot be read.
    """
    return read(sources.section(SECTION, environ))


def read(section: Mapping[str, Any]) -> FilingSettings:
    """The settings from a section; raises SettingError and UnknownSettingError like `load`."""
    never = section.get("recheck_within") == ""
    known_keys = {
        key: value for key, value in section.items() if not (never and key == "recheck_within")
    }
    options = Options(f"[{SECTION}]", known_keys)
    within = options.duration("recheck_within", RECHECK_WITHIN, least=_LEAST, most=_MOST)
    found = FilingSettings(
        icp_form=cast("IcpForm", options.choice("icp_form", ICP_FORMS, "province")),
        allow=options.texts("allow"),
        recheck_within=None if never else within,
        remind=options.flag("remind", default=True),
        presets=options.path("presets"),
    )
    options.finish()
    try:
        found.guard()
    except BadSiteNameError as error:
        raise options.wrong(
            "allow", Cause.of("must_hosts", "a list of hosts: {message}", message=error.message)
        ) from error
    return found
