"""The PowerDNS server from the settings, with the dialogue with its HTTP API (version 1).

The URL is the operator's own, usually on the loopback: its host is allowed by name. Proxies from
the environment and redirects are ignored, since every request contains the key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv6Address, ip_address
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from incidents.enforcement.port import Outcome, Retry
from incidents.enforcement.powerdns import records
from incidents.errors import Cause
from incidents.outbound.faults import ForbiddenTargetError, OutboundError, TimedOutError
from incidents.outbound.guard import Guard
from incidents.outbound.message import Request, read_target
from incidents.settings.options import Options

if TYPE_CHECKING:
    from incidents.outbound.client import Sender

WHOLE = timedelta(seconds=15)
"""The time limit of an attempt, for all its requests together."""

_URL = "an address such as http://127.0.0.1:8081"
_SERVER_ID = re.compile(r"[A-Za-z0-9._-]+", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """The addresses of the notice page by type, `A` and `AAAA`; `ttl` is in seconds."""

    put: Mapping[str, frozenset[str]]
    ttl: int

    def sets(self, name: str, found: records.OfName) -> dict[str, records.RecordSet]:
        """The record sets of a name that is held down, with its present comments."""
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
    """The settings. `www`: a site includes its `www.`; `limit_s`: of an attempt, in seconds."""

    server: Server
    notice: Notice
    www: bool
    limit_s: float


def read_settings(options: Options) -> PowerDnsSettings:
    """Read the table of the settings.

    Raises:
        SettingError, UnknownSettingError: naming the key and what it must be.
        ModuleNotFoundError: if h11 is not installed.
    """
    server = _server(options)
    limit = options.duration("timeout", WHOLE, least=timedelta(seconds=1), most=WHOLE)
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
    """The address in PowerDNS' form; None if it is not one of that version."""
    try:
        found = ip_address(text)
    except ValueError:
        return None
    # PowerDNS refuses a zone or an IPv4-mapped address in an AAAA record.
    odd = isinstance(found, IPv6Address) and (found.scope_id or found.ipv4_mapped)
    return None if odd or found.version != version else str(found)


MAX_ANSWER_BYTES = 64 * 2**20
"""A whole zone is read: for a single name, PowerDNS 4.9 leaves out disabled records."""

LATE = Retry(problem="timeout", detail="PowerDNS has not answered in time")
_CREDENTIALS = Retry(
    problem="credentials", detail="PowerDNS does not accept the key: look at api_key"
)
_NO_SERVER = Retry(
    problem="http_404", detail="there is no such server in PowerDNS: look at url and server"
)
_MALFORMED = Retry(problem="malformed", detail="PowerDNS' answer cannot be read")
_TOO_LARGE = Retry(problem="answer_too_large", detail="the zone is larger than 64 MiB")


class EndedError(Exception):
    """The attempt cannot continue; `outcome` is its result."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome)
        self.outcome = outcome


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone: its name with a final dot, and its kind (`Native`, `Master`, …)."""

    id: str
    name: str
    kind: str

    @property
    def is_copied_on(self) -> bool:
        """Whether other servers copy it, by its serial number."""
        return self.kind.lower() in ("master", "primary", "producer")

    @property
    def is_copied(self) -> bool:
        """Whether another server's zone is copied over it, so a change would not last."""
        return self.kind.lower() in ("slave", "secondary", "consumer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server: its address, `…/api/v1/servers/localhost`, and the key. Threads may share it."""

    sender: Sender
    url: str
    key: str


@dataclass(frozen=True, slots=True)
class Dialogue:
    """The requests of one attempt, which ends at `until` (monotonic, in seconds).

    Every method raises EndedError if PowerDNS gives no valid answer, or if no time is left.
    """

    server: Server
    until: float

    def zone_of(self, name: str) -> Zone | None:
        """The zone here with the longest name that contains the name; None if there is none."""
        labels = name.removesuffix(".").split(".")
        for start in range(len(labels)):
            zone = self._zone(".".join(labels[start:]) + ".")
            if zone is not None:
                return zone
        return None

    def contents(self, zone: Zone) -> tuple[list[records.RecordSet], bool]:
        """All record sets of the zone, and whether a change by the API raises its serial number."""
        found = self._ask("GET", f"/zones/{zone.id}")
        return _read_sets(found), str(found.get("soa_edit_api") or "OFF").upper() != "OFF"

    def record_sets_of(self, zone: Zone, name: str) -> dict[str, records.RecordSet]:
        """The served record sets of one name, by type."""
        found = self._ask("GET", f"/zones/{zone.id}", query={"rrset_name": name})
        # An older PowerDNS ignores the parameter and returns all.
        return {each.type: each for each in _read_sets(found) if each.name == name}

    def change(self, zone: Zone, changes: Sequence[Mapping[str, Any]]) -> None:
        """Make all these changes in one transaction of PowerDNS."""
        self._ask("PATCH", f"/zones/{zone.id}", body={"rrsets": list(changes)})

    def metadata(self, zone: Zone) -> dict[str, list[str]]:
        """The zone's metadata: the values of each kind."""
        found = self._ask("GET", f"/zones/{zone.id}/metadata")
        try:
            return {str(each["kind"]): [str(v) for v in each["metadata"]] for each in found}
        except (LookupError, TypeError) as error:
            raise EndedError(_MALFORMED) from error

    def keep(self, zone: Zone, kind: str, value: str) -> None:
        """Write metadata of a new kind."""
        self._ask(
            "PUT",
            f"/zones/{zone.id}/metadata/{kind}",
            body={"kind": kind, "metadata": [value]},
        )

    def forget(self, zone: Zone, kind: str) -> None:
        """Remove the metadata of that kind, if any."""
        self._ask("DELETE", f"/zones/{zone.id}/metadata/{kind}")

    def _zone(self, name: str) -> Zone | None:
        found = self._ask("GET", "/zones", query={"zone": name, "dnssec": "false"})
        try:
            zones = [Zone(str(z["id"]), str(z["name"]).lower(), str(z["kind"])) for z in found]
        except (LookupError, TypeError) as error:
            raise EndedError(_MALFORMED) from error
        return next((zone for zone in zones if zone.name == name), None)

    def _ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Any:
        left = self.until - monotonic()
        if left <= 0:
            raise EndedError(LATE)
        sender, told = self.server.sender, "" if query is None else f"?{urlencode(query)}"
        headers = [("X-API-Key", self.server.key), ("Accept", "application/json")]
        if body is not None:
            headers.append(("Content-Type", "application/json"))
        try:
            answer = sender.send(
                Request(
                    method=method,
                    target=sender.guard.target(f"{self.server.url}{path}{told}"),
                    headers=headers,
                    body=b"" if body is None else json.dumps(body).encode(),
                ),
                within_s=left,
                cap=MAX_ANSWER_BYTES,
                repeatable=method == "GET",
            )
        except TimedOutError as error:
            raise EndedError(LATE) from error
        except OutboundError as error:
            raise EndedError(Retry(problem="unreachable", detail=error.message)) from error
        if answer.cut:
            raise EndedError(_TOO_LARGE)
        _check(answer.status)
        if not answer.body:
            return None
        try:
            return json.loads(answer.body)
        except (ValueError, RecursionError) as error:
            raise EndedError(_MALFORMED) from error


def _check(status: int) -> None:
    if 200 <= status < 300:
        return
    known = {401: _CREDENTIALS, 403: _CREDENTIALS, 404: _NO_SERVER}
    raise EndedError(known.get(status, Retry(problem=f"http_{status}")))


def _read_sets(zone: Any) -> list[records.RecordSet]:
    try:
        return [records.read(each) for each in zone["rrsets"]]
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise EndedError(_MALFORMED) from error
