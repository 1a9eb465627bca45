"""The console as an application beside the API.

Each page is a module with a `router`. A request that matches no page and no path of the API is
answered here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from functools import partial
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware

from incidents.accounts.sign_in_links import SignInLinks
from incidents.console import changes, last_write, static_files
from incidents.console.changes import Changes
from incidents.console.error_pages import ERROR_PAGES
from incidents.console.pages import (
    audit,
    bulk,
    filing,
    incident,
    incidents,
    log,
    orders,
    overview,
    policy,
    saved_views,
    search,
    sign_in,
    sign_in_link,
    simulate,
    site,
    sites,
    terms,
    unreported,
)
from incidents.console.pages.admin import (
    accounts,
    factors,
    health,
    join,
    my_account,
    notices,
    sign_ins,
    tokens,
)
from incidents.console.pages.inbox import (
    intake_rules,
    report,
    report_bulk,
    report_receive,
    report_source,
    reporters,
    reports,
)
from incidents.console.pages.queue import queue, queue_item, queue_list

_SHORT, _LEVEL = 500, 6
"""Answers of fewer bytes go out as they are; the others are compressed at this level (1 to 9)."""

Asgi = Callable[[MutableMapping[str, Any], Any, Any], Awaitable[None]]

ROUTERS: tuple[APIRouter, ...] = (
    sign_in.router, changes.router, queue.router, queue_item.router, incidents.router,
    incident.router, sites.router, site.router, filing.router, terms.router, unreported.router,
    # Before the page of a report, whose path `rules` would fit.
    reports.router, intake_rules.router, report.router, report_source.router, report_bulk.router,
    report_receive.router, reporters.router,
    orders.router, saved_views.router, log.router, search.router, overview.router, simulate.router,
    audit.router, policy.router, bulk.router, my_account.router, accounts.router, tokens.router,
    factors.router,
    sign_ins.router, health.router, notices.router, join.router,
)  # fmt: skip
_OTHERS = ("/api/", "/openapi.json", "/healthz", "/readyz", "/metrics", "/.well-known/")


def mount_console(
    api: FastAPI, customers: Asgi | None = None, sign_in_links: SignInLinks | None = None
) -> None:
    """Mount the console for paths outside the API, `customers` at /c/, and sign-in links.

    `sign_in_links`: only for a rehearsal.

    The console is the router's default, which is tried last, so an API path with the wrong method
    still returns 405.
    """
    routers = ROUTERS if sign_in_links is None else (*ROUTERS, sign_in_link.router(sign_in_links))
    console = FastAPI(
        openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False,
        exception_handlers=ERROR_PAGES,
        middleware=[Middleware(GZipMiddleware, minimum_size=_SHORT, compresslevel=_LEVEL)],
        # Included, each router would be made anew for every application.
        routes=[
            static_files.STATIC_ROUTE, *(route for router in routers for route in router.routes),
        ],
    )  # fmt: skip
    app = api.state.app
    # Which pages may read a replica, and when, is theirs to say: there one is fetched once more.
    api.state.changes = Changes(
        partial(changes.look, app), partial(queue_list.ages, app), for_pages=app.replica is None
    )
    console.state, unknown = api.state, api.router.default

    async def default(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or path.startswith(_OTHERS):
            await unknown(scope, receive, send)
        elif customers is not None and path.startswith("/c/"):
            await customers(scope, receive, send)
        else:
            await console(scope, receive, last_write.remembered(api.state.app, scope, send))

    api.router.default = default
