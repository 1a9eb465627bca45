"""The guard: which hosts may be sent to, and a connection to exactly the address that was checked.

Whoever can choose an address for us to ask, a receiver's or a website's, must not reach through us
what only we can reach: our own machine, our network, a cloud's metadata service.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from threading import Thread

from incidents.outbound import addresses, target
from incidents.outbound.deadline import Deadline
from incidents.outbound.faults import (
    ConnectionRefusedByHostError,
    LookupFailedError,
    NameNotFoundError,
    OutboundError,
    UnreachableError,
)
from incidents.outbound.target import Target
from incidents.values import site_name

Resolve = Callable[[str, int], Sequence[str]]
"""The IP addresses of a name, for a connection to that port; raises what getaddrinfo raises."""

Dial = Callable[[str, int, float], socket.socket]
"""A TCP connection to an IP address and port, within so many seconds; raises OSError."""

FIRST_FREE_PORT = 1_024
MAX_ADDRESSES = 8

_NO_SUCH_NAME = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))


def system_addresses(host: str, port: int) -> list[str]:
    """What this machine's resolver answers."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(where[0]) for *_, where in found]


def dial(address: str, port: int, within_s: float) -> socket.socket:
    """A connection to that very address: it is a number, so nobody is asked for it again."""
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
    """Refuses every host that is not public, but for those that are allowed by name.

    `allow` lists hosts as a target may name them: `panel.internal`, `127.0.0.1`, `::1`. What is
    allowed is the host in the target, not an address that a name leads to: with `127.0.0.1`
    allowed, a name that leads there is refused. To an allowed host plain http and every port are
    open; to others https alone (`plain_http` adds http), at its own port or at 1024 and above.

    Raises:
        BadSiteNameError: for an entry of `allow` that is no host.
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
        """The guard for where that address leads: whoever is no host that is allowed by name must
        not lead to one that is.

        Raises:
            ForbiddenTargetError: if it is no address that could be asked.
        """
        if target.read(url).host in self._allow:
            return self
        plain = "http" in self._schemes
        return Guard(plain_http=plain, resolve=self._resolve, dial=self._dial)

    def target(self, url: str) -> Target:
        """The target of an address, if it may be sent to by what can be seen of it.

        Raises:
            ForbiddenTargetError: if it may not. The addresses of a name are looked at later, when
                a connection is made.
        """
        found = target.read(url)
        if found.host not in self._allow:
            self._refuse_what_is_plain_to_see(found)
        return found

    def connect(self, found: Target, deadline: Deadline) -> socket.socket:
        """A connection to one of the target's addresses, after all of them have been checked.

        The name is looked up once: no second answer can lead anywhere else (DNS rebinding).

        Raises:
            ForbiddenTargetError: if any of them is not public, or as `target` does, so that none
                can be made elsewhere.
            OutboundError: if none answers in time.
        """
        checked = self.checked_addresses(found, deadline)
        failure: OSError | None = None
        for n, address in enumerate(checked):
            # An address that swallows everything must leave time for the next one.
            share_s = deadline.left_s() / (len(checked) - n)
            try:
                return self._dial(address, found.port, share_s)
            except OSError as error:
                failure = error
        raise _fault(found, deadline, failure) from failure

    def checked_addresses(self, found: Target, deadline: Deadline) -> list[str]:
        """The target's addresses; one that is not public refuses them all, since whoever answers
        with a good one and a bad one means the bad one.

        Raises:
            ForbiddenTargetError: if any is not public, and the host is not allowed by name.
            NameNotFoundError, LookupFailedError, TimedOutError: if there are none.
        """
        if _is_literal(found.host):
            known = [found.host]
        else:
            known = list(dict.fromkeys(self._looked_up(found, deadline)))
        if found.host not in self._allow:
            self._refuse_what_is_plain_to_see(found)
            for address in known:
                why = addresses.refusal(address)
                if why is not None:
                    target.refuse(found.host, why)
        return known[:MAX_ADDRESSES]

    def _refuse_what_is_plain_to_see(self, found: Target) -> None:
        if found.scheme not in self._schemes:
            target.refuse(found.host, "it must be asked by https, or be in the list of the allowed")
        own_ports = [target.PORTS[scheme] for scheme in self._schemes]
        if found.port < FIRST_FREE_PORT and found.port not in own_ports:
            target.refuse(found.host, f"port {found.port} is not one of a web server")
        if found.host.rpartition(".")[2] == "localhost":
            target.refuse(found.host, "it is this machine (RFC 6761)")
        why = addresses.refusal(found.host) if _is_literal(found.host) else None
        if why is not None:
            target.refuse(found.host, why)

    def _looked_up(self, found: Target, deadline: Deadline) -> Sequence[str]:
        """getaddrinfo knows no timeout, so a thread of its own waits for it, to the end if need
        be; a request does not."""
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


def _fault(found: Target, deadline: Deadline, failure: OSError | None) -> OutboundError:
    if isinstance(failure, TimeoutError):
        return deadline.passed()
    if isinstance(failure, ConnectionRefusedError):
        return ConnectionRefusedByHostError(host=found.host, port=found.port)
    return UnreachableError(host=found.host, port=found.port)
