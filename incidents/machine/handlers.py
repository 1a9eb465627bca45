"""The handlers for each kind of event or command, registered where they are defined."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

On = TypeVar("On")
Kind = TypeVar("Kind")


class Handlers(dict[type, Callable[[On, Any], None]], Generic[On]):
    """Functions, each by the kind of event or command that it handles."""

    def on(
        self, kind: type[Kind]
    ) -> Callable[[Callable[[On, Kind], None]], Callable[[On, Kind], None]]:
        """Register the function for that kind."""

        def register(handler: Callable[[On, Kind], None]) -> Callable[[On, Kind], None]:
            if kind in self:
                raise TypeError(f"{kind.__name__} has a handler already")
            self[kind] = handler
            return handler

        return register


def merge(*parts: Handlers[On]) -> Handlers[On]:
    """Merge the handlers of all parts into one table.

    Raises:
        TypeError: if two parts handle the same kind.
    """
    merged: Handlers[On] = Handlers()
    for part in parts:
        if twice := merged.keys() & part.keys():
            raise TypeError(f"{twice.pop().__name__} has two handlers")
        merged.update(part)
    return merged
