"""The routes, worked out once: FastAPI does that anew at the first request of each application.

It takes a tenth of a second for the hundred and fifty of this one, which is longer than most tests
take, and comes to the same for every desk: the routes know nothing of a house.
"""

from __future__ import annotations

from typing import Any

from fastapi import routing

_KNOWN: dict[tuple[int, str], Any] = {}


def share() -> None:
    """From now on all applications of this process share them; a FastAPI that has no such thing is
    left as it is."""
    included: Any = getattr(routing, "_IncludedRouter", None)
    if included is None or hasattr(included.effective_candidates, "__wrapped__"):
        return
    work_out = included.effective_candidates

    def known(self: Any) -> Any:
        # Routers are made with their modules, and stay: none takes the place of another.
        place = (id(self.original_router), self.include_context.prefix)
        if place not in _KNOWN:
            _KNOWN[place] = work_out(self)
        return _KNOWN[place]

    known.__wrapped__ = work_out  # type: ignore[attr-defined]  # as functools marks it
    included.effective_candidates = known
