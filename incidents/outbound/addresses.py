"""The addresses that nothing is sent to: all but those that the whole Internet can reach.

The tables follow IANA's registries of special-purpose addresses (RFC 6890 and its updates). They
stand here in full because the standard library's own have changed between Python's versions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_IPV4 = tuple(
    (IPv4Network(network), kind)
    for network, kind in (
        ("0.0.0.0/8", "an unspecified address"),
        ("10.0.0.0/8", "a private address"),
        # Alibaba Cloud's metadata service is 100.100.100.200.
        ("100.64.0.0/10", "an address shared behind a carrier's NAT"),
        ("127.0.0.0/8", "a loopback address"),
        # The metadata service of nearly every cloud is 169.254.169.254.
        ("169.254.0.0/16", "a link-local address"),
        ("172.16.0.0/12", "a private address"),
        ("192.0.0.0/24", "an address reserved for protocols"),
        ("192.0.2.0/24", "a documentation address"),
        ("192.88.99.0/24", "a relay's address"),
        ("192.168.0.0/16", "a private address"),
        ("198.18.0.0/15", "a benchmarking address"),
        ("198.51.100.0/24", "a documentation address"),
        ("203.0.113.0/24", "a documentation address"),
        ("224.0.0.0/4", "a multicast address"),
        ("240.0.0.0/4", "a reserved address"),
        # Public by its number alone: Azure answers there to its own machines.
        ("168.63.129.16/32", "a metadata address"),
    )
)
_IPV6 = tuple(
    (IPv6Network(network), kind)
    for network, kind in (
        ("::/128", "the unspecified address"),
        ("::1/128", "the loopback address"),
        ("::/96", "an IPv4-compatible address"),
        ("::ffff:0:0/96", "an IPv4-mapped address"),
        ("::ffff:0:0:0/96", "an IPv4-translated address"),
        ("64:ff9b:1::/48", "a local NAT64 address"),
        ("100::/64", "a discard address"),
        ("fc00::/7", "a unique-local address"),
        ("fe80::/10", "a link-local address"),
        ("fec0::/10", "a site-local address"),
        ("ff00::/8", "a multicast address"),
        # Teredo, ORCHID, benchmarking and more; what is public of it is nobody's web server.
        ("2001::/23", "an address reserved for protocols"),
        ("2001:db8::/32", "a documentation address"),
        ("2002::/16", "a 6to4 address"),
        ("3fff::/20", "a documentation address"),
    )
)
_GLOBAL_UNICAST = IPv6Network("2000::/3")
# With DNS64 every IPv4 host of the world has such an address (RFC 6052).
_NAT64 = IPv6Network("64:ff9b::/96")
# The second half of an ISATAP address, in front of its IPv4 address (RFC 5214).
_ISATAP = (0x0000_5EFE, 0x0200_5EFE)


def refusal(address: str) -> str | None:
    """Why nothing is sent to that IP address; None if it is a public one."""
    try:
        found = ip_address(address)
    except ValueError:
        return f"{address!r} is no IP address"
    kind = _kind_of_4(found) if isinstance(found, IPv4Address) else _kind_of_6(found)
    return None if kind is None else f"{found} is {kind}"


def _kind_of_4(found: IPv4Address) -> str | None:
    return next(_kinds(found, _IPV4), None)


def _kind_of_6(found: IPv6Address) -> str | None:
    if found.scope_id is not None:
        return "an address of one interface"
    inner = _embedded(found)
    if inner is not None:
        kind = _kind_of_4(inner)
        if kind is not None:
            return f"{inner} inside IPv6, {kind}"
        if found in _NAT64:
            return None
    listed = next(_kinds(found, _IPV6), None)
    if listed is None and found not in _GLOBAL_UNICAST:
        return "no global unicast address"
    return listed


def _embedded(found: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that a NAT64 gateway or an ISATAP router would send it on to."""
    if found in _NAT64 or (int(found) >> 32) & 0xFFFF_FFFF in _ISATAP:
        return IPv4Address(int(found) & 0xFFFF_FFFF)
    return None


def _kinds(
    found: IPv4Address | IPv6Address, table: Iterable[tuple[IPv4Network | IPv6Network, str]]
) -> Iterator[str]:
    return (kind for network, kind in table if found in network)
