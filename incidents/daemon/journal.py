"""The journal of a daemon: its log, and its messages to the service manager, if any.

A log that cannot be written does not stop the daemon. The service manager is notified with the
protocol of sd_notify(3), but without its library.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from incidents import clock, installation, log
from incidents.app import App
from incidents.desk import Answer
from incidents.errors import IncidentsError
from incidents.machine.events import Event, OrderFailed
from incidents.store.database.access import open_to_others
from incidents.store.monitoring import Heartbeat
from incidents.values.ids import incident_id

_NAME = "daemon"
_DECIDED = "decided"

_log = log.logger(_NAME)
_encode = json.JSONEncoder(ensure_ascii=False).encode
# PIPE_BUF: a pipe does not mix a write of up to so many bytes with those of others.
_ATOMIC = 4_096


def info(sentence: str, **facts: Any) -> None:
    """Log a completed action."""
    # The disk is full, or the reader has gone away.
    with contextlib.suppress(OSError, ValueError):
        _log.info(sentence, **facts)


def warning(sentence: str, **facts: Any) -> None:
    """Log a condition that a person should check."""
    with contextlib.suppress(OSError, ValueError):
        _log.warning(sentence, **facts)


def error(sentence: str, **facts: Any) -> None:
    """Log an error that prevents the enforcement of deadlines."""
    with contextlib.suppress(OSError, ValueError):
        _log.error(sentence, **facts)


def started(app: App, me: Heartbeat) -> None:
    """Log the start of a daemon, and that others can read its database, if they can."""
    info("started", worker=me.daemon, pid=me.pid, version=installation.version())
    if reason := open_to_others(app.bare_engine):
        warning("the database is exposed to others", reason=reason)


def stopping(systemd: Systemd, received: int | None) -> None:
    """Report that a daemon is stopping, because of a signal or of a fatal error (None)."""
    systemd.stopping()
    info("stopping", signal=received and signal.Signals(received).name)


def stopped(me: Heartbeat, fatal: IncidentsError | None) -> None:
    """Log the end of a daemon, and raise the fatal error, if there is one."""
    info("stopped", worker=me.daemon)
    if fatal is not None:
        error("the daemon cannot continue", reason=fatal.message)
        raise fatal


def decided(answers: Iterable[Answer]) -> int:
    """Log one line for each decision; return the number of lines.

    The lines look like the lines of `info`, but are written together, because writing them one by
    one took a quarter of the time for the decisions. No fact in them is personal.
    """
    facts = [
        _facts(answer, seq, event)
        for answer in answers
        for seq, event in enumerate(answer.events, start=answer.first_seq)
    ]
    if _on_terminal():
        for each in facts:
            (warning if _needs_a_person(each) else info)(_DECIDED, **each)
    elif facts:
        common = {"logger": _NAME, "event": _DECIDED, "timestamp": clock.rfc3339(clock.now())}
        lines = (
            each | common | {"level": "warning" if _needs_a_person(each) else "info"}
            for each in facts
        )
        with contextlib.suppress(OSError, ValueError):
            for piece in _pieces(f"{_encode(line)}\n" for line in lines):
                sys.stderr.write(piece)
                sys.stderr.flush()
    return len(facts)


def _pieces(lines: Iterable[str]) -> Iterator[str]:
    """Join lines to pieces that no other process's lines can come between, if they are that short.

    The daemon's processes write to one pipe, or to the journal's socket.
    """
    piece, size = list[str](), 0
    for line in lines:
        more = len(line.encode())
        if piece and size + more > _ATOMIC:
            yield "".join(piece)
            piece, size = [], 0
        piece.append(line)
        size += more
    yield "".join(piece)


def _needs_a_person(facts: dict[str, Any]) -> bool:
    """Whether the decision is about an order that was given up, or held by the brake."""
    return bool(facts["kind"] == OrderFailed.kind)


def _on_terminal() -> bool:
    return sys.stderr.isatty()


def _facts(answer: Answer, seq: int, event: Event) -> dict[str, Any]:
    incident, site_id = getattr(event, "incident", None), answer.site_id or 0
    facts = {
        "kind": event.kind,
        "site": answer.site,
        "site_id": site_id,
        "seq": seq,
        "incident": None if incident is None else incident_id(site_id, incident),
        "problem": getattr(event, "problem", None),
        "rule": None if event.reason is None else event.reason.rule,
        "due": clock.rfc3339(event.occurred_at),
        "decided_at": clock.rfc3339(event.recorded_at),
        "late_s": round((event.recorded_at - event.occurred_at).total_seconds(), 3),
    }
    return {name: value for name, value in facts.items() if value is not None}


class Systemd:
    """Messages to the service manager."""

    def __init__(self, environ: Mapping[str, str] | None = None, pid: int | None = None) -> None:
        environ = os.environ if environ is None else environ
        self._address = environ.get("NOTIFY_SOCKET", "")
        # Inherited variables have the WATCHDOG_PID of another process.
        watched = environ.get("WATCHDOG_PID", "") in ("", str(os.getpid() if pid is None else pid))
        self._watchdog = watched and "WATCHDOG_USEC" in environ
        self._ready = False
        self._status = ""
        self.send: Callable[[str], object] = self._send
        """Sends a line; the manager may listen to a daemon's first process alone."""

    def ready(self) -> None:
        """Report that the start is complete; only the first call has an effect."""
        if not self._ready:
            self._ready = True
            self.send("READY=1")

    def feed_watchdog(self) -> None:
        """Feed the watchdog, if the service manager watches this process."""
        if self._watchdog:
            self.send("WATCHDOG=1")

    def extend_start(self, for_s: float) -> None:
        """Ask for more time, if the start is not complete yet."""
        if not self._ready:
            self.send(f"EXTEND_TIMEOUT_USEC={int(for_s * 1_000_000)}")

    def stopping(self) -> None:
        """Report that this process is stopping."""
        self.send("STOPPING=1")

    def status(self, text: str) -> None:
        """Set the text that `systemctl status` shows, if the text has changed."""
        if text != self._status:
            self._status = text
            self.send("STATUS=" + " ".join(text.split()))

    def _send(self, line: str) -> None:
        # A path, or with "@" a name in the abstract namespace; no other kind is local.
        if self._address[:1] not in ("/", "@"):
            return
        address = self._address.replace("@", "\0", 1) if self._address[0] == "@" else self._address
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as to,
        ):
            # A manager that does not read must not delay the clock.
            to.setblocking(False)
            to.sendto(line.encode(), address)
