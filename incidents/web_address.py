"""A web address: which ones can be kept for an incident, and the form in which they are compared.

Two spellings of one address must be one address, or a finding could be entered twice: the scheme
and the host are lower-cased, the host stands in its ASCII form, the scheme's own port and the
fragment are dropped. Path and query are kept as written, since their case has a meaning.
"""

from __future__ import annotations

from typing import Never
from urllib.parse import SplitResult, urlsplit

from incidents import site_name
from incidents.errors import BadSiteNameError, BadUrlError

MAX_CHARACTERS = 2_048
_PORTS = {"http": 80, "https": 443}


def read(text: str) -> str:
    """The normal form of an http or https address as somebody wrote it.

    Raises:
        BadUrlError: naming what was written, why it cannot be kept, and the way out.
    """
    given = text.strip(" ")
    _refuse_what_cannot_be_kept(text, given)
    parts = _split(text, given)
    scheme = parts.scheme.lower()
    if scheme not in _PORTS:
        _refuse(text, "it must begin with http:// or https://")
    if not parts.hostname:
        _refuse(text, "it names no host")
    if parts.username is not None or parts.password is not None:
        _refuse(text, "it holds a user name or a password; leave them out")
    port = _port(text, parts)
    suffix = "" if port is None or port == _PORTS[scheme] else f":{port}"
    query = f"?{parts.query}" if parts.query else ""
    address = f"{scheme}://{_host(text, parts.hostname)}{suffix}{parts.path or '/'}{query}"
    if len(address) > MAX_CHARACTERS:
        _refuse(text, f"it has {len(address):,} characters, and {MAX_CHARACTERS:,} are the most")
    return address


def _refuse_what_cannot_be_kept(text: str, given: str) -> None:
    if not given:
        _refuse(text, "it is empty")
    if len(given) > MAX_CHARACTERS:
        _refuse(text, f"it has {len(given):,} characters, and {MAX_CHARACTERS:,} are the most")
    for character in given:
        # urlsplit drops tabs and line ends in silence: then another address would be kept.
        if not character.isprintable() or character.isspace():
            _refuse(text, f"it holds {site_name.described(character)}; write it percent-encoded")


def _split(text: str, given: str) -> SplitResult:
    try:
        return urlsplit(given)
    except ValueError:
        _refuse(text, "it cannot be read as an address")


def _port(text: str, parts: SplitResult) -> int | None:
    try:
        return parts.port
    except ValueError:
        _refuse(text, "its port is not a number from 0 to 65535")


def _host(text: str, host: str) -> str:
    try:
        name = site_name.read_host(host)
    except BadSiteNameError as error:
        _refuse(text, f"of its host, {error.facts['detail']}")
    return f"[{name}]" if ":" in name else name


def _refuse(text: str, detail: str) -> Never:
    given = text if len(text) <= 80 else text[:79] + "…"
    raise BadUrlError(given=given, detail=detail)
