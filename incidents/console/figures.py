"""The figures: the pages on which the desk looks at itself, its record and its policy."""

from __future__ import annotations

from fastapi import APIRouter

from incidents.console import overview, simulate

FIGURES: tuple[APIRouter, ...] = (overview.router, simulate.router)
"""Their routers."""
