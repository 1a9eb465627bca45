"""The form of a filing: its fields as shown, and a person's changes.

The order is that of the official form. A field is submitted together with the value that the page
showed (`was.KEY`). A masked field is submitted empty, together with the reference to the recorded
value (`ref.KEY`). Only edited fields are changed, and only if the recorded value is still the one
that the page showed, so two people who change the same filing do not overwrite each other's
changes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from incidents.console.forms import SentForm
from incidents.console.kept_form import KeptForm
from incidents.console.languages import Chosen
from incidents.console.pages import filing_view
from incidents.errors import RefusedError
from incidents.filing.form import DOCUMENTS, PARTS, SECTIONS, SERVERS, Field
from incidents.machine.filing import DAYS, DOCUMENT, SERVER, is_known
from incidents.store.cases import filings, sites
from incidents.store.schema.types import canonical
from incidents.values import inputs
from incidents.values.half_width import half_width
from incidents.views import masked, record_entries

LONG = 60
"""The length in characters above which a text gets a field with several lines."""

ITEMS = {SERVERS: SERVER, DOCUMENTS: DOCUMENT}
"""The sections that have items, each with the prefix of the items' keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filed:
    """The details of a site's filing after its entry `seq`.

    `kept` has the details as recorded, with references in place of people's text: a reference shows
    whether the text has changed, but not its content. In `plain`, erased details are null.
    """

    site_id: int
    seq: int
    kept: Mapping[str, str]
    plain: Mapping[str, str | None]

    @classmethod
    def read(cls, connection: Connection, name: str) -> Filed:
        """Read the filing of that site; raises UnknownSiteError."""
        row = sites.named(connection, name)
        kept = {key: text for _, key, text in filings.of_sites(connection, [row["id"]])}
        [plain] = record_entries.reveal_texts(connection, [dict(kept)])
        return cls(site_id=row["id"], seq=row["seq"], kept=kept, plain=plain)

    @property
    def details(self) -> dict[str, str]:
        """The details that checks need, without erased details."""
        return {key: text for key, text in self.plain.items() if text is not None}

    @property
    def masked(self) -> dict[str, str | None]:
        """The details with personal data masked."""
        found: dict[str, str | None] = masked.document(dict(self.plain))
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A field of the form, with its value.

    `shown` is the value for people, with the name of a choice; `text` is the recorded value, or
    None if it is masked.
    """

    key: str
    label: str
    shown: str
    text: str | None
    erased: bool
    choices: list[tuple[str, str]]

    @property
    def kind(self) -> str:
        """The kind of input that the field needs."""
        if self.choices:
            return "choice"
        if self.key.endswith("_on"):
            return "day"
        return "long" if len(self.shown) > LONG or "\n" in self.shown else "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A server or a document; `label` is its short name, and `title` what it is, with that name."""

    key: str
    label: str
    title: str
    lines: list[Line]
    readable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A section of the form; `blank`: the fields for a new item."""

    key: str
    label: str
    lines: list[Line]
    item: str | None
    items: list[Item]
    blank: list[Line]


def sections(filed: Filed, language: Chosen, *, reveal: bool = False) -> list[Section]:
    """List the sections in the order of the official form, masked unless `reveal` is set."""
    shown = dict(filed.plain) if reveal else filed.masked
    found = []
    for section in SECTIONS:
        kind = ITEMS.get(section.key)
        found.append(
            Section(
                key=section.key,
                label=filing_view.label_of(language, section),
                lines=_lines(section.fields, filed.plain, shown, language),
                item=kind and kind[:-1],
                items=_items(kind, filed.plain, shown, language) if kind else [],
                blank=_lines(PARTS[kind], {}, {}, language) if kind else [],
            )
        )
    return found


def is_masked(shown: Iterable[Section]) -> bool:
    """Whether a filed detail is masked in these sections."""
    lines = (
        line
        for section in shown
        for part in (section.lines, *(item.lines for item in section.items))
        for line in part
    )
    return any(line.text is None and not line.erased for line in lines)


def facts(text: str | None) -> dict[str, str] | None:
    """Read the parts of a server or document; None if the recorded text cannot be read."""
    try:
        found: Any = json.loads(text or "")
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or not all(isinstance(each, str) for each in found.values()):
        return None
    return found


Details = Mapping[str, str | None]


def _items(kind: str, plain: Details, shown: Details, language: Chosen) -> list[Item]:
    return [
        Item(
            key=key,
            label=key.removeprefix(kind),
            title=filing_view.detail_label(language, key),
            lines=_lines(PARTS[kind], facts(plain[key]) or {}, facts(shown[key]) or {}, language),
            readable=facts(plain[key]) is not None,
        )
        for key in sorted(plain)
        if key.startswith(kind)
    ]


def _lines(
    fields: tuple[Field, ...], plain: Details, shown: Details, language: Chosen
) -> list[Line]:
    return [_line(field, plain, shown, language) for field in fields]


def _line(field: Field, plain: Details, shown: Details, language: Chosen) -> Line:
    text, told = plain.get(field.key, ""), shown.get(field.key, "") or ""
    codes = [(choice.code, filing_view.label_of(language, choice)) for choice in field.choices]
    return Line(
        key=field.key,
        label=filing_view.label_of(language, field),
        shown=dict(codes).get(told, told),
        text=text if text == told else None,
        erased=text is None,
        choices=codes,
    )


Changes = Mapping[str, str]
"""Keys of details with their new texts; an empty text removes a detail."""


class DetailChangedError(RefusedError):
    """somebody else has changed {field} since you opened this page: check its value now, and send
    yours again if it is right"""


class BadLabelError(RefusedError):
    """{given!r} is not a short name: use a-z, 0-9, and -, such as main"""


class LabelTakenError(RefusedError):
    """{label} is already on record: edit that entry, or choose another short name"""


class NothingSaidError(RefusedError):
    """{label} is empty: fill in at least one field"""


class NoSuchPartError(RefusedError):
    """the form has no such section: reload the page"""


@dataclass(frozen=True, slots=True)
class Touched:
    """The changed fields, and the values that the person saw when changing them."""

    changes: Changes
    fields: Mapping[str, str]

    @classmethod
    def of(cls, given: SentForm | KeptForm, keys: Iterable[str]) -> Touched:
        """Find the changed fields of the submitted form."""
        fields = dict(given.fields)
        found = {}
        for key in keys:
            text = _plain(fields.get(key, ""))
            text = half_width(text) if key in DAYS else text
            if f"gone.{key}" in fields:
                found[key] = ""
            elif key in fields and text != _plain(fields.get(f"was.{key}", "")):
                found[key] = text
        return cls(found, fields)

    def check(self, language: Chosen, labels: Mapping[str, str]) -> None:
        """Check that the desk can store all fields; raises BadTextError, TextTooLongError."""
        for key, text in self.changes.items():
            if text:
                inputs.text(labels.get(key, filing_view.detail_label(language, key)))(text)

    def moved(self, key: str, plain: str | None, kept: str) -> bool:
        """Whether somebody else has changed the detail to a value that the person did not want."""
        if (plain or "") == self.changes[key]:
            return False
        if f"ref.{key}" in self.fields:
            return self.fields[f"ref.{key}"] != kept
        return (plain or "") != _plain(self.fields.get(f"was.{key}", ""))


def section_keys(given: SentForm) -> tuple[str, ...]:
    """Return the keys of the submitted section; raises NoSuchPartError."""
    key = given.text("section")
    for section in SECTIONS:
        if section.key == key and section.fields:
            return tuple(field.key for field in section.fields)
    raise NoSuchPartError


def details(touched: Touched, filed: Filed, language: Chosen) -> dict[str, str]:
    """Return the details to change; raises DetailChangedError."""
    for key in touched.changes:
        if touched.moved(key, filed.plain.get(key, ""), filed.kept.get(key, "")):
            raise DetailChangedError(field=filing_view.detail_label(language, key))
    return dict(touched.changes)


def item(touched: Touched, key: str, filed: Filed, language: Chosen) -> dict[str, str]:
    """Return the server or document with its changes.

    Raises:
        DetailChangedError: if somebody else has changed the same part.
        NothingSaidError: if nothing would be left of the server or document.
    """
    own = facts(filed.plain.get(key)) or {}
    for name in touched.changes:
        if touched.moved(name, own.get(name, ""), filed.kept.get(key, "")):
            raise DetailChangedError(field=filing_view.detail_label(language, key))
    flash = {name: text for name, text in {**own, **touched.changes}.items() if text}
    if not flash:
        raise NothingSaidError(label=filing_view.detail_label(language, key))
    return {key: canonical(flash)}


def taken_off(given: SentForm, key: str, filed: Filed, language: Chosen) -> dict[str, str]:
    """Return the removal of a server or document; raises DetailChangedError."""
    if key in filed.kept and filed.kept[key] != (given.text("ref") or ""):
        raise DetailChangedError(field=filing_view.detail_label(language, key))
    return {key: ""}


def item_key(given: SentForm, kind: str) -> str:
    """Return the key of the item in a form, such as `server.main`; raises BadLabelError."""
    label = given.text("label") or ""
    key = f"{kind}.{label}"
    if not is_known(key):
        raise BadLabelError(given=label[:80])
    return key


def labels(kind: str, language: Chosen) -> dict[str, str]:
    """Return the labels of an item's fields by their keys."""
    return {field.key: filing_view.label_of(language, field) for field in PARTS[f"{kind}."]}


def _plain(typed: str) -> str:
    """Normalise line ends and outer blanks: browsers send other line ends than the desk has."""
    return typed.replace("\r\n", "\n").strip()
