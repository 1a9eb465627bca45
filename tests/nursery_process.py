"""The process of the nursery: it has loaded the program, and forks the commands it is given.

    python -m tests.nursery_process DESCRIPTOR

A child is a process like any other. Variables, folder and streams are those that it is given; what
it leaves behind becomes a child of this process. When its owner ends, it kills them all.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import random
import resource
import runpy
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO, Any

from tests.patience import PATIENCE_S

CONSOLE = "import sys; from incidents.cli import main; sys.exit(main())"
_PR_SET_CHILD_SUBREAPER = 36
NOT_TRACED = 99
"""The status of what nobody has traced."""
_LOADED = (
    "incidents.cli.admin.service", "incidents.daemon.processes",
    "incidents.enforcement.log",
    "incidents.app",
    "incidents.store.database.schema", "incidents.desk.activation", "incidents.audit.replay",
    "incidents.history.importing", "sqlalchemy.dialects.sqlite", "encodings.ascii", "idna",
    "sqlalchemy.dialects.postgresql.psycopg", "alembic.command", "alembic.runtime.migration",
    "platformdirs.unix", "structlog",
)  # fmt: skip


class _Serving:
    def __init__(self, owner: socket.socket) -> None:
        self._owner = owner

    def obey(self) -> Callable[[], None] | None:
        """Until the owner ends; in a child, answers with what that has to do."""
        assert ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
        while True:
            told, descriptors, _, _ = socket.recv_fds(self._owner, 4_096, 4)
            if not told:
                self.clear()
                return None
            order = json.loads(told)
            do = order.pop("do")
            if do.startswith("begin"):
                answer = self._fork(order.get("traced", False))
                if answer == 0:
                    self._owner.close()
                    return partial(_be_one_apart if do == "begin_apart" else _be, *descriptors)
            else:
                answer = getattr(self, do)(**order)
            for each in descriptors:
                os.close(each)
            self._owner.send(json.dumps(answer).encode())

    def _fork(self, traced: bool) -> int:
        global _tell_ready
        if traced:
            ready, _tell_ready = os.pipe()
        pid = os.fork()
        if pid and traced:
            os.close(_tell_ready)
            os.read(ready, 1)
            os.close(ready)
        return pid

    def status_of(self, pid: int) -> int:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def clear(self) -> int:
        """Children of children become ours when their parents die: it is done again and again."""
        cleared = 0
        with suppress(ChildProcessError):
            while True:
                for pid in _children():
                    os.kill(pid, signal.SIGKILL)
                os.waitpid(-1, 0)
                cleared += 1
        return cleared


_tell_ready = -1


def _children() -> list[int]:
    return [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]


def _be_one_apart(owner: int) -> None:
    _serve(socket.socket(fileno=owner))


def _be(request: int, *streams: int) -> None:
    """Be the child; never returns."""
    with os.fdopen(request, "rb") as file:
        asked: dict[str, Any] = json.load(file)
    status = 70
    try:
        _settle_in(asked, streams)
        if asked.get("traced"):
            _wait_for_tracer()
        if asked.get("anew"):
            module, words = asked["module"], asked["words"]
            begin = ["-m", module] if module else ["-c", CONSOLE]
            os.execv(sys.executable, [sys.executable, *begin, *words])
        status = _run(asked["module"], asked["words"])
    except BaseException:  # noqa: BLE001 - the child must not go on as a second nursery
        traceback.print_exc()
    finally:
        if not asked.get("to_the_end"):
            with suppress(OSError, ValueError):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(status)
    sys.exit(status)


def _settle_in(asked: dict[str, Any], streams: Sequence[int]) -> None:
    os.setsid()
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
    kept = _tell_ready if asked.get("traced") else 2
    os.closerange(3, kept)
    os.closerange(kept + 1, 256)
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    time.tzset()
    sys.path[:0] = filter(None, os.environ.get("PYTHONPATH", "").split(":"))
    random.seed()
    if "memory" in asked:
        resource.setrlimit(resource.RLIMIT_AS, (asked["memory"],) * 2)
    encoding = asked.get("encoding", "utf-8")
    sys.stdin = _stream(0, "r", encoding, "surrogateescape")
    sys.stdout = _stream(1, "w", encoding, "strict")
    sys.stderr = _stream(2, "w", encoding, "backslashreplace")


def _stream(number: int, mode: str, encoding: str, errors: str) -> IO[Any]:
    buffering = 1 if number == 2 else -1
    return open(number, mode, buffering, encoding=encoding, errors=errors, closefd=False)


def _run(module: str, words: list[str]) -> int:
    sys.argv = [module or "incidents", *words]
    try:
        if module:
            runpy.run_module(module, run_name="__main__")
            return 0
        from incidents.cli import main

        return main()
    except SystemExit as left:
        if isinstance(left.code, str):
            sys.stderr.write(f"{left.code}\n")
            return 1
        return left.code or 0


def _wait_for_tracer() -> None:
    """Nothing that is traced is called meanwhile: how often would be chance."""
    status = os.open("/proc/self/status", os.O_RDONLY)
    os.write(_tell_ready, b".")
    os.close(_tell_ready)
    until = time.monotonic() + PATIENCE_S
    while b"\nTracerPid:\t0\n" in os.pread(status, 4096, 0):
        if time.monotonic() > until:
            os._exit(NOT_TRACED)
        time.sleep(0.002)
    # Attached is not yet stopped: this sleep is where it is.
    time.sleep(0.01)
    os.close(status)


def _serve(owner: socket.socket) -> None:
    child = _Serving(owner).obey()
    if child is not None:
        child()


if __name__ == "__main__":
    for name in _LOADED:
        importlib.import_module(name)
    from incidents.cli.root import COMMANDS

    for section in COMMANDS.values():
        for where, _ in section.values():
            importlib.import_module(where.partition(":")[0])
    # A collection in a child would copy every page that it looks at.
    gc.freeze()
    _serve(socket.socket(fileno=int(sys.argv[1])))
