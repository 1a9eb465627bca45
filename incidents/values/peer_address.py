"""The address of a peer: which addresses are one and the same peer's."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Whoever has one address of IPv6 has all of its network.
_OWN_BITS = 64


def read(text: str) -> Address | None:
    """The address; one of IPv4 that is written as IPv6 (::ffff:192.0.2.1) is that of IPv4."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return address if mapped is None else mapped


def owner(address: Address) -> str:
    """What stands for whoever has it: the address, of IPv6 the network, `2001:db8::/64`."""
    if isinstance(address, IPv4Address):
        return str(address)
    return str(ip_network((int(address), _OWN_BITS), strict=False))
