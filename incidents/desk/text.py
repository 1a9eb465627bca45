"""The text that the desk takes: how long it may be, what it may hold, and what must be sealed."""

from __future__ import annotations

import json
import re

from incidents import web_address
from incidents.desk import filed_text
from incidents.desk.envelope import Envelope
from incidents.machine import filing
from incidents.machine.codes import AUDIENCES, OUTCOMES
from incidents.machine.commands import (
    AddNote,
    Attach,
    ChangeFiling,
    Command,
    ImportIncident,
    RecordContact,
    StateFalse,
)
from incidents.machine.refusals import Refusal
from incidents.record.sealing import texts

MAX_WORDS = 4_000
MAX_CODE = 200
MAX_URLS = 50
# Each character of an address may be twelve in its normal form.
MAX_URL = 12 * web_address.MAX_CHARACTERS
# With these an entry stays well below 64 KiB.
MAX_URLS_BYTES = 48 * 1024
_AROUND_URLS = 1_024
# A code is written into the record as it is, so it must not be able to hold a phone number.
CODES = (
    "category", "field", "outcome", "adapter", "problem", "why", "seen", "detail", "finding",
    "problems",
)  # fmt: skip
MAX_DIGITS = 7
_LIMITS = {
    "urls": MAX_URL, "written": web_address.MAX_CHARACTERS,
    **dict.fromkeys(filing.OPEN_FIELDS, filing.MAX_OPEN),
}  # fmt: skip
# No database keeps the one, and no UTF-8 holds the others.
_BAD = re.compile("[\0\ud800-\udfff]")
_DIGEST = re.compile(r"[0-9a-f]{64}")


def refused_text(command: Command) -> Refusal | None:
    """The refusal of what cannot be kept on record, whoever the command comes from."""
    for name, text, personal in texts(command):
        limit = MAX_WORDS if personal else _limit(name)
        if len(text) > limit:
            return Refusal("text_too_long", {"what": name, "length": len(text), "limit": limit})
        bad = _BAD.search(text)
        if bad is not None:
            return Refusal("bad_text", {"what": name, "found": f"U+{ord(bad[0]):04X}"})
        if name in CODES and _may_name_somebody(text):
            return Refusal("personal_code", {"what": name})
    return _refused_word(command) or _refused_urls(command)


def unfit_address(envelope: Envelope) -> Refusal | None:
    """The refusal of a site's name or a key that no database could look up."""
    for what, text in (("site", envelope.site), ("key", envelope.key)):
        bad = _BAD.search(text) if isinstance(text, str) else None
        if bad is not None:
            return Refusal("bad_text", {"what": what, "found": f"U+{ord(bad[0]):04X}"})
    return None


def _refused_word(command: Command) -> Refusal | None:
    """The refusal of what must be one of a few words, or a digest, or must say something."""
    match command:
        case RecordContact(outcome=outcome) | ImportIncident(contact=str() as outcome):
            if outcome not in OUTCOMES:
                return Refusal("unknown_outcome", {"known": ", ".join(OUTCOMES)})
        case ChangeFiling():
            return filed_text.refused(command)
        case StateFalse(field=field) if not filing.can_be_false(field):
            from incidents.filing import form

            nearest = form.nearest(field, filing.CONTACT_FIELDS)
            return Refusal("unknown_field", {"field": field, "nearest": nearest})
        case Attach(digest=digest) if _DIGEST.fullmatch(digest) is None:
            return Refusal("bad_digest", {})
        case AddNote(audience=audience) if audience not in AUDIENCES:
            return Refusal("unknown_audience", {"known": ", ".join(AUDIENCES)})
        case AddNote(text=text) if not text.strip():
            return Refusal("empty_text", {"what": "note"})
    return None


def _limit(name: str) -> int:
    return filing.MAX_DOCUMENT if name.startswith(filing.DOCUMENT) else _LIMITS.get(name, MAX_CODE)


def _may_name_somebody(text: str) -> bool:
    """Whether an address or a number of somebody's stands in it."""
    return "@" in text or "＠" in text or sum(map(str.isdigit, text)) >= MAX_DIGITS


def _refused_urls(command: Command) -> Refusal | None:
    urls, written = getattr(command, "urls", ()), getattr(command, "written", ())
    if len(urls) > MAX_URLS:
        return Refusal("too_many_urls", {"count": len(urls), "limit": MAX_URLS})
    if written and len(written) != len(urls):
        raise ValueError("each address has what was written of it, or none has")
    # Written as JSON a character takes six bytes at most: nearly always there is nothing to count.
    if 6 * sum(map(len, (*urls, *written))) < MAX_URLS_BYTES - _AROUND_URLS:
        return None
    size = len(json.dumps((urls, written), ensure_ascii=False).encode())
    if size > MAX_URLS_BYTES:
        return Refusal("urls_too_long", {"size": size, "limit": MAX_URLS_BYTES})
    return None
