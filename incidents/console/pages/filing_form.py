"""The filing's forms: what somebody has changed in one, held against what the page showed them.

A field that the page has shown comes with what it showed (`was.KEY`); one that was masked comes
empty, with the reference to what is on record (`ref.KEY`). Only what was touched is changed, and
only while it is what they have seen: two people who change one filing lose nothing of each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from incidents.console.form_cache import Kept
from incidents.console.forms import Given
from incidents.console.pages import filing_look
from incidents.console.pages.filing_view import Filed, facts
from incidents.console.words import Chosen
from incidents.errors import RefusedError
from incidents.filing.form import PARTS, SECTIONS
from incidents.machine.filing import is_known
from incidents.store.schema.types import canonical
from incidents.values import inputs

Changes = Mapping[str, str]
"""Keys and their new texts; an empty one takes a detail away."""


class DetailChangedError(RefusedError):
    """somebody else has changed {field} since you opened this page: look how it stands now, and
    send it again if yours is right"""


class BadLabelError(RefusedError):
    """{given!r} is no short name: use a-z, 0-9 and -, such as main"""


class LabelTakenError(RefusedError):
    """{label} is on record already: change it where it stands, or take another short name"""


class NothingSaidError(RefusedError):
    """nothing is said of {label}: fill in one thing at least"""


class NoSuchPartError(RefusedError):
    """the form has no such part: load the page again"""


@dataclass(frozen=True, slots=True)
class Touched:
    """What of some fields somebody has changed, and what they saw when they did."""

    changes: Changes
    fields: Mapping[str, str]

    @classmethod
    def of(cls, given: Given | Kept, keys: Iterable[str]) -> Touched:
        """Of those fields of the form that was sent."""
        fields = dict(given.fields)
        found = {}
        for key in keys:
            text = _plain(fields.get(key, ""))
            if f"gone.{key}" in fields:
                found[key] = ""
            elif key in fields and text != _plain(fields.get(f"was.{key}", "")):
                found[key] = text
        return cls(found, fields)

    def check(self, language: Chosen, labels: Mapping[str, str]) -> None:
        """See that all of it can be kept; raises BadTextError, TextTooLongError."""
        for key, text in self.changes.items():
            if text:
                inputs.text(labels.get(key, filing_look.detail_label(language, key)))(text)

    def moved(self, key: str, plain: str | None, kept: str) -> bool:
        """Whether the detail is not what they saw any more, nor what they want it to be."""
        if (plain or "") == self.changes[key]:
            return False
        if f"ref.{key}" in self.fields:
            return self.fields[f"ref.{key}"] != kept
        return (plain or "") != _plain(self.fields.get(f"was.{key}", ""))


def section_keys(given: Given) -> tuple[str, ...]:
    """The keys of the section that the form is about; raises NoSuchPartError."""
    key = given.text("section")
    for section in SECTIONS:
        if section.key == key and section.fields:
            return tuple(field.key for field in section.fields)
    raise NoSuchPartError


def details(touched: Touched, filed: Filed, language: Chosen) -> dict[str, str]:
    """The details that are to be changed; raises DetailChangedError."""
    for key in touched.changes:
        if touched.moved(key, filed.plain.get(key, ""), filed.kept.get(key, "")):
            raise DetailChangedError(field=filing_look.detail_label(language, key))
    return dict(touched.changes)


def item(touched: Touched, key: str, filed: Filed, language: Chosen) -> dict[str, str]:
    """The server or document with what is to be changed of it.

    Raises:
        DetailChangedError: somebody else has changed the same of it.
        NothingSaidError: there would be nothing in it.
    """
    own = facts(filed.plain.get(key)) or {}
    for name in touched.changes:
        if touched.moved(name, own.get(name, ""), filed.kept.get(key, "")):
            raise DetailChangedError(field=filing_look.detail_label(language, key))
    said = {name: text for name, text in {**own, **touched.changes}.items() if text}
    if not said:
        raise NothingSaidError(label=filing_look.detail_label(language, key))
    return {key: canonical(said)}


def taken_off(given: Given, key: str, filed: Filed, language: Chosen) -> dict[str, str]:
    """The server or document taken off the record; raises DetailChangedError."""
    if key in filed.kept and filed.kept[key] != (given.text("ref") or ""):
        raise DetailChangedError(field=filing_look.detail_label(language, key))
    return {key: ""}


def item_key(given: Given, kind: str) -> str:
    """The key of the item that a form is about, `server.main`; raises BadLabelError."""
    label = given.text("label") or ""
    key = f"{kind}.{label}"
    if not is_known(key):
        raise BadLabelError(given=label[:80])
    return key


def labels(kind: str, language: Chosen) -> dict[str, str]:
    """What the fields of such an item are called, by their keys."""
    return {field.key: filing_look.label_of(language, field) for field in PARTS[f"{kind}."]}


def _plain(typed: str) -> str:
    """As the desk keeps it: a browser ends lines in its own way."""
    return typed.replace("\r\n", "\n").strip()
