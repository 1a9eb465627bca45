"""The settings of who comes in: the sections [serve] and [oidc] of the settings file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from urllib.parse import urlsplit

from incidents import settings
from incidents.acts.options import Options

SERVE, OIDC = "serve", "oidc"
CLAIM = "preferred_username"

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """Who says who somebody is (OpenID Connect), and as whom this program asks.

    `claim` holds the account's handle. The issuer is asked over https, or on this machine.
    """

    issuer: str
    client_id: str
    client_secret: str
    claim: str = CLAIM


def trusted_proxies(environ: Mapping[str, str] | None = None) -> tuple[Network, ...]:
    """Whose word counts for where a request comes from: [serve] trusted_proxies.

    Raises:
        SettingError, UnknownSettingError, SettingsFileError: naming what is wrong.
    """
    options = Options(f"[{SERVE}]", settings.section(SERVE, environ))
    given = options.texts("trusted_proxies")
    try:
        found = tuple(ip_network(each) for each in given)
    except ValueError as error:
        wanted = 'a list of addresses or networks, such as "127.0.0.1" or "10.0.0.0/24"'
        raise options.wrong("trusted_proxies", wanted) from error
    options.finish()
    return found


def provider(environ: Mapping[str, str] | None = None) -> Provider | None:
    """What [oidc] says; None without that section; raises as `trusted_proxies` does."""
    section = settings.section(OIDC, environ)
    if not section:
        return None
    options = Options(f"[{OIDC}]", section)
    found = Provider(
        issuer=_issuer(options),
        client_id=options.needed("client_id"),
        client_secret=_secret(options),
        claim=options.text("claim", CLAIM) or CLAIM,
    )
    options.finish()
    return found


def _issuer(options: Options) -> str:
    issuer = options.needed("issuer")
    parts = urlsplit(issuer)
    near = parts.hostname in ("127.0.0.1", "::1", "localhost")
    plain = not (parts.query or parts.fragment or parts.username)
    if not (plain and parts.hostname and (parts.scheme == "https" or (near and parts.scheme))):
        raise options.wrong("issuer", "an https address, as the provider calls itself")
    return issuer


def _secret(options: Options) -> str:
    secret = options.secret("client_secret")
    if secret is None:
        raise options.wrong("client_secret", "there: it is needed, or client_secret_file")
    return secret
