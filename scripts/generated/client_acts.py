"""The methods of the client for the acts, as a module: typed, and with no table at run time."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

from incidents.contract.action import Action, Field
from incidents.contract.actions import ACTIONS
from incidents.contract.target import FOLDERS, ORDER
from incidents.machine import commands as c

_BY_HAND = (c.Log, c.RecordContact, c.AddNote)
"""The acts that `client.typed` requests in its own way."""
_TAKEN = frozenset({"key", "if_match", "dry_run", "unless_closing", "how"})

_HEAD = '''"""The actions of the client, a method each; made by scripts/docs from `contract`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict, Unpack

from incidents.contract.documents.acts import Acted


class How(TypedDict, total=False):
    """The options of an act's request."""

    key: str
    if_match: str
    dry_run: bool
    unless_closing: bool


class Acts:
    """The actions on incidents, contacts, items of the queue, orders and sites."""

    def _to(self, folder: str, of: str, act: str, words: Mapping[str, Any], how: How) -> Acted:
        raise NotImplementedError
'''


def text() -> str:
    """The module."""
    rows = [each for each in ACTIONS if each.path and each.command not in _BY_HAND]
    made = "\n".join([_HEAD, *(line for each in rows for line in _method(each))])
    ruff = [sys.executable, "-m", "ruff", "format", "-"]
    return subprocess.run(ruff, input=made, capture_output=True, text=True, check=True).stdout


def method_name(action: Action) -> str:
    """The method's name: the act's word without its noun; for an order with it."""
    if action.of == ORDER:
        return f"{action.path}_order"
    return action.word.split()[-1].replace("-", "_")


def _method(action: Action) -> Iterator[str]:
    of, words = action.of, [(action.called(each), each) for each in action.asked]
    required = [f"{name}: {_type(each)}" for name, each in words if each.required]
    perhaps = [f"{name}: {_default(each)}" for name, each in words if not each.required]
    perhaps += ["confirm: str | None = None"] if action.closes else []
    star = ["*"] if required or perhaps else []
    asked = ", ".join(["self", f"{of}: str", *star, *required, *perhaps, "**how: Unpack[How]"])
    names = [name for name, _ in words] + (["confirm"] if action.closes else [])
    if taken := _TAKEN & {*names}:
        raise ValueError(f"{action.word}: the client's methods have a {min(taken)} of their own")
    told = ", ".join(f'"{name}": {name}' for name in names)
    yield f"    def {method_name(action)}({asked}) -> Acted:"
    yield f'        """{action.summary or action.short}"""'
    yield f'        return self._to("{FOLDERS[of]}", {of}, "{action.path}", {{{told}}}, how)'
    yield ""


def _type(field: Field) -> str:
    return "bool" if field.type is bool else "str"


def _default(field: Field) -> str:
    return "bool = False" if field.type is bool else "str | None = None"
