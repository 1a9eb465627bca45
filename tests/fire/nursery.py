"""The nursery: a process that has loaded the program already, and has children that run it.

    python -m tests.fire.nursery

Reads orders from standard input, one line of JSON each, and answers each with one. A child is a
process like any other, only that it need not load half a second of libraries: what is killed three
times a second must begin quickly. Whatever its children start and leave behind becomes a child of
the nursery; when its input ends it kills them all, so that nothing outlives a run.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import random
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from tests.acceptance.daemons import CONSOLE

_PR_SET_CHILD_SUBREAPER = 36
_LOADED = (
    "incidents.cli.daemon", "incidents.daemon.loop", "incidents.acts.log", "incidents.bootstrap",
    "incidents.store.schema", "incidents.desk.activation", "sqlalchemy.dialects.sqlite",
    "sqlalchemy.dialects.postgresql.psycopg", "tests.fire.operators", "alembic.config",
)  # fmt: skip


class Nursery:
    """The nursery as its owner sees it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.fire.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
            # An interrupt is for its owner, who tells it to end.
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def begin(self, words: Sequence[str], log: Path, *, url: str, anew: bool = False) -> int:
        """A new process's id: `operator NUMBER SEED LEDGER`, or the words of the command line.

        `anew` loads the program from nothing, as a user's shell does.
        """
        env = {"INCIDENTS_DB": url, "INCIDENTS_AS": "operator-1", "INCIDENTS_DEBUG": "1"}
        told = self._tell(do="begin", words=list(words), log=str(log), env=env, anew=anew)
        return int(told)

    def end_of(self, pid: int) -> int:
        """Waits for the process to end; its exit status, negative for a signal."""
        return int(self._tell(do="wait", pid=pid))

    def ended(self) -> list[int]:
        """One of the processes that have ended and were not waited for, if there is any."""
        found: list[int] = self._tell(do="ended")
        return found

    def clear(self) -> int:
        """Kills and waits for all that is left, and what they left behind; how many there were."""
        return int(self._tell(do="clear"))

    def _tell(self, **order: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


# In the nursery itself.


def serve() -> None:
    """Obey until the input ends."""
    assert ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    for name in _LOADED:
        __import__(name)
    gc.freeze()
    answers = os.fdopen(os.dup(1), "w")
    try:
        # Not `for line in sys.stdin.buffer`: what is read ahead would be in the children too.
        while line := sys.stdin.buffer.readline():
            order = json.loads(line)
            answers.write(json.dumps(_ORDERS[order.pop("do")](**order)) + "\n")
            answers.flush()
    finally:
        _clear()


def _begin(words: list[str], log: str, env: dict[str, str], anew: bool) -> int:
    pid = os.fork()
    if pid == 0:
        _become(words, log, env, anew)
    _begun.add(pid)
    return pid


_begun: set[int] = set()
"""The children that the owner knows of."""


def _become(words: list[str], log: str, env: dict[str, str], anew: bool) -> None:
    """Be the child; never returns."""
    status = 70
    try:
        os.environ.update(env)
        nothing = os.open(os.devnull, os.O_RDONLY)
        out = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        for of, to in ((nothing, 0), (out, 1), (out, 2)):
            os.dup2(of, to)
        random.seed()
        if anew:
            os.execv(sys.executable, [sys.executable, *_arguments(words)])
        status = _run(words)
    except BaseException:  # noqa: BLE001 - the child must not go on as a second nursery
        traceback.print_exc()
    finally:
        with suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def _arguments(words: list[str]) -> list[str]:
    if words[0] == "operator":
        return ["-m", "tests.fire.operators", *words[1:]]
    return ["-c", CONSOLE, *words]


def _run(words: list[str]) -> int:
    if words[0] == "operator":
        from tests.fire import operators

        return operators.main(int(words[1]), int(words[2]), Path(words[3]))
    from incidents.cli import main

    sys.argv = ["incidents", *words]
    return main() or 0


def _wait(pid: int) -> int:
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    _begun.discard(pid)
    return status


def _ended() -> list[int]:
    while found := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
        if found.si_pid in _begun:
            return [found.si_pid]
        # A command whose operator was killed has come to its own end.
        os.waitpid(found.si_pid, 0)
    return []


def _clear() -> int:
    """Children of children become ours when their parents die, so it is done again and again."""
    cleared = 0
    with suppress(ChildProcessError):
        while True:
            for pid in _children():
                os.kill(pid, signal.SIGKILL)
            os.waitpid(-1, 0)
            cleared += 1
    return cleared


def _children() -> list[int]:
    return [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]


_ORDERS: dict[str, Callable[..., Any]] = {
    "begin": _begin, "wait": _wait, "ended": _ended, "clear": _clear,
}  # fmt: skip

if __name__ == "__main__":
    serve()
