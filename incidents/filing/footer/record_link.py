"""The record link: the target of a link in a footer, parsed as in a browser (URL standard, 4.4).

A link is parsed because a misleading link looks right as text.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qs, unquote

from incidents.filing.record_number import read_public_security

Form = Literal[
    "old", "new", "encoded", "look_alike", "icp", "icp_gone", "icp_look_alike", "elsewhere"
]
"""The forms of a link's target.

For public-security records: the old and the new address, the address with %23 for #, which leads
nowhere, and a lookalike. For ICP records: the present and the former address, and a lookalike. Any
other target.
"""

NEW_ADDRESS = "https://beian.mps.gov.cn/#/query/webSearch?code="
ICP_ADDRESS = "https://beian.miit.gov.cn/"

MAX_CHARACTERS = 2_048
_PIECE = 256
"""The maximum number of characters normalized at once, because the time grows with the square; no
valid host has more."""

_ADDRESS = re.compile(
    r"(?:(?P<scheme>https?):)?//+(?P<authority>[^/?#]*)(?P<path>[^?#]*)"
    r"(?:\?(?P<query>[^#]*))?(?:#(?P<fragment>.*))?",
    re.IGNORECASE,
)
_OLD_HOSTS = ("beian.gov.cn", "www.beian.gov.cn")
_NEW_HOST = "beian.mps.gov.cn"
_ICP_HOSTS: dict[str, Form] = {
    "beian.miit.gov.cn": "icp",
    "miitbeian.gov.cn": "icp_gone",
    "www.miitbeian.gov.cn": "icp_gone",
    "icp.miitbeian.gov.cn": "icp_gone",
}
_OLD_PATH, _NEW_ROUTE = "/portal/registersysteminfo", "/query/websearch"
_PORTS = {"http": "80", "https": "443"}
_MAX_SHOWN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordLink:
    """The target of a link; `code`: its public-security code, if valid; `secure`: not over http."""

    form: Form
    code: str | None = None
    secure: bool = True

    @property
    def is_public_security(self) -> bool:
        """Whether the target is the public-security records, or is meant to be."""
        return self.form in ("old", "new", "encoded", "look_alike")

    @property
    def is_icp(self) -> bool:
        """Whether the target is the ICP records, or is meant to be."""
        return self.form in ("icp", "icp_gone", "icp_look_alike")

    @property
    def is_lookalike(self) -> bool:
        """Whether the host contains the name of an official host, but is not that host."""
        return self.form in ("look_alike", "icp_look_alike")


@dataclass(frozen=True, slots=True, kw_only=True)
class FooterLink:
    """A link that concerns a record, by its target or by the numbers in its text."""

    href: str
    target: RecordLink
    codes: tuple[str, ...] = ()
    icps: tuple[str, ...] = ()
    has_image: bool = False

    @property
    def shown_href(self) -> str:
        """The link's address, cut for display."""
        return self.href if len(self.href) <= _MAX_SHOWN else self.href[: _MAX_SHOWN - 1] + "…"


def read(href: str) -> RecordLink:
    """The target of a link, parsed from the text of its address alone."""
    # Browsers strip the ends, drop line ends, and read a backslash as a slash.
    written = re.sub(r"[\t\n\r]", "", href[:MAX_CHARACTERS].strip(_ENDS)).replace("\\", "/")
    found = _ADDRESS.fullmatch(written)
    if found is None:
        return RecordLink(form="elsewhere")
    scheme = (found["scheme"] or "https").lower()
    host = _host(found["authority"], scheme)
    secure = scheme == "https"
    if host in _OLD_HOSTS:
        return RecordLink(form="old", code=_old_code(found), secure=secure)
    if host == _NEW_HOST:
        return _new(found, secure=secure)
    form = _ICP_HOSTS.get(host) or _lookalike(found["authority"]) or "elsewhere"
    return RecordLink(form=form, secure=secure)


def _host(authority: str, scheme: str) -> str:
    """The host after any @; a non-default port is included, because it means another server."""
    host, _, port = authority.rpartition("@")[2].partition(":")
    name = _plain(host).removesuffix(".")
    return name if port in ("", _PORTS[scheme]) else f"{name}:{port}"


def _plain(host: str) -> str:
    text = unquote(host)
    pieces = (text[at : at + _PIECE] for at in range(0, len(text), _PIECE))
    half = "".join(unicodedata.normalize("NFKC", piece) for piece in pieces)
    return half.replace("。", ".").lower()


def _lookalike(authority: str) -> Form | None:
    plain = _plain(authority)
    if "miit" in plain:
        return "icp_look_alike"
    return "look_alike" if "beian" in plain and "gov" in plain else None


def _old_code(found: re.Match[str]) -> str | None:
    if found["path"].rstrip("/").lower() != _OLD_PATH:
        return None
    return _code(found["query"] or "", "recordcode")


def _new(found: re.Match[str], *, secure: bool) -> RecordLink:
    if unquote(found["path"]).startswith("/#"):
        return RecordLink(form="encoded", secure=secure)
    route, _, query = (found["fragment"] or "").partition("?")
    named = route.rstrip("/").lower() == _NEW_ROUTE
    return RecordLink(form="new", code=_code(query, "code") if named else None, secure=secure)


def _code(query: str, name: str) -> str | None:
    parameters = {key.lower(): values[0] for key, values in parse_qs(query).items()}
    number = read_public_security(parameters.get(name, ""))
    return None if number is None else number.code


_ENDS = "".join(map(chr, range(0x21)))
