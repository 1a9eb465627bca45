"""The discovery document and the keys of a provider, fetched once for many sign-ins.

Each of the two documents is cached for a while. One request fetches a document while others wait
briefly for the result; after a failure, the provider is not asked again at once. Therefore the
number of fetches does not grow with the number of sign-ins, real or forged.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from incidents.errors import Cause, IncidentsError
from incidents.outbound.faults import OutboundError
from incidents.outbound.guard import Guard

if TYPE_CHECKING:
    from incidents.outbound.client import Client
    from incidents.outbound.message import Answer

Document = Mapping[str, Any]

CACHED_FOR = timedelta(minutes=10)
"""How long a document is cached."""
REFETCH_AFTER = timedelta(minutes=1)
"""The minimum time between two fetches of the keys when a token names a key that is not cached."""
RETRY_AFTER = timedelta(seconds=15)
"""The minimum time between a failed fetch of a document and the next attempt."""
WITHIN_S = 5.0
"""The total deadline of one request to a provider, in seconds."""
_LOCK_TIMEOUT_S = 2.0

_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class ProviderError(IncidentsError):
    """the sign-in provider is unavailable: {detail}"""


class Discovery:
    """The discovery of one provider (OpenID Connect Discovery 1.0); `clock`: aware times in UTC.

    All methods raise ProviderError if the provider cannot be reached or if its document is invalid.
    """

    def __init__(self, issuer: str, clock: Callable[[], datetime]) -> None:
        self._issuer = issuer
        self._metadata = _CachedDocument(self._fetch_metadata, clock)
        self._keys = _CachedDocument(self._fetch_keys, clock)

    def endpoint(self, name: str) -> str:
        """Return the address of an endpoint: over https, or on the issuer's own host."""
        return str(self._metadata.get()[name])

    def keys(self, *, refetch: bool = False) -> Document:
        """Return the provider's keys (JWKS, RFC 7517); `refetch`: the wanted key is not cached."""
        return self._keys.get(not_older_than=REFETCH_AFTER if refetch else CACHED_FOR)

    def _fetch_metadata(self) -> Document:
        with provider_client(self._issuer) as client:
            url = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
            found = json_of(client.get(url))
        if found.get("issuer") != self._issuer:
            raise ProviderError(
                detail=Cause.of("provider_name", "its name differs from the setting issuer")
            )
        for name in _ENDPOINTS:
            self._check(name, found.get(name))
        return found

    def _check(self, name: str, url: Any) -> None:
        parts = urlsplit(url) if isinstance(url, str) else None
        own = urlsplit(self._issuer)
        same = parts is not None and (parts.scheme, parts.hostname) == (own.scheme, own.hostname)
        if parts is None or not (same or parts.scheme == "https"):
            raise ProviderError(
                detail=Cause.of(
                    "provider_no_https", "its {name} is not an https address", name=name
                )
            )

    def _fetch_keys(self) -> Document:
        url = self.endpoint("jwks_uri")
        with provider_client(self._issuer) as client:
            found = json_of(client.get(url))
        if not (isinstance(found.get("keys"), list) and found["keys"]):
            raise ProviderError(detail=Cause.of("provider_no_keys", "its jwks_uri has no keys"))
        return found


def json_of(answer: Answer) -> Document:
    """Return the JSON object in a provider's answer; raises ProviderError if there is none."""
    try:
        found = json.loads(answer.body) if answer.status == 200 else None
    except (ValueError, RecursionError) as error:
        raise ProviderError(detail=Cause.of("answer_no_json", "its answer is not JSON")) from error
    if not isinstance(found, dict):
        raise ProviderError(
            detail=Cause.of(
                "answered_status", "it answered with status {status}", status=answer.status
            )
        )
    return found


@contextmanager
def provider_client(issuer: str) -> Iterator[Client]:
    """Open a client that reaches the issuer, even at a private address, and other public hosts.

    Network errors in the `with` block are raised as ProviderError.
    """
    from incidents.outbound.client import Client

    try:
        with Client(Guard(allow=[urlsplit(issuer).hostname or ""]), within_s=WITHIN_S) as client:
            yield client
    except OutboundError as error:
        raise ProviderError(detail=str(error)) from error


class _CachedDocument:
    """One document, with the time of its fetch, or the time and the reason of a failure."""

    def __init__(self, fetch: Callable[[], Document], clock: Callable[[], datetime]) -> None:
        self._fetch, self._clock = fetch, clock
        self._lock = Lock()
        self._found: tuple[datetime, Document] | None = None
        self._failed: tuple[datetime, str] | None = None

    def get(self, *, not_older_than: timedelta = CACHED_FOR) -> Document:
        # A waiting caller blocks one of the server's threads.
        if not self._lock.acquire(timeout=_LOCK_TIMEOUT_S):
            raise ProviderError(detail=Cause.of("not_answered_yet", "it has not answered yet"))
        try:
            return self._get(not_older_than)
        finally:
            self._lock.release()

    def _get(self, not_older_than: timedelta) -> Document:
        now = self._clock()
        if self._found is not None and _lies_within(self._found[0], not_older_than, now):
            return self._found[1]
        if self._failed is not None and _lies_within(self._failed[0], RETRY_AFTER, now):
            raise ProviderError(detail=self._failed[1])
        try:
            found = self._fetch()
        except ProviderError as error:
            self._failed = self._clock(), str(error.facts["detail"])
            raise
        self._found, self._failed = (now, found), None
        return found


def _lies_within(at: datetime, duration: timedelta, now: datetime) -> bool:
    """Whether the time is less than `duration` ago; a time after `now` does not count."""
    return timedelta(0) <= now - at < duration
