"""The application: the API under /api/v1, what watches it, and what else is mounted beside it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from anyio import CapacityLimiter
from fastapi import FastAPI
from fastapi_problem.handler import add_exception_handler
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from incidents import __version__, clock
from incidents.accounts import access_settings
from incidents.accounts.authenticator import Door
from incidents.accounts.oidc import Oidc
from incidents.api import description, problems
from incidents.api.endpoints import (
    accounts,
    actions,
    alarms,
    batch,
    bundles,
    erasing,
    filing_lists,
    filings,
    histories,
    incidents,
    log,
    notices,
    oidc,
    orders,
    policies,
    queue,
    record,
    security_txt,
    session,
    sessions,
    sites,
    watch,
)
from incidents.api.entrance import is_somebody
from incidents.api.limits import Quota, Rounds
from incidents.api.operation import JSON
from incidents.audit.proof.proving import Proving
from incidents.console import application
from incidents.errors import IncidentsError

if TYPE_CHECKING:
    from incidents.app import House

_LOOKS = 4
"""So many looks are under way at once: whose tokens those are, and what people wrote."""
_ALONE = 5
"""So many acts wait at once for a site that somebody else has locked, each with a connection."""

_ROUTERS = (
    sites.routes, filings.routes, filing_lists.routes, incidents.routes, queue.routes,
    actions.routes,
    batch.routes, orders.routes, policies.routes, alarms.routes, notices.routes, histories.routes,
    erasing.routes, record.routes, bundles.routes, log.routes, session.router, accounts.router,
    sessions.routes, oidc.router,
)  # fmt: skip


class SecurityHeaders:
    """Adds `problems.HEADERS` to each answer, where it does not set its own, as pages do."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The interface of ASGI."""

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in problems.HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, told)


def create(house: House, customers: application.Asgi | None = None) -> FastAPI:
    """The application for that house; its database is opened by the thread that makes this.

    `customers` answers below /c/, where customers come in by their links.
    """
    app = FastAPI(
        title="incidents",
        version=__version__,
        summary="The system of record of a hosting provider's violation desk",
        openapi_url="/openapi.json",
        docs_url=None,
        redoc_url=None,
        default_response_class=JSON,
        redirect_slashes=False,
    )
    app.state.house = house
    app.state.door = Door(house.engine, clock.now, house.seal)
    # Acts are taken in the order in which they come; a look that hangs holds up no others.
    app.state.at_the_door = Rounds(app.state.door.by_tokens, at_once=_LOOKS)
    app.state.at_the_desk = Rounds(house.gatherer.together)
    app.state.told = Rounds(partial(actions.told, house), at_once=_LOOKS)
    app.state.alone = CapacityLimiter(_ALONE)
    provider = access_settings.provider()
    app.state.oidc = None if provider is None else Oidc(provider, clock.now)
    serve = access_settings.serve()
    app.state.trusted_proxies = serve.trusted_proxies
    app.state.quota = Quota(serve.acts_per_minute)
    handler = problems.handler(is_somebody)
    add_exception_handler(app, handler, generic_swagger_defaults=False)
    app.add_exception_handler(IncidentsError, handler)
    app.state.verifying, app.state.replaying = Proving(), Proving()
    for router in _ROUTERS:
        # Included, each would be gone through twice with every request.
        app.router.routes.extend(router.routes)
    app.add_middleware(SecurityHeaders)
    watch.add(app)
    security_txt.add(app, serve.security_contact)
    description.add(app)
    application.put_beside(app, customers)
    return app
