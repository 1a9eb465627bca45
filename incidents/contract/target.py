"""The target: what an act is done to, as an id, as the fields of a command, and as a path.

It is the site, by its name or its id, and then the parts that follow in the thing's id:
`("shop.example",)`, `(12, 3)`, `(12, 3, 1)`, `(12, "t2")`, `(12, 45, "act")`.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import zip_longest
from typing import Any

from incidents.values import inputs
from incidents.values.ids import contact_id, incident_id, item_id, order_id

Target = tuple[Any, ...]

SITE, INCIDENT, CONTACT, ITEM, ORDER = "site", "incident", "contact", "item", "order"
KINDS = (CONTACT, INCIDENT, ITEM, ORDER, SITE)
"""What an act can be done to, those that are known by their looks first."""

FOLDERS = {
    SITE: "sites", INCIDENT: "incidents", CONTACT: "contacts", ITEM: "queue", ORDER: "orders",
}  # fmt: skip
"""Where each kind is found over HTTP."""

FIELDS = ("incident", "contact", "item", "task", "order", "lane")
"""What a command calls the parts, in the order of an id."""

_READERS: dict[str, Callable[[str], Any]] = {
    SITE: inputs.site, INCIDENT: inputs.incident, CONTACT: inputs.contact, ITEM: inputs.item,
    ORDER: inputs.order,
}  # fmt: skip
_IDS: dict[str, Callable[..., str]] = {
    SITE: str, INCIDENT: incident_id, CONTACT: contact_id, ITEM: item_id, ORDER: order_id,
}  # fmt: skip


def read(kind: str, given: str) -> Target:
    """The target of that id, or name of a site; raises RefusedError of what is none."""
    return whole(_READERS[kind](given))


def whole(found: Any) -> Target:
    """The target that was read: of a site its name alone is."""
    return found if isinstance(found, tuple) else (found,)


def text(kind: str, target: Target) -> str:
    """Its id, or the name of a site."""
    return _IDS[kind](*target)


def is_task(target: Target) -> bool:
    """Whether this item of the queue is a task, and no incident or other request."""
    return str(target[1]).startswith("t")


def fields(command: type, target: Target) -> dict[str, Any]:
    """What says in a command of that kind what it is done to; None what a whole site leaves open.

    What completes a task takes nothing else (see `is_task`).
    """
    found = dict(zip_longest(_named(command), target[1:]))
    return found | {"task": int(found["task"][1:])} if "task" in found else found


def of_command(command: object, site: str | int) -> Target:
    """What a command for that site is done to."""
    parts = {name: getattr(command, name) for name in _named(command)}
    if "task" in parts:
        parts["task"] = f"t{parts['task']}"
    return (site, *(part for part in parts.values() if part is not None))


def _named(command: object) -> list[str]:
    return [name for name in FIELDS if hasattr(command, name)]
