"""The addresses: whatever the whole Internet cannot reach is refused, in each of its disguises."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.outbound import guard

NOT_PUBLIC = [
    ("0.0.0.0", "unspecified"),
    ("0.1.2.3", "unspecified"),
    ("10.0.0.0", "private"),
    ("10.255.255.255", "private"),
    ("100.64.0.0", "carrier's NAT"),
    ("100.100.100.200", "carrier's NAT"),
    ("100.127.255.255", "carrier's NAT"),
    ("127.0.0.1", "loopback"),
    ("127.255.255.254", "loopback"),
    ("168.63.129.16", "metadata"),
    ("169.254.0.1", "link-local"),
    ("169.254.169.254", "link-local"),
    ("172.16.0.1", "private"),
    ("172.31.255.255", "private"),
    ("192.0.0.8", "protocols"),
    ("192.0.0.192", "protocols"),
    ("192.0.2.1", "documentation"),
    ("192.88.99.1", "relay"),
    ("192.168.1.1", "private"),
    ("198.18.0.1", "benchmarking"),
    ("198.19.255.255", "benchmarking"),
    ("198.51.100.1", "documentation"),
    ("203.0.113.1", "documentation"),
    ("224.0.0.1", "multicast"),
    ("239.255.255.250", "multicast"),
    ("240.0.0.1", "reserved"),
    ("255.255.255.255", "reserved"),
    ("::", "unspecified"),
    ("::1", "loopback"),
    ("::7f00:1", "compatible"),
    ("::ffff:127.0.0.1", "mapped"),
    ("::ffff:8.8.8.8", "mapped"),
    ("::ffff:0:127.0.0.1", "translated"),
    ("64:ff9b::127.0.0.1", "127.0.0.1 inside IPv6, a loopback address"),
    ("64:ff9b::a9fe:a9fe", "169.254.169.254 inside IPv6, a link-local address"),
    ("64:ff9b::6464:64c8", "100.100.100.200 inside IPv6"),
    ("64:ff9b:1::1", "local NAT64"),
    ("100::1", "discard"),
    ("2001::1", "protocols"),
    ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "protocols"),
    ("2001:2::1", "protocols"),
    ("2001:10::1", "protocols"),
    ("2001:20::1", "protocols"),
    ("2001:db8::1", "documentation"),
    ("2002:7f00:1::", "6to4"),
    ("2002:808:808::", "6to4"),
    ("2400:3200::5efe:10.0.0.1", "10.0.0.1 inside IPv6"),
    ("2400:3200::200:5efe:127.0.0.1", "127.0.0.1 inside IPv6"),
    ("3fff::1", "documentation"),
    ("4000::1", "no global unicast"),
    ("5f00::1", "no global unicast"),
    ("fc00::1", "unique-local"),
    ("fd00::1", "unique-local"),
    ("fd00:ec2::254", "unique-local"),
    ("fe80::1", "link-local"),
    ("fe80::1%eth0", "one interface"),
    ("2400:3200::1%1", "one interface"),
    ("fec0::1", "site-local"),
    ("ff02::1", "multicast"),
    ("127.1", "no IP address"),
    ("0x7f000001", "no IP address"),
    ("2130706433", "no IP address"),
    ("", "no IP address"),
]
PUBLIC = [
    "1.0.0.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "128.0.0.1",
    "169.253.255.255", "172.15.255.255", "172.32.0.0", "192.0.1.1", "198.17.255.255", "198.20.0.0",
    "223.255.255.255", "2001:200::1", "2400:3200::1", "2606:4700::1", "64:ff9b::8.8.8.8",
]  # fmt: skip


@pytest.mark.parametrize(("address", "kind"), NOT_PUBLIC)
def test_an_address_that_is_not_public_is_refused_with_its_kind(address: str, kind: str) -> None:
    why = guard.address_refusal(address)
    assert why is not None
    assert kind in why


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_not_refused(address: str) -> None:
    assert guard.address_refusal(address) is None


@given(st.ip_addresses())
def test_whatever_the_standard_library_calls_not_global_is_refused(
    address: IPv4Address | IPv6Address,
) -> None:
    # The one exception: it calls NAT64's prefix not global in some versions, global in others.
    if address.is_global and not address.is_multicast:
        return
    if address in IPv6Network("64:ff9b::/96"):
        assert guard.address_refusal(str(address)) == _refusal_of_the_end(address, 32)
    else:
        assert guard.address_refusal(str(address)) is not None


def _refusal_of_the_end(address: IPv4Address | IPv6Address, bits: int) -> str | None:
    end = IPv4Address(int(address) & (1 << bits) - 1)
    why = guard.address_refusal(str(end))
    return None if why is None else f"{address} is {why.replace(' is ', ' inside IPv6, ', 1)}"


@given(st.ip_addresses(v=4))
def test_an_address_that_is_refused_is_refused_in_each_of_its_ipv6_disguises(
    address: IPv4Address,
) -> None:
    if guard.address_refusal(str(address)) is None:
        return
    number = int(address)
    for disguise in (
        number,  # compatible
        0xFFFF << 32 | number,  # mapped
        0xFFFF << 48 | number,  # translated
        0x64_FF9B << 96 | number,  # NAT64
        0x64_FF9B_0001 << 80 | number,  # local NAT64
        0x2002 << 112 | number << 80 | 1,  # 6to4
        0x2001_0000 << 96 | number << 64 | 0xFFFF_FFFF,  # Teredo's server
        0x2001_0000 << 96 | number ^ 0xFFFF_FFFF,  # Teredo's client
        0x2400_3200 << 96 | 0x5EFE << 32 | number,  # ISATAP
    ):
        assert guard.address_refusal(str(IPv6Address(disguise))) is not None


@given(st.ip_addresses(v=6))
def test_no_ipv6_address_but_a_global_unicast_one_or_a_public_one_behind_nat64_passes(
    address: IPv6Address,
) -> None:
    if guard.address_refusal(str(address)) is None:
        assert address in IPv6Network("2000::/3") or address in IPv6Network("64:ff9b::/96")
        assert not (address.is_private or address.is_reserved) or address in IPv6Network(
            "64:ff9b::/96"
        )


@pytest.mark.parametrize(
    "network",
    ["10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
     "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4"],
)  # fmt: skip
def test_a_network_is_refused_from_its_first_address_to_its_last(network: str) -> None:
    known = IPv4Network(network)
    assert guard.address_refusal(str(known[0])) is not None
    assert guard.address_refusal(str(known[-1])) is not None
