"""Abuse Reporting Format (RFC 5965): a report by a mail provider about a mail, with the mail."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from incidents.inbox import category, decoding, seen_time
from incidents.inbox.findings import Findings
from incidents.inbox.mail import Mail
from incidents.inbox.readers.mail import from_text
from incidents.inbox.reading import Reading
from incidents.inbox.source import Source

_CATEGORIES = {
    "abuse": "spam", "fraud": "fraud", "virus": "malware", "opt-out": "spam",
    "opt-out-list": "spam",
}  # fmt: skip
"""The desk's categories for the feedback types of RFC 5965, section 7.3."""

_COMPLAINTS = frozenset({"abuse", "not-spam", "opt-out", "opt-out-list", "auth-failure"})
"""The feedback types by which a feedback loop passes on what its users think of a mail."""


def read(source: Source) -> Reading | None:
    """Read an ARF report; None if the mail has no part of the type message/feedback-report."""
    found = [
        (mail, _Fields(part.text)) for mail in source.mails for part in mail.parts
        if part.type == "message/feedback-report"
    ]  # fmt: skip
    return _read(source, found) if found else None


class _Fields:
    """The fields of a feedback report, by their names in lower case."""

    def __init__(self, text: str) -> None:
        self._found: dict[str, list[str]] = {}
        for name, value in _unfolded(text):
            self._found.setdefault(name.strip().lower(), []).append(decoding.header(value))

    def all(self, name: str) -> list[str]:
        return [each for each in self._found.get(name, []) if each]

    def first(self, *names: str) -> str | None:
        return next((each for name in names for each in self.all(name)), None)


def _unfolded(text: str) -> Iterator[tuple[str, str]]:
    lines: list[str] = []
    for line in text.split("\n"):
        if line[:1] in (" ", "\t") and lines:
            lines[-1] += line
        else:
            lines.append(line)
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            yield name, value.strip()


def _take(fields: _Fields, found: Findings) -> datetime | None:
    """Take what the fields state; return the time that they do."""
    for url in fields.all("reported-uri"):
        # What was folded has no blanks of its own.
        found.take_url("".join(url.split()))
    for domain in fields.all("reported-domain"):
        found.take_host(domain)
    time = seen_time.read(fields.first("arrival-date", "received-date") or "")
    for address in fields.all("source-ip"):
        found.take_ip(address, fields.first("source-port"), seen_at=time[0] if time else None)
    return time[0] if time else None


def _read(source: Source, stated: list[tuple[Mail, _Fields]]) -> Reading:
    found = Findings()
    times = [time for _, fields in stated for time in [_take(fields, found)] if time]
    names_page = bool(found.urls)
    guessed: tuple[str, ...] = ()
    if not (found.urls or found.hosts):
        # What the mail was about is then in the mail itself.
        original = Findings()
        for each in (inner for mail, _ in stated for inner in mail.forwarded):
            original.take_text(*each.body)
        found.urls, found.hosts = original.urls, original.hosts
        guessed = ("urls", "hosts") if original.urls or original.hosts else ()
    kind = (stated[0][1].first("feedback-type") or "").lower()
    code = _CATEGORIES.get(kind)
    known: dict[str, Any] = {"category": code} if code or kind == "not-spam" else {}
    if times:
        known["seen_at"] = min(times)
    reading = from_text(source, found, **known)
    if code is None and kind not in ("", "other", "not-spam", "auth-failure"):
        reading = replace(reading, category=category.of_type(kind))
    if stated[0][0] is source.mail and kind in _COMPLAINTS and not names_page:
        # A feedback loop: a program sends one for each click, and nobody reads the answers. Who
        # names a web address, or forwards a complaint, wants something done.
        reading = replace(reading, is_automatic=True, answer_to=None)
    return replace(reading, guessed=tuple(dict.fromkeys((*reading.guessed, *guessed))))
