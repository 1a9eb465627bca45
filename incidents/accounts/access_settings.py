"""The settings for access: the sections [serve], [oidc] and [accounts] of the settings file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

from incidents.accounts.identity import ROLES, is_handle
from incidents.cause import one_of
from incidents.errors import Cause
from incidents.settings import sources
from incidents.settings.options import Options
from incidents.values.peer_address import Network, is_loopback

SERVE, OIDC, ACCOUNTS = "serve", "oidc", "accounts"

ACTS_PER_MINUTE = 6_000
MAX_WORKERS = 64

SECOND_AFTER = timedelta(days=1)
"""How long a person does not count as a second person after somebody else has set their
password."""
_LONGEST = timedelta(days=365)

LOCALLY = "localhost"
"""The host name of a console that is served on one's own machine, at http://localhost:7390."""
_HOST = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")

DEMANDED: dict[str, frozenset[str]] = {
    "optional": frozenset(),
    "supervisors": frozenset({"supervisor", "administrator"}),
    "everybody": frozenset(ROLES),
}
"""The roles that must have a second factor, by the value of [accounts] second_factor."""

MAX_AGE = timedelta(hours=12)
"""The default maximum age of a sign-in at the provider."""
_MINUTE, _LONGEST_AGE = timedelta(minutes=1), timedelta(days=30)

_CONTACT = re.compile(r"(mailto:[!-~]+@[!-~]+|https://[!-~]+|tel:\+?[0-9-]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """The sign-in provider (OpenID Connect), and this program's registration as its client.

    `subjects` maps the subjects (`sub`) of this issuer to handles of accounts; alternatively,
    `claim` names the claim that contains the handle. The issuer is contacted over https, or on this
    machine.

    A sign-in at the provider is accepted if it is at most `max_age` old, belongs to one of the
    classes `acr_values` (any class if the list is empty), and used all of the methods `amr` (RFC
    8176).
    """

    issuer: str
    client_id: str
    client_secret: str
    subjects: Mapping[str, str] = field(default_factory=dict)
    claim: str | None = None
    max_age: timedelta = MAX_AGE
    acr_values: tuple[str, ...] = ()
    amr: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Serve:
    """The section [serve]: the proxies trusted to report a request's origin, and limits.

    `security_contact`: addresses for reporting a vulnerability (RFC 9116). `acts_per_minute`: the
    limit for each token, and for all sessions of an account together (0: no limit). `key_file`: the
    servers' key (see `serve_key`), if it is not at the default path. `workers`: the number of
    processes; None: as many as suit the database.
    """

    trusted_proxies: tuple[Network, ...] = ()
    security_contact: tuple[str, ...] = ()
    acts_per_minute: int = ACTS_PER_MINUTE
    key_file: Path | None = None
    workers: int | None = None


def serve(environ: Mapping[str, str] | None = None) -> Serve:
    """Read the section [serve].

    Raises:
        SettingError, UnknownSettingError, SettingsFileError: naming the wrong setting.
    """
    options = Options(f"[{SERVE}]", sources.section(SERVE, environ))
    found = Serve(
        trusted_proxies=_networks(options, "trusted_proxies"),
        security_contact=_contacts(options, "security_contact"),
        acts_per_minute=options.number("acts_per_minute", ACTS_PER_MINUTE, least=0, most=1_000_000),
        key_file=options.path("key_file"),
        workers=options.number("workers", 0, least=1, most=MAX_WORKERS) or None,
    )
    options.finish()
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The section [accounts]: see `SECOND_AFTER`, and who must have a second factor.

    `demanded`: the roles that sign in with a second factor. `rp_id`: the host name of the console,
    to which security keys are bound (WebAuthn).
    """

    second_after: timedelta = SECOND_AFTER
    demanded: frozenset[str] = frozenset()
    rp_id: str = LOCALLY


def access(environ: Mapping[str, str] | None = None) -> Access:
    """Read the section [accounts]. Raises the same errors as `serve`."""
    options = Options(f"[{ACCOUNTS}]", sources.section(ACCOUNTS, environ))
    least = timedelta(0)
    wanted = options.text("second_factor") or "optional"
    if wanted not in DEMANDED:
        raise options.wrong("second_factor", one_of(list(DEMANDED)))
    rp_id = options.text("rp_id") or LOCALLY
    if _HOST.fullmatch(rp_id) is None:
        wanted = Cause.of("must_host_name", 'a host name, such as "desk.host.example"')
        raise options.wrong("rp_id", wanted)
    found = Access(
        second_after=options.duration("second_after", SECOND_AFTER, least=least, most=_LONGEST),
        demanded=DEMANDED[wanted],
        rp_id=rp_id,
    )
    options.finish()
    return found


def second_after(environ: Mapping[str, str] | None = None) -> timedelta:
    """Return [accounts] second_after (see `SECOND_AFTER`). Raises the same errors as `serve`."""
    return access(environ).second_after


def _networks(options: Options, key: str) -> tuple[Network, ...]:
    try:
        return tuple(ip_network(each) for each in options.texts(key))
    except ValueError as error:
        wanted = 'a list of addresses or networks, such as "127.0.0.1" or "10.0.0.0/24"'
        raise options.wrong(key, wanted) from error


def _contacts(options: Options, key: str) -> tuple[str, ...]:
    found = options.texts(key)
    if not all(_CONTACT.fullmatch(each) for each in found):
        wanted = 'a list such as "mailto:security@host.example" or "https://host.example/security"'
        raise options.wrong(key, wanted)
    return found


def provider(environ: Mapping[str, str] | None = None) -> Provider | None:
    """Return the section [oidc]; None if the file has no such section.

    Raises the same errors as `serve`.
    """
    section = sources.section(OIDC, environ)
    if not section:
        return None
    options = Options(f"[{OIDC}]", section)
    claim = options.text("claim")
    found = Provider(
        issuer=_issuer(options),
        client_id=options.needed("client_id"),
        client_secret=_secret(options),
        subjects=_subjects(options, claim),
        claim=claim,
        max_age=options.duration("max_age", MAX_AGE, least=_MINUTE, most=_LONGEST_AGE),
        acr_values=_codes(options, "acr_values"),
        amr=_codes(options, "amr"),
    )
    options.finish()
    return found


def _subjects(options: Options, claim: str | None) -> Mapping[str, str]:
    """Return the handles by subject; no handle is guessed from names, which people can change."""
    named = options.strings("subjects")
    if claim is not None:
        if named:
            raise options.wrong(
                "claim", Cause.of("must_not_beside_subjects", "not there where [oidc.subjects] is")
            )
        return {}
    if not named:
        wanted = 'there: handle = "the sub of that person at the provider", or `claim` in its place'
        raise options.wrong("subjects", wanted)
    by_subject = {subject: handle for handle, subject in named.items()}
    handles_only = all(is_handle(handle) for handle in named)
    if "" in by_subject or len(by_subject) < len(named) or not handles_only:
        raise options.wrong(
            "subjects", Cause.of("must_subjects", "handles, each with a `sub` of its own")
        )
    return by_subject


def _codes(options: Options, key: str) -> tuple[str, ...]:
    """Return the provider's codes; refuse spaces, which would split a code in the request."""
    found = options.texts(key)
    if any(len(each.split()) != 1 or each != each.strip() for each in found):
        raise options.wrong(key, Cause.of("must_names", "a list of names without spaces"))
    return found


def _issuer(options: Options) -> str:
    issuer = options.needed("issuer")
    expected = Cause.of("must_issuer", "an https address, as the provider calls itself")
    found = options.address("issuer", expected)
    if found is None or not (found.scheme == "https" or is_loopback(found.hostname)):
        raise options.wrong("issuer", expected)
    return issuer


def _secret(options: Options) -> str:
    secret = options.secret("client_secret")
    if secret is None:
        raise options.wrong(
            "client_secret",
            Cause.of("must_client_secret", "there: it is needed, or client_secret_file"),
        )
    return secret
