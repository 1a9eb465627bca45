"""The short helps of the acts, as a module: the root of the command line imports no contract."""

from __future__ import annotations

from pathlib import Path

from incidents.contract.actions import ACTIONS

FILE = Path(__file__).parents[2] / "incidents/cli/act_helps.py"

_HEAD = '"""The actions in the lists of commands; made by scripts/docs from `contract.actions`."""'


def text() -> str:
    """The module."""
    helps = "".join(f'    "{each.word}": "{each.short}",\n' for each in ACTIONS if each.short)
    after = "".join(f'    "{each.word}": "{each.after}",\n' for each in ACTIONS if each.after)
    return (
        f"{_HEAD}\n\nACT_HELPS = {{\n{helps}}}\n"
        f'"""The short help of each act."""\n\n'
        f"ACTS_AFTER = {{\n{after}}}\n"
        f'"""Each act and the command after which the help lists it."""\n'
    )


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
