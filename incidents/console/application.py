"""The pages: the console as one application, beside the API in one process.

Each page is a module with a `router`; what no page and no path of the API answers to, is answered
here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from fastapi import APIRouter, FastAPI

from incidents.console import changes, error_pages, form_cache, static_files
from incidents.console.changes import Changes
from incidents.console.pages import (
    audit,
    filing,
    incident,
    log,
    orders,
    overview,
    policy,
    queue,
    search,
    sign_in,
    simulate,
    site,
)
from incidents.console.result_cache import Shelf

FIGURES: tuple[APIRouter, ...] = (
    overview.router, simulate.router, audit.router, policy.router,
)  # fmt: skip
"""Their routers."""


def furnish(console: FastAPI) -> None:
    """Puts there what these pages keep between two requests."""
    console.state.simulated, console.state.tried = Shelf(), Shelf()


Asgi = Callable[[MutableMapping[str, Any], Any, Any], Awaitable[None]]

ROUTERS: tuple[APIRouter, ...] = (
    sign_in.router, changes.router, queue.router, site.router, filing.router, log.router,
    incident.router, orders.router, search.router, *FIGURES,
)  # fmt: skip
_OTHERS = ("/api/", "/openapi.json", "/healthz", "/readyz", "/metrics", "/.well-known/")


def create(app: FastAPI) -> FastAPI:
    """The console of that application's house and door."""
    console = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    house = app.state.house
    console.state.house, console.state.door = house, app.state.door
    console.state.oidc, console.state.trusted_proxies = app.state.oidc, app.state.trusted_proxies
    console.state.changes = app.state.changes = Changes(lambda: changes.look(house))
    console.state.quota = app.state.quota
    console.state.compared = Shelf()
    console.state.kept = Shelf(form_cache.MOST)
    # One proof of the record runs at a time, whichever way it was asked for.
    console.state.verifying = app.state.verifying
    furnish(console)
    console.router.routes.append(static_files.ROUTE)
    for router in ROUTERS:
        # Included, each would be made anew for every application.
        console.router.routes.extend(router.routes)
    error_pages.add_to(console)
    return console


def put_beside(app: FastAPI, customers: Asgi | None = None) -> None:
    """Has the console answer to what the API does not, and `customers` to /c/.

    A router's default is asked last, so that a wrong method on a path of the API stays one.
    """
    console, unknown = create(app), app.router.default

    async def default(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or path.startswith(_OTHERS):
            await unknown(scope, receive, send)
        elif customers is not None and path.startswith("/c/"):
            await customers(scope, receive, send)
        else:
            await console(scope, receive, send)

    app.router.default = default
