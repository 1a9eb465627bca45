"""The cell: a room in which commands are typed, each with streams and a time of its own."""

import os
import pty
import select
import signal
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tests.nursery import Child, Outcome, nursery_for, run
from tests.patience import PATIENCE_S

_MEMORY_BYTES = 2 * 1024**3


class Cell:
    """A folder and the variables of those who type there."""

    def __init__(self, room: Path, environment: Mapping[str, str]) -> None:
        self.room = room
        self.environment = dict(environment)

    def run(
        self,
        words: Sequence[str],
        *,
        piped: bytes = b"",
        terminal: bool = False,
        encoding: str = "utf-8",
        variables: Mapping[str, str] = MappingProxyType({}),
        limit_s: float = PATIENCE_S,
        anew: bool = False,
    ) -> Outcome:
        """Run one command to its end; on a terminal `piped` is typed, and `err` is in `out`.

        After `limit_s` seconds it is sent SIGTERM, and a good while later SIGKILL.
        """
        how: dict[str, Any] = {
            "env": self.environment | dict(variables), "cwd": self.room, "encoding": encoding,
            "memory": _MEMORY_BYTES, "anew": anew,
        }  # fmt: skip
        if not terminal:
            return run(words, piped=piped, limit_s=limit_s, **how)
        with _terminal() as (master, child_end):
            child = nursery_for(how["env"]).begin(words, streams=(child_end,) * 3, **how)
            os.close(child_end)
            # A terminal takes what is typed as it comes; the end of a file is a character.
            os.write(master, piped[:4_000] + b"\n\x04\x04")
            seen, late = _watched(child, master, limit_s)
        return Outcome(child.wait(), seen, b"", late=late)


@contextmanager
def _terminal() -> Iterator[tuple[int, int]]:
    master, child_end = pty.openpty()
    attributes = termios.tcgetattr(child_end)
    attributes[1] &= ~termios.OPOST  # what is written arrives as it is
    attributes[3] &= ~termios.ECHO  # and what is typed does not
    termios.tcsetattr(child_end, termios.TCSANOW, attributes)
    try:
        yield master, child_end
    finally:
        os.close(master)


def _watched(child: Child, master: int, limit_s: float) -> tuple[bytes, bool]:
    """All that it wrote to its terminal; whether it had to be stopped."""
    seen, late = bytearray(), False
    for number, patience_s in ((signal.SIGTERM, limit_s), (signal.SIGKILL, PATIENCE_S)):
        if _ends_within(patience_s, child, master, seen):
            break
        child.send_signal(number)
        late = True
    while select.select([master], [], [], 0)[0] and _take(master, seen):
        pass
    return bytes(seen), late


def _ends_within(patience_s: float, child: Child, master: int, seen: bytearray) -> bool:
    """Whether it ends in time; its output is read meanwhile, or it would wait for that."""
    watched, until = [child.fileno(), master], time.monotonic() + patience_s
    while True:
        ready, _, _ = select.select(watched, [], [], max(0.0, until - time.monotonic()))
        if master in ready and not _take(master, seen):
            watched.remove(master)
        if child.fileno() in ready:
            return True
        if time.monotonic() >= until:
            return False


def _take(master: int, seen: bytearray) -> bool:
    try:
        piece = os.read(master, 65_536)
    except OSError:  # the child has closed its end
        return False
    seen += piece
    return bool(piece)
