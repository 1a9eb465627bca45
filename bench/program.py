"""The program as a process: started, timed to its end, with the memory that it had at its peak."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

INCIDENTS = (sys.executable, "-m", "incidents")

# A process counts the memory of the one that it was forked from: this one is small.
_MEASURE = """
import json, os, sys, time
began = time.perf_counter()
pid = os.fork()
if pid == 0:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.execvp(sys.argv[1], sys.argv[1:])
_, status, usage = os.wait4(pid, 0)
took_s = time.perf_counter() - began
print(json.dumps([os.waitstatus_to_exitcode(status), took_s, usage.ru_maxrss]))
"""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended: after so many seconds, with so much memory at its peak."""

    took_s: float
    peak_mib: float


def measured(command: Sequence[str]) -> Ended:
    """Runs the command to its end, with its output thrown away.

    Raises:
        RuntimeError: if it ends with another exit status than 0.
    """
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _MEASURE, *command],
        check=True, stdout=subprocess.PIPE, env=environment(),
    )  # fmt: skip
    status, took_s, peak_kib = json.loads(done.stdout)
    if status != 0:
        raise RuntimeError(f"{' '.join(command[:6])} … ended with {status}")
    return Ended(took_s, peak_kib / 1024)


def start(
    *arguments: str, journal: Path, settings: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Starts `incidents` with these arguments, and with settings in its environment.

    What it tells on stderr goes to `journal`.
    """
    with journal.open("wb") as file:
        return subprocess.Popen(
            [*INCIDENTS, *arguments], stdout=subprocess.DEVNULL, stderr=file,
            env=environment() | dict(settings or {}),
        )  # fmt: skip


def environment() -> dict[str, Any]:
    """The environment without this person's own settings."""
    return {
        name: value
        for name, value in os.environ.items()
        # A program that is installed has been compiled.
        if not name.startswith("INCIDENTS_") and name != "PYTHONDONTWRITEBYTECODE"
    }
