"""The customer's link: a signed token for one incident, valid until a set time.

The settings of the link are the section [customer] of the settings file.
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
from incidents.notices.letter import DeskContact
from incidents.notices.notice_settings import NOTICES
from incidents.notices.record import Link
from incidents.settings import sources
from incidents.settings.options import Options
from incidents.values.ids import incident_id, read_incident_id
from incidents.values.peer_address import is_loopback

if TYPE_CHECKING:
    from incidents.contract.documents import sites as documents

MIN_SECRET = 32
"""The minimum number of characters of a secret."""

MAX_TOKEN = 90

_EPOCH, _SECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(seconds=1)
_MAC_BYTES = 20
_DOMAIN = b"incidents customer link v1"
_KEY_ID_LABEL = b"incidents customer link, which secret"
_TOKEN = re.compile(
    r"(?P<site>[1-9]\d{0,17})-(?P<n>[1-9]\d{0,8})\.(?P<until>[1-9a-f][0-9a-f]{0,9})"
    r"(?:\.r(?P<revoked>[1-9]\d{0,8}))?\.[0-9a-f]{4}\.[a-z2-7]{32}",
    re.ASCII,
)

Incident = tuple[int, int]
"""A site's id, and the number of its incident."""


@dataclass(frozen=True, slots=True)
class ValidLink:
    """A valid link to an incident, unless its links were revoked more than `revoked` times."""

    incident: Incident
    revoked: int = 0


@dataclass(frozen=True, slots=True)
class ExpiredLink:
    """A link that has expired."""

    incident: Incident


@dataclass(frozen=True, slots=True)
class InvalidLink:
    """A text that is not a link."""


TokenCheck = ValidLink | ExpiredLink | InvalidLink


def sign_token(incident: Incident, expires: datetime, secret: str, revoked: int = 0) -> str:
    """The token for that incident, valid through `expires` (aware; whole seconds count).

    The token is invalid as soon as the incident's links, revoked `revoked` times so far, are
    revoked again.
    """
    return _token(_claim(incident, (expires - _EPOCH) // _SECOND, revoked), secret)


def read_token(token: str, secrets: Iterable[str], now: datetime) -> TokenCheck:
    """Check a token at `now` (aware), which any of the secrets can have signed.

    The whole token is compared, in constant time, with the signed token, so no other spelling is
    valid.
    """
    found = _TOKEN.fullmatch(token) if len(token) <= MAX_TOKEN else None
    if found is None:
        return InvalidLink()
    incident, until = (int(found["site"]), int(found["n"])), int(found["until"], 16)
    revoked = int(found["revoked"] or 0)
    claim = _claim(incident, until, revoked)
    matches = [hmac.compare_digest(token, _token(claim, secret)) for secret in secrets]
    if not any(matches):
        return InvalidLink()
    # It expires strictly after its time, as all deadlines do.
    return ExpiredLink(incident) if now - _EPOCH > until * _SECOND else ValidLink(incident, revoked)


def _claim(incident: Incident, until: int, revoked: int) -> str:
    # Without a revocation there is no suffix, so links from older versions stay valid.
    return f"{incident[0]}-{incident[1]}.{until:x}" + (f".r{revoked}" if revoked else "")


def _token(claim: str, secret: str) -> str:
    mac = _mac(secret, b"\n".join((_DOMAIN, claim.encode())))[:_MAC_BYTES]
    key_id = _mac(secret, _KEY_ID_LABEL)[:2].hex()
    return f"{claim}.{key_id}.{base64.b32encode(mac).decode().lower()}"


def _mac(secret: str, text: bytes) -> bytes:
    return hmac.digest(secret.encode(), text, hashlib.sha256)


SECTION = "customer"
PATH = "c"
"""The path segment between the base URL and the token."""

VALID_FOR = timedelta(days=14)

_DAY, _MOST = timedelta(days=1), timedelta(days=90)


class NoCustomerPageError(IncidentsError):
    """there is no customer page: the settings file {file} has no section [customer]. Add it, with
    base_url = "https://desk.host.example" (the address of the page) and secret_file = the name of a
    file with the output of `openssl rand -hex 32`"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """The links of a desk: the address of the page, the secrets, and how long links are valid.

    `secrets`: first the secret that signs, then the previous secret, while it is still accepted.
    """

    base_url: str
    secrets: tuple[str, ...]
    valid_for: timedelta = VALID_FOR

    def address(self, incident: Incident, since: datetime, revoked: int = 0) -> str:
        """The address of that incident's page, valid for `valid_for` from `since`.

        The address is invalid as soon as the incident's links, revoked `revoked` times so far, are
        revoked again.
        """
        token = sign_token(incident, self.until(since), self.secrets[0], revoked)
        return f"{self.base_url}/{PATH}/{token}"

    def until(self, since: datetime) -> datetime:
        """The last second at which a link issued at `since` is valid."""
        return since.replace(microsecond=0) + self.valid_for

    def read(self, token: str, now: datetime) -> TokenCheck:
        """Check a token at `now` (aware)."""
        return read_token(token, self.secrets, now)

    def document(self, incident: Incident, now: datetime, revoked: int) -> documents.Link:
        """The link as JSON, with the time until which it is valid (RFC 3339, UTC)."""
        return {
            "incident": incident_id(*incident), "link": self.address(incident, now, revoked),
            "until": clock.rfc3339(self.until(now)),
        }  # fmt: skip

    def of_order(
        self, order: Order, revoked: int = 0, *, now: Callable[[], datetime] = clock.now
    ) -> str | None:
        """The link for a notice, valid from the time of the order; None if it has expired.

        The link is the same in each attempt, until the incident's links are revoked. None also if
        the order is not about one incident.
        """
        incident = None if order.incident is None else read_incident_id(order.incident)
        if incident is None or self.until(order.ordered_at) < now():
            return None
        return self.address(incident, order.ordered_at, revoked)


def load_links(environ: Mapping[str, str] | None = None) -> Links | None:
    """Read [customer]; None without that section, because there is no page and no link then.

    Raises:
        SettingError, UnknownSettingError, SettingsFileError: naming the wrong setting.
    """
    section = sources.section(SECTION, environ)
    return _read(section) if section else None


def required_links(environ: Mapping[str, str] | None = None) -> Links:
    """Read the section [customer], which is required here.

    Raises:
        NoCustomerPageError: if there is no such section; otherwise as in `load_links`.
    """
    found = load_links(environ)
    if found is None:
        raise NoCustomerPageError(file=sources.file(environ))
    return found


def load_notice_link(environ: Mapping[str, str] | None = None) -> Link | None:
    """The function that gives each notice its link; None or an error as in `load_links`."""
    found = load_links(environ)
    return None if found is None else found.of_order


def office(environ: Mapping[str, str] | None = None) -> DeskContact:
    """The desk's name and contacts for the customer, from [notices].

    Raises:
        SettingError, SettingsFileError: naming the wrong or missing setting.
    """
    options = Options(f"[{NOTICES}]", sources.section(NOTICES, environ))
    name = options.text("desk_name")
    if name is None:
        raise options.wrong(
            "desk_name", Cause.of("must_host_name", "set: the customer page shows it")
        )
    found = DeskContact(name=name, phone=options.text("desk_phone"), mail=options.text("desk_mail"))
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
    """The base URL of the page, which must be https unless it is local to this machine."""
    given = options.needed("base_url")
    expected = Cause.of(
        "must_page_address", 'the address of the page, such as "https://desk.host.example"'
    )
    found = options.address("base_url", expected)
    if found is None or not (found.scheme == "https" or is_loopback(found.hostname)):
        raise options.wrong(
            "base_url",
            Cause.of(
                "must_page_https",
                "{expected}: others can read a link over plain http",
                expected=expected,
            ),
        )
    return given.rstrip("/")
