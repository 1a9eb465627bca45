"""The daemon: a real `incidents daemon` with all its duties, its key, its folders and settings."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import log, program

_PATIENCE_S = 60.0
_BEGUN = '"started"'
_LOG_ADAPTER: Mapping[str, Any] = {"adapter": "log"}


@dataclass(frozen=True, slots=True)
class Home:
    """A daemon's folder, of one database: its key, its settings, its journal, its published log.

    Beside the key lies what was signed last, so a copy of the database needs a home of its own.
    """

    folder: Path

    @property
    def checkpoint(self) -> Path:
        """The file that a reader of the published log begins with."""
        return self.folder / "public" / "checkpoint"

    @property
    def environment(self) -> dict[str, str]:
        """The environment of the daemon."""
        return {
            "INCIDENTS_CONFIG": str(self.folder / "config.toml"),
            "INCIDENTS_AUDIT_KEY": str(self.folder / "audit.key"),
            "INCIDENTS_AUDIT_PUBLISH": str(self.checkpoint.parent),
            # The mark of the last order lies there.
            "XDG_DATA_HOME": str(self.folder / "data"),
        }

    def journal(self, n: int) -> Path:
        """What the n-th daemon of this home tells."""
        return self.folder / f"daemon-{n}.log"

    def last_line(self) -> str:
        """What the first one told last."""
        lines = self.journal(0).read_text(encoding="utf-8").splitlines()
        return lines[-1] if lines else "it has told nothing"


def home(folder: Path, url: str, acts: Mapping[str, Any] = _LOG_ADAPTER) -> Home:
    """A new home, with a key that is put on record; orders go where the section [acts] says."""
    made = _home(folder, acts)
    log.make_key(url, folder / "audit.key")
    return made


def home_of_copy(folder: Path, of: Home, acts: Mapping[str, Any] = _LOG_ADAPTER) -> Home:
    """A home for a copy of that one's database, on which no daemon has run yet."""
    made = _home(folder, acts)
    shutil.copy(of.folder / "audit.key", folder)
    return made


@contextmanager
def running(url: str, home: Home, daemons: int = 1) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Run so many daemons in the block; at its end SIGTERM stops each of them.

    It begins as soon as the first one has: it connects and decides from then on.
    """
    journals = [home.journal(n) for n in range(daemons)]
    started = [
        program.start("daemon", "--db", url, journal=journal, settings=home.environment)
        for journal in journals
    ]
    try:
        _wait_for_the_first(started, journals)
        yield started
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(_PATIENCE_S)


def check(daemons: list[subprocess.Popen[bytes]]) -> None:
    """All of them run on.

    Raises:
        RuntimeError: if one has ended.
    """
    for process in daemons:
        if process.poll() is not None:
            raise RuntimeError(f"a daemon ended with {process.returncode}")


def _home(folder: Path, acts: Mapping[str, Any]) -> Home:
    folder.mkdir()
    # The brake would hold back all orders but the first twenty.
    sections = {"acts": acts, "acts.brake": {"count": 0}}
    lines = [line for name, values in sections.items() for line in _toml(name, values)]
    (folder / "config.toml").write_text("\n".join(lines), encoding="utf-8")
    return Home(folder)


def _toml(name: str, values: Mapping[str, Any]) -> Iterator[str]:
    yield f"[{name}]"
    # Texts, numbers and lists of them are written in TOML as in JSON.
    yield from (f"{k} = {json.dumps(v)}" for k, v in values.items() if not isinstance(v, Mapping))
    for key, inner in values.items():
        if isinstance(inner, Mapping):
            yield from _toml(f"{name}.{key}", inner)


def _wait_for_the_first(started: list[subprocess.Popen[bytes]], journals: list[Path]) -> None:
    until = time.monotonic() + _PATIENCE_S
    while not any(_BEGUN in journal.read_text(encoding="utf-8") for journal in journals):
        check(started)
        if time.monotonic() > until:
            raise TimeoutError("no daemon has started within a minute")
        time.sleep(0.005)
