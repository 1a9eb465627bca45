"""The messages of an exchange: a request to a web address, and the answer.

An address that two parsers could read as two different hosts is refused, because the host that is
checked here must be the host that is contacted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from ipaddress import IPv6Address, ip_address
from typing import Never

from incidents.errors import BadSiteNameError, Cause
from incidents.outbound.faults import ForbiddenTargetError
from incidents.values import site_name

MAX_ADDRESS_CHARACTERS = 2_048
PORTS = {"http": 80, "https": 443}

_URL = re.compile(
    r"(?P<scheme>https?)://(?P<authority>[^/?#]*)(?P<path>[^#]*)(?:#.*)?", re.IGNORECASE
)
_AUTHORITY = re.compile(r"(?:\[(?P<six>[^\[\]]*)\]|(?P<name>[^\[\]:]*))(?::(?P<port>[0-9]{0,5}))?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The target of a request.

    `host` is an ASCII name in lower case, or an IP address without brackets; `path` is ASCII, with
    the query.
    """

    scheme: str
    host: str
    port: int
    path: str

    @property
    def origin(self) -> tuple[str, str, int]:
        """The scheme, host and port, which all requests of one connection share."""
        return self.scheme, self.host, self.port

    @property
    def authority(self) -> str:
        """The value of a Host header (RFC 9110 7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


def read_target(url: str) -> Target:
    """Parse a web address, without a look-up of its name.

    Raises:
        ForbiddenTargetError: if it is not a web address, or could be read in two ways.
    """
    _refuse_hidden_characters(url)
    found = _URL.fullmatch(url)
    if found is None:
        refuse(
            "this address", Cause.of("must_begin_http", "it must begin with https:// or http://")
        )
    scheme, authority = found["scheme"].lower(), found["authority"]
    if "@" in authority:
        refuse(
            _before_port(authority.rpartition("@")[2]),
            Cause.of("address_holds_at", "its address holds an @, a user name or so"),
        )
    parts = _AUTHORITY.fullmatch(authority)
    if parts is None:
        refuse(
            _before_port(authority),
            Cause.of("no_host_and_port", "the part before its path is not a host and port"),
        )
    host = _ipv6(parts["six"]) if parts["six"] is not None else _name(parts["name"])
    port = int(parts["port"]) if parts["port"] else PORTS[scheme]
    if not 0 < port < 65_536:
        refuse(host, Cause.of("no_such_port", "there is no port {port}", port=port))
    path = found["path"]
    if not path.isascii():
        refuse(
            host, Cause.of("path_ascii", "its path must be ASCII; write the rest percent-encoded")
        )
    path = path if path.startswith("/") else f"/{path}"
    return Target(scheme=scheme, host=host, port=port, path=path)


def refuse(host: str, why: str) -> Never:
    """Raise a ForbiddenTargetError for that host."""
    raise ForbiddenTargetError(host=host, why=why)


def _refuse_hidden_characters(url: str) -> None:
    if len(url) > MAX_ADDRESS_CHARACTERS:
        refuse(
            "this address",
            Cause.of(
                "over_characters",
                "it has more than {limit:,} characters",
                limit=MAX_ADDRESS_CHARACTERS,
            ),
        )
    for character in url:
        if not character.isprintable() or character.isspace():
            refuse(
                "this address",
                Cause.of("holds", "it holds {character}", character=site_name.describe(character)),
            )
        # Browsers read it as a slash, other parsers as a part of the name.
        if character == "\\":
            refuse("this address", Cause.of("holds_backslash", "it holds a backslash"))


def _ipv6(written: str) -> str:
    if "%" in written:
        refuse(
            _shown_host(written),
            Cause.of(
                "address_with_zone", "an address with a zone is one of this machine's own links"
            ),
        )
    try:
        return str(IPv6Address(written))
    except ValueError:
        refuse(
            _shown_host(written), Cause.of("no_ipv6", "the part in brackets is not an IPv6 address")
        )


def _name(written: str) -> str:
    if not written:
        refuse("this address", Cause.of("names_no_host", "it names no host"))
    if "%" in written:
        refuse(
            _shown_host(written),
            Cause.of("host_percent", "a percent-encoded host can be read in two ways"),
        )
    try:
        kept = site_name.read_own_host(written)
    except BadSiteNameError as error:
        refuse(_shown_host(written), error.facts["detail"])
    # inet_aton reads 2130706433, 0x7f.1 and 017700000001 as 127.0.0.1; IDNA makes digits of ①.
    if _NUMBER.fullmatch(kept.rpartition(".")[2]) and not _is_plain_ipv4(kept, written):
        refuse(
            _shown_host(written),
            Cause.of("ipv4_four_numbers", "an IPv4 address is written as four plain numbers"),
        )
    return kept


def _is_plain_ipv4(kept: str, written: str) -> bool:
    try:
        return str(ip_address(kept)) == written
    except ValueError:
        return False


def _before_port(authority: str) -> str:
    # Instead of a port there may be a password whose @ was forgotten.
    return _shown_host(authority.partition(":")[0])


def _shown_host(host: str) -> str:
    return (host if len(host) <= 80 else host[:79] + "…") or "this address"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request; `headers` do not include Host and Content-Length, which are added later."""

    method: str
    target: Target
    headers: Sequence[tuple[str, str]] = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer. `cut`: the body was longer than the request's cap."""

    status: int
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes
    cut: bool

    def header(self, name: str) -> str | None:
        """The first value of the header with that name, given in lower case."""
        wanted = name.encode("ascii")
        return next((_header_text(value) for key, value in self.headers if key == wanted), None)

    @property
    def content_type(self) -> str:
        """The content type in lower case, without its parameters; empty if there is none."""
        return (self.header("content-type") or "").partition(";")[0].strip().lower()


def _header_text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


MAX_RETRY_AFTER = timedelta(hours=24)
"""The maximum wait; a server that asks for a longer wait is contacted again after this time."""


def retry_after(value: str | None, now: datetime) -> timedelta | None:
    """The wait in Retry-After, given in seconds or as a date; None if past or unreadable.

    A date is compared with `now`, in UTC.
    """
    text = "" if value is None else value.strip()
    if text.isascii() and text.isdigit():
        # Python refuses very long numbers, and reading one costs time.
        digits = text.lstrip("0")
        wait = MAX_RETRY_AFTER if len(digits) > 9 else timedelta(seconds=int(digits or "0"))
    else:
        wait = _time_until(text, now)
    return min(wait, MAX_RETRY_AFTER) if wait > timedelta() else None


def _time_until(text: str, now: datetime) -> timedelta:
    try:
        moment = parsedate_to_datetime(text)
        # A date of HTTP is in GMT, whether it says so or not.
        at = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
        return at - now
    except (ValueError, TypeError, OverflowError, IndexError):
        return timedelta()
