"""The options: a table of the settings file, which its service reads key by key, with errors."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import SplitResult, urlsplit

from incidents.errors import (
    Cause,
    SecretInFileError,
    SecretInVariableError,
    SettingError,
    SettingMissingError,
    UnknownSettingError,
    one_of,
)
from incidents.machine.policy import read_duration, write_duration
from incidents.system import private_file

T = TypeVar("T")


class Options:
    """One table; `where` names it in errors, for example `[acts.panel]`.

    Each key that is read counts as known; `finish` refuses all other keys. A secret can be in a
    separate file: `secret("token")` reads `token`, or the file that `token_file` names, or the
    variable that `token_env` names.
    """

    def __init__(self, where: str, table: Mapping[str, Any]) -> None:
        self.where = where
        self._table = table
        self._known: set[str] = set()

    def text(self, key: str, default: str | None = None) -> str | None:
        """Return a non-empty text."""
        return self._checked(key, default, _is_text, Cause.of("must_text", "a text"))

    def needed(self, key: str) -> str:
        """Return a required text."""
        value = self.text(key)
        if value is None:
            raise self.wrong(
                key,
                Cause.of("must_be_there_of", "there: it is needed{others}", others=self._others()),
            )
        return value

    def secret(self, key: str) -> str | None:
        """Return a text that may be in a private file or a variable instead of the settings."""
        value, file, variable = self.text(key), self.path(f"{key}_file"), self.text(f"{key}_env")
        if value is not None:
            return value
        if file is not None:
            try:
                return private_file.read(file).decode().strip()
            except (OSError, ValueError) as error:
                why = getattr(error, "strerror", None) or "it is not text"
                raise self.wrong(
                    f"{key}_file",
                    Cause.of("must_readable", "a file that can be read ({why})", why=why),
                ) from error
        if variable is not None:
            found = os.environ.get(variable)
            if not found:
                raise self.wrong(
                    f"{key}_env", Cause.of("must_variable", "the name of a variable that is set")
                )
            return found
        return None

    def wrong_secret(self, key: str, expected: str) -> SettingError:
        """Return the error for a secret: its source and requirement, but not its value."""
        file, variable = (self._table.get(f"{key}_{where}") for where in ("file", "env"))
        if self._table.get(key) is not None or (file or variable) is None:
            return self.wrong(key, expected)
        kind, given = (
            (SecretInVariableError, "env") if file is None else (SecretInFileError, "file")
        )
        named = f"{key}_{given}"
        return kind(where=self._place, setting=named, value=self._table[named], expected=expected)

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts; a single text becomes a list; empty if the key is missing."""
        found: Any = self._checked(
            key,
            [],
            lambda v: _is_text(v) or _are_all(v, _is_text),
            Cause.of("must_texts", "a list of texts"),
        )
        return (found,) if isinstance(found, str) else tuple(found)

    def words(self, key: str) -> tuple[str, ...]:
        """Return the arguments of a command: a list of texts, even if there is only one.

        The list is empty if the key is missing. A single text would be mistaken for the name of a
        program.
        """
        if isinstance(self._value(key), str):
            raise self.wrong(
                key,
                Cause.of(
                    "must_words", 'a list of its words, such as ["/usr/local/bin/panel", "--now"]'
                ),
            )
        return self.texts(key)

    def address(self, key: str, expected: str) -> SplitResult | None:
        """Return a web address: http or https, a host, and optionally a port and a path."""
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
        """Return a path, in which ~ is the user's home."""
        value = self.text(key)
        return None if value is None else Path(value).expanduser()

    def flag(self, key: str, *, default: bool = False) -> bool:
        """Return true or false."""
        return self._checked(
            key, default, lambda v: isinstance(v, bool), Cause.of("must_flag", "true or false")
        )

    def number(self, key: str, default: int, *, least: int, most: int) -> int:
        """Return a whole number within those bounds."""
        return self._checked(
            key, default, lambda v: type(v) is int and least <= v <= most,
            Cause.of("must_number", 'a whole number from {least} to {most}',
                     least=least, most=most),
        )  # fmt: skip

    def duration(
        self, key: str, default: timedelta, *, least: timedelta, most: timedelta
    ) -> timedelta:
        """Return a duration such as 10s or 1h30m within bounds, which include the default."""
        value = self._value(key)
        if value is None:
            return default
        try:
            found = read_duration(value) if isinstance(value, str) else None
        except (ValueError, OverflowError):
            found = None
        if found is None or not least <= found <= most:
            expected = Cause.of(
                "must_duration", 'a duration such as "{such}", from {least} to {most}',
                such=write_duration(default), least=write_duration(least),
                most=write_duration(most),
            )  # fmt: skip
            raise self.wrong(key, expected)
        return found

    def choice(self, key: str, choices: tuple[str, ...], default: str) -> str:
        """Return one of the words in `choices`."""
        return self._checked(key, default, lambda v: v in choices, one_of(choices))

    def table(self, key: str) -> Options | None:
        """Return a table inside this table."""
        found: Any = self._checked(key, None, _is_table, Cause.of("must_table", "a table"))
        return None if found is None else Options(f"{self.where.removesuffix(']')}.{key}]", found)

    def tables(self, key: str) -> list[Options]:
        """Return a list of tables inside this table."""
        found: list[Any] = self._checked(
            key, [], lambda v: _are_all(v, _is_table),
            Cause.of("must_tables", 'tables, each headed [[{section}.{key}]]',
                     section=self.where.strip('[]'), key=key),
        )  # fmt: skip
        return [Options(f"{self.where} {key} {n}", each) for n, each in enumerate(found, start=1)]

    def strings(self, key: str) -> dict[str, str]:
        """Return a table of texts."""
        found: dict[str, str] = self._checked(
            key, {}, lambda v: _is_table(v) and all(isinstance(text, str) for text in v.values()),
            Cause.of("must_table_of_texts", 'a table of texts'),
        )  # fmt: skip
        return dict(found)

    def finish(self) -> None:
        """Refuse a key that was never read.

        Raises:
            UnknownSettingError: naming the unknown key, and the known keys.
        """
        for key in self._table:
            if key not in self._known:
                known = ", ".join(sorted(self._known)) or "none"
                raise UnknownSettingError(where=self._place, setting=key, known=known)

    def wrong(self, key: str, expected: str) -> SettingError:
        """Return the error for a key: the requirement, and the value unless it is a secret."""
        value = self._table.get(key)
        if value is None:
            return SettingMissingError(
                where=self._place, setting=key, value=None, expected=expected
            )
        secret = any(word in key for word in _SECRET) or isinstance(value, dict)
        # The place of a secret is no secret.
        secret = secret and not key.endswith(("_file", "_env"))
        shown = "…" if secret and value else value
        return SettingError(where=self._place, setting=key, value=shown, expected=expected)

    def _others(self) -> str:
        """The unknown keys in the table: a missing key may be one of them, misspelt."""
        others = [key for key, v in self._table.items() if not isinstance(v, dict | list)]
        left = ", ".join(sorted(set(others) - self._known))
        return Cause.of("others", " (there are {known})", known=left) if left else ""

    @property
    def _place(self) -> str:
        return Cause.of("section", "the section {where} of the settings file", where=self.where)

    def _value(self, key: str) -> Any:
        self._known.add(key)
        return self._table.get(key)

    def _checked(self, key: str, default: T, is_right: Callable[[Any], bool], expected: str) -> T:
        value: T | None = self._value(key)
        if value is None:
            return default
        if not is_right(value):
            raise self.wrong(key, expected)
        return value


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _is_table(value: Any) -> bool:
    return isinstance(value, dict)


def _are_all(values: Any, is_right: Callable[[Any], bool]) -> bool:
    return isinstance(values, list) and all(map(is_right, values))


_NOT_IN_ADDRESS = frozenset(" <>\"'\\?#")
_SECRET = ("secret", "token", "password", "key", "environment", "urls", "command")
