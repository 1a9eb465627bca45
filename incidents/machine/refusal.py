"""The refusal: the reason why a command had no effect; and the remark on a command that had one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Refusal:
    """The reason why a command had no effect, by its name; `facts` fill its message."""

    name: str
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Remark:
    """A remark on an action that took effect; `facts` fill its message."""

    name: str
    facts: dict[str, Any] = field(default_factory=dict)


class RefusedError(Exception):
    """An exception that carries a refusal out of `decide`'s checks; it never leaves the machine."""

    def __init__(self, name: str, **facts: Any) -> None:
        super().__init__(name)
        self.refusal = Refusal(name, facts)


CUSTOMERS: Literal["this"] = "this"
"""The code of a customer's own action, whose refusal suggests no action of the desk."""

RefusedAction = Literal[
    "contact", "void", "recur", "removed", "reported", "refused", "false-info", "confirm-closure",
    "this",
]  # fmt: skip
"""The codes of the actions that a state or a closed site forbids, in the fact `act`; their phrases
are `act_told.CODE`."""
