"""The terminal for the screen: a separate screen and single keys, restored at the end."""

from __future__ import annotations

import codecs
import errno
import os
import re
import select
import signal
import sys
import termios
import tty
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from types import FrameType
from typing import Any

from incidents.system.terminal import guarded_stdout, is_terminal

# The silence after which ESC is the escape key; an incomplete sequence gets longer.
_ALONE_S, _BEGUN_S = 0.1, 1.0
_KEYS = {
    "\r": "enter", "\n": "enter", " ": "space", "\x04": "hung-up",
    "\x1b[A": "up", "\x1bOA": "up", "\x1b[B": "down", "\x1bOB": "down",
    "\x1b[5~": "page-up", "\x1b[6~": "page-down",
    "\x1b[H": "home", "\x1bOH": "home", "\x1b[1~": "home",
    "\x1b[F": "end", "\x1bOF": "end", "\x1b[4~": "end",
}  # fmt: skip
_PASTE, _PASTED = "\x1b[200~", "\x1b[201~"
_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|O.|[^\[O\x1b]|(?=\x1b))", re.DOTALL)


class Keyboard:
    """A decoder of terminal input, which can arrive in pieces of any size."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._text = ""

    @property
    def wait_s(self) -> float:
        """How long to wait for the rest of a key sequence, in seconds; 0 if none is incomplete."""
        return _ALONE_S if self._text == "\x1b" else _BEGUN_S if self._text else 0.0

    def take(self, sent: bytes) -> list[str]:
        """Return the keys that are complete: characters, or the names of other keys.

        `pasted` stands for pasted text as a whole, `unknown` for an unknown sequence.
        """
        self._text += self._decoder.decode(sent)
        keys = []
        while self._text and (key := self._next()) is not None:
            keys.append(key)
        return keys

    def give_up(self) -> list[str]:
        """End an incomplete key sequence, and return the key that it stands for, such as escape."""
        text = self._text
        if text.startswith(_PASTE):
            return []
        self._text = ""
        return ["escape"] if text == "\x1b" else ["unknown"] if text else []

    def _next(self) -> str | None:
        text = self._text
        if text.startswith(_PASTE):
            _, ended, rest = text.partition(_PASTED)
            # Pasted text may be long, and only its end matters.
            self._text = rest if ended else _PASTE + text[len(_PASTE) :][-len(_PASTED) :]
            return "pasted" if ended else None
        if text[0] != "\x1b":
            self._text = text[1:]
            return _KEYS.get(text[0], text[0])
        found = _SEQUENCE.match(text)
        if found is None:
            return None
        self._text = text[found.end() :]
        return "escape" if found[0] == "\x1b" else _KEYS.get(found[0], "unknown")


Size = tuple[int, int]
"""The size of a terminal: columns and rows."""

_FALLBACK: Size = (80, 24)

# The other screen, no wrapping at the right edge, no cursor, pasted text in brackets.
_ENTER = "\x1b[?1049h\x1b[?7l\x1b[?25l\x1b[?2004h"
_LEAVE = "\x1b[0m\x1b[?2004l\x1b[?25h\x1b[?7h\x1b[?1049l"
_CLEAR = "\x1b[0m\x1b[2J"


class Terminal:
    """Standard input and output while a screen is drawn on them."""

    def __init__(self) -> None:
        self._keyboard = Keyboard()
        self._keys_from = sys.stdin.fileno() if is_terminal(sys.stdin) else None
        self._before: list[Any] | None = None
        self._shown: list[str] = []
        self._size: Size = (0, 0)
        self._must_stop = self._is_back = self._has_ended = False

    def size(self) -> Size:
        """The present size of the window, which a person can resize at any time."""
        try:
            columns, rows = os.get_terminal_size(sys.stdout.fileno())
        except OSError:
            columns, rows = 0, 0
        return columns or _FALLBACK[0], rows or _FALLBACK[1]

    def show(self, lines: Sequence[str], size: Size) -> None:
        """Draw the lines for a screen of that size; unchanged lines are skipped."""
        written = []
        if size != self._size:
            self._size, self._shown = size, []
            written.append(_CLEAR)
        lines = [*lines, *[""] * (len(self._shown) - len(lines))]
        before = [*self._shown, *[""] * (len(lines) - len(self._shown))]
        written += [
            f"\x1b[{n};1H\x1b[0m\x1b[2K{line}"
            for n, (line, was) in enumerate(zip(lines, before, strict=True), start=1)
            if line != was
        ]
        self._shown = list(lines)
        if written:
            _write("".join(written))

    def keys(self, wait_s: float) -> list[str]:
        """Return the keys pressed within `wait_s` seconds.

        Returns sooner if the screen must be drawn again.
        """
        if self._must_stop:
            self._stop()
        if self._is_back:
            self._enter()
        if not self._is_typed(wait_s):
            return []
        keys = self._read()
        while self._keyboard.wait_s and self._is_typed(self._keyboard.wait_s):
            keys += self._read()
        return keys + self._keyboard.give_up()

    def forget_typed(self) -> None:
        """Drop unread input, because it was meant for another screen."""
        if self._keys_from is not None:
            termios.tcflush(self._keys_from, termios.TCIFLUSH)

    def _is_typed(self, wait_s: float) -> bool:
        """Whether a key arrives within `wait_s` seconds; after a signal, False immediately."""
        keys = [] if self._keys_from is None else [self._keys_from]
        ready, _, _ = select.select([*keys, self._woken], [], [], wait_s)
        if self._woken in ready:
            os.read(self._woken, 4096)
        return self._keys_from in ready

    def _read(self) -> list[str]:
        assert self._keys_from is not None
        try:
            sent = os.read(self._keys_from, 4096)
        except OSError:  # as a terminal that has gone answers
            sent = b""
        return self._keyboard.take(sent) if sent else ["hung-up"]

    @contextmanager
    def _waking_on_signals(self) -> Iterator[None]:
        """Let a signal end the wait for a key, because the screen must then be drawn."""
        self._woken, wake = os.pipe()
        os.set_blocking(wake, False)
        before = signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)
            os.close(wake)
            os.close(self._woken)

    @contextmanager
    def _with_signal_handlers(self) -> Iterator[None]:
        handlers = {
            signal.SIGINT: self._end,
            signal.SIGTERM: self._end,
            signal.SIGHUP: self._end,
            signal.SIGTSTP: self._will_stop,
            signal.SIGCONT: self._comes_back,
            signal.SIGWINCH: self._on_resize,
        }
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        try:
            yield
        finally:
            for number, own in before.items():
                signal.signal(number, own)

    def _end(self, number: int, _frame: FrameType | None) -> None:
        # Once: a second signal must not break off restoring the terminal.
        if self._has_ended:
            return
        self._has_ended = True
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        raise SystemExit(128 + number)

    def _will_stop(self, _number: int, _frame: FrameType | None) -> None:
        # Not at once: a program stopped amid a transaction keeps its locks.
        self._must_stop = True

    def _comes_back(self, _number: int, _frame: FrameType | None) -> None:
        self._is_back = True

    def _on_resize(self, _number: int, _frame: FrameType | None) -> None:
        # Also for a window that has its old size again: its cut-off part is lost.
        self._size = (0, 0)

    def _stop(self) -> None:
        """Stop the process on Ctrl-Z, and continue when the shell resumes it."""
        self._must_stop = False
        self._leave()
        ours = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, ours)
        self._is_back = True

    def _enter(self) -> None:
        # The modes first: in the background this stops here, before anything is drawn.
        if self._keys_from is not None:
            _retrying(partial(tty.setcbreak, when=termios.TCSADRAIN), self._keys_from)
        self._is_back = False
        self._size = (0, 0)
        _write(_ENTER)

    def _leave(self) -> None:
        with suppress(OSError, ValueError):
            sys.stdout.write(_LEAVE)
            sys.stdout.flush()
        if self._keys_from is not None and self._before is not None:
            with suppress(termios.error):
                # Keys typed for the screen must not reach the shell.
                termios.tcsetattr(self._keys_from, termios.TCSAFLUSH, self._before)

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Open the screen, and close it at the end of the `with` block."""
        if self._keys_from is not None:
            self._before = termios.tcgetattr(self._keys_from)
        with self._waking_on_signals(), self._with_signal_handlers():
            try:
                try:
                    self._enter()
                    self.forget_typed()
                    yield
                finally:
                    self._has_ended = True
            finally:
                self._leave()


def _retrying(change: Callable[[int], object], descriptor: int) -> None:
    """Retry a change that a signal interrupted, such as the signal that resumes a program."""
    while True:
        try:
            change(descriptor)
        except termios.error as error:
            if error.args[0] != errno.EINTR:
                raise
        else:
            return


def _write(text: str) -> None:
    with guarded_stdout():
        sys.stdout.write(text)
        sys.stdout.flush()
