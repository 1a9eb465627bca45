"""The customer's link: a signed token that names one incident until a time, and nothing else.

`12-3.69a42a80.9f3c.` and 32 characters of base32: the incident, the second (UTC, hexadecimal)
through which it holds, which secret has signed it, and 160 bits of HMAC-SHA256 (RFC 2104) over the
first two. Once the incident's links have been revoked, `.r1` and so on, which says how often,
stands behind the time and is signed, too. It ends in a letter or a digit, so that no chat takes its
end for punctuation.

Who has it may see that incident and say of it that the content is gone. What is signed begins with
words of its own, so that no other thing that is ever signed with the secret is a link.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

MIN_SECRET = 32
"""So many characters a secret must have."""

MAX_TOKEN = 90

_EPOCH, _SECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(seconds=1)
_MAC_BYTES = 20
_DOMAIN = b"incidents customer link v1"
_WHICH = b"incidents customer link, which secret"
_TOKEN = re.compile(
    r"(?P<site>[1-9]\d{0,17})-(?P<n>[1-9]\d{0,8})\.(?P<until>[1-9a-f][0-9a-f]{0,9})"
    r"(?:\.r(?P<revoked>[1-9]\d{0,8}))?\.[0-9a-f]{4}\.[a-z2-7]{32}",
    re.ASCII,
)

Incident = tuple[int, int]
"""A site's id, and the number of its incident."""


@dataclass(frozen=True, slots=True)
class Named:
    """A link that holds: the incident that it names, whose links had been revoked `revoked` times
    when it was given out. If they have been since, it holds no longer.
    """

    incident: Incident
    revoked: int = 0


@dataclass(frozen=True, slots=True)
class Expired:
    """A link that did hold, once."""

    incident: Incident


@dataclass(frozen=True, slots=True)
class Forged:
    """Anything else, however it looks."""


Reading = Named | Expired | Forged


def sign(incident: Incident, expires: datetime, secret: str, revoked: int = 0) -> str:
    """The token for that incident, which holds through `expires` (aware; whole seconds count), or
    until the incident's links are revoked, which they have been `revoked` times.
    """
    return _token(_claim(incident, (expires - _EPOCH) // _SECOND, revoked), secret)


def read(token: str, secrets: Iterable[str], now: datetime) -> Reading:
    """What a token is at `now` (aware); one that any of the secrets has signed is none forged.

    All of it is compared, in constant time, with what would have been signed: no other spelling of
    the same token is taken.
    """
    found = _TOKEN.fullmatch(token) if len(token) <= MAX_TOKEN else None
    if found is None:
        return Forged()
    incident, until = (int(found["site"]), int(found["n"])), int(found["until"], 16)
    revoked = int(found["revoked"] or 0)
    claim = _claim(incident, until, revoked)
    rightly = [hmac.compare_digest(token, _token(claim, secret)) for secret in secrets]
    if not any(rightly):
        return Forged()
    # Due strictly after its time, as all is that is timed here.
    return Expired(incident) if now - _EPOCH > until * _SECOND else Named(incident, revoked)


def _claim(incident: Incident, until: int, revoked: int) -> str:
    # Links from before any revocation say nothing of it: those that were given out still hold.
    return f"{incident[0]}-{incident[1]}.{until:x}" + (f".r{revoked}" if revoked else "")


def _token(claim: str, secret: str) -> str:
    mac = _mac(secret, b"\n".join((_DOMAIN, claim.encode())))[:_MAC_BYTES]
    which = _mac(secret, _WHICH)[:2].hex()
    return f"{claim}.{which}.{base64.b32encode(mac).decode().lower()}"


def _mac(secret: str, text: bytes) -> bytes:
    return hmac.digest(secret.encode(), text, hashlib.sha256)
