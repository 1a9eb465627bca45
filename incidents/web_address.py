"""A web address: which ones can be kept for an incident, and the form in which they are compared.

Two spellings of one address must be one address, or a finding could be entered twice: the scheme
and the host are lower-cased, the host stands in its ASCII form, the scheme's own port and the
fragment are dropped. Path and query are kept as written, since their case has a meaning.
"""

from __future__ import annotations

from typing import Any, Never
from urllib.parse import SplitResult, urlsplit

from incidents import site_name
from incidents.errors import BadSiteNameError, BadUrlError, Cause

MAX_CHARACTERS = 2_048
_PORTS = {"http": 80, "https": 443}

CAUSES = {
    "empty": "it is empty",
    "long": "it has {length:,} characters, and {limit:,} are the most",
    "character": "it holds {character}; write it percent-encoded",
    "scheme": "it must begin with http:// or https://",
    "no_host": "it names no host",
    "user": "it holds a user name or a password; leave them out",
    "unreadable": "it cannot be read as an address",
    "port": "its port is not a number from 0 to 65535",
    "host": "of its host, {cause}",
}
"""Why something is no address that can be kept, by its code."""


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
        _refuse(text, "scheme")
    if not parts.hostname:
        _refuse(text, "no_host")
    if parts.username is not None or parts.password is not None:
        _refuse(text, "user")
    port = _port(text, parts)
    suffix = "" if port is None or port == _PORTS[scheme] else f":{port}"
    query = f"?{parts.query}" if parts.query else ""
    address = f"{scheme}://{_host(text, parts.hostname)}{suffix}{parts.path or '/'}{query}"
    if len(address) > MAX_CHARACTERS:
        _refuse(text, "long", length=len(address), limit=MAX_CHARACTERS)
    return address


def _refuse_what_cannot_be_kept(text: str, given: str) -> None:
    if not given:
        _refuse(text, "empty")
    if len(given) > MAX_CHARACTERS:
        _refuse(text, "long", length=len(given), limit=MAX_CHARACTERS)
    for character in given:
        # urlsplit drops tabs and line ends in silence: then another address would be kept.
        if not character.isprintable() or character.isspace():
            _refuse(text, "character", character=site_name.described(character))


def _split(text: str, given: str) -> SplitResult:
    try:
        return urlsplit(given)
    except ValueError:
        _refuse(text, "unreadable")


def _port(text: str, parts: SplitResult) -> int | None:
    try:
        return parts.port
    except ValueError:
        _refuse(text, "port")


def _host(text: str, host: str) -> str:
    try:
        name = site_name.read_host(host)
    except BadSiteNameError as error:
        _refuse(text, "host", cause=error.facts["detail"])
    return f"[{name}]" if ":" in name else name


def _refuse(text: str, code: str, **facts: Any) -> Never:
    given = text if len(text) <= 80 else text[:79] + "…"
    raise BadUrlError(given=given, detail=Cause.of(f"url_{code}", CAUSES[code], **facts))
