"""The web server's socket: what it hands to those who come in."""

import socket

from incidents.web_server import _listening_on
from tests.patience import PATIENCE_S


def test_an_answer_in_two_parts_does_not_wait_to_be_acknowledged() -> None:
    with _listening_on("127.0.0.1", 0) as opened:
        client = socket.create_connection(opened.getsockname(), timeout=PATIENCE_S)
        accepted, _ = opened.accept()
        with client, accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
