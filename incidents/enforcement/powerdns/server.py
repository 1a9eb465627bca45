"""A PowerDNS server, and the requests to its HTTP API (version 1) during one attempt."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from incidents.enforcement.port import Outcome, Retry
from incidents.enforcement.powerdns import records
from incidents.outbound.faults import OutboundError, TimedOutError
from incidents.outbound.message import Request

if TYPE_CHECKING:
    from incidents.outbound.client import Sender

MAX_ANSWER_BYTES = 64 * 2**20
"""The maximum size of an answer. A whole zone is read, because PowerDNS 4.9 leaves out disabled
records if asked for a single name."""

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
    """The attempt ends here; `outcome` is its result."""

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
    def is_primary(self) -> bool:
        """Whether other servers copy the zone when its serial number rises."""
        return self.kind.lower() in ("master", "primary", "producer")

    @property
    def is_secondary(self) -> bool:
        """Whether the zone is copied from another server, so that a change here would not last."""
        return self.kind.lower() in ("slave", "secondary", "consumer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server: its address, `…/api/v1/servers/localhost`, and the key. Threads can share it."""

    sender: Sender
    url: str
    key: str


@dataclass(frozen=True, slots=True)
class Session:
    """The requests of one attempt, which ends at `until` (monotonic, in seconds).

    Every method raises EndedError if PowerDNS gives no valid answer, or if no time is left.
    """

    server: Server
    until: float

    def zone_of(self, name: str) -> Zone | None:
        """The zone here with the longest name that contains the name; None if no zone does."""
        labels = name.removesuffix(".").split(".")
        for start in range(len(labels)):
            zone = self._zone(".".join(labels[start:]) + ".")
            if zone is not None:
                return zone
        return None

    def contents(self, zone: Zone) -> tuple[list[records.RecordSet], bool]:
        """All record sets of the zone, and whether a change through the API raises its serial."""
        found = self._request("GET", f"/zones/{zone.id}")
        return _read_sets(found), str(found.get("soa_edit_api") or "OFF").upper() != "OFF"

    def record_sets_of(self, zone: Zone, name: str) -> dict[str, records.RecordSet]:
        """The served record sets of one name, by type."""
        found = self._request("GET", f"/zones/{zone.id}", query={"rrset_name": name})
        # An older PowerDNS ignores the parameter and returns all.
        return {each.type: each for each in _read_sets(found) if each.name == name}

    def change(self, zone: Zone, changes: Sequence[Mapping[str, Any]]) -> None:
        """Make all these changes in one transaction of PowerDNS."""
        self._request("PATCH", f"/zones/{zone.id}", body={"rrsets": list(changes)})

    def metadata(self, zone: Zone) -> dict[str, list[str]]:
        """The zone's metadata: a list of values for each kind."""
        found = self._request("GET", f"/zones/{zone.id}/metadata")
        try:
            return {str(each["kind"]): [str(v) for v in each["metadata"]] for each in found}
        except (LookupError, TypeError) as error:
            raise EndedError(_MALFORMED) from error

    def put_metadata(self, zone: Zone, kind: str, value: str) -> None:
        """Write metadata of a new kind."""
        self._request(
            "PUT",
            f"/zones/{zone.id}/metadata/{kind}",
            body={"kind": kind, "metadata": [value]},
        )

    def delete_metadata(self, zone: Zone, kind: str) -> None:
        """Remove the metadata of that kind, if any."""
        self._request("DELETE", f"/zones/{zone.id}/metadata/{kind}")

    def _zone(self, name: str) -> Zone | None:
        found = self._request("GET", "/zones", query={"zone": name, "dnssec": "false"})
        try:
            zones = [Zone(str(z["id"]), str(z["name"]).lower(), str(z["kind"])) for z in found]
        except (LookupError, TypeError) as error:
            raise EndedError(_MALFORMED) from error
        return next((zone for zone in zones if zone.name == name), None)

    def _request(
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
        sender, suffix = self.server.sender, "" if query is None else f"?{urlencode(query)}"
        headers = [("X-API-Key", self.server.key), ("Accept", "application/json")]
        if body is not None:
            headers.append(("Content-Type", "application/json"))
        try:
            answer = sender.send(
                Request(
                    method=method,
                    target=sender.guard.target(f"{self.server.url}{path}{suffix}"),
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
