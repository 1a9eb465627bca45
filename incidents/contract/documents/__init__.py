"""The documents: what views and the desk return, for every surface and for clients.

They are plain dictionaries, as in JSON. mypy checks their types, and OpenAPI describes them.

Times are RFC 3339 in UTC; text that people wrote is null if it was erased.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, NotRequired, get_origin, get_type_hints

from typing_extensions import TypedDict

Facts = Mapping[str, object]
"""The facts of an event, an entry, a refusal or a remark, by name.

Each kind has facts of its own, so no type can list them. A reader knows the kind, and checks or
casts the value that it takes.
"""


class Open(TypedDict):
    """A document that may have more fields than its type has."""


class Hint(TypedDict):
    """A suggested action or query, by its name; `of` is the ID or name of its target.

    `facts` are its known inputs. A person gives those that are null, and any others that are
    required.
    """

    act: str
    of: str
    facts: dict[str, str | None]


def is_open(kind: Any) -> bool:
    """Whether a document may have more fields than its type has."""
    return kind is Open or any(map(is_open, getattr(kind, "__orig_bases__", ())))


@cache
def required(kind: Any) -> frozenset[str]:
    """The keys that a document of that type must have.

    `__required_keys__` also counts the optional ones, since annotations are texts.
    """
    hints = get_type_hints(kind, include_extras=True)
    return frozenset(name for name, hint in hints.items() if get_origin(hint) is not NotRequired)
