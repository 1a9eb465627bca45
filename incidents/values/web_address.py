"""A web address: stored as written, and in a normal form for comparison.

The normal form is the address as parsed by a browser (WHATWG URL Standard), without a name or
password before the host, a dot at the host's end, and the fragment after a #. Most variants without
these parts lead to the same page. For other variants the desk must confirm (`--again`), because
otherwise one violation would count twice.

Addresses defanged so that nobody follows them by mistake (`hxxp://shop[.]example`) are also
accepted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address
from typing import Any, Never
from unicodedata import category, combining, normalize
from urllib.parse import quote, unquote

from incidents.errors import BadSiteNameError, BadUrlError, Cause
from incidents.values import site_name

MAX_CHARACTERS = 2_048
"""The maximum length of a written address; its normal form may be twelve times as long."""

CAUSES = {
    "empty": "it is empty",
    "long": "it has {length:,} characters, and {limit:,} are the most",
    "character": "it holds {character}, which no database keeps",
    "scheme": "it must begin with http:// or https://",
    "no_host": "it names no host",
    "unreadable": "it cannot be read as an address",
    "port": "its port is not a number from 0 to 65535",
    "host": "of its host, {cause}",
}
"""The reasons why a text is not an address that can be stored, by code."""

_PORTS = {"http": 80, "https": 443}
_PORT, _LAST_PORT = re.compile("0*[0-9]{1,5}"), 65_535
# Characters that browsers ignore at both ends, and anywhere.
_AROUND = "".join(map(chr, range(0x21)))
_IGNORED = str.maketrans("", "", "\t\n\r")
_NOT_KEPT = re.compile("[\0\ud800-\udfff]")
_PARTS = re.compile(r"([^/\\?#]*)([^?#]*)\??([^#]*)", re.DOTALL)
_AUTHORITY = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]*)(?::([^:]*))?", re.DOTALL)
# Characters that a path and a query leave unencoded (percent-encode sets), besides the usual.
_IN_PATH, _IN_QUERY = "!$%&'()*+,/:;=@[\\]|", "!$%&()*+,/:;=?@[\\]^`{|}"
_DOT = re.compile("%2e", re.IGNORECASE)
# An address is defanged in its scheme or host; elsewhere these characters mean themselves.
_DEFANGED = re.compile(r"\[\.\]|\(\.\)|\{\.\}|[\[(]dot[\])]|\[:\]", re.IGNORECASE)
_BRACKETED = re.compile(r"(h(?:tt|xx)ps?)\[://\]", re.IGNORECASE)
_SCHEME = re.compile(r"h(tt|xx)p(s?)(\[:\]|:)([/\\]*[^/\\?#]*)", re.IGNORECASE)
_BARE = re.compile(r"[^/\\?#@:\s]+\.[^/\\?#@:\s]+(?::[0-9]{1,5})?(?=[/\\?#]|$)")
_NUMBER = re.compile(r"(0x[0-9a-f]*)|(0[0-7]*)|([1-9][0-9]*)")


@dataclass(frozen=True, slots=True)
class Normalized:
    """The addresses of one finding: normal forms, each once, and as first written.

    `written` has an empty text for an address written in its normal form, and is empty if all were.
    """

    urls: tuple[str, ...]
    written: tuple[str, ...]


def normalized(given: Iterable[str], *, bare: bool = False) -> Normalized:
    """Normalize addresses as written. Takes the arguments and raises the errors of `read`."""
    found: dict[str, str] = {}
    for text in given:
        url = read(text, bare=bare)
        found.setdefault(url, "" if text == url else text)
    return Normalized(tuple(found), tuple(found.values()) if any(found.values()) else ())


def as_written(urls: tuple[str, ...], written: tuple[str, ...]) -> list[str]:
    """Return normalized addresses as people wrote them."""
    return [text or url for url, text in zip(urls, written or urls, strict=True)]


def read(text: str, *, bare: bool = False) -> str:
    """Return the normal form of an http or https address as written.

    `bare`: accept an address without a scheme (`shop.example/x`), as http, because browsers also
    try http first, and are redirected.

    Raises:
        BadUrlError: naming the text, the reason, and the remedy.
    """
    return _read(text, bare)


# A report names the same few addresses again and again.
@lru_cache(256)
def _read(text: str, bare: bool) -> str:
    _refuse_what_cannot_be_kept(text)
    plain = refanged(text.strip(_AROUND).translate(_IGNORED), bare=bare)
    scheme, colon, rest = plain.partition(":")
    scheme = scheme.lower()
    if not colon or scheme not in _PORTS:
        _refuse(text, "scheme")
    parts = _PARTS.match(rest.lstrip("/\\"))
    assert parts is not None, "each part may be empty"
    authority, path, query = parts.groups()
    host, port = _host_and_port(text, authority.rpartition("@")[2])
    suffix = "" if port in (None, _PORTS[scheme]) else f":{port}"
    search = f"?{quote(query, _IN_QUERY)}" if query else ""
    return f"{scheme}://{host}{suffix}{_path(path)}{search}"


def refanged(written: str, *, bare: bool) -> str:
    """Return the address without the changes of defanging, as a browser accepts it.

    `bare`: see `read`. Text that is not an address is returned unchanged.
    """
    written = _BRACKETED.sub(r"\1[:]//", written, count=1) if "[://]" in written else written
    found = _SCHEME.match(written)
    if found is not None:
        defanged = found[1].lower() == "xx" or _DEFANGED.search(found[0])
        return f"http{found[2]}:{_plain(written[found.end(3) :])}" if defanged else written
    plain = _plain(written) if bare else written
    return f"http://{plain}" if bare and _BARE.match(plain) else written


def _plain(defanged: str) -> str:
    return _DEFANGED.sub(lambda found: ":" if ":" in found[0] else ".", defanged)


def host(url: str) -> str:
    """Return the host of an address in its normal form, without brackets; empty if it has none."""
    authority = url.partition("://")[2].partition("/")[0]
    return authority.lstrip("[").partition("]" if authority.startswith("[") else ":")[0]


def is_below(url: str, site: str) -> bool:
    """Whether the host of an address in its normal form is that site, or is below it."""
    return f".{host(url)}".endswith(f".{site}")


def other_hosts(urls: Iterable[str], site: str) -> tuple[str, ...]:
    """Return the hosts of those addresses that do not belong to the site, each once."""
    return tuple(dict.fromkeys(host(url) for url in urls if not is_below(url, site)))


def _refuse_what_cannot_be_kept(text: str) -> None:
    if not text.strip(_AROUND):
        _refuse(text, "empty")
    if len(text) > MAX_CHARACTERS:
        _refuse(text, "long", length=len(text), limit=MAX_CHARACTERS)
    bad = _NOT_KEPT.search(text)
    if bad is not None:
        _refuse(text, "character", character=site_name.describe(bad[0]))


def _host_and_port(text: str, authority: str) -> tuple[str, int | None]:
    found = _AUTHORITY.fullmatch(authority)
    if found is None:
        _refuse(text, "unreadable")
    host, port = found[1], found[2] or None
    if not host:
        _refuse(text, "no_host")
    if port is not None and not (_PORT.fullmatch(port) and int(port) <= _LAST_PORT):
        _refuse(text, "port")
    return _host(text, host), None if port is None else int(port)


def _host(text: str, host: str) -> str:
    inner = host[1:-1] if host.startswith("[") else None
    if inner is not None and ":" not in inner:
        _refuse(text, "unreadable")
    try:
        if inner is not None:
            return f"[{site_name.read_host(inner)}]"
        name = unquote(host)
        return _ipv4(name) or site_name.read_served(name)
    except BadSiteNameError as error:
        _refuse(text, "host", cause=error.facts["detail"])


def _ipv4(host: str) -> str | None:
    """The IPv4 address in any notation: 0x7f.1, 017700000001; None for a name."""
    # No number has combining marks, and normalising many of them takes quadratic time.
    if not host.isascii() and any(map(combining, host)):
        return None
    plain = normalize("NFKC", host)
    if not plain.isprintable():
        plain = "".join(each for each in plain if category(each) != "Cf")
    parts = plain.lower().replace("\u3002", ".").removesuffix(".").split(".")
    found = [_NUMBER.fullmatch(part) for part in parts]
    if not 1 <= len(found) <= 4 or any(number is None for number in found):
        return None
    *first, last = (_number(number) for number in found if number is not None)
    if max(first, default=0) > 255 or last >= 256 ** (4 - len(first)):
        return None
    return str(IPv4Address(sum(n << 8 * (3 - place) for place, n in enumerate(first)) + last))


def _number(found: re.Match[str]) -> int:
    if found[1]:
        return int(found[1][2:] or "0", 16)
    return int(found[2], 8) if found[2] else int(found[3])


def _path(path: str) -> str:
    plain = path.replace("\\", "/").removeprefix("/")
    return "/" + quote(_resolved(plain) if "." in plain or "%" in plain else plain, _IN_PATH)


def _resolved(path: str) -> str:
    """Resolve the steps such as `..` in a path."""
    kept: list[str] = []
    *folders, page = path.split("/")
    for folder in folders:
        dots = _dots(folder)
        if dots == "..":
            del kept[-1:]
        elif dots != ".":
            kept.append(folder)
    if _dots(page) == "..":
        del kept[-1:]
    kept.append("" if _dots(page) in (".", "..") else page)
    return "/".join(kept)


def _dots(part: str) -> str:
    return _DOT.sub(".", part) if "%" in part else part


def _refuse(text: str, code: str, **facts: Any) -> Never:
    given = text if len(text) <= 80 else text[:79] + "…"
    raise BadUrlError(given=given, detail=Cause.of(f"url_{code}", CAUSES[code], **facts))
