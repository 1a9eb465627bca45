"""A walk: the functions that a command passes through, taken from a real run of it."""

from __future__ import annotations

import io
import os
import sys
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from types import FrameType
from typing import Any
from unittest.mock import patch

import incidents
from incidents.cli import main

_ROOT = Path(incidents.__file__).parent
_LOG = ["log", "shop.example", "--url", "https://shop.example/pills", "--again"]
_WHY = ["site", "why", "shop.example"]
# Each leg ends in the function that does what the leg is about.
_LEGS = (
    ("`incidents log`, to the decision and the change of the case", _LOG, "machine.apply.apply"),
    ("from the case to its row", _LOG, "store.cases.incidents.save"),
    ("and to its entry", _LOG, "store.entries.add_entries"),
    ("`incidents site why`, back to the row", _WHY, "store.cases.incidents.read"),
)


def text() -> str:
    """The legs of the walk, and how many functions there are in all; a part of a page."""
    with tempfile.TemporaryDirectory() as folder:
        told = _environment(folder)
        with patch.dict(os.environ, told, clear=False):
            _call(["db", "upgrade"])
            _call(["site", "add", "shop.example"])
            stacks = {end: _stack(args, end) for _, args, end in _LEGS}
    parts: list[str] = []
    met: list[str] = []
    for title, _, end in _LEGS:
        new = [name for name in stacks[end] if name not in met]
        on_the_way = [name for name in stacks[end] if name in met]
        from_there = f", from `{on_the_way[-1]}` on" if len(on_the_way) > 1 else ""
        deep = f"({len(stacks[end])} deep)"
        parts.append(f"{title[0].upper()}{title[1:]}{from_there} {deep}:")
        parts.append("\n".join(f"{n}. `{name}`" for n, name in enumerate(new, len(met) + 1)))
        met += new
    return "\n\n".join(parts)


def _environment(folder: str) -> dict[str, str]:
    return {"INCIDENTS_DB": f"sqlite:///{folder}/walk.db", "INCIDENTS_AS": "operator-1"}


def _stack(args: list[str], end: str) -> list[str]:
    """The project's functions that are entered and not left when `end` is first called."""
    found: list[str] = []

    def look(frame: FrameType, event: str, _: Any) -> None:
        matches_name = event == "call" and frame.f_code.co_name == end.rpartition(".")[2]
        if matches_name and not found and _name(frame) == end:
            found.extend(_above(frame))

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        _call(args)
    finally:
        sys.setprofile(before)
    assert found, f"{end} was not called by {args}"
    return found


def _call(args: list[str]) -> None:
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        status = main(args)
    assert status == 0, args


def _above(frame: FrameType | None) -> list[str]:
    names: list[str] = []
    while frame is not None:
        name = _name(frame)
        if name is not None:
            names.append(name)
        frame = frame.f_back
    return names[::-1]


def _name(frame: FrameType) -> str | None:
    """`machine.decide.decide`; None for what is not the project's, or no function of it."""
    file = Path(frame.f_code.co_filename)
    name = frame.f_code.co_qualname
    if not file.is_relative_to(_ROOT) or name.endswith(("<module>", "comp>", "genexpr>")):
        return None
    module = ".".join(file.relative_to(_ROOT).with_suffix("").parts).removesuffix(".__init__")
    return f"{module}.{name.replace('.<locals>.command', '')}"
