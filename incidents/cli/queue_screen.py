"""The queue on a terminal: a table that is read at three in the morning, alone or refreshed."""

from __future__ import annotations

import os
import select
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from incidents import clock
from incidents.cli import queue
from incidents.cli.characters import visible
from incidents.cli.run import is_terminal, paints

if TYPE_CHECKING:
    from rich.console import RenderableType

    from incidents.cli.run import Run
    from incidents.words import Document

SOON_S = 15 * 60
REFRESH_S = 1.0
# On a narrower terminal the command is told of the first item alone.
_WIDE = 140
# The lines around the table: title, alarm, head, what to say, keys.
_AROUND = 12


def show(run: Run, found: Document) -> None:
    """Draw the queue once."""
    console = _console()
    console.print(_drawn(run, found, wide=console.width >= _WIDE))


def watch(run: Run, fetch: Callable[[int], Document], limit: int) -> None:
    """Draw the queue again and again, until q or Ctrl-C."""
    console = _console()
    wide = console.width >= _WIDE
    with (
        suppress(KeyboardInterrupt),
        _key_pressed() as pressed,
        Live(console=console, screen=True, auto_refresh=False) as live,
    ):
        while True:
            most = max(1, min(limit, console.height - _AROUND))
            hint = Text("q quits", style="dim")
            live.update(Group(_drawn(run, fetch(most), wide=wide), hint), refresh=True)
            if pressed(REFRESH_S) in ("q", "Q"):
                return


def _console() -> Console:
    return Console(color_system="auto" if paints() else None, highlight=False)


def _drawn(run: Run, found: Document, *, wide: bool) -> RenderableType:
    items = found["items"]
    parts: list[RenderableType] = [_title(run, found)]
    told = queue.alarm(found["enforcement"], run.when)
    if told is not None:
        parts.append(Text(f" {told} ", style="bold white on red"))
    noted = queue.remark(found["enforcement"], run.when)
    if noted is not None:
        parts.append(Text(noted, style="yellow"))
    if not items:
        parts.append(Text("Nothing to do.", style="green"))
    else:
        parts += [_table(items, wide=wide), _first(_mine_to_do(items, run.settings.person))]
    if found["more"]:
        parts.append(Text("There is more below: --limit N shows it.", style="dim"))
    return Group(*parts)


def _title(run: Run, found: Document) -> Text:
    when, total = run.when, sum(found["counts"].values())
    overdue = sum(1 for item in found["items"] if item["overdue"])
    title = Text(f"{when(clock.now())} {when.zone_name}  ", style="bold")
    title.append(f"{total:,}{' or more' if found['counts_capped'] else ''} to do")
    if overdue:
        title.append(f", {overdue} overdue", style="bold red")
    return title


def _table(items: list[Document], *, wide: bool) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("TASK", no_wrap=True, style="bold")
    table.add_column("LEFT", no_wrap=True, justify="right")
    for name in ("DO", "SITE", "WHOM", "WITH"):
        table.add_column(name, overflow="fold")
    if wide:
        table.add_column("NEXT", overflow="fold")
    for item in items:
        style = _style(item)
        cells = [
            Text(item["id"], style=style),
            Text(queue.left(item), style=style),
            Text(queue.what(item), style=style),
            _words(item["site"]),
            _words(queue.whom(item)),
            _words(item["claimed_by"] or "", style="cyan"),
        ]
        table.add_row(*cells, *([_words(item["next"])] if wide else []))
    return table


def _words(text: str, style: str = "") -> Text:
    """What people have written, without what would paint a lie."""
    return Text(visible(text), style=style)


def _style(item: Document) -> str:
    if item["overdue"]:
        return "bold red"
    if item["left_s"] is not None and item["left_s"] <= SOON_S:
        return "bold yellow"
    return ""


def _mine_to_do(items: list[Document], person: str) -> Document:
    """The most urgent item that nobody else is at work on."""
    free = (item for item in items if item["claimed_by"] in (None, person))
    return next(free, items[0])


def _first(item: Document) -> RenderableType:
    """What to do about the most urgent thing: whom to call, what to say, what to type then."""
    first = Table.grid(padding=(0, 2))
    first.add_row(Text("First", style="bold"), _words(f"{item['id']} {item['site']}", style="bold"))
    if item["warning"]:
        first.add_row("", _words(item["warning"], style="bold red"))
    first.add_row("whom", _words(queue.whom(item) or "nobody is on file"))
    first.add_row("say", _words(item["say"]))
    for command in item["commands"]:
        first.add_row("type", _words(command, style="bold green"))
    return first


@contextmanager
def _key_pressed() -> Iterator[Callable[[float], str]]:
    """Keys one by one, without Enter and without an echo; the terminal is put back at the end."""
    if not is_terminal(sys.stdin):
        yield _no_key
        return
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor)
    try:
        yield (
            lambda wait_s: (
                sys.stdin.read(1) if select.select([descriptor], [], [], wait_s)[0] else ""
            )
        )
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _key(descriptor: int, wait_s: float) -> str:
    ready, _, _ = select.select([descriptor], [], [], wait_s)
    return os.read(descriptor, 1).decode("ascii", "ignore") if ready else ""


def _no_key(wait_s: float) -> str:
    select.select([], [], [], wait_s)
    return ""
