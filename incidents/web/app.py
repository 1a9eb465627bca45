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
from incidents.accounts.sign_in_links import SignInLinks
from incidents.api import parameters, problems
from incidents.api.authentication import COOKIE, CSRF_HEADER, is_somebody
from incidents.api.endpoints import (
    accounts,
    actions,
    batch,
    erasing,
    filing_lists,
    filings,
    histories,
    incidents,
    intake_rules,
    log,
    oidc,
    policies,
    record,
    report_sources,
    reporters,
    reports,
    session,
    sites,
    watch,
    work,
)
from incidents.api.limits import AsyncBatcher, Quota
from incidents.api.operation import ACTION, JSON
from incidents.audit.proof.proving import Proving
from incidents.console import application
from incidents.contract.documents.actions import Problem
from incidents.errors import Cause, IncidentsError
from incidents.log import logger
from incidents.store.database.readiness import Readiness
from incidents.values.json_object import JSONObject

if TYPE_CHECKING:
    from incidents.app import App


_log = logger("serve")

_LOOKS = 4
"""The maximum number of concurrent look-ups of tokens and of people's text."""
_ALONE = 5
"""The maximum number of actions that wait for locked sites at once, each with a connection."""

_ROUTERS = (
    sites.routes, filings.routes, filing_lists.routes, incidents.routes, reports.routes,
    report_sources.routes, intake_rules.routes, work.queue_routes, actions.routes, batch.routes,
    work.order_routes, policies.routes, watch.routes, work.notice_routes, histories.routes,
    erasing.routes, reporters.routes, record.routes, log.routes, session.own_routes,
    accounts.routes, session.account_routes, oidc.routes,
)  # fmt: skip


class SecurityHeaders:
    """The middleware that adds `problems.HEADERS` to responses that do not set their own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The interface of ASGI."""

        async def send_secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in problems.HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_secured)


def create(
    app: App, customers: application.Asgi | None = None, sign_in_links: SignInLinks | None = None
) -> FastAPI:
    """The HTTP application; the calling thread opens its database.

    `customers`: the application that serves customers' links, below /c/. `sign_in_links`: only for
    a rehearsal, where people sign in without a password.
    """
    api = FastAPI(
        title="incidents",
        version=__version__,
        summary="The system of record of a hosting provider's violation desk",
        openapi_url="/openapi.json",
        docs_url=None,
        redoc_url=None,
        default_response_class=JSON,
        redirect_slashes=False,
    )
    api.state.app = app
    if (replica := app.replica) is not None:
        replica.on_change = _log_replica
    api.state.readiness = Readiness(app.bare_engine)
    api.state.authenticator = Authenticator(
        app.engine, clock.machine_now, app.seal, access_settings.access()
    )
    # Actions are processed in order of arrival; a query that hangs delays no others.
    api.state.token_batch = AsyncBatcher(api.state.authenticator.by_tokens, at_once=_LOOKS)
    api.state.command_batch = AsyncBatcher(app.group_commit.submit_together)
    api.state.document_batch = AsyncBatcher(partial(actions.action_documents, app), at_once=_LOOKS)
    api.state.exclusive = CapacityLimiter(_ALONE)
    provider = access_settings.provider()
    api.state.oidc = None if provider is None else Oidc(provider, clock.machine_now)
    serve = access_settings.serve()
    api.state.trusted_proxies = serve.trusted_proxies
    api.state.quota = Quota(serve.acts_per_minute)
    handler = problems.handler(is_somebody)
    add_exception_handler(api, handler, generic_swagger_defaults=False)
    api.add_exception_handler(IncidentsError, handler)
    api.state.verifying, api.state.replaying = Proving(), Proving()
    for router in _ROUTERS:
        # Included, each would be gone through twice with every request.
        api.router.routes.extend(router.routes)
    api.add_middleware(SecurityHeaders)
    watch.add_probes(api)
    watch.add_security_txt(api, serve.security_contact)
    plain = api.openapi
    # Made once, and of what the framework says of it; so its makers advise.
    api.openapi = cache(lambda: _completed(plain()))  # type: ignore[method-assign]
    application.mount_console(api, customers, sign_in_links)
    return api


def _log_replica(trouble: Cause | None) -> None:
    if trouble is None:
        _log.info("the replica is read again")
    else:
        _log.warning("the replica is not read", reason=trouble)


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
    """The framework's OpenAPI description, completed with the parts that the framework omits."""
    components = found.setdefault("components", {})
    components["securitySchemes"] = _SCHEMES
    schemas = components.setdefault("schemas", {})
    own = TypeAdapter(Problem).json_schema(ref_template=_SCHEMA)
    schemas |= own.pop("$defs", {}) | {"Problem": own}
    content = {problems.MEDIA_TYPE: {"schema": {"$ref": _SCHEMA.format(model="Problem")}}}
    for operation in (each for path in found["paths"].values() for each in path.values()):
        if "422" in operation["responses"]:
            operation["responses"]["422"]["content"] = content
        if ACTION in operation:
            operation.setdefault("parameters", []).append(parameters.DESCRIBED)
            operation["security"] = [{BEARER: []}, {SESSION: []}]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    return found
