"""The filed: what a site's filing holds at one moment, and how a page shows it, in the order of the
official form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from incidents.console.pages import filing_look
from incidents.console.words import Chosen
from incidents.filing import form
from incidents.filing.form import DOCUMENTS, PARTS, SERVERS, Field
from incidents.machine.filing import DOCUMENT, SERVER
from incidents.store.cases import filings, sites
from incidents.views import masked, personal

LONG = 60
"""A text of more characters is typed in several lines."""

ITEMS = {SERVERS: SERVER, DOCUMENTS: DOCUMENT}
"""The sections that have items, and with what the keys of these begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filed:
    """The details of a site's filing as they stood with its entry `seq`.

    `kept` has them as the record has them, references in place of people's own words: who holds a
    reference can tell whether the words have changed, and not what they are. In `plain`, null is
    what has been erased.
    """

    site_id: int
    seq: int
    kept: Mapping[str, str]
    plain: Mapping[str, str | None]

    @classmethod
    def read(cls, connection: Connection, name: str) -> Filed:
        """The filing of that site; raises UnknownSiteError."""
        row = sites.named(connection, name)
        kept = {key: text for _, key, text in filings.of_sites(connection, [row["id"]])}
        [plain] = personal.reveal(connection, [dict(kept)])
        return cls(site_id=row["id"], seq=row["seq"], kept=kept, plain=plain)

    @property
    def details(self) -> dict[str, str]:
        """What checks look at: all that has not been erased."""
        return {key: text for key, text in self.plain.items() if text is not None}

    @property
    def masked(self) -> dict[str, str | None]:
        """What everybody may see."""
        found: dict[str, str | None] = masked.document(dict(self.plain))
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A field as it is shown and typed: `shown` with the word of a choice, `text` as it is filed,
    or null while that is masked."""

    key: str
    label: str
    shown: str
    text: str | None
    erased: bool
    choices: list[tuple[str, str]]

    @property
    def kind(self) -> str:
        """What it is typed in."""
        if self.choices:
            return "choice"
        if self.key.endswith("_on"):
            return "day"
        return "long" if len(self.shown) > LONG or "\n" in self.shown else "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A server or a document, under the label that it was given."""

    key: str
    label: str
    lines: list[Line]
    readable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of the form; `blank` are the fields of an item that is to be added."""

    key: str
    label: str
    lines: list[Line]
    item: str | None
    items: list[Item]
    blank: list[Line]


def sections(filed: Filed, language: Chosen, *, reveal: bool = False) -> list[Section]:
    """The filing in the order of the official form, masked unless it is to be revealed."""
    shown = dict(filed.plain) if reveal else filed.masked
    found = []
    for section in form.SECTIONS:
        kind = ITEMS.get(section.key)
        found.append(
            Section(
                key=section.key,
                label=filing_look.label_of(language, section),
                lines=_lines(section.fields, filed.plain, shown, language),
                item=kind and kind[:-1],
                items=_items(kind, filed.plain, shown, language) if kind else [],
                blank=_lines(PARTS[kind], {}, {}, language) if kind else [],
            )
        )
    return found


def facts(text: str | None) -> dict[str, str] | None:
    """What is said of a server or a document; None if that cannot be read."""
    try:
        found: Any = json.loads(text or "")
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or not all(isinstance(each, str) for each in found.values()):
        return None
    return found


Details = Mapping[str, str | None]


def _items(kind: str, plain: Details, shown: Details, language: Chosen) -> list[Item]:
    found = []
    for key in sorted(key for key in plain if key.startswith(kind)):
        own, told = facts(plain[key]), facts(shown[key])
        found.append(
            Item(
                key=key,
                label=key.removeprefix(kind),
                lines=_lines(PARTS[kind], own or {}, told or {}, language),
                readable=own is not None,
            )
        )
    return found


def _lines(
    fields: tuple[Field, ...], plain: Details, shown: Details, language: Chosen
) -> list[Line]:
    return [_line(field, plain, shown, language) for field in fields]


def _line(field: Field, plain: Details, shown: Details, language: Chosen) -> Line:
    text, told = plain.get(field.key, ""), shown.get(field.key, "") or ""
    codes = [(choice.code, filing_look.label_of(language, choice)) for choice in field.choices]
    return Line(
        key=field.key,
        label=filing_look.label_of(language, field),
        shown=dict(codes).get(told, told),
        text=text if text == told else None,
        erased=text is None,
        choices=codes,
    )
