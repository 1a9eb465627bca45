"""The mail of a known sender, whose text is written by a program in a known way."""

from __future__ import annotations

from typing import Any

from incidents.inbox import category, seen_time
from incidents.inbox.readers.mail import from_text, searched, subject
from incidents.inbox.reading import Reading
from incidents.inbox.source import Source


def read(
    source: Source, *domains: str, usual: str | None = None, only: str = "", victims: str = ""
) -> Reading | None:
    """Read a mail that names a sender of one of the domains, without the sender's own addresses.

    None for another mail. `usual`: the category if the mail names none. `only`: words separated by
    |, of which the mail must contain at least one, if the sender also writes about other things.
    `victims`: words so separated that are on the lines about who is attacked, whose addresses are
    none of a violation.
    """
    if not source.is_from(*domains):
        return None
    text, _ = source.text
    head = subject(source)
    if only and not _has_any(f"{head}\n{text}", only):
        return None
    about = [line for line in text.split("\n") if not _has_any(line, victims)]
    found = searched(source, "\n".join(about))
    known: dict[str, Any] = {}
    code = category.of_words(head, text) or usual
    known |= {"category": code} if code else {}
    time = seen_time.in_text(text, source.zone, source.received_at)
    known |= {"seen_at": time[0]} if time else {}
    return from_text(source, found, **known)


def _has_any(text: str, words: str) -> bool:
    return bool(words) and any(word in text.lower() for word in words.split("|"))
