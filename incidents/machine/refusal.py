"""The refusal: why a command did not take effect; and the remark on one that did."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Refusal:
    """A command that did not take effect; `facts` fill its message."""

    name: str
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Remark:
    """A remark on an action that did take effect."""

    name: str
    facts: dict[str, Any] = field(default_factory=dict)


class RefusedError(Exception):
    """Carries a refusal out of the checks of `decide`; never leaves the machine."""

    def __init__(self, name: str, **facts: Any) -> None:
        super().__init__(name)
        self.refusal = Refusal(name, facts)


CUSTOMERS: Literal["this"] = "this"
"""The code of a customer's own action; its refusal suggests no action of the desk."""

RefusedAction = Literal[
    "contact", "void", "recur", "removed", "reported", "refused", "false-info", "confirm-closure",
    "this",
]  # fmt: skip
"""The codes of the actions that a state or a closed site forbids, in the fact `act`; surfaces say
them as `act_told.CODE`."""
