"""The address: where a request comes from, as far as that can be known."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.requests import Request

    from incidents.accounts.access_settings import Network

Address = IPv4Address | IPv6Address

# Whoever has one address of IPv6 has all of its network.
_OWN_BITS = 64


def of(request: Request, trusted: Sequence[Network]) -> str:
    """The address that a request comes from: the peer's, or what trusted proxies say of theirs.

    Of X-Forwarded-For the last address counts that no trusted proxy has: what stands before it may
    have been written by anybody. Of IPv6 it is the network, `2001:db8::/64`.
    """
    peer = _read("" if request.client is None else request.client.host)
    if peer is None:
        return "nowhere"
    found = peer
    told = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
    for each in reversed(told):
        if not any(found in network for network in trusted):
            break
        before = _read(each.strip())
        if before is None:
            break
        found = before
    return _written(found)


def _read(text: str) -> Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return address if mapped is None else mapped


def _written(address: Address) -> str:
    if isinstance(address, IPv4Address):
        return str(address)
    return str(ip_network((int(address), _OWN_BITS), strict=False))
