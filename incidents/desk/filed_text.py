"""The filed text: what of a filing stands in the entries as it is, and so must be nothing but a
choice, a record number, an address, or a part of a document that has one of these forms.

What could say something about a person is sealed; what is not sealed cannot hold it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import cache

from incidents.machine import filing
from incidents.machine.commands import ChangeFiling
from incidents.machine.refusals import Refusal
from incidents.store.types import canonical

MAX_OPEN_BYTES = 48 * 1024
"""So many bytes of one change stand in its entry at most, which stays well below 64 KiB then."""

_REFERENCE_BYTES = 71
_DIGEST = re.compile(r"[0-9a-f]{64}")
_SIZE = re.compile(r"[0-9]{1,18}")
_OFFICE = re.compile(r"[0-9]{6}(?:[0-9]{6})?")
# An organisation's code (GB 11714), a credit code (GB 32100), or what is too short for a number.
_PROVIDER = re.compile(r"[0-9A-Z]{8}-?[0-9X]|[0-9A-Z]{18}|[0-9A-Za-z-]{1,6}")
_EXPECTED = {
    "icp_number": "one such as 京ICP备12345678号-1",
    "icp_licence": "one such as 京ICP证150476号 or 粤B2-20090059",
    "public_security_number": "one such as 京公网安备 11010502000001号",
    "office_code": "6 or 12 digits",
    "access_code": "an organisation's code of 9 signs, a credit code, or one of 6 signs at most",
}


def refused(command: ChangeFiling) -> Refusal | None:
    """Why the change cannot be put on record, if it cannot."""
    return next(_refusals(command), None)


def _refusals(command: ChangeFiling) -> Iterator[Refusal]:
    for key, name, text in command.parts:
        if not (key.startswith((filing.SERVER, filing.DOCUMENT)) and filing.is_known(key)):
            yield Refusal("unknown_detail", {"field": key})
        elif not _is_part(key, name, text):
            yield Refusal("bad_item", {"field": key})
    for key, text in command.details:
        if text:
            yield from _of_detail(key, text)
    size = sum(_bytes(key, text) for key, text in command.details)
    if size > MAX_OPEN_BYTES:
        yield Refusal("filing_too_long", {"size": size, "limit": MAX_OPEN_BYTES})


def _of_detail(key: str, text: str) -> Iterator[Refusal]:
    if key.startswith((filing.SERVER, filing.DOCUMENT)):
        if not _is_item(key, text):
            yield Refusal("bad_item", {"field": key})
        return
    expected = _unmet(key, text)
    if expected is not None:
        yield Refusal("unfit_detail", {"field": key, "expected": expected})


def _unmet(key: str, text: str) -> str | None:
    """What the text must be, and is not."""
    fits, expected = _forms().get(key, (None, None))
    return None if fits is None or fits(text.strip()) else expected


@cache
def _forms() -> dict[str, tuple[Callable[[str], object], str]]:
    """Of each detail that has a form: what a text is asked for it, and how it is told."""
    from incidents.filing import address, record_number
    from incidents.filing.classification import CHOICES

    choices = {
        key: (known.__contains__, f"one of {', '.join(known)}") for key, known in CHOICES.items()
    }
    addresses = dict.fromkeys(address.FIELDS, (address.read, "IP addresses, with spaces between"))
    fits: dict[str, Callable[[str], object]] = {
        "icp_number": record_number.read_icp,
        "icp_licence": record_number.read_licence,
        # Digits alone could be anybody's phone number.
        "public_security_number": lambda text: (
            "公网安备" in text and record_number.read_public_security(text)
        ),
        "office_code": _OFFICE.fullmatch,
        "access_code": _PROVIDER.fullmatch,
    }
    return choices | addresses | {key: (fit, _EXPECTED[key]) for key, fit in fits.items()}


def _is_item(key: str, text: str) -> bool:
    try:
        item = json.loads(text)
    except (ValueError, RecursionError):
        return False
    if not isinstance(item, dict) or canonical(item) != text:
        return False
    return all(isinstance(told, str) and _is_part(key, name, told) for name, told in item.items())


def _is_part(key: str, name: str, text: str) -> bool:
    """Whether a server or a document has such a part, with such a text; empty: it goes."""
    from incidents.filing import address, day, form

    prefix = filing.SERVER if key.startswith(filing.SERVER) else filing.DOCUMENT
    fields = {field.key: field for field in form.PARTS[prefix]}
    if name not in fields or not text.strip():
        return name in fields
    choices = {choice.code for choice in fields[name].choices}
    match prefix, name:
        case filing.SERVER, "ip":
            return address.read(text) is not None
        case filing.SERVER, _:
            return True
        case _, "digest":
            return _DIGEST.fullmatch(text) is not None
        case _, "size":
            return _SIZE.fullmatch(text) is not None
        case _, "expires_on":
            return day.read_day(text) is not None
    return text in choices


def _bytes(key: str, text: str) -> int:
    own = _REFERENCE_BYTES if text and filing.is_sealed(key) else len(text.encode())
    return len(key) + own
