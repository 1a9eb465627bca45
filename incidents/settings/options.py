"""The options: a table of the settings file as an adapter reads it, key by key, with its errors."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from incidents.errors import SettingError, UnknownSettingError
from incidents.machine.policy import read_duration, write_duration
from incidents.system import private_file


class Options:
    """One table; `where` names it, `[acts.panel]` say, in what is complained of.

    Each key that is asked for is known from then on; `finish` complains of those that are not. A
    secret can stand in a file of its own: `secret("token")` reads `token`, or the file that
    `token_file` names, or the variable that `token_env` names.
    """

    def __init__(self, where: str, table: Mapping[str, Any]) -> None:
        self.where = where
        self._table = table
        self._known: set[str] = set()

    def text(self, key: str, default: str | None = None) -> str | None:
        """A text that is not empty."""
        value = self._value(key)
        if value is None:
            return default
        if not (isinstance(value, str) and value):
            raise self.wrong(key, "a text")
        return value

    def needed(self, key: str) -> str:
        """A text that must be there."""
        value = self.text(key)
        if value is None:
            raise self.wrong(key, f"there: it is needed{self._others()}")
        return value

    def secret(self, key: str) -> str | None:
        """A text that may stand in a private file, or in a variable, in place of the settings."""
        value, file, variable = self.text(key), self.path(f"{key}_file"), self.text(f"{key}_env")
        if value is not None:
            return value
        if file is not None:
            try:
                return private_file.read(file).decode().strip()
            except (OSError, ValueError) as error:
                why = getattr(error, "strerror", None) or "it is no text"
                raise self.wrong(f"{key}_file", f"a file that can be read ({why})") from error
        if variable is not None:
            found = os.environ.get(variable)
            if not found:
                raise self.wrong(f"{key}_env", "the name of a variable that is set")
            return found
        return None

    def wrong_secret(self, key: str, expected: str) -> SettingError:
        """The error that says what a secret must be, and where it stands: never what it is."""
        file, variable = (self._table.get(f"{key}_{where}") for where in ("file", "env"))
        if self._table.get(key) is not None or (file or variable) is None:
            return self.wrong(key, expected)
        named = f"{key}_file" if file is not None else f"{key}_env"
        stands = f"what stands in {file}" if file is not None else f"what {variable} holds"
        told = f"{self._place} has a wrong {named}: {stands} must be {expected}"
        return SettingError(
            told, where=self._place, setting=named, value=self._table[named], expected=expected
        )

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; one text is a list of one; empty when it is not there."""
        value = self._value(key)
        value = [] if value is None else [value] if isinstance(value, str) else value
        if not (isinstance(value, list) and all(isinstance(v, str) and v for v in value)):
            raise self.wrong(key, "a list of texts")
        return tuple(value)

    def words(self, key: str) -> tuple[str, ...]:
        """The words of a command: a list of texts, also where it is but one; empty without it.

        What stands there as one text would be taken whole for the name of a program.
        """
        if isinstance(self._value(key), str):
            raise self.wrong(key, 'a list of its words, such as ["/usr/local/bin/panel", "--now"]')
        return self.texts(key)

    def address(self, key: str, expected: str) -> SplitResult | None:
        """A web address: http or https, a host, and if wanted a port and a path, and no more."""
        text = self.text(key)
        if text is None:
            return None
        try:
            found = urlsplit(text)
            host, _ = found.hostname, found.port
        except ValueError as error:
            raise self.wrong(key, expected) from error
        plain = text.isascii() and text.isprintable() and not _NOT_IN_ADDRESS & set(text)
        if not (plain and host and found.scheme in ("http", "https")) or "@" in found.netloc:
            raise self.wrong(key, expected)
        return found

    def path(self, key: str) -> Path | None:
        """A path, in which ~ is the user's own folder."""
        value = self.text(key)
        return None if value is None else Path(value).expanduser()

    def flag(self, key: str, *, default: bool = False) -> bool:
        """True or false."""
        value = self._value(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false")
        return value

    def number(self, key: str, default: int, *, least: int, most: int) -> int:
        """A whole number within those bounds."""
        value = self._value(key)
        if value is None:
            return default
        if type(value) is not int or not least <= value <= most:
            raise self.wrong(key, f"a whole number from {least} to {most}")
        return value

    def duration(
        self, key: str, default: timedelta, *, least: timedelta, most: timedelta
    ) -> timedelta:
        """A duration such as 10s or 1h30m, within those bounds, in which the default lies."""
        value = self._value(key)
        if value is None:
            return default
        try:
            found = read_duration(value) if isinstance(value, str) else None
        except (ValueError, OverflowError):
            found = None
        if found is None or not least <= found <= most:
            bounds = f"from {write_duration(least)} to {write_duration(most)}"
            # What holds where nothing is said lies within them.
            raise self.wrong(key, f'a duration such as "{write_duration(default)}", {bounds}')
        return found

    def choice(self, key: str, choices: tuple[str, ...], default: str) -> str:
        """One of several words."""
        value = self._value(key)
        if value is None:
            return default
        if value not in choices:
            raise self.wrong(key, " or ".join(choices))
        return str(value)

    def table(self, key: str) -> Options | None:
        """A table inside this one."""
        value = self._value(key)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self.wrong(key, "a table")
        return Options(f"{self.where.removesuffix(']')}.{key}]", value)

    def tables(self, key: str) -> list[Options]:
        """The tables of a list of them."""
        value = self._value(key)
        value = [] if value is None else value
        if not (isinstance(value, list) and all(isinstance(each, dict) for each in value)):
            raise self.wrong(key, f"tables, each headed [[{self.where.strip('[]')}.{key}]]")
        return [Options(f"{self.where} {key} {n}", each) for n, each in enumerate(value, start=1)]

    def strings(self, key: str) -> dict[str, str]:
        """A table of texts."""
        value = self._value(key)
        value = {} if value is None else value
        if not (isinstance(value, dict) and all(isinstance(v, str) for v in value.values())):
            raise self.wrong(key, "a table of texts")
        return dict(value)

    def finish(self) -> None:
        """Complain of a key that nobody has asked for.

        Raises:
            UnknownSettingError: naming it, and those that there are.
        """
        for key in self._table:
            if key not in self._known:
                known = ", ".join(sorted(self._known)) or "none"
                raise UnknownSettingError(where=self._place, setting=key, known=known)

    def wrong(self, key: str, expected: str) -> SettingError:
        """The error that says what the key must be; what it is now, if that is no secret."""
        value = self._table.get(key)
        if value is None:
            told = f"{self._place} has no {key}, but it must be {expected}"
            return SettingError(told, where=self._place, setting=key, value=None, expected=expected)
        secret = any(word in key for word in _SECRET) or isinstance(value, dict)
        # Where a secret stands is none.
        secret = secret and not key.endswith(("_file", "_env"))
        shown = "…" if secret and value else value
        return SettingError(where=self._place, setting=key, value=shown, expected=expected)

    def _others(self) -> str:
        """What stands there and nobody has asked for yet: one of them may be meant."""
        others = [key for key, v in self._table.items() if not isinstance(v, dict | list)]
        left = ", ".join(sorted(set(others) - self._known))
        return f" (there are {left})" if left else ""

    @property
    def _place(self) -> str:
        return f"the section {self.where} of the settings file"

    def _value(self, key: str) -> Any:
        self._known.add(key)
        return self._table.get(key)


def stays_here(address: SplitResult) -> bool:
    """Whether what is sent there does not leave this machine."""
    host = address.hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


_NOT_IN_ADDRESS = frozenset(" <>\"'\\?#")
_SECRET = ("secret", "token", "password", "key", "environment", "urls", "command")
