"""The letter: a notice in its final words, and to whom it goes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A notice as it is sent: the same words as plain text and as a page.

    `id` (`12-o45.notice`) is the same each time the letter is sent. `subject` is one line.
    `languages` are those in which it is written, in their order, `zh_CN` or `en`.
    """

    id: str
    subject: str
    text: str
    html: str
    languages: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """To whom: addresses for mail, as they are on file, and a phone number for short messages."""

    mail: tuple[str, ...] = ()
    name: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """The desk as the customer sees it: by which name it writes, and how it is reached."""

    name: str
    phone: str | None = None
    mail: str | None = None
