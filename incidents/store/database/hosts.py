"""The hosts of a PostgreSQL database: which of them to connect to, and which are silent.

libpq tries all hosts in their order each time, and waits for each. Here a host that did not answer
lately is tried last, and not at all if another host has answered.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from contextlib import suppress
from threading import Lock
from time import monotonic
from typing import Any

from psycopg import OperationalError
from psycopg.errors import ConnectionTimeout

from incidents.store.server_connection import ServerConnection

Parameters = Mapping[str, Any]
"""The parameters of a connection, as libpq names them."""

_PER_HOST = ("host", "hostaddr", "port")
_SILENT_FOR_S = 10.0
ANSWER_S = 2.0
# How long an answer of a host is news.
_FRESH_S = 1.0
# PostgreSQL's SSLRequest, which a server answers with one byte before anybody signs in.
_QUESTION = bytes.fromhex("00000008 04d2162f")


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
        failures: list[tuple[str, OperationalError]] = []
        for passes in _passes(parameters):
            hosts = sorted(_each_host(passes), key=self._is_silent)
            for host in hosts:
                # A silent host costs seconds, in which another may begin to lead.
                if self._is_silent(host) and failures and not _are_silent(failures):
                    continue
                try:
                    return self._connect(host)
                except OperationalError as error:
                    failures.append((_name(host), error))
        if len(failures) == 1:
            raise failures[0][1]
        told = "; ".join(f"{name}: {_reason(error)}" for name, error in failures)
        raise OperationalError(f"connection failed: {told}") from failures[-1][1]

    def _connect(self, host: Parameters) -> ServerConnection:
        try:
            connection = ServerConnection.connect(**host)
        except ConnectionTimeout:
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

    def _answers(self, host: Parameters, address: tuple[str, int]) -> bool:
        key = _key(host)
        # All threads that wait for the host ask at once.
        with self._lock:
            at, answered = self._answered.get(key, (0.0, False))
            if at and monotonic() - at < _FRESH_S:
                return answered
            answered = answers(*address)
            self._answered[key] = monotonic(), answered
            if not answered:
                self._silent[key] = monotonic()
        return answered


def answers(host: str, port: int) -> bool:
    """Whether a server answers at an address, or in the folder of a Unix socket."""
    is_local = host.startswith(("/", "@"))
    family = socket.AF_UNIX if is_local else socket.AF_INET6 if ":" in host else socket.AF_INET
    where: Any = _socket_file(host, port) if is_local else (host, port)
    with suppress(OSError), socket.socket(family) as asking:
        asking.settimeout(ANSWER_S)
        asking.connect(where)
        asking.sendall(_QUESTION)
        return bool(asking.recv(1))
    return False


def _socket_file(folder: str, port: int) -> str:
    file = f"{folder}/.s.PGSQL.{port}"
    # An abstract name begins with a zero byte.
    return f"\0{file[1:]}" if file.startswith("@") else file


def _passes(parameters: Parameters) -> list[Parameters]:
    """The parameters for each pass over the hosts: a preference takes two."""
    if parameters.get("target_session_attrs") != "prefer-standby":
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


def _name(host: Parameters) -> str:
    name, port = host.get("host") or host.get("hostaddr") or "", host.get("port")
    return f"{name}:{port}" if port else str(name)


def _are_silent(failures: list[tuple[str, OperationalError]]) -> bool:
    return all(isinstance(error, ConnectionTimeout) for _, error in failures)


def _reason(error: OperationalError) -> str:
    return " ".join(str(error).split()).removeprefix("connection failed: ")
