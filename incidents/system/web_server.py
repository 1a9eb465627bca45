"""The web server: runs an ASGI application as a process that listens until it is stopped."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from incidents import log
from incidents.errors import IncidentsError, LibraryError
from incidents.system.handed_socket import Handed

if TYPE_CHECKING:
    import uvicorn

    from incidents.system.workers import Serve
    from incidents.values.peer_address import Network

MAX_AT_ONCE = 64
"""The default limit of connections; further connections get the response 503."""

IDLE_S = 75
STOP_S = 5
_TICKS_A_SECOND = 10
_FILES = 8_192

_STOPPING = (signal.SIGTERM, signal.SIGINT)

Served = Callable[["Serve", socket.socket, Callable[[], bool]], object]
"""Calls the function with the socket, in this process or in copies of it."""


class NoServerError(LibraryError):
    """uvicorn is not installed, but this command needs it"""


class AddressError(IncidentsError):
    """cannot listen on {host} port {port}: {detail} (choose others with --host and --port)"""


def run(  # noqa: PLR0913 - what a server needs, by name
    app: Any,
    *,
    host: str,
    port: int,
    listening: Callable[[str], object],
    extra: str,
    at_once: int = MAX_AT_ONCE,
    proxies: Sequence[Network] = (),
    stopping: Callable[[], object] | None = None,
    served: Served = lambda serve, opened, _is_stopped: serve(opened),
) -> None:
    """Serve the application until SIGTERM or SIGINT; call `listening` with the open address.

    On a signal, `stopping` is called to end endless responses, and running requests are completed.
    `extra`: the extra of this program that installs uvicorn. `at_once`: the maximum number of
    connections. Connections from the `proxies` serve many people. `served` gets a function and the
    socket that it serves, to call it in this process or in copies of it, and whether a signal has
    come meanwhile.

    Raises:
        NoServerError: if uvicorn is not installed.
        AddressError: if nothing can listen there.
    """
    log.adopt_library_logs()
    _raise_limit_of_files()
    server = _server(app, extra, at_once, stopping or (lambda: None), proxies)

    def serve(opened: socket.socket) -> None:
        with _signals_stop(server):
            server.run(sockets=[opened])

    with _listening_on(host, port) as opened, _signals_stop(server):
        listening(_address(opened))
        served(serve, opened, lambda: server.should_exit)


def _server(
    app: Any, extra: str, at_once: int, stopping: Callable[[], object],
    proxies: Sequence[Network] = (),
) -> uvicorn.Server:  # fmt: skip
    try:
        import uvicorn

        from incidents.system import web_connection
    except ModuleNotFoundError as error:
        raise NoServerError(extra=extra) from error
    connections = web_connection.of(at_once, proxies)
    config = uvicorn.Config(
        app,
        lifespan="off", ws="none", http=connections, loop="asyncio", interface="asgi3",
        log_config=None, access_log=False, server_header=False, proxy_headers=False,
        limit_concurrency=at_once, timeout_keep_alive=IDLE_S, timeout_graceful_shutdown=STOP_S,
    )  # fmt: skip

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            self.handed = [each for each in sockets or () if isinstance(each, Handed)]
            await super().startup(sockets)

        async def on_tick(self, counter: int) -> bool:
            if counter % _TICKS_A_SECOND == 0:
                for each in self.handed:
                    each.beat()
                now = asyncio.get_running_loop().time()
                connections.peers.check_deadlines(self.server_state.connections, now)
            return await super().on_tick(counter)

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            stopping()
            await super().shutdown(sockets)

    return Server(config)


def _raise_limit_of_files() -> None:
    """Raise the limit of open files: each connection is one, and many systems start with 1,024."""
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if most == resource.RLIM_INFINITY else min(_FILES, most)
    if now != resource.RLIM_INFINITY and now < wanted:
        # A limit that cannot be changed stays.
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


@contextmanager
def _listening_on(host: str, port: int) -> Iterator[socket.socket]:
    try:
        family, *_, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        opened = socket.create_server(place[:2], family=family)
    except (OSError, ValueError) as error:
        detail = _why(error)
        raise AddressError(host=host, port=port, detail=detail) from error
    # An answer is sent as its head and its body. Else the second waits until the first has been
    # acknowledged, for which a client takes 40 ms; asyncio sees to it for its own sockets alone.
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with opened:
        yield opened


def _why(error: OSError | ValueError) -> str:
    number = getattr(error, "errno", None) or 0
    # The library adds the address to the system's words; the message already has it.
    return os.strerror(number) if number > 0 else getattr(error, "strerror", None) or str(error)


def _address(opened: socket.socket) -> str:
    host, port, *_ = opened.getsockname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextmanager
def _signals_stop(server: uvicorn.Server) -> Iterator[None]:
    """Make a signal that comes before uvicorn handles it stop the server too.

    Afterwards uvicorn raises the signal again, which must not end the process by a signal.
    """

    def stop(_number: int, _frame: object) -> None:
        server.should_exit = True

    before = {number: signal.signal(number, stop) for number in _STOPPING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
