"""The address for mail."""

from __future__ import annotations

import re
from dataclasses import dataclass

from incidents.errors import BadSiteNameError
from incidents.notices.templating import one_line
from incidents.values import site_name

MAX_LOCAL_OCTETS, MAX_OCTETS = 64, 254
MAX_NAME = 100
"""So many characters of a name stand beside an address."""

# RFC 5321, section 4.1.2, Dot-string, with what RFC 6531 adds; a quoted one is nobody's.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-\u00a0-\U0010ffff]+"
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_WITH_NAME = re.compile(r"\s*(?P<name>[^<>]*?)\s*<(?P<address>[^<>]*)>\s*")


class BadAddressError(ValueError):
    """A text that is no address for mail; the message says why, without quoting it."""


@dataclass(frozen=True, slots=True)
class Address:
    """`local` before the @, and `domain` behind it in its ASCII form (IDNA 2008)."""

    local: str
    domain: str
    name: str = ""

    @property
    def spec(self) -> str:
        """The address as it is handed over: `desk@host.example`."""
        return f"{self.local}@{self.domain}"

    @property
    def is_international(self) -> bool:
        """Whether only a server that knows SMTPUTF8 (RFC 6531) takes it."""
        return not self.local.isascii()


def read(text: str, name: str | None = None) -> Address:
    """The address `a@b.example`, with that name beside it.

    Raises:
        BadAddressError: for whatever no mail can be sent to.
    """
    local, at, host = text.strip(" ").rpartition("@")
    if not at:
        raise BadAddressError("it has no @")
    # An encoded word (RFC 2047) would be decoded on the way, line ends and all.
    if not local.isprintable() or "=?" in local or _LOCAL.fullmatch(local) is None:
        raise BadAddressError("what stands before the @ is no name of a mailbox")
    domain = _domain(host)
    if len(local.encode()) > MAX_LOCAL_OCTETS:
        raise BadAddressError(f"more than {MAX_LOCAL_OCTETS} octets stand before the @")
    if len(local.encode()) + 1 + len(domain) > MAX_OCTETS:
        raise BadAddressError(f"it has more than {MAX_OCTETS} octets")
    return Address(local, domain, one_line(name or "", MAX_NAME))


def read_with_name(text: str) -> Address:
    """The address `a@b.example`, or `Somebody <a@b.example>`; raises as `read` does."""
    found = _WITH_NAME.fullmatch(text)
    if found is None:
        return read(text)
    return read(found["address"], found["name"].strip('"'))


def _domain(host: str) -> str:
    try:
        domain = site_name.read_own_host(host)
    except BadSiteNameError as error:
        # What it quotes is somebody's address.
        raise BadAddressError("what stands behind the @ is no domain") from error
    if ":" in domain or domain.replace(".", "").isdecimal():
        raise BadAddressError("what stands behind the @ is an IP address")
    return domain
