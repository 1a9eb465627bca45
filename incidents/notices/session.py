"""The session: one talk with a mail server, which ends in time whatever the server does."""

from __future__ import annotations

import smtplib
import socket
import ssl
import time
from collections.abc import Sequence
from contextlib import suppress
from email.message import EmailMessage
from threading import Timer

Refused = dict[str, tuple[int, bytes]]
"""Addresses, each with the server's answer to it."""

_READY = 220
_LEAST_S = 0.1
_FAREWELL_S = 1.0


class Session:
    """A talk of at most `within_s` seconds, over one connection.

    The socket's own timeout begins anew with each byte; so at the end of the time somebody else
    ends the connection, and whoever waits for the server sees that it is gone.
    """

    def __init__(self, within_s: float) -> None:
        self._until = time.monotonic() + within_s
        self._client: _Client | None = None
        self._watch = Timer(within_s, self._end)
        self._watch.daemon = True

    @property
    def is_late(self) -> bool:
        """Whether the time is over: what broke then broke because of it, whoever saw it first."""
        return time.monotonic() >= self._until

    def open(self, host: str, port: int, *, own_name: str, tls: ssl.SSLContext | None) -> None:
        """Connect, over TLS from the start if there is a context for it; raises as smtplib does."""
        self._watch.start()
        self._client = _Client(own_name, self._left(), tls)
        code, _ = self._client.begin(host, port)
        if code != _READY:
            raise smtplib.SMTPConnectError(code, "")

    def start_tls(self, context: ssl.SSLContext | None) -> None:
        """Go over to TLS (RFC 3207), and never on without it; raises as smtplib does."""
        self._ready().starttls(context=context)

    def log_in(self, user: str, password: str) -> None:
        """Say who we are (RFC 4954); raises as smtplib does."""
        self._ready().login(user, password)

    def send(self, mail: EmailMessage, sender: str, to: Sequence[str]) -> Refused:
        """Hand the mail over; which recipients were refused. Raises as smtplib does."""
        client = self._ready()
        refused: Refused = client.send_message(mail, sender, list(to))
        # It is taken: whatever comes of the farewell changes nothing.
        with suppress(OSError, smtplib.SMTPException):
            client.settle(_FAREWELL_S)
            client.quit()
        return refused

    def give_up(self) -> None:
        """Let the connection go."""
        self._watch.cancel()
        if self._client is not None:
            self._client.close()

    def _ready(self) -> _Client:
        assert self._client is not None, "the session is open"
        self._client.settle(self._left())
        return self._client

    def _left(self) -> float:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return max(left, _LEAST_S)

    def _end(self) -> None:
        client = self._client
        if client is not None and client.sock is not None:
            # The socket's own, not that of TLS, which would talk to the other side first.
            with suppress(OSError):
                socket.socket.shutdown(client.sock, socket.SHUT_RDWR)


class _Client(smtplib.SMTP):
    """smtplib's client; what it greets the server with is no name of this machine."""

    def __init__(self, own_name: str, timeout_s: float, tls: ssl.SSLContext | None) -> None:
        super().__init__(local_hostname=own_name, timeout=timeout_s)
        self._tls = tls

    def begin(self, host: str, port: int) -> tuple[int, bytes]:
        """Connect; what the server greets with."""
        # smtplib takes the name that a certificate must bear from here.
        self._host = host
        return self.connect(host, port)

    def settle(self, timeout_s: float) -> None:
        """So long it waits for a single answer from now on."""
        if self.sock is not None:
            self.sock.settimeout(timeout_s)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        """What smtplib asks for a connection."""
        opened = _connected(host, port, timeout)
        if self._tls is None:
            return opened
        try:
            return self._tls.wrap_socket(opened, server_hostname=host)
        except BaseException:
            opened.close()
            raise


def _connected(host: str, port: int, within_s: float) -> socket.socket:
    """A connection to the first of the host's addresses that answers; all share the time."""
    until = time.monotonic() + within_s
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    failure: OSError = ConnectionError("the host has no address")
    for left, (*_, address) in zip(range(len(found), 0, -1), found, strict=True):
        share_s = max(_LEAST_S, (until - time.monotonic()) / left)
        try:
            return socket.create_connection((str(address[0]), port), share_s)
        except OSError as error:
            failure = error
    raise failure
