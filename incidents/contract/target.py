"""The target of an action, as an ID, as the fields of a command, and as a path.

A target is a tuple: the name or the ID of the site, then the further parts of the target's ID, such
as `("shop.example",)`, `(12, 3)`, `(12, 3, 1)`, `(12, "t2")` or `(12, 45, "act")`.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import zip_longest
from typing import Any

from incidents.values import inputs
from incidents.values.ids import contact_id, incident_id, item_id, order_id, task_number

Target = tuple[Any, ...]

SITE, INCIDENT, CONTACT, ITEM, ORDER = "site", "incident", "contact", "item", "order"
KINDS = (CONTACT, INCIDENT, ITEM, ORDER, SITE)
"""The kinds of target; the kinds whose IDs are easily recognized come first."""

FOLDERS = {
    SITE: "sites", INCIDENT: "incidents", CONTACT: "contacts", ITEM: "queue", ORDER: "orders",
}  # fmt: skip
"""The HTTP folder of each kind."""

FIELDS = ("incident", "contact", "item", "task", "order", "lane")
"""The fields of commands that hold the parts of a target, in the order of an ID."""

_READERS: dict[str, Callable[[str], Any]] = {
    SITE: inputs.site, INCIDENT: inputs.incident, CONTACT: inputs.contact, ITEM: inputs.item,
    ORDER: inputs.order,
}  # fmt: skip
_IDS: dict[str, Callable[..., str]] = {
    SITE: str, INCIDENT: incident_id, CONTACT: contact_id, ITEM: item_id, ORDER: order_id,
}  # fmt: skip


def read(kind: str, given: str) -> Target:
    """Read an ID, or the name of a site; raises RefusedError if the text is neither."""
    return whole(_READERS[kind](given))


def whole(found: Any) -> Target:
    """The target as a tuple; a site's name becomes a tuple of one."""
    return found if isinstance(found, tuple) else (found,)


def text(kind: str, target: Target) -> str:
    """The ID of the target, or the name of the site."""
    return _IDS[kind](*target)


def is_task(target: Target) -> bool:
    """Whether the target, an item of the queue, is a task, not an incident or a request."""
    return task_number(target[1]) is not None


def fields(command: type, target: Target) -> dict[str, Any]:
    """The fields of a command that name the target; a field without a value is None.

    A command that completes a task accepts only a task as the target (see `is_task`).
    """
    found = dict(zip_longest(_named(command), target[1:]))
    return found | {"task": task_number(found["task"])} if "task" in found else found


def of_command(command: object, site: str | int) -> Target:
    """The target of a command on that site."""
    parts = {name: getattr(command, name) for name in _named(command)}
    if "task" in parts:
        parts["task"] = f"t{parts['task']}"
    return (site, *(part for part in parts.values() if part is not None))


def _named(command: object) -> list[str]:
    return [name for name in FIELDS if hasattr(command, name)]
