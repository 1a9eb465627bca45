"""The address of a peer, and which addresses belong to one peer."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# The owner of one IPv6 address has its whole network.
_OWN_BITS = 64


def read(text: str) -> Address | None:
    """Read an address; an IPv4 address in IPv6 form (::ffff:192.0.2.1) becomes IPv4."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return address if mapped is None else mapped


def owner(address: Address) -> str:
    """Return the key for an address's owner: the address, or its network for IPv6."""
    if isinstance(address, IPv4Address):
        return str(address)
    return str(ip_network((int(address), _OWN_BITS), strict=False))


def is_loopback(host: str | None) -> bool:
    """Whether that host, an address or a name, is this machine alone; no name is looked up."""
    if not host:
        return False
    try:
        return host == "localhost" or ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False
