"""The layers of the settings: the environment over the settings file."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from incidents import clock
from incidents.errors import (
    Cause,
    SettingError,
    SettingsFileError,
    UnknownSettingError,
    one_of,
)
from incidents.system import private_file
from incidents.values import parsing

KEYS = (
    "db", "db_replica", "db_replica_lag", "as", "zone", "lang", "evidence", "evidence_limit",
    "clock", "daemon_processes", "server", "token_file",
)  # fmt: skip
_SIZE = re.compile(r"(\d{1,12}) ?(|B|KiB|MiB|GiB)")
_UNITS = {"": 1, "B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}

ENVIRONMENT = Cause.of("environment", "the environment")


class Layers:
    """The values of the environment and the file, the environment first."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.file = config_file(environ)
        document = _read_file(self.file, asked_for=bool(environ.get("INCIDENTS_CONFIG")))
        self.sections = {k: v for k, v in document.items() if isinstance(v, dict)}
        self._values = {k: v for k, v in document.items() if not isinstance(v, dict)}
        for key in self._values:
            if key not in KEYS:
                raise UnknownSettingError(where=self.file, setting=key, known=", ".join(KEYS))

    def value(self, key: str) -> tuple[Any, str, str]:
        """Return the value, its source and its name there; an empty variable counts as not set."""
        variable = f"INCIDENTS_{key.upper()}"
        if self.environ.get(variable):
            return self.environ[variable], ENVIRONMENT, variable
        return self._values.get(key), str(self.file), key

    def text(self, key: str) -> str | None:
        value, where, setting = self.value(key)
        if value is not None and not (isinstance(value, str) and value):
            raise SettingError(
                where=where, setting=setting, value=value, expected=Cause.of("must_text", "a text")
            )
        return value

    def token(self) -> str | None:
        """Return the content of INCIDENTS_TOKEN, or of the file that `token_file` names."""
        given = self.environ.get("INCIDENTS_TOKEN")
        file, where, setting = self.value("token_file")
        if given or file is None:
            return given or None
        try:
            return private_file.read(Path(str(file)).expanduser()).decode().strip()
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "it is not text"
            raise SettingError(
                where=where,
                setting=setting,
                value=file,
                expected=Cause.of("must_readable", "a file that can be read ({why})", why=why),
            ) from error

    def choice(self, key: str, choices: tuple[str, ...], default: str | None) -> str | None:
        value, where, setting = self.value(key)
        if value is None:
            return default
        if value not in choices:
            expected = one_of(choices)
            raise SettingError(where=where, setting=setting, value=value, expected=expected)
        return str(value)

    def simulated_clock(self) -> tuple[str, clock.FastClock | None]:
        """Return `own` or `database`, and the clock of a rehearsal that runs faster."""
        value, where, setting = self.value("clock")
        fast_clock = clock.read_fast_clock(value) if isinstance(value, str) else None
        if value is None or fast_clock is not None:
            return "database", fast_clock
        if value not in ("own", "database"):
            expected = one_of(("own", "database", "60x since 2026-03-01T02:50:00Z"))
            raise SettingError(where=where, setting=setting, value=value, expected=expected)
        return str(value), None

    def size(self, key: str, default: int) -> int:
        value, where, setting = self.value(key)
        if value is None:
            return default
        found = None if isinstance(value, bool) else _SIZE.fullmatch(str(value))
        if found is None:
            expected = Cause.of("must_size", "a size such as 50MiB or a number of bytes")
            raise SettingError(where=where, setting=setting, value=value, expected=expected)
        return int(found[1]) * _UNITS[found[2]]


def config_file(environ: Mapping[str, str]) -> Path:
    """Return the path of the settings file, which may not exist."""
    if environ.get("INCIDENTS_CONFIG"):
        return Path(environ["INCIDENTS_CONFIG"]).expanduser()
    from platformdirs import user_config_path

    return user_config_path("incidents", appauthor=False) / "config.toml"


def _read_file(file: Path, *, asked_for: bool) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        if asked_for:
            raise SettingsFileError(
                file=file, detail=Cause.of("no_such_file", "there is no such file")
            ) from error
        return {}
    except UnicodeDecodeError as error:
        detail = Cause.of("save_as_utf8_encoding", "it is not UTF-8: save it as UTF-8")
        raise SettingsFileError(file=file, detail=detail) from error
    except (ValueError, RecursionError) as error:  # tomllib lets through what int() says, too
        detail = Cause.of(
            "not_toml", "it is not TOML: {problem}", problem=parsing.toml_problem(error)
        )
        raise SettingsFileError(file=file, detail=detail) from error
    except OSError as error:
        raise SettingsFileError(file=file, detail=error.strerror or "no reason given") from error
