"""The program's log: structured lines on standard error, without personal data.

The lines are JSON if standard error is not a terminal, otherwise coloured text. Importing structlog
takes longer than an action, so it is imported for the first line.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import MutableMapping
from typing import Any

Facts = MutableMapping[str, Any]

SAFE_KEYS = frozenset({
    "attempts", "batch", "cause", "count", "database", "deadline", "decided_at", "digest",
    "drift_s", "due", "duration_ms", "duration_s", "duty", "error", "event", "events", "file",
    "had", "incident", "incidents", "item", "kind", "late_s", "left_down", "left_down_more",
    "level", "limit", "logger", "n", "next_due", "now", "opened", "opened_more", "order", "orders",
    "pid", "policy", "previous", "problem", "process", "reason", "refusal", "rule", "run", "seq",
    "signal", "site", "site_id", "sites", "state", "state_from", "state_to", "taken_down",
    "taken_down_more", "task", "timestamp", "until", "version", "wait_s", "worker", "wrong",
})  # fmt: skip
"""The permitted facts in a line: names, numbers, times and codes; nothing that people typed."""

MAX_CHARACTERS = 1_000
"""The longest value: a database's address, the answers of its hosts, and the remedy fit in."""


class Logger:
    """A writer of lines under one name; it has no state, so it can be created at import."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def info(self, event: str, **facts: Any) -> None:
        """Log a completed action."""
        self._write("info", event, facts)

    def warning(self, event: str, **facts: Any) -> None:
        """Log a condition that a person should check."""
        self._write("warning", event, facts)

    def error(self, event: str, **facts: Any) -> None:
        """Log a failure."""
        self._write("error", event, facts)

    def _write(self, level: str, event: str, facts: dict[str, Any]) -> None:
        getattr(_structured(), level)(event, logger=self._name, **facts)


def logger(name: str) -> Logger:
    """Return the logger of a part of the program: `logger("daemon")`."""
    return Logger(name)


def adopt_library_logs(level: int = logging.WARNING) -> None:
    """Write lines from libraries' standard `logging` to this log.

    Only the template in the library's code is kept, because its arguments may contain personal
    data.
    """
    root = logging.getLogger()
    root.handlers[:] = [_LibraryHandler()]
    root.setLevel(level)


class _LibraryHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        facts: dict[str, Any] = {"logger": record.name}
        if record.exc_info and record.exc_info[0] is not None:
            facts["error"] = record.exc_info[0].__name__
        level = "error" if record.levelno >= logging.ERROR else "warning"
        if record.levelno < logging.WARNING:
            level = "info"
        getattr(_structured(), level)(str(record.msg), **facts)


def drop_unsafe(_logger: object, _method: str, facts: Facts) -> Facts:
    """Drop every fact whose key is not known to be safe, and list the dropped keys.

    An exception is reduced to its type, because its text may quote the row that caused it.
    """
    safe: Facts = {}
    withheld: list[str] = []
    for key, value in facts.items():
        if key in SAFE_KEYS:
            safe[key] = _value(value)
        else:
            withheld.append(key)
    if withheld:
        safe["withheld"] = sorted(withheld)
    return safe


def _value(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, BaseException):
        return type(value).__name__
    if isinstance(value, type):
        return value.__name__
    if isinstance(value, list | tuple):
        return [_value(item) for item in value]
    text = str(value)
    return text if len(text) <= MAX_CHARACTERS else text[: MAX_CHARACTERS - 1] + "…"


def _stamped(_logger: object, _method: str, facts: Facts) -> Facts:
    from incidents import clock

    facts["timestamp"] = clock.rfc3339(clock.now())
    return facts


def _structured() -> Any:
    import structlog

    if not structlog.is_configured():
        structlog.configure(
            processors=[
                structlog.processors.add_log_level,
                _stamped,
                drop_unsafe,
                _rendered,
            ],
            # Looked up for each line: standard error may have been redirected. One write for a line
            # and its end, or lines of the journal would come between.
            logger_factory=lambda *_: structlog.WriteLogger(sys.stderr),
            cache_logger_on_first_use=False,
        )
    return structlog.get_logger()


def _rendered(named: object, method: str, facts: Facts) -> str:
    import structlog

    if sys.stderr.isatty():
        console = structlog.dev.ConsoleRenderer(colors="NO_COLOR" not in os.environ)
        return str(console(named, method, facts))
    return str(structlog.processors.JSONRenderer(ensure_ascii=False)(named, method, facts))
