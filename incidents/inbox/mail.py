"""A mail and its parts (RFC 5322, RFC 2045), with the mails that it forwards.

The parts are flat: those of a nested multipart stand beside the others. Nothing here fails for a
mail that is broken; what is beyond the limits is marked as left out.
"""

from __future__ import annotations

import binascii
import email
import re
from codecs import BOM_UTF8
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime
from functools import cached_property
from typing import Any

from incidents.inbox import decoding, html_text

MAX_PARTS = 1_000
MAX_MAILS = 20
MAX_FIELDS = 1_000
"""The maximum numbers of parts, of mails within each other, and of header fields, that are read."""

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
"""No time before it is that of a report: it is what a wrong clock or a wrong field says."""

_FIELD = re.compile(rb"[!-9;-~]+:")
_KNOWN = re.compile(
    rb"^(?:from|to|subject|date|received|message-id|mime-version|content-type|return-path"
    rb"|delivered-to|reply-to|x-arf|feedback-type)[ \t]*:", re.IGNORECASE | re.MULTILINE,
)  # fmt: skip
_ATOMS = r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*"
_PLAIN_ADDRESS = re.compile(rf"({_ATOMS}@{_ATOMS})|[A-Za-z0-9 _-]*<({_ATOMS}@{_ATOMS})>")
_SPACE_STUFFED = re.compile(r"^ ", re.MULTILINE)
_SUPPRESSED = {"all", "autoreply", "oof"}
_ENCRYPTED = {"multipart/encrypted", "application/pgp-encrypted", "application/pkcs7-mime",
              "application/x-pkcs7-mime"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a mail: its media type, its name if it is a file, and its content, decoded."""

    type: str
    name: str
    content: bytes
    charset: str | None = None
    flowed: bool = False
    joins: bool = False

    @property
    def text(self) -> str:
        """The content as text; the lines of `format=flowed` (RFC 3676) are joined."""
        text = decoding.decode(self.content, self.charset)
        return _unflowed(text, joins=self.joins) if self.flowed else text


@dataclass
class Mail:
    """A mail: its header fields, with names in lower case, its parts, and the mails within it.

    `type`: the media type of the whole. `more`: parts or fields are left out.
    """

    type: str
    fields: dict[str, list[str]]
    parts: list[Part] = field(default_factory=list)
    forwarded: list[Mail] = field(default_factory=list)
    parameters: dict[str, str] = field(default_factory=dict)
    more: bool = False
    head: list[tuple[str, str]] = field(default_factory=list)
    """The header fields in their order, as written."""

    def get(self, name: str) -> str | None:
        """The first field of that name, decoded; None without one."""
        found = self.fields.get(name)
        return decoding.header(found[0]) or None if found else None

    def all(self, name: str) -> list[str]:
        """All fields of that name, decoded."""
        return [decoding.header(each) for each in self.fields.get(name, ())]

    @cached_property
    def sender(self) -> str | None:
        """The mail address that the mail is from; None if it names none."""
        for name in ("from", "sender", "return-path"):
            for address in addresses(self.all(name)):
                if "@" in address:
                    return address.strip().strip("<>").lower()
        return None

    @cached_property
    def sent_at(self) -> datetime | None:
        """The mail's date (UTC), if it can be read."""
        return read_date(self.get("date"))

    @cached_property
    def zone(self) -> tzinfo:
        """The zone of the mail's date, in which its author writes times; UTC if it names none."""
        try:
            found = parsedate_to_datetime(self.get("date") or "")
        except (ValueError, TypeError, IndexError, OverflowError):
            return UTC
        return found.tzinfo or UTC

    @property
    def is_automatic(self) -> bool:
        """Whether a program sent the mail, so that nothing may be answered (RFC 3834)."""
        auto = (self.get("auto-submitted") or "no").partition(";")[0].strip().lower()
        precedence = (self.get("precedence") or "").strip().lower()
        return (
            auto != "no"
            or precedence in ("bulk", "junk", "list", "auto_reply")
            or (self.get("return-path") or "").strip() == "<>"
            or not _SUPPRESSED.isdisjoint(
                re.split(r"[\s,;]+", (self.get("x-auto-response-suppress") or "").lower())
            )
            or any(name.startswith("list-") for name in self.fields)
            or self._is_bounce
        )

    @property
    def _is_bounce(self) -> bool:
        """Whether a mail server reports on a mail; people and programs report abuse (RFC 5965)."""
        about = self.parameters.get("report-type")
        return self.type == "multipart/report" and about != "feedback-report"

    @property
    def is_encrypted(self) -> bool:
        """Whether the content is encrypted."""
        return self.type in _ENCRYPTED or any(
            part.type in _ENCRYPTED or b"-----BEGIN PGP MESSAGE-----" in part.content[:4_000]
            for part in self.parts
        )

    @cached_property
    def body(self) -> tuple[str, list[str]]:
        """The text of the mail itself, and the addresses that its links lead to.

        Of a text in two forms only the plain one counts, but also the links of the other one.
        """
        plain = [part.text for part in self._texts("text/plain")]
        if not any(text.strip() for text in plain) and not self._texts("text/html"):
            # Some senders write nothing beside a file with the text.
            plain = [part.text for part in self.parts if part.type == "text/plain"]
        texts, links = [], []
        for part in self._texts("text/html"):
            text, found = html_text.text_of(part.text)
            texts.append(text)
            links += found
        return "\n".join(text for text in plain or texts if text.strip()), links

    @property
    def files(self) -> list[Part]:
        """The parts that are files."""
        return [part for part in self.parts if part.name or not part.type.startswith("text/")]

    def every(self) -> Iterator[Mail]:
        """The mail, and the mails within it, the outer ones first."""
        yield self
        for each in self.forwarded:
            yield from each.every()

    def _texts(self, type_: str) -> list[Part]:
        return [part for part in self.parts if part.type == type_ and not part.name]


def looks_like(raw: bytes) -> bool:
    """Whether the bytes begin with the header of a mail."""
    head = _from_first_field(raw[:65_536]).replace(b"\r\n", b"\n")
    return bool(_FIELD.match(head)) and bool(_KNOWN.search(head.partition(b"\n\n")[0]))


def _from_first_field(raw: bytes) -> bytes:
    plain = raw.removeprefix(BOM_UTF8).lstrip(b"\r\n")
    # The line with which a mailbox separates its mails.
    return plain.partition(b"\n")[2] if plain.startswith((b"From ", b">From ")) else plain


def read(raw: bytes) -> Mail:
    """Read a mail; raises RecursionError if it is nested too deeply."""
    return _mail(email.message_from_bytes(_from_first_field(raw)), [MAX_PARTS, MAX_MAILS])


def addresses(fields: Sequence[str]) -> list[str]:
    """The mail addresses in those header fields; an empty one for what cannot be read as one."""
    plain = [_PLAIN_ADDRESS.fullmatch(each) for each in fields]
    # The parser of the standard library takes fifty times as long, and most fields are plain.
    found = [each[1] or each[2] for each in plain if each is not None]
    if len(found) == len(fields):
        return found
    return [address for _, address in getaddresses(list(fields))]


def read_date(text: str | None) -> datetime | None:
    """Read a date of a mail as a time in UTC; None for another text, or without a zone."""
    try:
        found = None if text is None else parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if found is None:
        return None
    try:
        time = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except OverflowError:
        return None
    return time if time >= EARLIEST else None


def _mail(message: Message, left: list[int]) -> Mail:
    fields: dict[str, list[str]] = {}
    raw_fields = list(message.raw_items())
    for name, value in raw_fields[:MAX_FIELDS]:
        fields.setdefault(name.lower(), []).append(str(value))
    mail = Mail(message.get_content_type(), fields, parameters=_parameters(message))
    mail.head = [(name, str(value)) for name, value in raw_fields[:MAX_FIELDS]]
    mail.more = len(raw_fields) > MAX_FIELDS
    waiting = [message]
    while waiting:
        part = waiting.pop(0)
        left[0] -= 1
        if left[0] < 0:
            mail.more = True
            break
        payload = part.get_payload()
        if not isinstance(payload, list):
            mail.parts.append(_part(part))
            continue
        type_, inner = part.get_content_type(), _messages(payload)
        if type_ == "message/rfc822":
            for each in inner[:1]:
                _forward(mail, each, left)
        elif type_.startswith("message/"):
            mail.parts += [
                _encoded_fields(type_, part, each) or _fields_of(type_, each) for each in inner
            ]
        else:
            waiting[:0] = inner
    for own in mail.parts:
        if own.type == "text/rfc822-headers" or own.name.lower().endswith(".eml"):
            _forward(mail, email.message_from_bytes(own.content), left)
    return mail


def _forward(mail: Mail, message: Message, left: list[int]) -> None:
    left[1] -= 1
    if left[1] < 0:
        mail.more = True
    else:
        mail.forwarded.append(_mail(message, left))


def _messages(payload: list[Any]) -> list[Message]:
    return [each for each in payload if isinstance(each, Message)]


def _parameters(message: Message) -> dict[str, str]:
    if ";" not in str(message.get("content-type", "")):
        return {}
    found = message.get_params(failobj=[]) or []
    return {name.lower(): str(value).lower() for name, value in found[1:20]}


def _part(part: Message) -> Part:
    content = _content(part)
    parameters = _parameters(part)
    return Part(
        part.get_content_type(), _name(part, parameters), content, parameters.get("charset"),
        flowed=parameters.get("format") == "flowed", joins=parameters.get("delsp") == "yes",
    )  # fmt: skip


def _content(part: Message) -> bytes:
    try:
        content = part.get_payload(decode=True)
    except (binascii.Error, ValueError, LookupError):
        content = None
    if isinstance(content, bytes):
        return content
    return str(part.get_payload()).encode("utf-8", "surrogateescape")


def _name(part: Message, parameters: Collection[str]) -> str:
    """The name of the part, if it is a file; `parameters`: those of its type."""
    if "content-disposition" not in part and not any(
        each.startswith("name") for each in parameters
    ):
        return ""
    try:
        return decoding.header(part.get_filename() or "")
    except (ValueError, LookupError, TypeError):
        return ""


def _fields_of(type_: str, inner: Message) -> Part:
    """The fields of a machine-readable part, such as `message/feedback-report`, as text."""
    lines = [f"{name}: {value}" for name, value in inner.raw_items()]
    text = "\n".join(lines).encode("utf-8", "surrogateescape")
    rest = inner.get_payload()
    if isinstance(rest, str) and rest.strip():
        text += b"\n\n" + rest.encode("utf-8", "surrogateescape")
    return Part(type_, "", text)


def _encoded_fields(type_: str, part: Message, inner: Message) -> Part | None:
    """The fields of such a part that is encoded, which no sender may do and some do."""
    encoding = str(part.get("content-transfer-encoding", "")).strip().lower()
    if encoding not in ("base64", "quoted-printable"):
        return None
    holder = Message()
    holder["Content-Transfer-Encoding"] = encoding
    holder.set_payload(inner.as_string().lstrip("\n"))
    return Part(type_, "", _content(holder))


def _unflowed(text: str, *, joins: bool) -> str:
    lines: list[str] = []
    is_open = False
    for line in _SPACE_STUFFED.sub("", text).split("\n"):
        body = line[:-1] if joins and line.endswith(" ") else line
        if is_open:
            lines[-1] += body
        else:
            lines.append(body)
        is_open = line.endswith(" ") and line != "-- "
    return "\n".join(lines)
