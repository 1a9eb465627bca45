"""The changes: a table of which function changes a case for which kind of event."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from incidents.machine import events as e
from incidents.machine.case import Case

E = TypeVar("E", bound=e.Event)
Change = Callable[[Case, E], None]


class Changes(dict[type[e.Event], Callable[[Case, Any], None]]):
    """Functions by the kind of event that they are for."""

    def on(self, kind: type[E]) -> Callable[[Change[E]], Change[E]]:
        """Let the function be how an event of that kind changes a case."""

        def register(change: Change[E]) -> Change[E]:
            self[kind] = change
            return change

        return register
