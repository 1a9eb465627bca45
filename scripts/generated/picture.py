"""The README's picture: a terminal, from a real run of the day at the desk."""

from __future__ import annotations

import io
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from incidents import app, clock
from incidents.settings import sources
from incidents.store import monitoring
from incidents.store.database.engine import writing
from incidents.store.monitoring import Heartbeat
from scripts import a_day

WIDTH = 112
_PERSON = "operator-1"
# Wide enough for each command's own table; the size that the terminal reports.
_TERMINAL = {
    "COLUMNS": str(WIDTH), "LINES": "40", "TERM": "xterm-256color", "COLORTERM": "truecolor",
    "NO_COLOR": "", "CLICOLOR_FORCE": "",
}  # fmt: skip
_SHOWN = ("incidents queue", "incidents site why shop.example")
_THEME = TerminalTheme(
    (24, 26, 32), (214, 218, 226),
    [(60, 64, 74), (235, 97, 104), (126, 199, 119), (229, 186, 96), (106, 161, 240),
     (190, 133, 226), (94, 192, 205), (214, 218, 226)],
    [(120, 126, 140), (247, 118, 125), (146, 219, 139), (245, 204, 118), (128, 180, 255),
     (208, 153, 244), (114, 212, 225), (245, 247, 250)],
)  # fmt: skip
# Rich's own form names a font on a foreign host; this one uses the reader's fonts.
_FORM = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg" \
role="img" aria-label="incidents queue and incidents site why on a terminal">
    <style>
    .{unique_id}-matrix {{
        font-family: ui-monospace, "Fira Code", "DejaVu Sans Mono", Menlo, Consolas, monospace;
        font-size: {char_height}px;
        line-height: {line_height}px;
        font-variant-east-asian: full-width;
    }}
    .{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
    {styles}
    </style>
    <defs>
    <clipPath id="{unique_id}-clip-terminal">
      <rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
    </clipPath>
    {lines}
    </defs>
    {chrome}
    <g transform="translate({terminal_x}, {terminal_y})" \
clip-path="url(#{unique_id}-clip-terminal)">
    {backgrounds}
    <g class="{unique_id}-matrix">
    {matrix}
    </g>
    </g>
</svg>
"""


# A piece of a line, and the spaces around its visible part.
_PIECE = re.compile(
    r'<text class="(?P<style>[^"]+)" x="(?P<x>[\d.]+)" (?P<y>y="[\d.]+") '
    r'textLength="(?P<width>[\d.]+)" (?P<clip>clip-path="[^"]+")>'
    r"(?P<before>(?:&#160;)*)(?P<text>[^<]*?)(?P<after>(?:&#160;|\s)*)</text>"
)
_CELL = 12.2
"""The width of a character in rich's pictures."""


def svg() -> str:
    """The picture; the same bytes on every machine."""
    console = Console(
        record=True, width=WIDTH, file=io.StringIO(), force_terminal=True,
        color_system="truecolor", legacy_windows=False, highlight=False, _environ={},
    )  # fmt: skip
    for step in _steps():
        console.print(Text.assemble(("$ ", "bold green"), (step.command, "bold")))
        console.print(Text.from_ansi(step.printed.rstrip("\n")))
        console.print()
    drawn = console.export_svg(
        title="incidents", theme=_THEME, code_format=_FORM, unique_id="incidents"
    )
    lines = _PIECE.sub(_placed, drawn).splitlines()
    return "\n".join(line.rstrip() for line in lines if line.strip()) + "\n"


def _placed(piece: re.Match[str]) -> str:
    """The piece without the spaces around it, which some programs leave out, in its place."""
    if not piece["text"]:
        return ""
    before, after = piece["before"].count("&"), piece["after"].count("&")
    x = round(float(piece["x"]) + before * _CELL, 1)
    width = round(float(piece["width"]) - (before + after) * _CELL, 1)
    return (
        f'<text class="{piece["style"]}" x="{x:g}" {piece["y"]} textLength="{width:g}" '
        f"{piece['clip']}>{piece['text']}</text>"
    )


def _steps() -> Iterator[a_day.Step]:
    """The steps that are shown: the first of each command."""
    with tempfile.TemporaryDirectory() as folder, _hidden_machine():
        steps = list(a_day.play(Path(folder), terminal=True))
    for command in _SHOWN:
        yield next(step for step in steps if step.command == command)


@contextmanager
def _hidden_machine() -> Iterator[None]:
    """Hide this machine from the picture: its terminal and its login name.

    A daemon is at work, as it is at a real desk.
    """
    with (
        patch.dict(os.environ, _TERMINAL),
        patch.object(sources, "login", lambda: _PERSON),
        patch.object(a_day, "_run", _while_a_daemon_beats),
    ):
        for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
            os.environ.pop(name, None)
        yield


def _while_a_daemon_beats(command: str, *, terminal: bool) -> tuple[int, str]:
    opened, now = app.open_app(sources.load()), clock.now()
    beat = Heartbeat(daemon="desk-1", host="desk", pid=1, started_at=now, beat_at=now)
    with writing(opened.engine) as connection:
        monitoring.beat(connection, beat)
    opened.close()
    return _run(command, terminal=terminal)


_run = a_day._run  # noqa: SLF001 - the same run, with a daemon beside it
