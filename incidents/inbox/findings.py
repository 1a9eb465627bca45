"""The findings in a text: its web addresses, hosts and IP addresses, however they are written.

What is defanged (`hxxp://shop[.]example`, `192.0.2[.]1`) was written to be read as an address. A
plain name without a scheme and a path is only a mention.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

from incidents.errors import BadSiteNameError, BadUrlError
from incidents.inbox import set_aside
from incidents.inbox.reading import (
    MAX_ENDPOINTS,
    MAX_HOSTS,
    MAX_MENTIONS,
    MAX_URLS,
    Endpoint,
    hosts_of,
    limited,
)
from incidents.values import public_suffix, site_name, web_address, written_address
from incidents.values.written_address import DOT

# It begins with the digit, and looks behind it after that: so few places of a text are tried.
_V4 = re.compile(
    rf"(?P<address>[0-9](?<![a-z0-9_.\-/].)\d{{0,2}}{DOT}(?:\d{{1,3}}{DOT}){{2}}\d{{1,3}})"
    rf"(?!{DOT}?[a-z0-9_\-])"
    r"(?:(?::|\s+port\s+|端口\s*)(?P<port>\d{1,5})(?![\d.:]))?",
    re.IGNORECASE,
)
_V6 = re.compile(
    r"(?<![\w:.%])\[?(?P<address>(?:[0-9a-f]{0,4}(?::|\[:\])){2,8}"
    r"(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f]{0,4}))(?![\w:]|\.\d)(?:\]:(?P<port>\d{1,5}))?",
    re.IGNORECASE,
)
# What each such address has, and each such label: few texts, and to look for them is quick.
_TWO_COLONS = re.compile(r"[:\]][0-9a-fA-F]{0,4}[:\[]")
_LABEL_END = re.compile(r"[centsCENTSſ名机站址]\s*[:：=\t]")
_NAME = r"[^\s,，;；、。<>\"']+"
_DEFANGED = re.compile(r"\[\.\]|\(\.\)|\{\.\}|[\[(]dot[\])]|\[:\]|\[://\]", re.IGNORECASE)
_LABELLED = re.compile(
    r"(?:^|[\s>*•-])(?:affected |infected |malicious |reported "
    r"|违[规法]|涉\w|恶意|仿冒|可疑|被举报)?"
    r"(?:domain(?: ?name)?|host(?: ?name)?|fqdn|site|web ?site|ioc"
    r"|域名|主机名|主机|网站|站点|网址)s?\s*[:：=\t]\s*"
    rf"(?P<names>{_NAME}(?:[ \t]?[,，;；、][ \t]?{_NAME})*)",
    re.IGNORECASE | re.MULTILINE,
)
_BETWEEN = re.compile(r"[ \t]?[,，;；、][ \t]?")
# Names of formats in XML, which are written like addresses.
_NAMESPACE = re.compile(r"\bxmlns(?::\w+)?\s*=\s*(?:\"[^\"]*\"|'[^']*')")
_OTHER_SCHEME = re.compile(
    r"(?<![a-z])(?:s?ftps?|fxp|wss?|rtmps?|rtsp)://(?P<host>[^\s/<>\"'，。；、]+)", re.IGNORECASE
)
_PORT = re.compile(r"(?:port|端口)号?(?<![a-z]port)\s*[:：=]\s*(?P<port>\d{1,5})\b", re.IGNORECASE)
_NOT_THEIRS = ("dest", "dst", "target", "local", "目")
_LONGER_IP = re.compile(
    r"\[?(?P<address>[0-9a-f:.]+?)\]?(?::(?P<port>\d{1,5})|/\d{1,3})", re.IGNORECASE
)

_FILES = {"zip", "sh", "py", "rs", "md", "pl", "ps", "so", "cc", "mov", "app", "wang"}
"""Endings of files, and a surname, that are also top-level domains."""
_RESERVED = {"example", "test"}
_SAFELINKS, _PROOFPOINT = ".safelinks.protection.outlook.com", ("urldefense.com", "urldefense.us")
_WRAPPED = re.compile(r"/v3/__(https?:.+)__;")

_OF_MAIL = re.compile(r"^\[?ipv6:", re.IGNORECASE)
_MANY = 5_000
"""The number of findings, each perhaps found again, after which a text is not searched further."""


@dataclass
class Findings:
    """The findings so far, in order; each may be there more than once.

    `own`: the registrable domains of who reports. Their own addresses stand in signatures; such an
    address is a finding only if it is defanged. `time_on`: a function that returns the time (UTC)
    on a line of a text, which is then that of the IP addresses on it.
    """

    own: Collection[str] = ()
    time_on: Callable[[str], datetime | None] = lambda _: None
    urls: list[str] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)
    mentions: list[str] = field(default_factory=list)
    endpoints: list[Endpoint] = field(default_factory=list)

    def take_text(self, text: str, links: Iterable[str] = ()) -> None:
        """Take the findings in a text, and in the addresses that its links lead to."""
        plain = written_address.unescaped(text)
        if "xmlns" in plain:
            plain = _NAMESPACE.sub(" ", plain)
        aside = set_aside.urls_in(plain)
        known = len(self.urls) + len(self.hosts)
        self._take_addresses(plain, aside)
        if aside and len(self.urls) + len(self.hosts) == known:
            self._take_addresses(plain)
            aside = set()
        for match in _OTHER_SCHEME.finditer(plain):
            self.take_host(match["host"])
        for link in links:
            if link[:7].lower() in ("http://", "https:/"):
                self._take_addresses(link, aside)
        if _LABEL_END.search(plain):
            for match in _LABELLED.finditer(plain):
                for name in _BETWEEN.split(match["names"], _MANY)[:_MANY]:
                    self.take_host(name)
        self._take_ip_addresses(plain)

    def take_url(self, text: str) -> None:
        """Take an address that the report states as such; text that is none may be a host."""
        written = text.strip().strip("<>\"'")
        address = ip_address(refanged(written))
        if address is not None:
            self.take_ip(address)
            return
        try:
            url = web_address.read(written, bare=True)
        except BadUrlError:
            self.take_host(written)
            return
        self._take(written, web_address.host(url))

    def take_host(self, text: str) -> None:
        """Take a host, or an IP address, that the report states as such."""
        plain = refanged(text).strip().strip("<>\"'()").rstrip(".,;").lower()
        plain = plain.removeprefix("*.")
        if "://" in plain:
            # An address that cannot be read may still name a host.
            plain = re.split(r"[/?#]", plain.partition("://")[2], maxsplit=1)[0]
            plain = re.sub(r":\d*$", "", plain.rpartition("@")[2])
        elif "/" in plain or plain.startswith("http"):
            return
        if self.take_ip(plain):
            return
        try:
            name = site_name.read(plain)
        except BadSiteNameError:
            return
        if "." in name:
            self.hosts.append(name)

    def take_ip(self, text: object, port: object = None, **of: object) -> bool:
        """Take an IP address that the report states as such; return whether it is one.

        It may have a port behind it, or be the first one of a network (`192.0.2.0/24`).
        """
        address = ip_address(str(text))
        if address is None:
            longer = _LONGER_IP.fullmatch(str(text).strip())
            address = ip_address(longer["address"]) if longer else None
            if longer is None or address is None:
                return False
            port = longer["port"] or port
        n = str(port).strip() if port is not None else ""
        known = int(n) if n.isascii() and n.isdigit() and 0 < int(n) < 65_536 else None
        self.endpoints.append(Endpoint(address, known, of.get("seen_at")))  # type: ignore[arg-type]
        return True

    def guess_hosts(self) -> None:
        """Take the names that are mentioned for hosts, if no address and no host is certain."""
        if not (self.urls or self.hosts):
            self.hosts += [name for name in self.mentions if _is_likely(name)]

    @property
    def is_full(self) -> bool:
        """Whether there is so much already that the rest is left out."""
        return len(self.urls) > _MANY or len(self.mentions) > _MANY

    @property
    def sizes(self) -> tuple[int, int, int]:
        """The numbers of addresses, hosts and IP addresses so far."""
        return len(self.urls), len(self.hosts), len(self.endpoints)

    @property
    def is_empty(self) -> bool:
        """Whether nothing certain was found."""
        return not (self.urls or self.hosts or self.endpoints)

    def facts(self) -> dict[str, object]:
        """The fields of a reading: each finding once, at most so many as a reading has."""
        urls, more_urls = limited(self.urls, MAX_URLS)
        hosts, more_hosts = limited([*hosts_of(self.urls), *self.hosts], MAX_HOSTS)
        known = {each.address for each in self.endpoints}
        at_hosts = [Endpoint(host) for host in hosts if ip_address(host) and host not in known]
        endpoints, more_endpoints = limited([*self.endpoints, *at_hosts], MAX_ENDPOINTS)
        of_hosts = set(hosts)
        named = [name for name in self.mentions if name not in of_hosts]
        mentions, more_mentions = limited(named, MAX_MENTIONS)
        more = self.is_full or more_urls or more_hosts or more_endpoints or more_mentions
        return {
            "urls": urls, "hosts": hosts, "endpoints": endpoints, "mentions": mentions,
            **({"more": True} if more else {}),
        }  # fmt: skip

    def _take_addresses(self, plain: str, aside: Collection[str] = ()) -> None:
        for found in written_address.find(plain):
            if self.is_full:
                return
            if found.url is None or found.url in aside:
                continue
            host = web_address.host(found.url)
            is_defanged = web_address.refanged(found.written, bare=False) != found.written
            is_defanged = is_defanged or bool(_DEFANGED.search(found.written))
            owner = None if is_defanged else public_suffix.registrable(host)
            if owner is not None and (owner in self.own or owner in set_aside.CITED):
                continue
            if found.is_certain:
                self._take(_unwrapped(found.written, host), host)
            elif is_defanged or (found.is_alone and _is_likely(host)):
                self.hosts.append(host)
            else:
                self.mentions.append(host)

    def _take(self, written: str, host: str) -> None:
        if "/" in written or ":" in written or ip_address(host) is None:
            self.urls.append(web_address.refanged(written, bare=True))

    def _take_ip_addresses(self, plain: str) -> None:
        times: dict[int, datetime | None] = {}
        first: dict[tuple[str, str | None], datetime | None] = {}
        of_victim: set[str] = set()
        for pattern in (_V4, _V6) if _TWO_COLONS.search(plain) else (_V4,):
            for match in pattern.finditer(plain):
                if len(first) > _MANY:
                    break
                start = plain.rfind("\n", 0, match.start()) + 1
                before = plain[max(start, match.start() - 60) : match.start()]
                if set_aside.is_parameter(before):
                    continue
                if set_aside.is_of_victim(before):
                    of_victim.add(refanged(match["address"]))
                if start not in times:
                    end = plain.find("\n", start)
                    line = plain[start : end if end >= 0 else len(plain)]
                    times[start] = self.time_on(line)
                known = (refanged(match["address"]), match["port"])
                at = min(filter(None, (first.get(known), times[start])), default=None)
                first[known] = at
        if of_victim and any(address not in of_victim for address, _ in first):
            first = {key: at for key, at in first.items() if key[0] not in of_victim}
        alone = _port_in(plain) if len(first) == 1 else None
        for (address, port), seen_at in first.items():
            self.take_ip(address, port or alone, seen_at=seen_at)


def _port_in(plain: str) -> str | None:
    """The port that the text states on a line of its own; None for several, or for the victim's."""
    found = {
        match["port"] for match in _PORT.finditer(plain)
        if not _whose(plain[max(0, match.start() - 30) : match.start()]).startswith(_NOT_THEIRS)
    }  # fmt: skip
    return found.pop() if len(found) == 1 else None


def _whose(before: str) -> str:
    """The word before the port, in lower case; empty if there is none."""
    words = before.rpartition("\n")[2].split()
    return words[-1].lower() if words else ""


def _is_likely(name: str) -> bool:
    """Whether a name is rather a host than a file or a person."""
    last = name.rpartition(".")[2]
    return last not in _FILES and (last in _RESERVED or public_suffix.is_known(last))


def _unwrapped(written: str, host: str) -> str:
    """The address that a mail filter has wrapped into one of its own, otherwise itself."""
    if host in _PROOFPOINT:
        found = _WRAPPED.search(written)
        return re.sub(r":/(?!/)", "://", found[1], count=1) if found else written
    if not host.endswith(_SAFELINKS):
        return written
    return next(iter(parse_qs(urlsplit(written).query).get("url", ())), written)


def refanged(text: str) -> str:
    """Return a host without the changes of defanging."""
    return _DEFANGED.sub(lambda found: ":" if ":" in found[0] else ".", text)


def ip_address(text: str) -> str | None:
    """Return an IP address in its normal form; None for other text, and for those of nobody."""
    plain = _OF_MAIL.sub("", text.strip()).strip("[]").partition("%")[0]
    try:
        found = ipaddress.ip_address(plain)
    except ValueError:
        return None
    found = getattr(found, "ipv4_mapped", None) or found
    return None if found.is_unspecified or found.is_loopback else str(found)
