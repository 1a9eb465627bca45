"""The README's picture: a terminal, from a real run of the day at the desk."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from incidents import settings
from scripts import a_day

WIDTH = 112
_PERSON = "operator-1"
# Wide enough for each command's own table; one that asks the terminal is told of this one.
_TERMINAL = {
    "COLUMNS": str(WIDTH), "LINES": "40", "TERM": "xterm-256color", "COLORTERM": "truecolor",
    "NO_COLOR": "", "CLICOLOR_FORCE": "", "FORCE_COLOR": "",
}  # fmt: skip
_SHOWN = ("incidents queue", "incidents site why shop.example")
_THEME = TerminalTheme(
    (24, 26, 32), (214, 218, 226),
    [(60, 64, 74), (235, 97, 104), (126, 199, 119), (229, 186, 96), (106, 161, 240),
     (190, 133, 226), (94, 192, 205), (214, 218, 226)],
    [(120, 126, 140), (247, 118, 125), (146, 219, 139), (245, 204, 118), (128, 180, 255),
     (208, 153, 244), (114, 212, 225), (245, 247, 250)],
)  # fmt: skip
# Rich's own form names a font on a foreign host; this one takes what the reader's machine has.
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


def svg() -> str:
    """The picture; the same bytes on every machine."""
    with patch.dict(os.environ, {"COLUMNS": str(WIDTH)}):
        console = Console(
            record=True, width=WIDTH, file=open(os.devnull, "w", encoding="utf-8"),  # noqa: SIM115, PTH123
            force_terminal=True, color_system="truecolor", legacy_windows=False, highlight=False,
        )  # fmt: skip
        for step in _steps():
            console.print(Text.assemble(("$ ", "bold green"), (step.command, "bold")))
            console.print(Text.from_ansi(step.printed.rstrip("\n")))
            console.print()
        return _without_trailing_spaces(
            console.export_svg(
                title="incidents", theme=_THEME, code_format=_FORM, unique_id="incidents"
            )
        )


def _steps() -> Iterator[a_day.Step]:
    """The steps that are shown: the first of each command."""
    with tempfile.TemporaryDirectory() as folder, _anywhere():
        steps = list(a_day.play(Path(folder), terminal=True))
    for command in _SHOWN:
        yield next(step for step in steps if step.command == command)


@contextmanager
def _anywhere() -> Iterator[None]:
    """Nothing of this machine gets into the picture: neither its terminal nor its login name."""
    with patch.dict(os.environ, _TERMINAL), patch.object(settings, "login", lambda: _PERSON):
        yield


def _without_trailing_spaces(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"
