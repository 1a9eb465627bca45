"""A value in a customer list: converts its text to the value in a filing.

The value is a code for a choice, an ISO 8601 date for a day, and otherwise the text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import date
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Any

from incidents.errors import Cause
from incidents.filing import form
from incidents.filing.lists.table_row import cause, text_fault
from incidents.filing.lists.text_table import refuse_repeated
from incidents.machine.filing import (
    DAYS,
    DOCUMENT,
    FIRST_DAY,
    MAX_DOCUMENT,
    MAX_ITEMS,
    MAX_OPEN,
    OPEN_FIELDS,
    SERVER,
)
from incidents.store.schema.types import canonical
from incidents.values.half_width import half_width
from incidents.values.inputs import MAX_TEXT_CHARACTERS

Read = Callable[[str], str]

IPS = ("ip", "contract_ip", "resolved_ip", "reported_ip")
MAX_ITEM = {SERVER: MAX_TEXT_CHARACTERS, DOCUMENT: MAX_DOCUMENT}

_DAY = re.compile(r"(\d{4})(?:-(\d{1,2})-(\d{1,2})|/(\d{1,2})/(\d{1,2})|年(\d{1,2})月(\d{1,2})日)")
_BETWEEN_IPS = re.compile(r"[\s,;、，；]+")
_PROVINCE = re.compile(r"(?:省|市|(?:壮族|回族|维吾尔)?自治区|特别行政区)$")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_KNOWN_DAYS = 8_192
_MAX_CHOICE = 100
"""The maximum length of a choice in a list, because normalizing takes quadratic time."""


class UnreadableValueError(ValueError):
    """A text that is not a value of its field; `why`: what is expected, without the text."""

    def __init__(self, why: Cause) -> None:
        super().__init__(why)
        self.why = why


def reader(key: str) -> Read:
    """The function that reads a field's values; it raises UnreadableValueError."""
    if key in DAYS:
        return read_day
    if form.FIELD_OF[key].choices:
        return _choice(form.FIELD_OF[key])
    if key in IPS:
        return _ips
    return _open_text if key in OPEN_FIELDS else _sealed_text


def limit(key: str) -> int:
    """The maximum length of a line that a field accepts unchanged; 0 if it must be parsed."""
    read = reader(key)
    return MAX_OPEN if read is _open_text else MAX_TEXT_CHARACTERS if read is _sealed_text else 0


@lru_cache(maxsize=_KNOWN_DAYS)
def read_day(text: str) -> str:
    """Read a day such as 2026-01-02, 2026/1/2 or 2026年1月2日 as an ISO 8601 date.

    Raises:
        UnreadableValueError: if the text is not a day, or a day before the Internet existed.
    """
    found = _DAY.fullmatch(half_width(text))
    try:
        read = date(*(int(part) for part in found.groups() if part)) if found else None
    except ValueError:
        read = None
    if read is None:
        raise UnreadableValueError(cause("day"))
    if read < FIRST_DAY:
        raise UnreadableValueError(cause("early_day", first=FIRST_DAY.isoformat()))
    return read.isoformat()


def read_item(prefix: str, text: str) -> str:
    """Read an item from a JSON object, as canonical JSON; raises UnreadableValueError."""
    return read_parts(prefix, _object(prefix, text))


def read_items(prefix: str, text: str) -> dict[str, str]:
    """Read items by key from a JSON object with a JSON object for each label.

    Raises:
        UnreadableValueError: for the first invalid item.
    """
    found = _object(prefix, text)
    if len(found) > MAX_ITEMS:
        raise UnreadableValueError(cause("items", found=f"{len(found):,}", limit=MAX_ITEMS))
    return {
        f"{prefix}{label}": read_item(prefix, canonical(value)) for label, value in found.items()
    }


def read_parts(prefix: str, given: Mapping[str, Any]) -> str:
    """Read an item from the texts of its parts, as canonical JSON.

    Raises:
        UnreadableValueError: naming the unknown or invalid part.
    """
    readers, kept = _PARTS[prefix], []
    # Sorted by name, as in canonical JSON.
    for name, read in readers.items():
        if name in given:
            text = _text(prefix, given[name])
            if text:
                kept.append(f'"{name}":{encode_basestring(read(text))}')
    if not given.keys() <= readers.keys():
        part = next(name for name in given if name not in readers)
        raise UnreadableValueError(cause("item_field", part=part[:40], known=part_names(prefix)))
    whole = f"{{{','.join(kept)}}}"
    _check_length(whole, MAX_ITEM[prefix])
    return whole


def _text(prefix: str, value: Any) -> str:
    written = str(value) if type(value) is int else value
    if not isinstance(written, str):
        raise UnreadableValueError(cause("item_json", field=form.PARTS[prefix][0].key))
    text = written.strip()
    why = None if text.isprintable() else text_fault(text)
    if why is not None:
        raise UnreadableValueError(why)
    return text


def part_names(prefix: str) -> str:
    """The names of the parts of an item, in the order of the form."""
    return ", ".join(field.key for field in form.PARTS[prefix])


def part_reader(prefix: str, name: str) -> Read | None:
    """The function that reads that part of an item; None if there is no such part."""
    return _PARTS[prefix].get(name)


def _object(prefix: str, text: str) -> dict[str, Any]:
    try:
        found, end = _DECODER.raw_decode(text)
    except (ValueError, RecursionError):
        found, end = None, 0
    if not isinstance(found, dict) or end != len(text):
        raise UnreadableValueError(cause("item_json", field=form.PARTS[prefix][0].key))
    return found


_DECODER = json.JSONDecoder(object_pairs_hook=refuse_repeated)


def _choice(field: form.Field) -> Read:
    codes = form.codes(field)
    kept = {choice.code: choice.code for choice in field.choices}
    named = [(choice.zh, choice.code) for choice in field.choices]
    known = Cause.formatted(
        "choices", ", ".join(f"{zh} ({code})" for zh, code in named),
        {"choices": [f"{zh}（{code}）" for zh, code in named]},
    )  # fmt: skip

    def read(text: str) -> str:
        code = kept.get(text)
        if code is None and len(text) <= _MAX_CHOICE:
            code = codes.get(form.normalize(text))
        if code is None:
            raise UnreadableValueError(cause("choice", known=known))
        return code

    return read


def _ips(text: str) -> str:
    if _BETWEEN_IPS.search(text):
        text = " ".join(_BETWEEN_IPS.split(text)).strip()
    return _open_text(text)


def _open_text(text: str) -> str:
    if "\n" in text or "\t" in text:
        raise UnreadableValueError(cause("one_line"))
    _check_length(text, MAX_OPEN)
    return text


def _sealed_text(text: str) -> str:
    _check_length(text, MAX_TEXT_CHARACTERS)
    return text


def _check_length(text: str, limit: int) -> None:
    if len(text) > limit:
        raise UnreadableValueError(cause("long", length=f"{len(text):,}", limit=f"{limit:,}"))


def _province(text: str) -> str:
    return _PROVINCE.sub("", text) or text if text[-1:] in "省市区" else text


def _digits(text: str) -> str:
    text = half_width(text)
    if not (text.isascii() and text.isdecimal()):
        raise UnreadableValueError(cause("number"))
    return text


def _digest(text: str) -> str:
    kept = text.lower().removeprefix("sha256:")
    if not _DIGEST.fullmatch(kept):
        raise UnreadableValueError(cause("digest"))
    return kept


_PARTS: dict[str, dict[str, Read]] = {
    SERVER: {
        "city": lambda text: text.removesuffix("市") or text, "count": _digits, "ip": _ips,
        "place": _sealed_text, "province": _province,
    },
    DOCUMENT: {
        "digest": _digest, "expires_on": read_day, "kind": _choice(form.DOCUMENT_FIELDS[0]),
        "size": _digits,
    },
}  # fmt: skip
"""The function that reads each part, by the part's name in the order of the form."""
