"""The templates of the pages that stand alone: HTML that needs nothing else, and runs nothing."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Template


@cache
def read(file: Path) -> Template:
    """A template of the program's own; whatever is written into it is text."""
    from jinja2 import Environment, StrictUndefined

    house = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        keep_trailing_newline=True,
    )  # fmt: skip
    return house.from_string(file.read_text(encoding="utf-8"))
