"""The fault server: a process that has everything imported, and forks one command after the other.

    python -m tests.fire.fault_server

Each line of standard input is a JSON request, each line of standard output its answer. A forked
command runs `incidents.cli.main` to the interpreter's end; that saves the third of a second that
each start costs, and lets strace count from the command's own first system call.
"""

import gc
import importlib
import json
import os
import pkgutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import incidents

ATTACH_S = 60.0
_NOT_TRACED = 99


# What asks it.


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended (negative: by that signal), and what it wrote."""

    status: int
    stdout: str
    stderr: str


class FaultServer:
    """The other end of a running fault server; its commands write their output into `folder`."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self._process = process
        self._stdout, self._stderr = folder / "stdout", folder / "stderr"

    def run(
        self, *commands: Sequence[str], env: Mapping[str, str], strace: Sequence[str] = ()
    ) -> Ended:
        """Runs the commands one after the other in one forked process; the first failure counts.

        With options of `strace`, that traces the process.
        """
        request = {
            "commands": commands, "env": dict(env), "strace": strace, "stdout": str(self._stdout),
            "stderr": str(self._stderr),
        }  # fmt: skip
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the fault server has died"
        status = json.loads(answer)["status"]
        assert status != _NOT_TRACED, "strace could not be attached"
        return Ended(status, self._stdout.read_text(), self._stderr.read_text())


@contextmanager
def fault_server(folder: Path) -> Iterator[FaultServer]:
    """Runs one until the `with` block ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.fire.fault_server"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    try:
        yield FaultServer(process, folder)
    finally:
        process.kill()
        process.communicate()


# The process itself.


def serve() -> None:
    """Answers requests until standard input ends."""
    import_everything()
    # A collection in a child would copy every page that it looks at.
    gc.freeze()
    for line in sys.stdin:
        request: dict[str, Any] = json.loads(line)
        sys.stdout.write(json.dumps({"status": _run(request)}) + "\n")
        sys.stdout.flush()


def import_everything() -> None:
    """What any command would import late, so that no fault hits an import."""
    for module in pkgutil.walk_packages(incidents.__path__, "incidents."):
        if module.name != "incidents.__main__" and not module.name.startswith("incidents.alembic"):
            importlib.import_module(module.name)
    for name in (
        "alembic.command", "alembic.runtime.migration", "encodings.ascii", "idna", "platformdirs",
        "platformdirs.unix", "sqlalchemy.dialects.postgresql.psycopg",
        "sqlalchemy.dialects.sqlite", "structlog", "traceback",
    ):  # fmt: skip
        importlib.import_module(name)


def _run(request: dict[str, Any]) -> int:
    ready, tell_ready = os.pipe()
    child = os.fork()
    if child == 0:
        _be_the_command(request, tell_ready)
    os.close(tell_ready)
    os.read(ready, 1)
    os.close(ready)
    tracer = None
    if request["strace"]:
        words = ["strace", "-qq", *request["strace"], "-p", str(child)]
        tracer = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=sys.stderr)
    _, status = os.waitpid(child, 0)
    if tracer is not None:
        tracer.wait()
    return os.waitstatus_to_exitcode(status)


def _be_the_command(request: dict[str, Any], tell_ready: int) -> NoReturn:
    _redirect(0, os.devnull, os.O_RDONLY)
    for number, name in ((1, request["stdout"]), (2, request["stderr"])):
        _redirect(number, name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - lives to the end
    os.environ |= request["env"]
    status = os.open("/proc/self/status", os.O_RDONLY)
    os.write(tell_ready, b".")
    os.close(tell_ready)
    if request["strace"]:
        _wait_for_tracer(status)
    os.close(status)
    from incidents.cli import main

    results = [main(words) for words in request["commands"]]
    sys.exit(next(filter(None, results), 0))


def _redirect(number: int, name: str, flags: int) -> None:
    handle = os.open(name, flags, 0o600)
    os.dup2(handle, number)
    os.close(handle)


def _wait_for_tracer(status: int) -> None:
    """Nothing that is traced is called meanwhile: how often would be chance."""
    deadline = time.monotonic() + ATTACH_S
    while time.monotonic() < deadline:
        if b"\nTracerPid:\t0\n" not in os.pread(status, 4096, 0):
            # Attached is not yet stopped: this sleep is where it is.
            time.sleep(0.01)
            return
        time.sleep(0.002)
    os._exit(_NOT_TRACED)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        serve()
