"""A mail by a person, or by a program of no known format: what its text may be about."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import Any

from incidents.inbox import answerable, category, seen_time
from incidents.inbox.findings import Findings
from incidents.inbox.mail import Mail
from incidents.inbox.reading import MAX_ATTACHMENTS, Reading, limited
from incidents.inbox.source import Source
from incidents.values import public_suffix

MAX_TEXT = 20_000
"""The maximum characters of the text in a reading."""

GUESSABLE = ("category", "urls", "hosts", "endpoints", "seen_at")


def read(source: Source) -> Reading | None:
    """Read a mail; None for another source."""
    return None if source.mail is None else from_text(source)


def from_text(source: Source, findings: Findings | None = None, **known: Any) -> Reading:
    """Read the text of the report, beside what another reader knows of it.

    What the text alone says is a guess.
    """
    text, _ = source.text
    found = findings
    if found is None:
        found = searched(source)
        found.guess_hosts()
    last = source.received_at
    time = seen_time.in_text(text, source.zone, last)
    facts: dict[str, Any] = {
        "category": category.of_words(subject(source), text),
        "seen_at": time[0] if time else _guessed_time(source),
        **found.facts(),
        **known,
    }
    given = set(known) | ({"urls", "hosts", "endpoints"} if findings is not None else set())
    if time is not None and time[1]:
        given.add("seen_at")
    guessed = tuple(name for name in GUESSABLE if name not in given and facts[name])
    return Reading(format="", guessed=guessed, **{**envelope(source), **facts})


def _guessed_time(source: Source) -> datetime | None:
    """The time that the text mentions, or else the date of the mail; none after it came in."""
    found = seen_time.mentioned(source.text[0], source.zone, source.received_at)
    if found is not None or source.mail is None:
        return found
    sent, received = source.mail.sent_at, source.received_at
    return received if sent and received and sent > received else sent


def envelope(source: Source) -> dict[str, Any]:
    """The fields of a reading that every mail has."""
    mail = source.mail
    text = source.text[0].strip()
    if mail is None:
        return {"text": text[:MAX_TEXT], **({"more": True} if source.is_long else {})}
    attachments, more = limited(source.attachments(), MAX_ATTACHMENTS)
    more = more or source.leaves_out or source.is_long or any(each.more for each in source.mails)
    return {
        "reporter": mail.sender, "subject": subject(source) or None, "sent_at": mail.sent_at,
        "message_id": (mail.get("message-id") or "")[:998] or None, "attachments": attachments,
        "is_automatic": mail.is_automatic, "answer_to": answerable.address_of(mail),
        "vouchers": answerable.vouchers(mail), "text": text[:MAX_TEXT],
        **({"more": True} if more else {}),
    }  # fmt: skip


def subject(source: Source) -> str:
    """The subject of the mail; empty without one."""
    return "" if source.mail is None else (source.mail.get("subject") or "")[:998]


def time_on(source: Source) -> Callable[[str], datetime | None]:
    """A function that returns the time (UTC) on a line of the report's text."""
    return partial(seen_time.on_line, zone=source.zone, last=source.received_at)


def searched(source: Source, text: str | None = None) -> Findings:
    """The findings in the report's text, or in this one, without the addresses of who reports.

    Who wrote a mail within the mail may report too, and signs with an address; if there is no other
    address, it is about theirs.
    """
    body, links = source.text
    for mails in (source.mails, source.mails[:1]):
        found = Findings(own=_domains_of(mails), time_on=time_on(source))
        found.take_text(f"{subject(source)}\n{body if text is None else text}", links)
        if found.urls or found.hosts or len(source.mails) < 2:
            break
    if text is None and found.is_empty and not found.mentions:
        # It says only that the addresses are in a file.
        found.take_text(source.attached_text)
    return found


def _domains_of(mails: Iterable[Mail]) -> set[str]:
    """The registrable domains of who sent the mails."""
    senders = (each.sender or "" for each in mails)
    domains = (public_suffix.registrable(sender.rpartition("@")[2]) for sender in senders)
    return {domain for domain in domains if domain}
