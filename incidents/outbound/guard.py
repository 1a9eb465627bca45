"""The guard: which hosts may be contacted, over a connection to exactly the checked address.

Others can choose some of the addresses that this program requests (of a webhook, of a website).
They must not reach hosts that only this program can reach: its machine, its network, a cloud's
metadata service. So nothing is sent to an address that is not public. The tables follow IANA's
registries of special-purpose addresses (RFC 6890 and its updates), because those in the standard
library differ between versions of Python.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from threading import Thread

from incidents.errors import Cause
from incidents.outbound import message
from incidents.outbound.faults import (
    ConnectionRefusedByHostError,
    Deadline,
    LookupFailedError,
    NameNotFoundError,
    OutboundError,
    UnreachableError,
)
from incidents.values import site_name

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
        # A public address, but Azure answers there to its own machines.
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
        # Teredo, ORCHID, benchmarking and more; no public web server is in it.
        ("2001::/23", "an address reserved for protocols"),
        ("2001:db8::/32", "a documentation address"),
        ("2002::/16", "a 6to4 address"),
        ("3fff::/20", "a documentation address"),
    )
)
_GLOBAL_UNICAST = IPv6Network("2000::/3")
# With DNS64 every IPv4 host on the Internet has such an address (RFC 6052).
_NAT64 = IPv6Network("64:ff9b::/96")
# The second half of an ISATAP address, in front of its IPv4 address (RFC 5214).
_ISATAP = (0x0000_5EFE, 0x0200_5EFE)


def address_refusal(address: str) -> str | None:
    """The reason why an IP address is refused; None if it is public."""
    try:
        found = ip_address(address)
    except ValueError:
        return f"{address!r} is no IP address"
    kind = _ipv4_kind(found) if isinstance(found, IPv4Address) else _ipv6_kind(found)
    return None if kind is None else f"{found} is {kind}"


def _ipv4_kind(found: IPv4Address) -> str | None:
    return next(_kinds(found, _IPV4), None)


def _ipv6_kind(found: IPv6Address) -> str | None:
    if found.scope_id is not None:
        return "an address of one interface"
    if found in _NAT64 or (int(found) >> 32) & 0xFFFF_FFFF in _ISATAP:
        # A NAT64 gateway or an ISATAP router would forward it to this IPv4 address.
        inner = IPv4Address(int(found) & 0xFFFF_FFFF)
        kind = _ipv4_kind(inner)
        if kind is not None:
            return f"{inner} inside IPv6, {kind}"
        if found in _NAT64:
            return None
    listed = next(_kinds(found, _IPV6), None)
    if listed is None and found not in _GLOBAL_UNICAST:
        return "no global unicast address"
    return listed


def _kinds(
    found: IPv4Address | IPv6Address, table: Iterable[tuple[IPv4Network | IPv6Network, str]]
) -> Iterator[str]:
    return (kind for network, kind in table if found in network)


Resolve = Callable[[str, int], Sequence[str]]
"""A function that returns the IP addresses of a name, for a connection to that port; it raises the
errors of getaddrinfo."""

Dial = Callable[[str, int, float], socket.socket]
"""A function that connects by TCP to an IP address and port, within that many seconds; it raises
OSError."""

FIRST_FREE_PORT = 1_024
MAX_ADDRESSES = 8

_NO_SUCH_NAME = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))


def system_addresses(host: str, port: int) -> list[str]:
    """The addresses of a name, as returned by this machine's resolver."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(where[0]) for *_, where in found]


def dial(address: str, port: int, within_s: float) -> socket.socket:
    """Connect to exactly that IP address, without a look-up."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.settimeout(within_s)
        connection.connect((address, port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        connection.close()
        raise
    return connection


class Guard:
    """The guard: it refuses every host that is not public, except hosts that are allowed by name.

    `allow` lists hosts in the format of targets: `panel.internal`, `127.0.0.1`, `::1`. This allows
    the host in the target, not an address to which a name resolves: if `127.0.0.1` is allowed, a
    name that resolves to this address is still refused. An allowed host can be contacted over plain
    http and at every port; other hosts only over https (`plain_http` adds http), at the standard
    port or at 1024 and above.
    """

    def __init__(
        self,
        *,
        allow: Iterable[str] = (),
        plain_http: bool = False,
        resolve: Resolve = system_addresses,
        dial: Dial = dial,
    ) -> None:
        self._allow = frozenset(site_name.read_own_host(host) for host in allow)
        self._schemes = ("https", "http") if plain_http else ("https",)
        self._resolve = resolve
        self._dial = dial

    def for_redirects_of(self, url: str) -> Guard:
        """The guard for redirects of `url`: only an allowed host can redirect to an allowed host.

        Raises:
            ForbiddenTargetError: if `url` is not a web address.
        """
        if message.read_target(url).host in self._allow:
            return self
        return Guard(plain_http="http" in self._schemes, resolve=self._resolve, dial=self._dial)

    def target(self, url: str) -> message.Target:
        """The target of an address, checked as far as possible without a look-up.

        `connect` checks the IP addresses of the target's name.

        Raises:
            ForbiddenTargetError: if the target is refused.
        """
        found = message.read_target(url)
        if found.host not in self._allow:
            self._check_without_look_up(found)
        return found

    def connect(self, found: message.Target, deadline: Deadline) -> socket.socket:
        """Connect to one of the target's IP addresses, after all of them have been checked.

        The name is looked up only once, so that no second answer can lead elsewhere (DNS
        rebinding).

        Raises:
            ForbiddenTargetError: if any address is not public, or as `target` does.
            OutboundError: if no address answers in time.
        """
        checked = self.checked_addresses(found, deadline)
        failure: OSError | None = None
        for n, address in enumerate(checked):
            # An address that never answers must leave time for the next one.
            share_s = deadline.left_s() / (len(checked) - n)
            try:
                return self._dial(address, found.port, share_s)
            except OSError as error:
                failure = error
        raise _fault(found, deadline, failure) from failure

    def checked_addresses(self, found: message.Target, deadline: Deadline) -> list[str]:
        """Look up the target's IP addresses; if any is not public, refuse the target.

        In that case, the public addresses might be a decoy (DNS rebinding).
        """
        if _is_literal(found.host):
            known = [found.host]
        else:
            known = list(dict.fromkeys(self._resolved(found, deadline)))
        if found.host not in self._allow:
            self._check_without_look_up(found)
            for address in known:
                why = address_refusal(address)
                if why is not None:
                    message.refuse(found.host, why)
        return known[:MAX_ADDRESSES]

    def _check_without_look_up(self, found: message.Target) -> None:
        if found.scheme not in self._schemes:
            message.refuse(
                found.host,
                Cause.of(
                    "must_https_or_allowed",
                    "use https, or add it to the list of allowed hosts",
                ),
            )
        own_ports = [message.PORTS[scheme] for scheme in self._schemes]
        if found.port < FIRST_FREE_PORT and found.port not in own_ports:
            message.refuse(
                found.host,
                Cause.of(
                    "port_not_web", "port {port} is not allowed for a web server", port=found.port
                ),
            )
        if found.host.rpartition(".")[2] == "localhost":
            message.refuse(found.host, Cause.of("this_machine", "it is this machine (RFC 6761)"))
        why = address_refusal(found.host) if _is_literal(found.host) else None
        if why is not None:
            message.refuse(found.host, why)

    def _resolved(self, found: message.Target, deadline: Deadline) -> Sequence[str]:
        """Look up the name in a thread, because getaddrinfo has no timeout of its own."""
        answer: Future[Sequence[str]] = Future()

        def look() -> None:
            try:
                answer.set_result(self._resolve(found.host, found.port))
            except BaseException as error:  # noqa: BLE001 - raised where it is waited for
                answer.set_exception(error)

        Thread(target=look, name="lookup", daemon=True).start()
        try:
            known = answer.result(timeout=deadline.left_s())
        except TimeoutError as error:
            raise deadline.passed() from error
        except socket.gaierror as error:
            if error.errno in _NO_SUCH_NAME:
                raise NameNotFoundError(host=found.host) from error
            raise LookupFailedError(host=found.host) from error
        except (OSError, UnicodeError) as error:
            raise LookupFailedError(host=found.host) from error
        if not known:
            raise NameNotFoundError(host=found.host)
        return known


def _is_literal(host: str) -> bool:
    return ":" in host or host.rpartition(".")[2].isdecimal()


def _fault(found: message.Target, deadline: Deadline, failure: OSError | None) -> OutboundError:
    if isinstance(failure, TimeoutError):
        return deadline.passed()
    if isinstance(failure, ConnectionRefusedError):
        return ConnectionRefusedByHostError(host=found.host, port=found.port)
    return UnreachableError(host=found.host, port=found.port)
