"""The source of a report, taken apart: a mail with its parts, JSON, tables, or plain text.

An archive is unpacked in memory, up to a limit, and never again within itself.
"""

from __future__ import annotations

import gzip
import io
import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from functools import cached_property
from hashlib import sha256
from typing import Any

from incidents.inbox import decoding, mail, seen_time, table_file
from incidents.inbox.mail import Mail, Part
from incidents.inbox.reading import Attachment
from incidents.inbox.table_file import MAX_ROWS, TableFile

MAX_UNPACKED = 16 << 20
MAX_FILES = 100
MAX_LINKS = 5_000
MAX_TEXT = 1 << 20
"""The maximum characters of a text that are searched for findings."""

_MAGIC = {
    b"%PDF": "pdf", b"\x89PNG": "image", b"\xff\xd8\xff": "image", b"GIF8": "image",
    b"PK\x03\x04": "zip", b"PK\x05\x06": "zip", b"\x1f\x8b": "gzip", b"Rar!": "archive",
    b"7z\xbc\xaf": "archive", b"BZh": "archive", b"\xfd7zXZ": "archive",
    b"\xd0\xcf\x11\xe0": "office",
}  # fmt: skip


class UnreadableError(Exception):
    """The source cannot be read; `reason` is a code of `reading.Reading`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class File:
    """A file of the report: its name, or empty, and its content."""

    name: str
    content: bytes


@dataclass
class Source:
    """A report's bytes, taken apart once for all readers.

    `name`: the name of the file, if it has one. `options`: what the settings give to readers.
    `received_at`: when it came in (UTC); None if that is not known.
    """

    raw: bytes
    name: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    received_at: datetime | None = None
    leaves_out: bool = field(default=False, init=False)
    """Whether a file could not be unpacked."""

    @cached_property
    def mail(self) -> Mail | None:
        """The mail; None if the report is none."""
        return mail.read(self.raw) if mail.looks_like(self.raw) else None

    @cached_property
    def mails(self) -> list[Mail]:
        """The mail and those within it, the outer ones first."""
        return [] if self.mail is None else list(self.mail.every())

    @cached_property
    def files(self) -> list[File]:
        """The files of the mail, or the report itself; archives are unpacked.

        An archive in a mail that cannot be unpacked is left out: the mail itself can be read.

        Raises:
            UnreadableError: for a report that is an archive: damaged, encrypted, or too large.
        """
        left = [MAX_UNPACKED, MAX_FILES]
        if self.mail is None:
            return list(_unpacked(self.name, self.raw, left))
        found: list[File] = []
        for part in (part for each in self.mails for part in each.parts):
            try:
                found += _unpacked(part.name, part.content, left)
            except UnreadableError:
                self.leaves_out = True
        return found

    @cached_property
    def objects(self) -> list[dict[str, Any]]:
        """The JSON objects of the files: each file is one, a list of them, or one a line."""
        return [found for file in self.files for found in _objects(file.content)]

    @cached_property
    def tables(self) -> list[TableFile]:
        """The tables of the files (CSV)."""
        texts = [each for each in self.files if shape_of(each.content) == "text"]
        # What people write around a table in a mail says more than a title.
        found = (
            table_file.read(
                each.name,
                decoding.decode(each.content),
                titled=self.mail is None or each.name != "",
            )
            for each in texts
        )
        return [table for table in found if table is not None]

    @property
    def is_long(self) -> bool:
        """Whether the text has more characters than are searched."""
        return len(self.text[0]) >= MAX_TEXT

    @cached_property
    def text(self) -> tuple[str, list[str]]:
        """The text of the report for people, and the addresses that its links lead to."""
        if self.mail is None:
            text = decoding.decode(self.raw[: 4 * MAX_TEXT])
            return text[:MAX_TEXT], []
        bodies = [each.body for each in self.mails]
        text = "\n".join(text for text, _ in bodies if text)
        return text[:MAX_TEXT], [link for _, links in bodies for link in links][:MAX_LINKS]

    @property
    def attached_text(self) -> str:
        """The files with plain text."""
        parts = (each for mail in self.mails for each in mail.parts)
        texts = (
            each.text for each in parts
            if each.name.lower().endswith((".txt", ".log"))
            or (each.name and each.type == "text/plain")
        )  # fmt: skip
        return "\n".join(texts)[:MAX_TEXT]

    @property
    def is_json(self) -> bool:
        """Whether the report itself begins like JSON."""
        return _begins_like_json(self.raw)

    @property
    def sender(self) -> str | None:
        """The mail address that the report is from."""
        return None if self.mail is None else self.mail.sender

    @cached_property
    def zone(self) -> tzinfo:
        """The zone of times that name none in a text.

        That is the one that the text names for all, or else the mail's own, or else the desk's.
        """
        stated = seen_time.zone_in(self.text[0])
        if stated is not None:
            return stated
        own: tzinfo = self.options.get("zone", UTC)
        return own if self.mail is None else self.mail.zone

    @cached_property
    def sender_domain(self) -> str:
        """The domain of that address; empty without one."""
        return (self.sender or "").rpartition("@")[2]

    def is_from(self, *domains: str) -> bool:
        """Whether the mail names a sender of one of the domains. Anybody can name any sender."""
        own = self.sender_domain
        return any(own == each or own.endswith(f".{each}") for each in domains)

    def attachments(self) -> list[Attachment]:
        """The files of the mails."""
        return [
            Attachment(part.name[:255], part.type[:100], len(part.content), digest_of(part))
            for part in self._attached()
        ]

    def attached(self, digest: str) -> Part | None:
        """The first file of the mails whose content has that digest; None if there is none."""
        return next((part for part in self._attached() if digest_of(part) == digest), None)

    def _attached(self) -> Iterator[Part]:
        for part in (part for each in self.mails for part in each.files):
            if part.content and part.type != "message/feedback-report":
                yield part


def digest_of(part: Part) -> str:
    """The SHA-256 (hexadecimal) of the part's content."""
    return sha256(part.content).hexdigest()


def kind_of(raw: bytes) -> str:
    """The kind of a file that is no text: `pdf`, `image`, `zip`, `binary`; otherwise `text`."""
    for magic, kind in _MAGIC.items():
        if raw.startswith(magic):
            return kind
    head = raw[:4_096]
    has_mark = head.startswith((b"\xff\xfe", b"\xfe\xff"))
    return "binary" if b"\0" in head and not has_mark else "text"


def _unpacked(name: str, content: bytes, left: list[int]) -> Iterator[File]:
    kind = kind_of(content)
    if kind == "zip" and not name.lower().endswith((".xlsx", ".docx", ".pptx", ".jar", ".apk")):
        yield from _unzipped(content, left)
    elif kind == "gzip":
        yield File(name.removesuffix(".gz"), _ungzipped(content, left))
    else:
        yield File(name, content)


def _unzipped(content: bytes, left: list[int]) -> Iterator[File]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for info in archive.infolist():
                if info.is_dir():
                    continue
                left[1] -= 1
                if left[1] < 0 or info.flag_bits & 1:
                    raise UnreadableError("archive")
                with archive.open(info) as file:
                    found = file.read(left[0] + 1)
                _spend(left, len(found))
                yield File(info.filename.rpartition("/")[2], found)
    except (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, NotImplementedError,
            EOFError, ValueError) as error:  # fmt: skip
        raise UnreadableError("archive") from error


def _ungzipped(content: bytes, left: list[int]) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            found = file.read(left[0] + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableError("archive") from error
    _spend(left, len(found))
    return found


def _spend(left: list[int], size: int) -> None:
    left[0] -= size
    if left[0] < 0:
        raise UnreadableError("archive")


def shape_of(raw: bytes) -> str:
    """What the bytes look like, without reading them: `mail`, `json`, or a kind of file."""
    if mail.looks_like(raw):
        return "mail"
    kind = kind_of(raw)
    return "json" if kind == "text" and _begins_like_json(raw) else kind


def _begins_like_json(content: bytes) -> bool:
    return content[:64].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[")


def _objects(content: bytes) -> Iterator[dict[str, Any]]:
    if not _begins_like_json(content):
        return
    text = decoding.decode(content)
    try:
        found = json.loads(text)
    except ValueError:
        yield from _lines(text)
        return
    for each in found if isinstance(found, list) else [found]:
        if isinstance(each, dict):
            yield each


def _lines(text: str) -> Iterator[dict[str, Any]]:
    for line in text.split("\n")[:MAX_ROWS]:
        try:
            found = json.loads(line) if line.startswith("{") else None
        except ValueError:
            continue
        if isinstance(found, dict):
            yield found
