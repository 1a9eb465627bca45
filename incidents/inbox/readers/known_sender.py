"""The mail of a known sender, whose text is written by a program in a known way."""

from __future__ import annotations

from typing import Any

from incidents.inbox import category, seen_time
from incidents.inbox.findings import Findings
from incidents.inbox.readers.mail import from_text, own_domains, subject, time_on
from incidents.inbox.reading import Reading
from incidents.inbox.source import Source


def read(source: Source, *domains: str, usual: str | None = None, only: str = "") -> Reading | None:
    """Read a mail that names a sender of one of the domains, without the sender's own addresses.

    None for another mail. `usual`: the category if the mail names none. `only`: words separated by
    |, of which the mail must contain at least one, if the sender also writes about other things.
    """
    if not source.is_from(*domains):
        return None
    text, links = source.text
    head = subject(source)
    if only and not any(word in f"{head}\n{text}".lower() for word in only.split("|")):
        return None
    found = Findings(own=own_domains(source), time_on=time_on(source))
    found.take_text(f"{head}\n{text}", links)
    known: dict[str, Any] = {}
    code = category.of_words(head, text) or usual
    known |= {"category": code} if code else {}
    time = seen_time.in_text(text, source.zone, source.received_at)
    known |= {"seen_at": time[0]} if time else {}
    return from_text(source, found, **known)
