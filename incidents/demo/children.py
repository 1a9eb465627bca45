"""The programs of the demonstration: real processes, which end with this one however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from incidents.errors import IncidentsError
from incidents.system.parent_process import die_with

STOP_S = 8.0
"""How long a program may take to stop; then it is killed."""

_LOOK_S = 0.05
_MOST_LINES = 5


class ProgramEndedError(IncidentsError):
    """{program} ended by itself (status {status}): {told}"""


class Children:
    """Programs that run until the end of a `with` block, which stops them, the last one first.

    `folder`: for their logs. `environment`: theirs, and no other variable.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder, self._environment = folder, environment
        self._running: list[tuple[str, subprocess.Popen[str]]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:  # fmt: skip
        while self._running:
            _stop(self._running.pop()[1])

    def start(self, *words: str) -> None:
        """Start `incidents` with these words; what it logs goes to a file of its first word."""
        with self._log(words[0]).open("w", encoding="utf-8") as log:
            process = subprocess.Popen(
                [*_program(), *words],
                env=dict(self._environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                # Ctrl-C reaches this process alone, which stops the others.
                process_group=0,
                preexec_fn=partial(die_with, os.getpid(), words[0]),  # noqa: PLW1509 - see the docs
            )
        self._running.append((words[0], process))

    def first_line(self, otherwise: Sequence[Sequence[str]] = ()) -> str:
        """Wait for the first line that the latest program prints, and return it.

        `otherwise`: the words with which to start it instead each time that it ends before.

        Raises:
            ProgramEndedError: if it has ended each time.
        """
        _, process = self._running[-1]
        assert process.stdout is not None
        line = process.stdout.readline().strip()
        if line:
            return line
        process.wait()
        if not otherwise:
            self.check()
        _stop(self._running.pop()[1])
        self.start(*otherwise[0])
        return self.first_line(otherwise[1:])

    def check(self) -> None:
        """Check that all programs run; raises ProgramEndedError with what one said at its end."""
        for program, process in self._running:
            if (status := process.poll()) is not None:
                told = self._log(program).read_text(encoding="utf-8", errors="replace")
                last = " / ".join(told.strip().splitlines()[-_MOST_LINES:])
                raise ProgramEndedError(program=f"incidents {program}", status=status, told=last)

    def _log(self, program: str) -> Path:
        return self._folder / f"{program}.log"


def _program() -> Sequence[str]:
    # -P: a folder with a file incidents.py, in which somebody starts this, is not imported from.
    return [sys.executable, "-P", "-m", "incidents"]


def _stop(process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + STOP_S
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    while process.poll() is None and time.monotonic() < until:
        time.sleep(_LOOK_S)
    if process.poll() is None:
        process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()
