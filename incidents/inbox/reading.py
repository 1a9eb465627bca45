"""The reading: what was read out of a report, and which parts of it are guesses.

A reading is derived from the report's bytes alone. It decides nothing: a person, or a rule with an
owner, makes an incident of a report.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from datetime import datetime
from operator import is_
from typing import Any, TypeVar

from incidents.clock import rfc3339
from incidents.errors import BadUrlError
from incidents.inbox import decoding
from incidents.values import web_address

MAX_URLS = MAX_HOSTS = 500
MAX_ENDPOINTS = MAX_MENTIONS = MAX_ROWS = 1_000
MAX_ATTACHMENTS = 100
"""The maximum numbers of each in a reading; `more` says that there were others."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An IP address in its normal form; with the port and the time (UTC) if they were named."""

    address: str
    port: int | None = None
    seen_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table: its address, host and IP address, its category and its time (UTC).

    Rows that differ only in the time are one, with the first of these times.
    """

    url: str | None = None
    host: str | None = None
    address: str | None = None
    category: str | None = None
    seen_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file in the report: its name, its media type, its bytes and their SHA-256 (hexadecimal)."""

    name: str
    type: str
    size: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What was read out of a report.

    `format`: the name of the reader, or of the kind of file that nothing could read. `reason`: why
    it cannot be read, as a code of `unread`; None if it was read. `reporter`: the mail address, or
    else the name, of who reports. `urls`: as written, but not defanged. `hosts`: in the form of a
    site's name. `mentions`: names that are hosts only if they are sites here. `seen_at`: the first
    time (UTC) at which the violation was seen. `guessed`: the names of the fields that the report
    does not state. `answer_to`: the mail address to which it may be answered. `vouchers`: see
    `answerable.vouchers`. `rows`: what each row of a table says, if it has several; the other
    fields say it for the whole report. `invalid`: what is wrong with it by the schema of its
    format. `more`: not everything is listed.
    """

    format: str
    reason: str | None = None
    reporter: str | None = None
    subject: str | None = None
    message_id: str | None = None
    sent_at: datetime | None = None
    is_automatic: bool = False
    answer_to: str | None = None
    vouchers: tuple[str, ...] = ()
    category: str | None = None
    urls: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    mentions: tuple[str, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    seen_at: datetime | None = None
    rows: tuple[Row, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    text: str = ""
    guessed: tuple[str, ...] = ()
    invalid: tuple[str, ...] = ()
    more: bool = False

    @property
    def addresses(self) -> tuple[str, ...]:
        """The IP addresses, each once."""
        return tuple(dict.fromkeys(each.address for each in self.endpoints))

    def fitted(self) -> Reading:
        """The reading without what no database keeps, such as half a character."""
        return _fitted(self)

    def document(self) -> dict[str, Any]:
        """The reading as JSON."""
        found = _plain_fields(self)
        found["addresses"] = list(self.addresses)
        found["guessed"] = ["addresses" if each == "endpoints" else each for each in self.guessed]
        return found


_Fields = TypeVar("_Fields", Reading, Endpoint, Row, Attachment)
_NAMES = {
    kind: tuple(each.name for each in fields(kind)) for kind in (Reading, Endpoint, Row, Attachment)
}


def _fitted(of: _Fields) -> _Fields:
    """The same, with each text fitted; most have nothing to change."""
    changed = {}
    for name in _NAMES[type(of)]:
        value = getattr(of, name)
        fit = _fit(value)
        if fit is not value:
            changed[name] = fit
    return replace(of, **changed) if changed else of


def _fit(value: Any) -> Any:
    if isinstance(value, str):
        fit = value if value.isprintable() else decoding.fit(value)
        return value if fit == value else fit
    if isinstance(value, tuple) and value:
        found = tuple(map(_fit, value))
        return value if all(map(is_, found, value)) else found
    if isinstance(value, Endpoint):
        return _fitted(value)
    if isinstance(value, Row):
        return _fitted(value)
    return _fitted(value) if isinstance(value, Attachment) else value


def _plain_fields(of: Reading | Endpoint | Row | Attachment) -> dict[str, Any]:
    return {name: _plain(getattr(of, name)) for name in _NAMES[type(of)]}


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return rfc3339(value) if isinstance(value, datetime) else _plain_fields(value)


def limited(found: Iterable[Any], most: int) -> tuple[tuple[Any, ...], bool]:
    """The first `most` of what was found, each once, and whether there were others."""
    once = tuple(dict.fromkeys(found))
    return once[:most], len(once) > most


def hosts_of(urls: Iterable[str]) -> list[str]:
    """The hosts of addresses, as written, without those that cannot be read."""
    found = []
    for url in urls:
        with suppress(BadUrlError):
            found.append(web_address.host(web_address.read(url, bare=True)))
    return found
