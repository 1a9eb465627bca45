"""The dialogue with PowerDNS' HTTP API (version 1): zones, record sets and metadata.

The URL is the operator's own, most often on the loopback: its host is allowed by name. No proxy of
the environment is used and no redirect followed, since the key is sent with every request.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from incidents.enforcement.port import Outcome, Retry
from incidents.enforcement.powerdns import records
from incidents.enforcement.powerdns.records import RecordSet
from incidents.outbound.faults import OutboundError, TimedOutError
from incidents.outbound.message import Request

if TYPE_CHECKING:
    from incidents.outbound.client import Sender

MAX_ANSWER_BYTES = 64 * 2**20
"""A zone is read as a whole: asked for one name alone, PowerDNS 4.9 leaves out disabled records."""

LATE = Retry(problem="timeout", detail="PowerDNS has not answered in time")
_CREDENTIALS = Retry(
    problem="credentials", detail="PowerDNS does not accept the key: look at api_key"
)
_NO_SERVER = Retry(
    problem="http_404", detail="there is no such server in PowerDNS: look at url and server"
)
_MALFORMED = Retry(problem="malformed", detail="PowerDNS' answer cannot be read")
_TOO_LARGE = Retry(problem="answer_too_large", detail="the zone is larger than 64 MiB")


class ApiError(Exception):
    """PowerDNS has not done what it was asked; `outcome` says what that means for the order."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome)
        self.outcome = outcome


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone: its name with the dot at its end, and how it came here (`Native`, `Master`, …)."""

    id: str
    name: str
    kind: str

    @property
    def is_copied_on(self) -> bool:
        """Whether other servers copy it, by its serial number."""
        return self.kind.lower() in ("master", "primary", "producer")

    @property
    def is_copied(self) -> bool:
        """Whether another server's zone is copied over it, so that a change would not last."""
        return self.kind.lower() in ("slave", "secondary", "consumer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One server of PowerDNS: its address, `…/api/v1/servers/localhost`, and the key. Threads may
    share it."""

    sender: Sender
    url: str
    key: str


@dataclass(frozen=True, slots=True)
class Dialogue:
    """The requests of one attempt, which ends at `until` (monotonic, in seconds).

    Every method raises ApiError when PowerDNS does not answer as it should, or when there is no
    time left to ask.
    """

    server: Server
    until: float

    def zone_of(self, name: str) -> Zone | None:
        """The zone here that a name lies in, the longest one; None if none is here."""
        labels = name.removesuffix(".").split(".")
        for start in range(len(labels)):
            zone = self._zone(".".join(labels[start:]) + ".")
            if zone is not None:
                return zone
        return None

    def contents(self, zone: Zone) -> tuple[list[RecordSet], bool]:
        """All record sets of the zone, and whether a change by the API raises its serial number."""
        found = self._ask("GET", f"/zones/{zone.id}")
        sets = _read_sets(found)
        return sets, str(found.get("soa_edit_api") or "OFF").upper() != "OFF"

    def record_sets_of(self, zone: Zone, name: str) -> dict[str, RecordSet]:
        """What is served of one name, by type."""
        found = self._ask("GET", f"/zones/{zone.id}", query={"rrset_name": name})
        # An older PowerDNS does not know the parameter, and gives all.
        return {each.type: each for each in _read_sets(found) if each.name == name}

    def change(self, zone: Zone, changes: Sequence[Mapping[str, Any]]) -> None:
        """Make all these changes in one transaction of PowerDNS', or none."""
        self._ask("PATCH", f"/zones/{zone.id}", body={"rrsets": list(changes)})

    def metadata(self, zone: Zone) -> dict[str, list[str]]:
        """The zone's metadata: the values of each kind."""
        found = self._ask("GET", f"/zones/{zone.id}/metadata")
        try:
            return {str(each["kind"]): [str(v) for v in each["metadata"]] for each in found}
        except (LookupError, TypeError) as error:
            raise ApiError(_MALFORMED) from error

    def keep(self, zone: Zone, kind: str, value: str) -> None:
        """Write metadata of a kind that there is none of yet."""
        self._ask(
            "PUT",
            f"/zones/{zone.id}/metadata/{kind}",
            body={"kind": kind, "metadata": [value]},
        )

    def forget(self, zone: Zone, kind: str) -> None:
        """Remove the kind; nothing happens if it is not there."""
        self._ask("DELETE", f"/zones/{zone.id}/metadata/{kind}")

    def _zone(self, name: str) -> Zone | None:
        found = self._ask("GET", "/zones", query={"zone": name, "dnssec": "false"})
        try:
            zones = [Zone(str(z["id"]), str(z["name"]).lower(), str(z["kind"])) for z in found]
        except (LookupError, TypeError) as error:
            raise ApiError(_MALFORMED) from error
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
            raise ApiError(LATE)
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
            raise ApiError(LATE) from error
        except OutboundError as error:
            raise ApiError(Retry(problem="unreachable", detail=error.message)) from error
        if answer.cut:
            raise ApiError(_TOO_LARGE)
        _check(answer.status)
        if not answer.body:
            return None
        try:
            return json.loads(answer.body)
        except (ValueError, RecursionError) as error:
            raise ApiError(_MALFORMED) from error


def _check(status: int) -> None:
    if 200 <= status < 300:
        return
    known = {401: _CREDENTIALS, 403: _CREDENTIALS, 404: _NO_SERVER}
    raise ApiError(known.get(status, Retry(problem=f"http_{status}")))


def _read_sets(zone: Any) -> list[RecordSet]:
    try:
        return [records.read(each) for each in zone["rrsets"]]
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise ApiError(_MALFORMED) from error
