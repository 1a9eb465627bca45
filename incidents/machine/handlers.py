"""The handlers for each kind of event or command, registered where it is defined."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

On = TypeVar("On")
Kind = TypeVar("Kind")


class Handlers(dict[type, Callable[[On, Any], None]], Generic[On]):
    """Functions by the kind of event or command that each handles."""

    def on(
        self, kind: type[Kind]
    ) -> Callable[[Callable[[On, Kind], None]], Callable[[On, Kind], None]]:
        """Let the function handle that kind."""

        def register(handler: Callable[[On, Kind], None]) -> Callable[[On, Kind], None]:
            self[kind] = handler
            return handler

        return register
