"""The documents that views and the desk return, for every surface and for clients.

The documents are plain dictionaries, as in JSON. mypy checks their types, and OpenAPI describes
them.

Times are RFC 3339 in UTC. Text that people wrote is null once it has been erased.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, NotRequired, get_origin, get_type_hints

from typing_extensions import TypedDict

Facts = Mapping[str, object]
"""The facts of an event, an entry, a refusal or a remark, by name.

Each kind has its own facts, so no type can list them. A reader knows the kind, and checks or casts
the values that it takes.
"""


class Open(TypedDict):
    """A document that may have fields that its type does not list."""


class Hint(TypedDict):
    """A suggested action or query, by its name; `of` is the ID or name of its target.

    `facts` are the known inputs of the action or query. A person must supply each input that is
    null, and any other required input.
    """

    act: str
    of: str
    facts: dict[str, str | None]


def is_open(kind: Any) -> bool:
    """Whether documents of this type may have fields that the type does not list."""
    return kind is Open or any(map(is_open, getattr(kind, "__orig_bases__", ())))


@cache
def required(kind: Any) -> frozenset[str]:
    """The keys that a document of this type must have.

    `__required_keys__` cannot be used here: annotations are strings, so it also includes the
    optional keys.
    """
    hints = get_type_hints(kind, include_extras=True)
    return frozenset(name for name, hint in hints.items() if get_origin(hint) is not NotRequired)
