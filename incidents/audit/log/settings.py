"""The log's settings: the section [audit] of the settings file, and the variables of its keys."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from incidents.audit.log.stamp import Authority, NoRootsError
from incidents.audit.log.witnesses import Witness
from incidents.errors import IncidentsError
from incidents.settings import sources
from incidents.settings.options import Options
from incidents.settings.sources import Settings
from incidents.tlog.keys import COSIGNATURE_V1, VerifierKey

SECTION = "audit"
VARIABLES = {"key": "INCIDENTS_AUDIT_KEY", "publish": "INCIDENTS_AUDIT_PUBLISH"}
DEFAULT_KEY = "audit.key"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """Where the private key is, or the command that signs; where the log is published, by whom it
    is witnessed, and the authority for time stamps (RFC 3161).

    `key` is a path also where a command signs: what it signed last is kept beside it.
    """

    key: Path
    key_command: tuple[str, ...] | None = None
    publish: Path | None = None
    witnesses: tuple[Witness, ...] = ()
    timestamps: Authority | None = None


def load(of: Settings, environ: Mapping[str, str] | None = None) -> LogSettings:
    """The log's settings for this run; of a key and its variable, the variable counts.

    Raises:
        SettingError, UnknownSettingError, SettingsFileError: naming what is wrong.
    """
    environ = os.environ if environ is None else environ
    given = {key: environ[name] for key, name in VARIABLES.items() if environ.get(name)}
    section = sources.section(SECTION, environ) | given
    options = Options(f"[{SECTION}]", section)
    command = options.words("key_command")
    if not command and "key_command" in section:
        raise options.wrong("key_command", 'a list of its words, such as ["kms-sign", "log"]')
    found = LogSettings(
        key=options.path("key") or sources.beside(of.db, DEFAULT_KEY),
        key_command=command or None,
        publish=options.path("publish"),
        witnesses=tuple(_witness(each) for each in options.tables("witnesses")),
        timestamps=_authority(options),
    )
    options.finish()
    return found


def _witness(options: Options) -> Witness:
    url, key = options.needed("url"), options.needed("key")
    options.finish()
    try:
        verifier = VerifierKey.parse(key)
    except IncidentsError as error:
        raise options.wrong("key", f"that of a witness ({error.message})") from error
    wrong = "url" if verifier.algorithm == COSIGNATURE_V1 else "key"
    try:
        return Witness(url, verifier)
    except IncidentsError as error:
        raise options.wrong(wrong, f"that of a witness ({error.message})") from error


def _authority(options: Options) -> Authority | None:
    own = options.table("timestamps")
    if own is None:
        return None
    url, roots = own.needed("url"), Path(own.needed("roots")).expanduser()
    own.finish()
    try:
        return Authority(url, roots.read_bytes())
    except OSError as error:
        expected = f"a file of root certificates that can be read ({error.strerror})"
        raise own.wrong("roots", expected) from error
    except NoRootsError as error:
        raise own.wrong("roots", f"a file of root certificates ({error.message})") from error
    except IncidentsError as error:
        raise own.wrong("url", f"that of an authority ({error.message})") from error
