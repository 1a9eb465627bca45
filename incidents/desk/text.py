"""The text that the desk accepts: its length, its content, and whether it must be sealed.

Text that could be about a person is sealed. Text that is not sealed must not be able to say
anything about a person.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import cache

from incidents.contract.action import open_words
from incidents.desk.envelope import Envelope
from incidents.machine import filing
from incidents.machine.command import AUDIENCES, OUTCOMES
from incidents.machine.commands import (
    AddNote,
    Attach,
    ChangeFiling,
    Command,
    ImportIncident,
    RecordContact,
    StateFalse,
)
from incidents.machine.refusal import Refusal
from incidents.record.sealing import texts
from incidents.store.schema.types import canonical
from incidents.values import web_address

MAX_OPEN_BYTES = 48 * 1024
"""The maximum size in bytes of a change in its entry, so that an entry stays below 64 KiB."""

_REFERENCE_BYTES = 71
_DIGEST = re.compile(r"[0-9a-f]{64}")
_SIZE = re.compile(r"[0-9]{1,18}")
_OFFICE = re.compile(r"[0-9]{6}(?:[0-9]{6})?")
# An organisation's code (GB 11714), a credit code (GB 32100), or text too short for a number.
_PROVIDER = re.compile(r"[0-9A-Z]{8}-?[0-9X]|[0-9A-Z]{18}|[0-9A-Za-z-]{1,6}")
_EXPECTED = {
    "icp_number": "one such as 京ICP备12345678号-1",
    "icp_licence": "one such as 京ICP证150476号 or 粤B2-20090059",
    "public_security_number": "one such as 京公网安备 11010502000001号",
    "office_code": "6 or 12 digits",
    "access_code": "an organisation's code of 9 signs, a credit code, or one of 6 signs at most",
}


def refused(command: ChangeFiling) -> Refusal | None:
    """The refusal of a change that cannot be recorded; None if it can be."""
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
    """The format that the text of a detail should have but does not have; otherwise None."""
    fits, expected = _forms().get(key, (None, None))
    return None if fits is None or fits(text.strip()) else expected


@cache
def _forms() -> dict[str, tuple[Callable[[str], object], str]]:
    """For each detail with a format: the check of a text, and the description of the format."""
    from incidents.filing import ip_addresses, record_number
    from incidents.filing.typed_details import CHOICES

    choices = {
        key: (known.__contains__, f"one of {', '.join(known)}") for key, known in CHOICES.items()
    }
    addresses = dict.fromkeys(
        ip_addresses.ADDRESS_FIELDS,
        (ip_addresses.read_addresses, "IP addresses, with spaces between"),
    )
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
    return all(isinstance(part, str) and _is_part(key, name, part) for name, part in item.items())


def _is_part(key: str, name: str, text: str) -> bool:
    """Whether a server or a document can have that part with that text.

    An empty text removes the part.
    """
    from incidents.filing import form, ip_addresses, typed_details

    prefix = filing.SERVER if key.startswith(filing.SERVER) else filing.DOCUMENT
    fields = {field.key: field for field in form.PARTS[prefix]}
    if name not in fields or not text.strip():
        return name in fields
    choices = {choice.code for choice in fields[name].choices}
    match prefix, name:
        case filing.SERVER, "ip":
            return ip_addresses.read_addresses(text) is not None
        case filing.SERVER, _:
            return True
        case _, "digest":
            return _DIGEST.fullmatch(text) is not None
        case _, "size":
            return _SIZE.fullmatch(text) is not None
        case _, "expires_on":
            return typed_details.read_day(text) is not None
    return text in choices


def _bytes(key: str, text: str) -> int:
    own = _REFERENCE_BYTES if text and filing.is_sealed(key) else len(text.encode())
    return len(key) + own


MAX_WORDS = 4_000
MAX_CODE = 200
MAX_URLS = 50
# Each character of an address may be twelve in its normal form.
MAX_URL = 12 * web_address.MAX_CHARACTERS
# With these an entry stays well below 64 KiB.
MAX_URLS_BYTES = 48 * 1024
_AROUND_URLS = 1_024
_CODES = frozenset({"adapter", "problem", "why", "seen", "detail", "finding", "problems", "field"})
"""The fields with codes of programs or names of details.

These fields are not sealed on record, so their text must have no room for a phone number.
"""
MAX_DIGITS = 7
_LIMITS = {
    "urls": MAX_URL, "written": web_address.MAX_CHARACTERS,
    **dict.fromkeys(filing.OPEN_FIELDS, filing.MAX_OPEN),
}  # fmt: skip
# No database keeps NUL, and UTF-8 has no surrogates.
_BAD = re.compile("[\0\ud800-\udfff]")


def refused_text(command: Command) -> Refusal | None:
    """The refusal of a command whose text cannot be recorded; None if it can be."""
    codes = _codes_of(type(command))
    for name, text, personal in texts(command):
        limit = MAX_WORDS if personal else _limit(name)
        if len(text) > limit:
            return Refusal("text_too_long", {"what": name, "length": len(text), "limit": limit})
        bad = _BAD.search(text)
        if bad is not None:
            return Refusal("bad_text", {"what": name, "found": f"U+{ord(bad[0]):04X}"})
        if name in codes and _may_name_somebody(text):
            return Refusal("personal_code", {"what": name})
    return _refused_value(command) or _refused_urls(command)


def unfit_address(envelope: Envelope) -> Refusal | None:
    """The refusal of a site name or a key that no database could look up; None if it is fit."""
    for what, text in (("site", envelope.site), ("key", envelope.key)):
        bad = _BAD.search(text) if isinstance(text, str) else None
        if bad is not None:
            return Refusal("bad_text", {"what": what, "found": f"U+{ord(bad[0]):04X}"})
    return None


def _refused_value(command: Command) -> Refusal | None:
    """The refusal of an unknown choice, a wrong digest, or an empty text."""
    match command:
        case RecordContact(outcome=outcome) | ImportIncident(contact=str() as outcome):
            if outcome not in OUTCOMES:
                return Refusal("unknown_outcome", {"known": ", ".join(OUTCOMES)})
        case ChangeFiling():
            return refused(command)
        case StateFalse(field=field) if not filing.can_be_false(field):
            from incidents.filing import form

            nearest = form.similar_keys(field, filing.CONTACT_FIELDS)
            return Refusal("unknown_field", {"field": field, "nearest": nearest})
        case Attach(digest=digest) if _DIGEST.fullmatch(digest) is None:
            return Refusal("bad_digest", {})
        case AddNote(audience=audience) if audience not in AUDIENCES:
            return Refusal("unknown_audience", {"known": ", ".join(AUDIENCES)})
        case AddNote(text=text) if not text.strip():
            return Refusal("empty_text", {"what": "note"})
    return None


def _codes_of(kind: type[Command]) -> frozenset[str]:
    return _CODES | open_words(kind)


def _limit(name: str) -> int:
    return filing.MAX_DOCUMENT if name.startswith(filing.DOCUMENT) else _LIMITS.get(name, MAX_CODE)


def _may_name_somebody(text: str) -> bool:
    """Whether the text may contain somebody's address or phone number."""
    return "@" in text or "＠" in text or sum(map(str.isdigit, text)) >= MAX_DIGITS


def _refused_urls(command: Command) -> Refusal | None:
    urls, written = getattr(command, "urls", ()), getattr(command, "written", ())
    if len(urls) > MAX_URLS:
        return Refusal("too_many_urls", {"count": len(urls), "limit": MAX_URLS})
    if written and len(written) != len(urls):
        raise ValueError("each address has what was written of it, or none has")
    # In JSON a character takes at most six bytes, so nearly always nothing has to be counted.
    if 6 * sum(map(len, (*urls, *written))) < MAX_URLS_BYTES - _AROUND_URLS:
        return None
    size = len(json.dumps((urls, written), ensure_ascii=False).encode())
    if size > MAX_URLS_BYTES:
        return Refusal("urls_too_long", {"size": size, "limit": MAX_URLS_BYTES})
    return None
