"""The presets: details of an access provider or a registrar that many sites share, as data.

`presets.toml` has the presets that come with the program; a desk's own file has the same format,
and its presets override those of the same name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Never

from incidents.errors import Cause, IncidentsError, RefusedError
from incidents.filing.typed_details import CHOICES
from incidents.machine.filing import Details
from incidents.values import parsing

SHIPPED = Path(__file__).with_name("presets.toml")

KEYS = (
    "access_provider", "access_place", "access_method", "access_phone", "access_code", "registrar",
    "hosting", "support_kind", "support_name", "support_phone", "office_code",
)  # fmt: skip
"""The details that a preset can have: those of a provider, never of one site or person."""

ABOUT = "about"
MAX_BYTES = 1_000_000
MAX_TEXT = 400
_NAME = re.compile("[a-z0-9][a-z0-9-]{0,39}")


class PresetsFileError(IncidentsError):
    """the presets file {file} cannot be read: {detail}"""


class PresetError(IncidentsError):
    """the presets file {file} says {key} = {value!r}, but it must be {expected}"""


class UnknownPresetError(RefusedError):
    """no preset named {given!r}: use one of {known}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """The details of a preset, by key; `about`: the provider's name for display."""

    about: str
    details: Details


def read(path: Path) -> dict[str, Preset]:
    """The presets in a file, by name.

    Raises:
        PresetsFileError: if the file cannot be read, or is not TOML.
        PresetError: naming the key and its requirement.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise PresetsFileError(
                file=path,
                detail=Cause.of(
                    "over_bytes_plain", "it has more than {limit} bytes", limit=MAX_BYTES
                ),
            )
        tables = parsing.read_toml(content.decode("utf-8"), MAX_BYTES)
    except OSError as error:
        detail = error.strerror or "it is not a file"
        raise PresetsFileError(file=path, detail=detail) from error
    except UnicodeDecodeError as error:
        raise PresetsFileError(
            file=path, detail=Cause.of("save_as_utf8", "it is not UTF-8: save it as UTF-8")
        ) from error
    except parsing.TomlTextError as error:
        raise PresetsFileError(file=path, detail=f"it {error}") from error
    return {name: _preset(path, name, table) for name, table in tables.items()}


def known(extra: Path | None = None) -> dict[str, Preset]:
    """All presets by name: those that come with the program, and those in the desk's own file.

    Raises:
        PresetsFileError, PresetError: as in `read`.
    """
    return {**_shipped(), **(read(extra) if extra is not None else {})}


def details(name: str, extra: Path | None = None) -> dict[str, str]:
    """The details to record from a preset.

    Raises:
        UnknownPresetError: naming the known presets.
        PresetsFileError, PresetError: as in `read`.
    """
    return of(known(extra), name)


def of(presets: Mapping[str, Preset], name: str) -> dict[str, str]:
    """The details of one of the given presets; raises UnknownPresetError."""
    if name not in presets:
        raise UnknownPresetError(given=name, known=", ".join(sorted(presets)))
    return dict(presets[name].details)


@cache
def _shipped() -> Mapping[str, Preset]:
    return read(SHIPPED)


def _preset(path: Path, name: str, table: Any) -> Preset:
    if not _NAME.fullmatch(name):
        _refuse(
            path,
            name,
            table,
            Cause.of(
                "must_preset_name",
                "a table whose name has at most 40 characters of a-z, 0-9, and hyphens",
            ),
        )
    if not isinstance(table, dict):
        _refuse(
            path,
            name,
            table,
            Cause.of("must_preset_table", "a table of details, headed [{name}]", name=name),
        )
    for key, value in table.items():
        _check(path, name, key, value)
    found = {key: value for key, value in table.items() if key != ABOUT}
    if not found:
        _refuse(
            path,
            name,
            table,
            Cause.of(
                "must_preset_detail", "a table with at least one of {known}", known=", ".join(KEYS)
            ),
        )
    return Preset(about=table.get(ABOUT, name), details=found)


def _check(path: Path, name: str, key: str, value: Any) -> None:
    where = f"{name}.{key}"
    if key != ABOUT and key not in KEYS:
        _refuse(
            path,
            where,
            value,
            Cause.of("must_preset_key", "under one of {known}", known=", ".join((ABOUT, *KEYS))),
        )
    if not isinstance(value, str) or not value.strip():
        _refuse(path, where, value, Cause.of("must_quoted", "a text in quotation marks"))
    if len(value) > MAX_TEXT or not value.isprintable():
        _refuse(
            path,
            where,
            value,
            Cause.of(
                "must_one_line", "a text of one line, up to {limit} characters", limit=MAX_TEXT
            ),
        )
    if key in CHOICES and value not in CHOICES[key]:
        _refuse(
            path,
            where,
            value,
            Cause.of("must_one_of", "one of {known}", known=", ".join(CHOICES[key])),
        )


def _refuse(path: Path, key: str, value: Any, expected: str) -> Never:
    shown = value[:80] if isinstance(value, str) else value
    shown = "…" if isinstance(value, dict | list) else shown
    raise PresetError(file=path, key=key, value=shown, expected=expected)
