"""The web server's socket: what it hands to those who come in, and how many keep others out."""

import http.client
import socket
import threading
from contextlib import ExitStack
from typing import Any

from incidents.system import web_server
from incidents.system.web_server import _listening_on
from tests.patience import PATIENCE_S


def test_an_answer_in_two_parts_does_not_wait_to_be_acknowledged() -> None:
    with _listening_on("127.0.0.1", 0) as opened:
        client = socket.create_connection(opened.getsockname(), timeout=PATIENCE_S)
        accepted, _ = opened.accept()
        with client, accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


async def _answer(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"here"})


def test_a_thousand_silent_connections_keep_nobody_out() -> None:
    web_server._raise_limit_of_files()
    server = web_server._server(_answer, "console", 1_000, lambda: None)
    with _listening_on("127.0.0.1", 0) as opened, ExitStack() as silent:
        host, port = opened.getsockname()
        thread = threading.Thread(target=server.run, args=[[opened]])
        thread.start()
        try:
            for _ in range(1_005):
                silent.enter_context(socket.create_connection((host, port), timeout=PATIENCE_S))
            client = http.client.HTTPConnection(host, port, timeout=PATIENCE_S)
            client.request("GET", "/")
            assert client.getresponse().status == 200
            client.close()
        finally:
            server.should_exit = True
            thread.join(PATIENCE_S)
        assert not thread.is_alive()
