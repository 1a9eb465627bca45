"""The watch: the queue's screen on a terminal, fresh every second, until its person leaves."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from incidents.cli.run import paints
from incidents.errors import DONE, INTERRUPTED

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from incidents.cli.queue.keys import Deed
    from incidents.cli.queue.screen import Screen
    from incidents.cli.queue.terminal import Terminal
    from incidents.cli.run import Run
    from incidents.contract.documents.queue import QueuePage

REFRESH_S = 1.0
# After an answer that took longer, what was typed meanwhile was typed blindly.
_LONG_S = 1.0


class _BrokenOffError(Exception):
    """Ctrl-C, while an act was on its way to the desk."""

    def __init__(self, deed: Deed) -> None:
        super().__init__()
        self.deed = deed


def watch(run: Run, fetch: Callable[[], QueuePage]) -> int:
    """Show the queue and do what its keys say, until q or Ctrl-C; the exit status.

    Raises:
        AwayError: if the first look fails; later ones are told on the screen.
    """
    from incidents.cli.queue.screen import Screen
    from incidents.cli.queue.terminal import Terminal

    screen, terminal = Screen(run, fetch), Terminal()
    try:
        with suppress(KeyboardInterrupt), terminal.opened():
            _work(screen, terminal)
    except _BrokenOffError as broken:
        deed = broken.deed
        run.tell(f"broken off: whether {deed.words} is on record, the queue and show tell")
        return INTERRUPTED
    return DONE


def _work(screen: Screen, terminal: Terminal) -> None:
    due = time.monotonic() + REFRESH_S
    while not screen.is_over:
        _draw(screen, terminal)
        for key in terminal.keys(max(0.0, due - time.monotonic())):
            deed = screen.press(key)
            if deed is not None:
                _carry_out(screen, deed, terminal)
        if time.monotonic() >= due:
            screen.look()
            due = time.monotonic() + REFRESH_S


def _carry_out(screen: Screen, deed: Deed, terminal: Terminal) -> None:
    _draw(screen, terminal)
    began = time.monotonic()
    try:
        screen.carry_out(deed)
    except KeyboardInterrupt as error:
        raise _BrokenOffError(deed) from error
    if time.monotonic() - began > _LONG_S:
        terminal.forget_typed()


def _draw(screen: Screen, terminal: Terminal) -> None:
    from rich.console import Console

    from incidents.cli.queue.frame import frame

    size = terminal.size()
    console = Console(
        file=io.StringIO(), width=max(size[0], 1), force_terminal=True, highlight=False,
        color_system="auto" if paints() else None,
    )  # fmt: skip
    terminal.show([_painted(console, line) for line in frame(screen, *size)], size)


def _painted(console: Console, line: Text) -> str:
    with console.capture() as drawn:
        console.print(line, end="", no_wrap=True, overflow="crop", soft_wrap=True)
    return drawn.get()
