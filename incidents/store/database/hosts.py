"""The hosts of a PostgreSQL database: which of them to connect to, and which are silent.

libpq tries all hosts in their order each time, and waits for each. Here all are asked at once, when
their names are resolved, whether they answer, and those that do are tried first. A host that did
not answer an attempt lately is not tried at all if another one has answered.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector
from threading import Lock
from time import monotonic
from typing import Any

from psycopg import OperationalError
from psycopg.errors import ConnectionTimeout

from incidents.store.postgresql.server_connection import ServerConnection

Parameters = Mapping[str, Any]
"""The parameters of a connection, as libpq names them."""

Address = tuple[str, int]
"""A name or number of a host, or the folder of a Unix socket, with the port."""

_PER_HOST = ("host", "hostaddr", "port")
_SILENT_FOR_S = 10.0
# An attempt that fails so late has had no answer, whatever the kernel makes of it.
_LATE_S = 1.0
ANSWER_S = 2.0
# How long to wait for the others when one host has answered.
_OTHERS_S = 0.2
_PORT = 5432
# PostgreSQL's GSSENCRequest, which a server answers with one byte before anybody signs in. After
# an SSLRequest it would log that the handshake was broken off.
_QUESTION = bytes.fromhex("00000008 04d21630")


class Hosts:
    """The hosts of a database, as one process has found them."""

    def __init__(self) -> None:
        self._silent: dict[tuple[Any, ...], float] = {}
        self._answered: dict[tuple[Any, ...], tuple[float, bool]] = {}
        self._lock = Lock()

    def connect(self, parameters: Parameters) -> ServerConnection:
        """Connect to the first host that answers, and has the role that is wanted.

        Raises:
            OperationalError: naming what each host has answered.
        """
        failures, any_answer = list[tuple[str, OperationalError]](), False
        for passes in _passes(parameters):
            for host in self._in_order(list(_each_host(passes))):
                # A silent host costs seconds, in which another may begin to lead.
                if self._is_silent(host) and any_answer:
                    continue
                try:
                    return self._connect(host)
                except OperationalError as error:
                    any_answer = any_answer or not self._is_silent(host)
                    failures.append((_name(host), error))
        if len(failures) == 1:
            raise failures[0][1]
        told = "; ".join(f"{name}: {_reason(error)}" for name, error in failures)
        raise OperationalError(f"connection failed: {told}") from failures[-1][1]

    def _in_order(self, hosts: list[Parameters]) -> list[Parameters]:
        if len(hosts) == 1:
            return hosts
        found = answering([_address(host) for host in hosts])
        for host in hosts:
            if _address(host) in found:
                self._silent.pop(_key(host), None)
        return sorted(hosts, key=lambda host: (self._is_silent(host), _address(host) not in found))

    def _connect(self, host: Parameters) -> ServerConnection:
        began = monotonic()
        try:
            connection = ServerConnection.connect(**host)
        except OperationalError as error:
            if isinstance(error, ConnectionTimeout) or monotonic() - began > _LATE_S:
                self._silent[_key(host)] = monotonic()
            raise
        self._silent.pop(_key(host), None)
        pgconn = connection.pgconn
        # As resolved: a name server may be silent, too.
        address = (pgconn.hostaddr or pgconn.host).decode(), int(pgconn.port or 0)
        connection.answers = lambda: self._answers(host, address)
        return connection

    def _is_silent(self, host: Parameters) -> bool:
        since = self._silent.get(_key(host))
        return since is not None and monotonic() - since < _SILENT_FOR_S

    def _answers(self, host: Parameters, address: Address) -> bool:
        key, asked = _key(host), monotonic()
        # Threads that ask at the same time share a question; the next question is another.
        with self._lock:
            at, answered = self._answered.get(key, (0.0, False))
            if at >= asked:
                return answered
            answered = bool(answering([address]))
            self._answered[key] = monotonic(), answered
            if answered:
                self._silent.pop(key, None)
            else:
                self._silent[key] = monotonic()
        return answered


def answering(addresses: Sequence[Address]) -> list[Address]:
    """Those addresses at which a server answers, asked all at once, the first to answer first."""
    found: list[Address] = []
    until = monotonic() + ANSWER_S
    with ExitStack() as stack, DefaultSelector() as selector:
        for address in addresses:
            with suppress(OSError):
                selector.register(stack.enter_context(_asking(address)), EVENT_WRITE, address)
        while selector.get_map() and (left_s := until - monotonic()) > 0:
            happened = selector.select(left_s)
            for key, event in happened:
                asking: Any = key.fileobj
                is_over = event & EVENT_READ
                try:
                    if not is_over:
                        asking.sendall(_QUESTION)
                        selector.modify(asking, EVENT_READ, key.data)
                    elif asking.recv(1):
                        found.append(key.data)
                        until = min(until, monotonic() + _OTHERS_S)
                except OSError:
                    is_over = True
                if is_over:
                    selector.unregister(asking)
            if not happened:
                break
    return found


def _asking(address: Address) -> socket.socket:
    """A socket that begins to connect to the address."""
    host, port = address
    where: Any = _socket_file(host, port)
    family: int = socket.AF_UNIX
    if not host.startswith(("/", "@")):
        family, _, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    asking = socket.socket(family)
    asking.setblocking(False)
    asking.connect_ex(where)
    return asking


def _socket_file(folder: str, port: int) -> str:
    file = f"{folder}/.s.PGSQL.{port}"
    # An abstract name begins with a zero byte.
    return f"\0{file[1:]}" if file.startswith("@") else file


def _passes(parameters: Parameters) -> list[Parameters]:
    """The parameters for each pass over the hosts: a preference takes two."""
    wanted = parameters.get("target_session_attrs") or os.environ.get("PGTARGETSESSIONATTRS")
    if wanted != "prefer-standby":
        return [parameters]
    return [{**parameters, "target_session_attrs": each} for each in ("standby", "any")]


def _each_host(parameters: Parameters) -> Iterator[Parameters]:
    """The parameters for one host after another, split as libpq does."""
    given = {name: str(parameters[name]).split(",") for name in _PER_HOST if parameters.get(name)}
    number = max((len(given[name]) for name in ("host", "hostaddr") if name in given), default=1)
    for n in range(number):
        # One port is for all hosts.
        yield dict(parameters) | {
            name: values[n if n < len(values) else -1] for name, values in given.items()
        }


def is_several(parameters: Parameters) -> bool:
    """Whether more than one host is named."""
    return any("," in str(parameters.get(name) or "") for name in ("host", "hostaddr"))


def _key(host: Parameters) -> tuple[Any, ...]:
    return tuple(host.get(name) for name in _PER_HOST)


def _address(host: Parameters) -> Address:
    name = host.get("hostaddr") or host.get("host") or ""
    return str(name), int(host.get("port") or os.environ.get("PGPORT") or _PORT)


def _name(host: Parameters) -> str:
    name, port = host.get("host") or host.get("hostaddr") or "", host.get("port")
    return f"{name}:{port}" if port else str(name)


def _reason(error: OperationalError) -> str:
    return " ".join(str(error).split()).removeprefix("connection failed: ")
