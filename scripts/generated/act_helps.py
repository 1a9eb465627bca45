"""The short helps of the acts, as a module: the root of the command line imports no contract."""

from __future__ import annotations

from pathlib import Path

from incidents.contract.actions import ACTIONS

FILE = Path(__file__).parents[2] / "incidents/cli/act_helps.py"

_HEAD = '"""The short help of each act; made by scripts/docs from `contract.actions`."""'


def text() -> str:
    """The module."""
    helps = "".join(f'    "{each.word}": "{each.short}",\n' for each in ACTIONS if each.short)
    return f"{_HEAD}\n\nACT_HELPS = {{\n{helps}}}\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
