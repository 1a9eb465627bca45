"""The page of a form: one filing in the order of the official form, in both languages, to be copied
from or printed. It is HTML that needs nothing else, and runs nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from incidents.filing import form
from incidents.filing.form import DOCUMENTS, SERVERS, Field
from incidents.machine.filing import DOCUMENT, SERVER, Details
from incidents.system import page_template
from incidents.values import site_name

_TEMPLATE = Path(__file__).with_name("form_page.html.jinja")

HEADINGS = {
    "title": ("Public-security filing", "公安联网备案"),
    "site": ("Site", "域名"),
    "empty": ("not filed", "未填写"),
    "none": ("none on record", "无"),
    "findings": ("Findings", "核查结果"),
    "on": ("As of", "截至"),
}
"""Words of the page in English and Chinese."""


@dataclass(frozen=True, slots=True)
class Line:
    """A field of the form, and what is filed: in Chinese and in English, or as it is in both."""

    zh: str
    en: str
    key: str
    text_zh: str
    text_en: str


@dataclass(frozen=True, slots=True)
class Item:
    """A server or a document, with its parts."""

    label: str
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True)
class Part:
    """A section of the page; `items` is None where the section has none of them."""

    zh: str
    en: str
    lines: Sequence[Line]
    items: Sequence[Item] | None


def page(site: str, details: Details, *, on: str, findings: Sequence[str] = ()) -> str:
    """The page of a site's filing as of the day `on`; `findings` are sentences about it.

    A detail that is not filed is shown as empty: what is to be filed is seen from the page.
    """
    return page_template.load(_TEMPLATE).render(
        h=HEADINGS, site=site_name.shown(site), on=on, parts=parts(details), findings=findings
    )


def parts(details: Details) -> list[Part]:
    """The sections of the form with what is filed."""
    items = {SERVERS: SERVER, DOCUMENTS: DOCUMENT}
    return [
        Part(
            section.zh,
            section.en,
            [_line(field, details.get(field.key, "")) for field in section.fields],
            _items(details, items[section.key]) if section.key in items else None,
        )
        for section in form.SECTIONS
    ]


def _items(details: Details, prefix: str) -> list[Item]:
    found = []
    for key in sorted(key for key in details if key.startswith(prefix)):
        told = json.loads(details[key])
        lines = [_line(field, told.get(field.key, "")) for field in form.PARTS[prefix]]
        found.append(Item(key.removeprefix(prefix), lines))
    return found


def _line(field: Field, text: str) -> Line:
    zh, en = field.shown(text)
    return Line(field.zh, field.en, field.key, zh, en)
