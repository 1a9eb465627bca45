"""The HTTP endpoint /metrics, only for scrapes.

Unlike the library's server, it does not look up this machine's name at the start, keep a thread for
each silent client, or write tracebacks.
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
MAX_CONCURRENT = 8
"""The maximum number of concurrent requests; the connections of further requests are closed."""

_CLIENT_S = 5.0
_LOOK_S = 0.5
_TEXT = ("Content-Type", "text/plain; charset=utf-8")


class Endpoint(ThreadingMixIn, WSGIServer):
    """The server of the registered metrics; `fault` is called with errors.

    Raises:
        OSError: if the server cannot listen on the address.
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
        self._free = BoundedSemaphore(MAX_CONCURRENT)
        super().__init__(place, _Handler)  # type: ignore[arg-type]  # IPv6 has four parts
        self.set_app(_application(make_wsgi_app(registry), fault))

    def run(self, stopped: Callable[[], bool]) -> None:
        """Serve until `stopped` returns True; it is called twice a second."""
        while not stopped():
            self.handle_request()

    def server_bind(self) -> None:
        """Bind without HTTPServer's look-up of this machine's name."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]
        self.setup_environ()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Process the request in a thread of its own, if a thread is free."""
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._free.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Process the request, and release the thread."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """Ignore a client that has disconnected or is too slow; report any other error."""
        error = sys.exception()
        if error is not None and not isinstance(error, OSError):
            self._fault(error)


class _Handler(WSGIRequestHandler):
    timeout = _CLIENT_S

    def setup(self) -> None:
        """Limit the time for a request's head, so that no slow client can occupy a thread."""
        super().setup()
        self._end = Timer(_CLIENT_S, self._cut_off)
        self._end.daemon = True
        self._end.start()

    def parse_request(self) -> bool:
        """Parse the request's head, and end the time limit, because now the client waits."""
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
        """Log nothing, because scrapes are frequent."""


def _application(
    metrics: Callable[..., Any], fault: Callable[[BaseException], object]
) -> WSGIApplication:
    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] != PATH:
            start_response("404 Not Found", [_TEXT])
            return [f"the metrics are at {PATH}\n".encode()]
        try:
            found: Iterable[bytes] = metrics(environ, start_response)
        except Exception as error:  # noqa: BLE001 - the server would print a traceback
            fault(error)
            start_response("500 Internal Server Error", [_TEXT])
            return [b"a fault in this program\n"]
        return found

    return answer
