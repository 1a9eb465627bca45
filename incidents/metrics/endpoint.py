"""The endpoint /metrics over HTTP, for scrapes only.

What the library's own server leaves open is closed here: it would ask for this machine's name
before it begins, keep a thread for each client that says nothing, and write tracebacks.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from socketserver import TCPServer, ThreadingMixIn
from threading import BoundedSemaphore, Timer
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, make_wsgi_app

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PATH = "/metrics"
MOST_AT_ONCE = 8
"""So many are answered at a time; who comes beyond that is turned away."""

_CLIENT_S = 5.0
_LOOK_S = 0.5
_TEXT = ("Content-Type", "text/plain; charset=utf-8")


class Endpoint(ThreadingMixIn, WSGIServer):
    """Serves what is registered, until it is told to stop; `fault` is told of what goes wrong here.

    Raises:
        OSError: if the address cannot be listened on.
    """

    daemon_threads = True
    timeout = _LOOK_S

    def __init__(
        self,
        address: tuple[str, int],
        registry: CollectorRegistry,
        *,
        fault: Callable[[BaseException], object],
    ) -> None:
        host, port = address
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        self.address_family, *_, place = found[0]
        self._fault = fault
        self._free = BoundedSemaphore(MOST_AT_ONCE)
        super().__init__(place, _Quiet)  # type: ignore[arg-type]  # an IPv6 address has four parts
        self.set_app(_application(make_wsgi_app(registry), fault))

    def run(self, stopped: Callable[[], bool]) -> None:
        """Answer until `stopped`, which is asked twice a second."""
        while not stopped():
            self.handle_request()

    def server_bind(self) -> None:
        """As the class before HTTPServer does, which would look this machine's name up."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]
        self.setup_environ()

    def process_request(self, request: Any, client_address: Any) -> None:
        """In a thread of its own, if one is free."""
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._free.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """That thread."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """A client that has gone away, or takes too long, is nothing to tell of."""
        error = sys.exception()
        if error is not None and not isinstance(error, OSError):
            self._fault(error)


class _Quiet(WSGIRequestHandler):
    timeout = _CLIENT_S

    def setup(self) -> None:
        """The time is for the whole head: else a byte now and then would hold a thread for ever."""
        super().setup()
        self._end = Timer(_CLIENT_S, self._cut_off)
        self._end.daemon = True
        self._end.start()

    def parse_request(self) -> bool:
        """From here on it is this server that is waited for."""
        try:
            return super().parse_request()
        finally:
            self._end.cancel()

    def finish(self) -> None:
        self._end.cancel()
        super().finish()

    def _cut_off(self) -> None:
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_: Any) -> None:
        """Nothing: a scrape is no news."""


def _application(
    metrics: Callable[..., Any], fault: Callable[[BaseException], object]
) -> WSGIApplication:
    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] != PATH:
            start_response("404 Not Found", [_TEXT])
            return [f"the metrics are at {PATH}\n".encode()]
        try:
            found: Iterable[bytes] = metrics(environ, start_response)
        except Exception as error:  # noqa: BLE001 - the server's own way would be a traceback
            fault(error)
            start_response("500 Internal Server Error", [_TEXT])
            return [b"a fault in this program\n"]
        return found

    return answer
