"""The cell: runs commands in children of a warm process, each with streams and a time of its own.

A child is a fork of a process that has imported the program: its globals are fresh, as in a
process of its own, at a hundredth of the cost. What it writes is taken from its file descriptors.
"""

import base64
import importlib
import json
import os
import pty
import resource
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import IO, Any, Self

_MODULE = "tests.fire.cell"
_MEMORY_BYTES = 2 * 1024**3


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command came to; `status` is negative for a signal, `late` if it had to be stopped."""

    status: int
    out: bytes
    err: bytes
    elapsed_s: float
    late: bool


class Cell:
    """The warm process, as a context; it acts in the folder `room`."""

    def __init__(self, room: Path, environment: Mapping[str, str]) -> None:
        self._room = room
        self.environment = dict(environment)

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", _MODULE, str(self._room)],
            env=self.environment,
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: object, _where: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()

    def run(
        self,
        words: Sequence[str],
        *,
        piped: bytes = b"",
        terminal: bool = False,
        encoding: str = "utf-8",
        variables: Mapping[str, str] = MappingProxyType({}),
        limit_s: float = 60.0,
    ) -> Outcome:
        """Run one command to its end; on a terminal `piped` is typed, and `err` is in `out`.

        After `limit_s` seconds it is sent SIGTERM, and a little later SIGKILL.
        """
        asked = {
            "words": list(words), "piped": base64.b64encode(piped).decode(), "terminal": terminal,
            "encoding": encoding, "variables": dict(variables), "limit_s": limit_s,
        }  # fmt: skip
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked).encode() + b"\n")
        self._process.stdin.flush()
        told = json.loads(self._process.stdout.readline())
        return Outcome(
            status=told["status"],
            out=base64.b64decode(told["out"]),
            err=base64.b64decode(told["err"]),
            elapsed_s=told["elapsed_s"],
            late=told["late"],
        )


def _serve(room: str) -> None:
    asked, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    _warm()
    os.chdir(room)
    for line in asked:
        answers.write(json.dumps(_in_child(json.loads(line))).encode() + b"\n")
        answers.flush()


def _warm() -> None:
    """Import what the commands import when they are typed."""
    from incidents.cli.root import COMMANDS

    for section in COMMANDS.values():
        for where, _ in section.values():
            importlib.import_module(where.partition(":")[0])
    for name in ("bootstrap", "desk", "store.schema", "audit.replay", "intake.importing"):
        importlib.import_module(f"incidents.{name}")


def _in_child(asked: dict[str, Any]) -> dict[str, Any]:
    out, err = os.memfd_create("out"), os.memfd_create("err")
    master, child_end = _terminal() if asked["terminal"] else (None, None)
    typed = base64.b64decode(asked["piped"])
    began = time.monotonic()
    pid = os.fork()
    if pid == 0:
        _become(asked, (_file_of(typed), out, err) if child_end is None else (child_end,) * 3)
    if child_end is not None:
        os.close(child_end)
    if master is not None:
        # A terminal takes what is typed as it comes; the end of a file is a character.
        os.write(master, typed[:4_000] + b"\n\x04\x04")
    status, seen, late = _watched(pid, master, began + asked["limit_s"])
    told = {
        "status": os.waitstatus_to_exitcode(status),
        "out": base64.b64encode(seen if master is not None else _content(out)).decode(),
        "err": base64.b64encode(_content(err)).decode(),
        "elapsed_s": time.monotonic() - began,
        "late": late,
    }
    for descriptor in (out, err, master):
        if descriptor is not None:
            os.close(descriptor)
    return told


def _become(asked: dict[str, Any], streams: tuple[int, int, int]) -> None:
    """The child: its streams are those, its end is the status of `main`."""
    status = 99
    try:
        os.setsid()
        for number, descriptor in enumerate(streams):
            os.dup2(descriptor, number)
        os.closerange(3, 256)
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
        os.environ.update(asked["variables"])
        encoding = asked["encoding"]
        sys.stdin = _stream(0, "r", encoding)
        sys.stdout, sys.stderr = _stream(1, "w", encoding), _stream(2, "w", encoding)
        from incidents.cli import main

        status = main(asked["words"])
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except SystemExit as left:
        # A signal has ended it, and it has put its terminal back.
        status = left.code if isinstance(left.code, int) else 99
    except BaseException:  # noqa: BLE001 - a child never returns into the cell
        import traceback

        os.write(2, traceback.format_exc().encode())
    finally:
        os._exit(status)


def _stream(number: int, mode: str, encoding: str) -> IO[Any]:
    return open(
        number, mode, encoding=encoding, errors="surrogateescape" if mode == "r" else "strict"
    )


def _terminal() -> tuple[int, int]:
    master, child_end = pty.openpty()
    attributes = termios.tcgetattr(child_end)
    attributes[1] &= ~termios.OPOST  # what is written arrives as it is
    attributes[3] &= ~termios.ECHO  # and what is typed does not
    termios.tcsetattr(child_end, termios.TCSANOW, attributes)
    return master, child_end


def _file_of(content: bytes) -> int:
    file = os.memfd_create("stdin")
    os.write(file, content)
    os.lseek(file, 0, os.SEEK_SET)
    return file


def _watched(pid: int, master: int | None, until: float) -> tuple[int, bytes, bool]:
    """Wait for the child, taking in what it writes to its terminal."""
    seen, late, patience = bytearray(), False, 5.0
    ended = os.pidfd_open(pid)
    watched = [ended] if master is None else [ended, master]
    while True:
        ready, _, _ = select.select(watched, [], [], max(0.0, until - time.monotonic()))
        if master is not None and master in ready and not _take(master, seen):
            watched.remove(master)
        if ended in ready:
            break
        if time.monotonic() >= until:
            os.kill(pid, signal.SIGKILL if late else signal.SIGTERM)
            late, until = True, time.monotonic() + patience
    while master is not None and select.select([master], [], [], 0)[0] and _take(master, seen):
        pass
    os.close(ended)
    return os.waitpid(pid, 0)[1], bytes(seen), late


def _take(master: int, seen: bytearray) -> bool:
    try:
        piece = os.read(master, 65_536)
    except OSError:  # the child has closed its end
        return False
    seen += piece
    return bool(piece)


def _content(descriptor: int) -> bytes:
    size = os.lseek(descriptor, 0, os.SEEK_END)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return os.read(descriptor, size) if size else b""


if __name__ == "__main__":
    _serve(sys.argv[1])
