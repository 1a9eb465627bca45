"""A terminal session: the real program on a real terminal, with its keys and its screen."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from tests.cli.display import AT_FIRST, Display
from tests.patience import until

WATCH = (sys.executable, "-m", "incidents", "queue", "--watch")


class Sitting:
    """A program whose terminal this is."""

    def __init__(self, process: subprocess.Popen[bytes], master: int, slave: int) -> None:
        self.process = process
        self._master = master
        self._slave = slave
        self.display = Display(*_size(master))

    def press(self, *keys: str) -> None:
        """Type, as a person does: one key after the other."""
        for key in keys:
            os.write(self._master, key.encode())

    def see(self, *wanted: str, gone: Sequence[str] = ()) -> str:
        """The screen, as soon as it shows all of that and none of what shall be gone."""

        def is_seen() -> bool:
            text = self.display.text
            return all(each in text for each in wanted) and not any(each in text for each in gone)

        self._until(is_seen, f"{wanted} without {gone} is seen")
        return self.display.text

    def hear(self, sign: str) -> None:
        """Wait until the program has written that, seen or not."""
        self._until(lambda: sign in self.display.history, f"{sign!r} is written")

    def resize(self, columns: int, rows: int) -> None:
        self._take()
        self.display.resize(columns, rows)
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def modes(self) -> list[Any]:
        """The terminal's modes, as `stty` would tell them."""
        return termios.tcgetattr(self._slave)

    def is_left_as(self, before: list[Any]) -> None:
        """Wait until the shell finds its terminal as it left it: its screen and its modes."""
        as_found = (AT_FIRST, before)
        self._until(
            lambda: (self.display.modes, self.modes()) == as_found, f"the terminal is {as_found}"
        )

    def ends(self) -> int:
        """The exit status, when it has come to its end."""
        self._until(lambda: self.process.poll() is not None, "the program ends")
        self._take()
        return self.process.returncode

    def _until(self, has_come: Callable[[], bool], what: str) -> None:
        def look() -> bool:
            self._take()
            return has_come()

        try:
            until(look, what)
        except AssertionError as error:
            raise AssertionError(f"{error}:\n{self.display.text}") from None

    def _take(self) -> None:
        """Show all that the program has written by now."""
        while select.select([self._master], [], [], 0)[0]:
            self.display.feed(os.read(self._master, 65_536))


@contextmanager
def terminal_session(
    environment: Mapping[str, str],
    *more: str,
    size: tuple[int, int] = (100, 30),
    command: Sequence[str] = WATCH,
) -> Iterator[Sitting]:
    """The program at work on a terminal of its own, whose session it leads."""
    master, slave = pty.openpty()
    columns, rows = size
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    # On a terminal Ctrl-C interrupts, also where the tests run in the background and ignore it.
    start = ("setsid", "--ctty", "env", "--default-signal")
    process = subprocess.Popen(
        [*start, *command, *more], stdin=slave, stdout=slave, stderr=slave,
        env={**os.environ, "TERM": "xterm-256color", **environment},
    )  # fmt: skip
    try:
        yield Sitting(process, master, slave)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait()
        os.close(master)
        os.close(slave)


def _size(descriptor: int) -> tuple[int, int]:
    columns, rows = os.get_terminal_size(descriptor)
    return columns, rows
