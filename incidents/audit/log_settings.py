"""The log's settings: the section [audit] of the settings file, and the variables of its keys."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from incidents import settings
from incidents.audit.stamp import Authority
from incidents.audit.witnesses import Witness
from incidents.errors import IncidentsError, SettingError, UnknownSettingError
from incidents.settings import Settings
from incidents.tlog.keys import VerifierKey

SECTION = "audit"
KEYS = ("key", "key_command", "publish", "witnesses", "timestamps")
VARIABLES = {"key": "INCIDENTS_AUDIT_KEY", "publish": "INCIDENTS_AUDIT_PUBLISH"}
DEFAULT_KEY = "audit.key"

_WHERE = "the section [audit] of the settings file"


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
    """The log's settings for this run.

    Raises:
        SettingError, UnknownSettingError, SettingsFileError: naming what is wrong.
    """
    environ = os.environ if environ is None else environ
    said = _Said(settings.section(SECTION, environ), environ)
    key, publish = said.text("key"), said.text("publish")
    return LogSettings(
        key=Path(key).expanduser() if key else settings.beside(of.db, DEFAULT_KEY),
        key_command=said.argv("key_command"),
        publish=Path(publish).expanduser() if publish else None,
        witnesses=said.witnesses(),
        timestamps=said.authority(),
    )


class _Said:
    """What the section and the environment say, the environment first."""

    def __init__(self, section: Mapping[str, Any], environ: Mapping[str, str]) -> None:
        self._section = section
        self._environ = environ
        for key in section:
            if key not in KEYS:
                raise UnknownSettingError(where=_WHERE, setting=key, known=", ".join(KEYS))

    def text(self, key: str) -> str | None:
        variable = VARIABLES.get(key)
        if variable is not None and self._environ.get(variable):
            return self._environ[variable]
        value = self._section.get(key)
        if value is not None and not (isinstance(value, str) and value):
            raise _wrong(key, value, "a text")
        return value

    def argv(self, key: str) -> tuple[str, ...] | None:
        value = self._section.get(key)
        if value is None:
            return None
        if not (isinstance(value, list) and value and all(isinstance(w, str) for w in value)):
            raise _wrong(key, value, 'a command as a list of words, such as ["kms-sign", "log"]')
        return tuple(value)

    def witnesses(self) -> tuple[Witness, ...]:
        value = self._section.get("witnesses", [])
        if not isinstance(value, list):
            raise _wrong("witnesses", value, "a list of { url = …, key = … }")
        return tuple(map(_witness, value))

    def authority(self) -> Authority | None:
        value = self._section.get("timestamps")
        if value is None:
            return None
        if not isinstance(value, dict) or set(value) != {"url", "roots"}:
            raise _wrong("timestamps", value, '{ url = …, roots = "FILE.pem" }')
        try:
            roots = Path(str(value["roots"])).expanduser().read_bytes()
            return Authority(str(value["url"]), roots)
        except OSError as error:
            expected = f"a file of root certificates that can be read ({error.strerror})"
            raise _wrong("timestamps", value, expected) from error
        except IncidentsError as error:
            raise _wrong("timestamps", value, f"an authority ({error.message})") from error


def _witness(value: object) -> Witness:
    if not isinstance(value, dict) or set(value) != {"url", "key"}:
        raise _wrong("witnesses", value, "{ url = …, key = … } for each witness")
    try:
        return Witness(str(value["url"]), VerifierKey.parse(str(value["key"])))
    except IncidentsError as error:
        raise _wrong("witnesses", value, f"a witness ({error.message})") from error


def _wrong(key: str, value: object, expected: str) -> SettingError:
    return SettingError(where=_WHERE, setting=key, value=value, expected=expected)
