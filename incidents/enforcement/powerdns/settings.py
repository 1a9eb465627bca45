"""The settings of the PowerDNS adapter, from the adapter's table in [acts].

The URL is the operator's own, usually on the loopback interface, so its host is allowed by name.
Proxies from the environment and redirects are ignored, because every request contains the key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv6Address, ip_address

from incidents.enforcement.powerdns import records
from incidents.enforcement.powerdns.server import Server
from incidents.errors import Cause
from incidents.outbound.faults import ForbiddenTargetError
from incidents.outbound.guard import Guard
from incidents.outbound.message import read_target
from incidents.settings.options import Options

MAX_ATTEMPT = timedelta(seconds=15)
"""The time limit of an attempt, for all its requests together."""

_URL = "an address such as http://127.0.0.1:8081"
_SERVER_ID = re.compile(r"[A-Za-z0-9._-]+", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """The addresses of the notice page by type, `A` and `AAAA`; `ttl` is in seconds."""

    put: Mapping[str, frozenset[str]]
    ttl: int

    def sets(self, name: str, found: records.RecordSets) -> dict[str, records.RecordSet]:
        """The record sets of a name that is held down, with the name's present comments."""
        return {
            each: records.RecordSet(
                name=name,
                type=each,
                ttl=self.ttl,
                records=tuple(records.Record(content) for content in sorted(contents)),
                comments=found[each].comments if each in found else (),
            )
            for each, contents in self.put.items()
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerDnsSettings:
    """The settings. `www`: a site includes its `www.` name; `limit_s`: seconds for an attempt."""

    server: Server
    notice: Notice
    www: bool
    limit_s: float


def read_settings(options: Options) -> PowerDnsSettings:
    """Read the table of the settings.

    Raises:
        SettingError, UnknownSettingError: naming the key and its requirement.
        ModuleNotFoundError: if h11 is not installed.
    """
    server = _server(options)
    limit = options.duration("timeout", MAX_ATTEMPT, least=timedelta(seconds=1), most=MAX_ATTEMPT)
    notice = _notice(options)
    www = options.flag("www")
    options.finish()
    return PowerDnsSettings(server=server, notice=notice, www=www, limit_s=limit.total_seconds())


def _server(options: Options) -> Server:
    from incidents.outbound import trust
    from incidents.outbound.client import Sender

    url, key = options.needed("url"), options.secret("api_key")
    name = options.text("server", "localhost")
    try:
        host = read_target(url).host
    except ForbiddenTargetError as error:
        raise options.wrong("url", _URL) from error
    if set(url) & set("?#"):
        raise options.wrong("url", _URL)
    if key is None or not (key.isascii() and key.isprintable() and key == key.strip()):
        raise options.wrong(
            "api_key",
            Cause.of("must_api_key", "there, as printable ASCII: the api-key of PowerDNS"),
        )
    if name is None or not _SERVER_ID.fullmatch(name):
        raise options.wrong(
            "server",
            Cause.of("must_server_id", "the id of a server in PowerDNS, which is localhost"),
        )
    try:
        tls = trust.context(options.path("ca"))
    except (OSError, ValueError) as error:
        raise options.wrong(
            "ca", Cause.of("must_pem_readable", "a file of certificates (PEM) that can be read")
        ) from error
    sender = Sender(Guard(allow=[host]), tls=tls)
    return Server(sender=sender, url=f"{url.rstrip('/')}/api/v1/servers/{name}", key=key)


def _notice(options: Options) -> Notice:
    day = timedelta(days=1)
    ttl = options.duration("ttl", timedelta(minutes=1), least=timedelta(seconds=1), most=day)
    put: dict[str, frozenset[str]] = {}
    for key, kind, version in (("notice_a", "A", 4), ("notice_aaaa", "AAAA", 6)):
        addresses = [_address(text, version) for text in options.texts(key)]
        if None in addresses:
            raise options.wrong(
                key,
                Cause.of(
                    "must_ip_list",
                    "a list of IPv{version} addresses that visitors can reach",
                    version=version,
                ),
            )
        if addresses:
            put[kind] = frozenset(each for each in addresses if each is not None)
    if not put:
        raise options.wrong(
            "notice_a",
            Cause.of("must_notice_page", "there, or notice_aaaa: the addresses of a notice page"),
        )
    return Notice(put=put, ttl=int(ttl.total_seconds()))


def _address(text: str, version: int) -> str | None:
    """The address in the format of PowerDNS; None if it is not an address of that IP version."""
    try:
        found = ip_address(text)
    except ValueError:
        return None
    # PowerDNS refuses a zone or an IPv4-mapped address in an AAAA record.
    odd = isinstance(found, IPv6Address) and (found.scope_id or found.ipv4_mapped)
    return None if odd or found.version != version else str(found)
