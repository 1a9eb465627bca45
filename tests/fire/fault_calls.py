"""The calls that a fault can hit: a command's writing system calls, as strace has seen them."""

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.databases import memory_folder
from tests.nursery import Child, Outcome, run
from tests.nursery_process import NOT_TRACED

WRITING = (
    "write", "writev", "pwrite64", "pwritev", "pwritev2", "sendfile", "copy_file_range",
    "fsync", "fdatasync", "sync_file_range", "ftruncate", "fallocate", "rename", "renameat",
    "renameat2", "unlink", "unlinkat", "rmdir", "link", "linkat", "mkdir", "mkdirat", "openat",
)  # fmt: skip
ERRORS = ("EIO", "ENOSPC")
KILL = "KILL"
STDOUT, STDERR = "standard output", "standard error"

_LINE = re.compile(r"(?:\d+ +)?(?P<name>\w+)\((?P<arguments>.*)\) += +(?P<result>\S.*)")
_KILLED = re.compile(r"(?:\d+ +)?(?P<name>\w+)\((?P<arguments>.*)\) += +\?")
_HANDLE = re.compile(r"^(?P<number>\d+)<(?P<path>[^>]*)>")
_PATH = re.compile(r'"(?P<path>[^"]*)"')


@dataclass(frozen=True, slots=True)
class Call:
    """The `n`th call of that name (from 1), on a file or a standard stream."""

    name: str
    n: int
    target: str

    def __str__(self) -> str:
        return f"{self.name} no. {self.n} on {self.target}"


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of a call: an error in place of its effect, or the end of the process."""

    call: Call
    kind: str

    def __str__(self) -> str:
        return f"{self.kind} at {self.call}"

    @property
    def kills(self) -> bool:
        """Whether the process ends there, before the call has its effect."""
        return self.kind == KILL

    @property
    def options(self) -> list[str]:
        """The options of strace."""
        how = "signal=KILL" if self.kills else f"error={self.kind}"
        return ["-e", f"inject={self.call.name}:{how}:when={self.call.n}"]


@contextmanager
def room(module: str, seed: int, folder: Path) -> Iterator[Path]:
    """A folder in memory for a chunk of the module; what a failure leaves is kept in `folder`."""
    with TemporaryDirectory(prefix=f"incidents-{module}-", dir=memory_folder() or folder) as here:
        try:
            yield Path(here)
        except AssertionError as error:
            shutil.copytree(here, folder / "left", dirs_exist_ok=True)
            error.add_note(f"again: python -c 'from tests.fire.{module} import *; "
                           f"chunk({seed}, Path(\"{folder}\"))'")  # fmt: skip
            raise


def watching(trace: Path) -> list[str]:
    """The options of a strace that writes the calls to `trace`."""
    return ["-y", "-s", "0", "-o", str(trace), "-e", "trace=" + ",".join(f"?{n}" for n in WRITING)]


def run_to_the_end(
    words: Sequence[str], *, env: Mapping[str, str], strace: Sequence[str] = ()
) -> Outcome:
    """Run `incidents WORDS` to the interpreter's end, under a strace with those options."""
    tracers = list[subprocess.Popen[bytes]]()

    def trace(child: Child) -> None:
        if strace:
            line = ["strace", "-qq", *strace, "-p", str(child.pid)]
            tracers.append(subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=sys.stderr))

    variables = {**os.environ, **env}
    ended = run(words, env=variables, traced=bool(strace), to_the_end=True, begun=trace)
    for tracer in tracers:
        tracer.wait()
    assert ended.status != NOT_TRACED, "strace could not be attached"
    return ended


def calls_in(trace: str, folder: Path) -> list[Call]:
    """The writing calls in what strace has written, on files under `folder` and standard streams.

    All calls of a name are counted, as strace counts them; the others are left out.
    """
    return [call for call, _ in _calls(trace, folder)]


def hit_in(trace: str, folder: Path, fault: Fault) -> bool:
    """Whether the fault has hit the call that it was meant for, or one on the same kind of file."""
    if fault.kills:
        return "+++ killed by SIGKILL +++" in trace
    return any("(INJECTED)" in line for _, line in _calls(trace, folder))


def faults_of(calls: list[Call]) -> list[Fault]:
    """Every fault of every call, in their order."""
    return [Fault(call, kind) for call in calls for kind in (*ERRORS, KILL)]


def _calls(trace: str, folder: Path) -> Iterator[tuple[Call, str]]:
    counted = Counter[str]()
    for line in trace.splitlines():
        found = _LINE.match(line) or _KILLED.match(line)
        if found is None:
            continue
        name, arguments = found["name"], found["arguments"]
        counted[name] += 1
        target = _target(name, arguments, folder)
        if target is not None:
            yield Call(name, counted[name], target), line


def _target(name: str, arguments: str, folder: Path) -> str | None:
    """The file that the call is on, in `folder`; None if it is none that it writes to."""
    if name == "openat" and not ("O_CREAT" in arguments or "O_TRUNC" in arguments):
        return None
    handle = _HANDLE.match(arguments)
    # An empty text is written to flush: nothing can be lost in it.
    if handle and handle["number"] in ("1", "2") and not arguments.endswith(", 0"):
        return STDOUT if handle["number"] == "1" else STDERR
    path = handle["path"] if handle and name != "openat" else None
    if path is None:
        named = _PATH.search(arguments)
        path = named["path"] if named else None
    if path is None or not Path(path).is_relative_to(folder):
        return None
    return str(Path(path).relative_to(folder))
