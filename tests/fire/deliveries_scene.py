"""The scene of deliveries: the daemons, the receiver and the operator, each a process."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.acceptance.daemons import PATIENCE_S, environment
from tests.fire.nursery import Nursery

SECRET = "whsec_c2lnbmVkIGZvciB0aGUgcmVjZWl2ZXIgdW5kZXIgZmlyZQ=="

_ROOT = Path(__file__).parents[2]
_PORTS = range(20_000, 30_000)
"""None that the machine gives to a connection that goes out."""


def settings(folder: Path, port: int) -> dict[str, str]:
    """Writes the settings file; the variables that name it."""
    file = folder / "config.toml"
    file.write_text(
        f"""
[acts]
adapter = "panel"
give_up_after = "30d"

[acts.panel]
type = "webhook"
url = "http://127.0.0.1:{port}/orders"
secret = "{SECRET}"
allow = ["127.0.0.1"]
timeout = "1s"
"""
    )
    return {"INCIDENTS_CONFIG": str(file)}


def free_port() -> int:
    """A port that nobody listens at."""
    while True:
        port = random.choice(_PORTS)
        with socket.socket() as trial:
            try:
                trial.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


@contextmanager
def nursery(variables: Mapping[str, str]) -> Iterator[Nursery]:
    """A nursery whose children have these variables, and live by their clock from the beginning."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        made = Nursery()
    finally:
        os.environ.clear()
        os.environ.update(before)
    with made:
        yield made


class Programs:
    """Modules of the tests, run as processes; what is left of them is killed with `stack`."""

    def __init__(
        self, url: str, variables: Mapping[str, str], folder: Path, stack: ExitStack
    ) -> None:
        self._environment = environment(url, variables)
        self._folder = folder
        self._stack = stack

    def of(self, module: str, *words: str) -> Program:
        """One of them, which is not started yet."""
        line = [sys.executable, "-m", f"tests.fire.{module}", *words]
        made = Program(line, self._environment, self._folder / f"{module}.log")
        self._stack.callback(made.kill)
        return made


class Program:
    """One process after the other; what they write goes into one file."""

    def __init__(self, words: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self._words, self._environment, self._log = words, environment, log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *more: str) -> None:
        """Begin, with more words."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self._words, *more], env=self._environment, cwd=_ROOT, stdout=log, stderr=log
            )

    @property
    def status(self) -> int | None:
        """How it has ended; None while it runs."""
        assert self._process is not None
        return self._process.poll()

    def end(self, by: signal.Signals = signal.SIGKILL) -> int:
        """Send the signal and wait; the exit status, negative for a signal."""
        assert self._process is not None
        self._process.send_signal(by)
        return self._process.wait(PATIENCE_S)

    def kill(self) -> None:
        """Kill it if it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def told(self) -> dict[str, int]:
        """The last line that it wrote."""
        found: dict[str, int] = json.loads(self._log.read_text().splitlines()[-1])
        return found

    def text(self) -> str:
        """All that it wrote."""
        return self._log.read_text()
