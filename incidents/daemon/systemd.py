"""Systemd: what the service manager is told, when there is one; sd_notify(3) without its library.

A datagram of `KEY=value` lines goes to the Unix socket that NOTIFY_SOCKET names. Nothing here ever
fails: without a manager, or with one that has gone away, there is nobody to tell.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Mapping


class Systemd:
    """The service manager."""

    def __init__(self, environ: Mapping[str, str] | None = None, pid: int | None = None) -> None:
        environ = os.environ if environ is None else environ
        self._address = environ.get("NOTIFY_SOCKET", "")
        # WATCHDOG_PID is another process's when the variables were inherited.
        watched = environ.get("WATCHDOG_PID", "") in ("", str(os.getpid() if pid is None else pid))
        self._watchdog = watched and "WATCHDOG_USEC" in environ
        self._ready = False
        self._status = ""

    def ready(self) -> None:
        """The start is complete; said once."""
        if not self._ready:
            self._ready = True
            self._send("READY=1")

    def alive(self) -> None:
        """Feed the watchdog, if one is set on this process."""
        if self._watchdog:
            self._send("WATCHDOG=1")

    def waiting(self, for_s: float) -> None:
        """While the start is not complete: it may take that much longer from now."""
        if not self._ready:
            self._send(f"EXTEND_TIMEOUT_USEC={int(for_s * 1_000_000)}")

    def stopping(self) -> None:
        """The stop has begun."""
        self._send("STOPPING=1")

    def status(self, text: str) -> None:
        """What `systemctl status` shows; sent when it has changed."""
        if text != self._status:
            self._status = text
            self._send("STATUS=" + " ".join(text.split()))

    def _send(self, line: str) -> None:
        # A path, or with "@" a name in the abstract namespace; of other kinds none is local.
        if self._address[:1] not in ("/", "@"):
            return
        address = self._address.replace("@", "\0", 1) if self._address[0] == "@" else self._address
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as to,
        ):
            # A manager that does not read must not hold up the clock.
            to.setblocking(False)
            to.sendto(line.encode(), address)
