"""The scene of deliveries: the daemons, the receiver and the operator, each a process."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from tests.nursery import Child, nursery_for

SECRET = "whsec_c2lnbmVkIGZvciB0aGUgcmVjZWl2ZXIgdW5kZXIgZmlyZQ=="

_PORTS = range(20_000, 30_000)
"""None that the machine gives to a connection that goes out."""


def settings(folder: Path, port: int) -> dict[str, str]:
    """Write the settings file; return the variables that name it."""
    file = folder / "config.toml"
    file.write_text(
        f"""
[acts]
adapter = "panel"
give_up_after = "30d"

[acts.brake]
count = 0

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


class Programs:
    """Modules of the tests, run as processes; `stack` kills those that are left."""

    def __init__(self, env: Mapping[str, str], folder: Path, stack: ExitStack) -> None:
        self._environment = env
        self._folder = folder
        self._stack = stack

    def of(self, module: str, *words: str) -> Program:
        """One of them, which is not started yet."""
        log = self._folder / f"{module}.log"
        made = Program(f"tests.fire.{module}", words, self._environment, log)
        self._stack.callback(made.kill)
        return made


class Program:
    """One process after the other; what they write goes into one file."""

    def __init__(
        self, module: str, words: Sequence[str], env: Mapping[str, str], log: Path
    ) -> None:
        self._module, self._words, self._environment, self._log = module, words, env, log
        self._process: Child | None = None

    def start(self, *more: str) -> None:
        """Begin, with more words."""
        with self._log.open("ab") as log, Path(os.devnull).open("rb") as nothing:
            self._process = nursery_for(self._environment).begin(
                [*self._words, *more], module=self._module, env=self._environment,
                streams=(nothing.fileno(), log.fileno(), log.fileno()),
            )  # fmt: skip

    @property
    def status(self) -> int | None:
        """The exit status; None while it runs."""
        assert self._process is not None
        return self._process.poll()

    def end(self, by: signal.Signals = signal.SIGKILL) -> int:
        """Send the signal and wait; the exit status, negative for a signal."""
        assert self._process is not None
        self._process.send_signal(by)
        return self._process.wait()

    def kill(self) -> None:
        """Kill it if it runs."""
        if self._process is not None:
            self._process.kill()

    def told(self) -> dict[str, int]:
        """The last line that it wrote."""
        found: dict[str, int] = json.loads(self._log.read_text().splitlines()[-1])
        return found

    def text(self) -> str:
        """All that it wrote."""
        return self._log.read_text()
