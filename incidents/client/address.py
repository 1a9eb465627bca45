"""The address of a server: which is taken, and whose certificates it is believed by."""

from __future__ import annotations

import ipaddress
import ssl
from urllib.parse import urlsplit

from incidents.errors import InputError
from incidents.outbound import trust

PREFIX = "/api/v1"
"""The path of the API below it."""


def checked(server: str) -> str:
    """That address, without the API's path or a slash behind it: `serve` names both addresses.

    Raises:
        InputError: for what is none, or by which a token or a password could be overheard.
    """
    try:
        parts = urlsplit(server)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if (
        not host
        or any(map(str.isspace, server))
        or parts.scheme not in ("https", "http")
        or parts.query
        or parts.fragment
    ):
        raise none(server)
    if "@" in parts.netloc:
        # Others see what a command was called with.
        raise InputError("an address holds no name and no password: a token says who you are")
    if parts.scheme == "http" and not _is_here(host):
        raise InputError(
            f"{server} would send the token in the clear: write https://, or http:// on this"
            " machine alone"
        )
    return server.rstrip("/").removesuffix(PREFIX).rstrip("/")


def none(server: str) -> InputError:
    """That it is none."""
    return InputError(f"not the address of a server: {server!r} (https://desk.host.example)")


def trusted(server: str) -> ssl.SSLContext:
    """Whose certificates are believed: see `outbound.trust`."""
    if server.startswith("http:"):
        # It shows none, and to read those of this machine takes longer than to ask it.
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return trust.context()


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
