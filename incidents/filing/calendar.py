"""The calendar of terms: iCalendar (RFC 5545), an all-day event on the last day of each term."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from incidents import __version__
from incidents.machine.filing import FILE, REMIND, SHOW
from incidents.values.site_name import shown

if TYPE_CHECKING:
    from incidents.contract.documents.filings import TermOfSite

_WORDS = {
    FILE: ("公安联网备案到期", "public-security filing due"),
    SHOW: ("备案编号标明到期", "record number due for display"),
}
_OCTETS = 75
_ESCAPED = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n", "\r": ""})


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A term of a site, and its last day in the desk's own zone."""

    site: str
    term: str
    due_on: date

    @classmethod
    def of(cls, term: TermOfSite) -> Entry:
        """The entry for a term as listed by the views."""
        return cls(site=term["site"], term=term["term"], due_on=date.fromisoformat(term["due_on"]))


def calendar(entries: Iterable[Entry], now: datetime) -> Iterator[str]:
    """The lines of the calendar, with line ends; `now` (UTC): the time of its creation.

    A term keeps its UID as long as its last day stays the same, so that a calendar program
    recognises the event.
    """
    yield from _lines(
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:-//incidents//incidents {__version__}//EN",
        "CALSCALE:GREGORIAN",
    )
    for entry in entries:
        yield from _lines(*_event(entry, now))
    yield from _lines("END:VCALENDAR")


def _event(entry: Entry, now: datetime) -> Iterator[str]:
    zh, en = _WORDS[entry.term]
    summary = f"{shown(entry.site)}: {en} / {zh}".translate(_ESCAPED)
    named = f"{entry.site}\n{entry.term}\n{entry.due_on}"
    yield "BEGIN:VEVENT"
    yield f"UID:{hashlib.sha256(named.encode()).hexdigest()[:32]}@incidents"
    yield f"DTSTAMP:{now:%Y%m%dT%H%M%SZ}"
    yield f"DTSTART;VALUE=DATE:{entry.due_on:%Y%m%d}"
    # The end of a day is the day after it (RFC 5545, section 3.6.1).
    yield f"DTEND;VALUE=DATE:{entry.due_on + timedelta(days=1):%Y%m%d}"
    yield f"SUMMARY:{summary}"
    yield "TRANSP:TRANSPARENT"
    for days in REMIND:
        yield "BEGIN:VALARM"
        yield "ACTION:DISPLAY"
        yield f"DESCRIPTION:{summary}"
        yield f"TRIGGER:-P{days}D"
        yield "END:VALARM"
    yield "END:VEVENT"


def _lines(*texts: str) -> Iterator[str]:
    for text in texts:
        yield f"{_folded(text)}\r\n"


def _folded(text: str) -> str:
    """The text folded to lines of 75 octets; a continuation begins with a space (section 3.1)."""
    parts, line, size = [], "", 0
    for character in text:
        octets = len(character.encode())
        if size + octets > _OCTETS:
            parts.append(line)
            line, size = " ", 1
        line += character
        size += octets
    return "\r\n".join([*parts, line])
