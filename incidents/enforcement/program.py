"""The adapter `exec`: a program of the operator, with the order on its standard input.

The command has exactly the arguments in the settings. The program receives an order as JSON, never
as an argument, a variable or shell text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

from incidents.enforcement import process
from incidents.enforcement.port import Adapter, Delivered, Failed, Order, Outcome, Retry, State
from incidents.errors import Cause
from incidents.settings.options import Options

DEFAULT_TIMEOUT = timedelta(seconds=10)
# An attempt has 20 seconds, and ending a program that ignores SIGTERM takes one more.
MAX_TIMEOUT = timedelta(seconds=18)

# From BSD's sysexits.h, by which many programs report the kind of failure.
EX_USAGE, EX_DATAERR, EX_NOPERM, EX_CONFIG = 64, 65, 77, 78
EX_TEMPFAIL = 75

_PERMANENT = frozenset({EX_USAGE, EX_DATAERR, EX_NOPERM, EX_CONFIG})
_RETRY_AFTER = re.compile(r"retry-after:\s*(\d{1,6})", re.ASCII | re.IGNORECASE)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """The program that carries out orders, and the program that reports a site's state, if any."""

    name: str
    command: tuple[str, ...]
    state_command: tuple[str, ...]
    timeout: timedelta
    environment: Mapping[str, str]
    folder: Path

    def deliver(self, order: Order) -> Outcome:
        """Run the program once, with the order."""
        ended = self._run(self.command, order.document() | {"attempt": order.attempt})
        detail = ended.detail or (ended.errors[-1] if ended.errors else None)
        if ended.problem is None:
            return Delivered()
        if ended.status in _PERMANENT:
            return Failed(problem=ended.problem, detail=detail)
        # A missing program is retried: it may be being reinstalled, and otherwise every order of
        # that minute would need a person.
        return Retry(problem=ended.problem, after=_retry_after(ended), detail=detail)

    def state(self, site: str) -> State | None:
        """The state that the state program prints; None for any other output, or without one."""
        if not self.state_command:
            return None
        ended = self._run(self.state_command, {"kind": "state", "site": site})
        if ended.problem is not None or len(ended.lines) != 1:
            return None
        states: dict[str, State] = {state: state for state in get_args(State)}
        return states.get(ended.lines[0])

    def missing(self) -> str | None:
        """A sentence about a missing or unusable folder or program; None if there is none."""
        for each in (self.command, self.state_command):
            why = each and process.missing(each, folder=self.folder, environment=self.environment)
            if why:
                return why
        return None

    def _run(self, program: tuple[str, ...], document: Mapping[str, Any]) -> process.Completed:
        return process.run(
            program,
            timeout_s=self.timeout.total_seconds(),
            given=json.dumps(document).encode() + b"\n",
            folder=self.folder,
            environment=self.environment,
        )


def make(name: str, options: Options) -> Adapter:
    """The adapter of type `exec`, with the given name.

    Raises:
        SettingError, UnknownSettingError: naming the key and its requirement.
    """
    made = Program(
        name=name,
        command=process.needed_command(options, "command"),
        state_command=process.command_words(options, "state_command"),
        timeout=options.duration(
            "timeout", DEFAULT_TIMEOUT, least=timedelta(seconds=1), most=MAX_TIMEOUT
        ),
        environment=_environment(options),
        folder=process.absolute_folder(options),
    )
    options.finish()
    return made


def _environment(options: Options) -> dict[str, str]:
    found = options.strings("environment")
    for variable, value in found.items():
        if not _VARIABLE.fullmatch(variable) or "\0" in value:
            raise options.wrong(
                "environment",
                Cause.of("must_environment", "a table of texts under names such as API_HOST"),
            )
    return found


def _retry_after(ended: process.Completed) -> timedelta | None:
    if ended.status != EX_TEMPFAIL:
        return None
    waits = [found for line in ended.lines if (found := _RETRY_AFTER.fullmatch(line))]
    return timedelta(seconds=int(waits[-1][1])) if waits else None
