"""The customer's link: a signed token that names one incident until a time, and nothing else.

Its settings are the section [customer] of the settings file.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from incidents import clock
from incidents.enforcement.port import Order
from incidents.errors import Cause, IncidentsError
from incidents.notices.letter import Office
from incidents.notices.notice_settings import NOTICES
from incidents.notices.record import Link
from incidents.settings import sources
from incidents.settings.options import Options, is_loopback
from incidents.values.ids import incident_id, read_incident_id

if TYPE_CHECKING:
    from incidents.contract.documents import sites as documents

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


def sign_token(incident: Incident, expires: datetime, secret: str, revoked: int = 0) -> str:
    """The token for that incident, which holds through `expires` (aware; whole seconds count), or
    until the incident's links are revoked, which they have been `revoked` times.
    """
    return _token(_claim(incident, (expires - _EPOCH) // _SECOND, revoked), secret)


def read_token(token: str, secrets: Iterable[str], now: datetime) -> Reading:
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


SECTION = "customer"
PATH = "c"
"""What stands between the page's own address and the token."""

VALID_FOR = timedelta(days=14)

_DAY, _MOST = timedelta(days=1), timedelta(days=90)


class NoCustomerPageError(IncidentsError):
    """there is no customer page: the settings file {file} has no section [customer]. Add it, with
    base_url = "https://desk.host.example" (the address of the page) and secret_file = the name of a
    file with the output of `openssl rand -hex 32`"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """The links of a desk: where its page is, who has signed, how long they hold.

    `secrets` has the one that signs first, and behind it the one before, while that still counts.
    """

    base_url: str
    secrets: tuple[str, ...]
    valid_for: timedelta = VALID_FOR

    def to(self, incident: Incident, since: datetime, revoked: int = 0) -> str:
        """The address of that incident's page, whose links have been revoked `revoked` times; it
        holds `valid_for` from `since` on, or until they are once more.
        """
        token = sign_token(incident, self.until(since), self.secrets[0], revoked)
        return f"{self.base_url}/{PATH}/{token}"

    def until(self, since: datetime) -> datetime:
        """Through when a link holds that is given out at `since`: a whole second."""
        return since.replace(microsecond=0) + self.valid_for

    def read(self, token: str, now: datetime) -> Reading:
        """What a token names at `now`, if one of the secrets has signed it."""
        return read_token(token, self.secrets, now)

    def document(self, incident: Incident, now: datetime, revoked: int) -> documents.Link:
        """The link as programs are told of it; `until` it holds, RFC 3339 in UTC."""
        return {
            "incident": incident_id(*incident), "link": self.to(incident, now, revoked),
            "until": clock.rfc3339(self.until(now)),
        }  # fmt: skip

    def of_order(
        self, order: Order, revoked: int = 0, *, now: Callable[[], datetime] = clock.now
    ) -> str | None:
        """The link for a notice: the same in each attempt, until the incident's links are revoked.
        None if it is about no one incident.

        It holds from the order on; None, too, when it would have expired by now.
        """
        incident = None if order.incident is None else read_incident_id(order.incident)
        if incident is None or self.until(order.ordered_at) < now():
            return None
        return self.to(incident, order.ordered_at, revoked)


def links_of_settings(environ: Mapping[str, str] | None = None) -> Links | None:
    """What [customer] says; None without that section: then there is no page and no link.

    Raises:
        SettingError, UnknownSettingError, SettingsFileError: naming what is wrong.
    """
    section = sources.section(SECTION, environ)
    return _read(section) if section else None


def needed_links(environ: Mapping[str, str] | None = None) -> Links:
    """The same, for who cannot do without.

    Raises:
        NoCustomerPageError: without that section; else as `links_of_settings` does.
    """
    found = links_of_settings(environ)
    if found is None:
        raise NoCustomerPageError(file=sources.file(environ))
    return found


def link_of_notice(environ: Mapping[str, str] | None = None) -> Link | None:
    """What gives each notice its link, None without [customer]; raises as `links_of_settings`
    does."""
    found = links_of_settings(environ)
    return None if found is None else found.of_order


def office(environ: Mapping[str, str] | None = None) -> Office:
    """Whom the customer deals with, as [notices] says: its name, and how it is reached.

    Raises:
        SettingError, SettingsFileError: naming what is wrong, or not there.
    """
    options = Options(f"[{NOTICES}]", sources.section(NOTICES, environ))
    name = options.text("desk_name")
    if name is None:
        raise options.wrong(
            "desk_name", Cause.of("must_host_name", "set: the customer page shows it")
        )
    found = Office(name=name, phone=options.text("desk_phone"), mail=options.text("desk_mail"))
    if found.phone is None and found.mail is None:
        raise options.wrong(
            "desk_phone",
            Cause.of(
                "must_desk_contact",
                "set, or desk_mail: the customer must be able to reach the desk",
            ),
        )
    return found


def _read(section: Mapping[str, Any]) -> Links:
    options = Options(f"[{SECTION}]", section)
    found = Links(
        base_url=_address(options),
        secrets=_secrets(options),
        valid_for=options.duration("valid_for", VALID_FOR, least=_DAY, most=_MOST),
    )
    options.finish()
    return found


def _secrets(options: Options) -> tuple[str, ...]:
    found = {key: options.secret(key) for key in ("secret", "previous_secret")}
    if found["secret"] is None:
        raise options.wrong(
            "secret",
            Cause.of("must_link_secret", "set, or secret_file or secret_env: it signs the links"),
        )
    for key, secret in found.items():
        if secret is not None and len(secret) < MIN_SECRET:
            least = MIN_SECRET
            expected = Cause.of(
                "must_long_secret",
                "{least} characters or more, such as from openssl rand -hex 32",
                least=least,
            )
            raise options.wrong_secret(key, expected)
    return tuple(secret for secret in found.values() if secret is not None)


def _address(options: Options) -> str:
    """Where the page is; over TLS, unless all of it stays on this machine."""
    given = options.needed("base_url")
    expected = Cause.of(
        "must_page_address", 'the address of the page, such as "https://desk.host.example"'
    )
    found = options.address("base_url", expected)
    if found is None or not (found.scheme == "https" or is_loopback(found)):
        raise options.wrong(
            "base_url",
            Cause.of(
                "must_page_https",
                "{expected}: others can read a link over plain http",
                expected=expected,
            ),
        )
    return given.rstrip("/")
