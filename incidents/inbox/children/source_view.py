"""The source of a report as people may see it: header fields and text, within a page's limits.

It is plain text. What could run, load or mislead stays behind: markup, and characters that change
the direction of a text.
"""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

from incidents.inbox import html_text, mail
from incidents.inbox.decoding import decode, header
from incidents.inbox.mail import Mail
from incidents.inbox.source import Source, kind_of

MAX_TEXT = 64 << 10
MAX_FIELDS = 200
MAX_VALUE = 1_000
MAX_LINKS = 50
"""The maximum characters of text, header fields, characters of a field, and links, of all mails."""

_KEPT_CONTROLS = "\n\t"


class MailView(NamedTuple):
    """A mail of the report, or the report itself: `depth` 0 is the outermost."""

    depth: int
    fields: tuple[tuple[str, str], ...]
    text: str
    links: tuple[str, ...] = ()


class SourceView(NamedTuple):
    """What is shown of a source. `more_fields`: how many header fields are left out.

    `more_text`, `more_links`: whether some are left out. `reason`: why nothing is shown, as a code.
    """

    mails: tuple[MailView, ...] = ()
    more_fields: int = 0
    more_text: bool = False
    more_links: bool = False
    reason: str | None = None


def of_source(raw: bytes) -> SourceView:
    """The view of a report's bytes."""
    source = Source(raw)
    if source.mail is not None:
        return of_mail(source.mail)
    return SourceView(reason="kind") if kind_of(raw) != "text" else of_text(decode(raw))


def of_mail(found: Mail) -> SourceView:
    """The view of a mail, and of the mails within it, the outer ones first."""
    text_left, fields_left, links_left = MAX_TEXT, MAX_FIELDS, MAX_LINKS
    mails: list[MailView] = []
    more_fields, more_text, more_links = 0, False, False
    for depth, each in _nested(found, 0):
        text, links = each.body
        fields = each.head[:fields_left]
        shown = tuple(
            (plain(name)[:100], plain(header(value))[:MAX_VALUE]) for name, value in fields
        )
        own_links = tuple(plain(link)[:MAX_VALUE] for link in links[:links_left])
        mails.append(MailView(depth, shown, plain(text[:text_left]), own_links))
        more_fields += len(each.head) - len(fields)
        more_text |= len(text) > text_left
        more_links |= len(links) > links_left
        text_left -= min(len(text), text_left)
        fields_left -= len(fields)
        links_left -= len(own_links)
    return SourceView(tuple(mails), more_fields, more_text, more_links)


def of_text(text: str, links: tuple[str, ...] = ()) -> SourceView:
    """The view of a text."""
    only = MailView(0, (), plain(text[:MAX_TEXT]), tuple(map(plain, links[:MAX_LINKS])))
    return SourceView(
        (only,), more_text=len(text) > MAX_TEXT, more_links=len(links) > MAX_LINKS
    )  # fmt: skip


def of_file(content: bytes, type_: str, charset: str | None) -> SourceView:
    """The view of an attached file by its media type; a reason if that kind is not shown."""
    if type_ == "message/rfc822":
        return of_mail(mail.read(content))
    if kind_of(content) != "text":
        return SourceView(reason="kind")
    text = decode(content, charset)
    if type_ == "text/html":
        found, links = html_text.text_of(text)
        return of_text(found, tuple(link[:MAX_VALUE] for link in links))
    return of_text(text)


def plain(text: str) -> str:
    """The text without the characters that nobody sees, or that turn its direction around."""
    return "".join(
        "\ufffd" if unicodedata.category(char) in ("Cc", "Cf", "Co", "Cs")
        and char not in _KEPT_CONTROLS else char
        for char in text
    )  # fmt: skip


def _nested(found: Mail, depth: int) -> list[tuple[int, Mail]]:
    inner = [each for mail_ in found.forwarded for each in _nested(mail_, depth + 1)]
    return [(depth, found), *inner]
