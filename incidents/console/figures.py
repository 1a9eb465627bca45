"""The figures: the pages on which the desk looks at itself, its record and its policy."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI

from incidents.console import audit, overview, policy, simulate
from incidents.console.shelf import Shelf

FIGURES: tuple[APIRouter, ...] = (
    overview.router, simulate.router, audit.router, policy.router,
)  # fmt: skip
"""Their routers."""


def furnish(console: FastAPI) -> None:
    """Puts there what these pages keep between two requests."""
    console.state.simulated, console.state.tried = Shelf(), Shelf()
