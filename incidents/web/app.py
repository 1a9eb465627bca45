"""The application: the API under /api/v1 with its OpenAPI document, and the mounts beside it."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING

from anyio import CapacityLimiter
from fastapi import FastAPI
from fastapi_problem.handler import add_exception_handler
from pydantic import TypeAdapter
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from incidents import __version__, clock
from incidents.accounts import access_settings
from incidents.accounts.authenticator import Authenticator
from incidents.accounts.oidc import Oidc
from incidents.api import parameters, problems
from incidents.api.endpoints import (
    accounts,
    actions,
    batch,
    erasing,
    filing_lists,
    filings,
    histories,
    log,
    oidc,
    policies,
    record,
    register,
    session,
    watch,
    work,
)
from incidents.api.entrance import COOKIE, CSRF_HEADER, is_somebody
from incidents.api.limits import Batcher, Quota
from incidents.api.operation import ACT, JSON
from incidents.audit.proof.verification import Proving
from incidents.console import application
from incidents.contract.documents.acts import Problem
from incidents.errors import IncidentsError
from incidents.values.json_object import JSONObject

if TYPE_CHECKING:
    from incidents.app import App


_LOOKS = 4
"""So many looks are under way at once: whose tokens those are, and what people wrote."""
_ALONE = 5
"""So many acts wait at once for a site that somebody else has locked, each with a connection."""

_ROUTERS = (
    register.site_routes, filings.routes, filing_lists.routes, register.incident_routes,
    work.queue_routes, actions.routes, batch.routes, work.order_routes, policies.routes,
    watch.routes, work.notice_routes, histories.routes, erasing.routes, record.routes, log.routes,
    session.own_routes, accounts.routes, session.account_routes, oidc.routes,
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


def create(house: App, customers: application.Asgi | None = None) -> FastAPI:
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
    app.state.door = Authenticator(house.engine, clock.now, house.seal)
    # Acts are taken in the order in which they come; a look that hangs holds up no others.
    app.state.at_the_door = Batcher(app.state.door.by_tokens, at_once=_LOOKS)
    app.state.at_the_desk = Batcher(house.batcher.submit_together)
    app.state.told = Batcher(partial(actions.act_documents, house), at_once=_LOOKS)
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
    watch.add_probes(app)
    watch.add_security_txt(app, serve.security_contact)
    plain = app.openapi
    # Made once, and of what the framework says of it; so its makers advise.
    app.openapi = cache(lambda: _completed(plain()))  # type: ignore[method-assign]
    application.put_beside(app, customers)
    return app


BEARER, SESSION = "token", "session"
_SCHEMES: JSONObject = {
    BEARER: {"type": "http", "scheme": "bearer", "description": "An account's token."},
    SESSION: {
        "type": "apiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": f"A session; requests other than GET need its CSRF token in {CSRF_HEADER}.",
    },
}
_SCHEMA = "#/components/schemas/{model}"


def _completed(found: JSONObject) -> JSONObject:
    """The description that the framework has made, with what it does not know."""
    components = found.setdefault("components", {})
    components["securitySchemes"] = _SCHEMES
    schemas = components.setdefault("schemas", {})
    own = TypeAdapter(Problem).json_schema(ref_template=_SCHEMA)
    schemas |= own.pop("$defs", {}) | {"Problem": own}
    told = {problems.MEDIA_TYPE: {"schema": {"$ref": _SCHEMA.format(model="Problem")}}}
    for operation in (each for path in found["paths"].values() for each in path.values()):
        if "422" in operation["responses"]:
            operation["responses"]["422"]["content"] = told
        if ACT in operation:
            operation.setdefault("parameters", []).append(parameters.DESCRIBED)
            operation["security"] = [{BEARER: []}, {SESSION: []}]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    return found
