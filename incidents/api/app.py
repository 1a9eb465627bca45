"""The application: the API under /api/v1, what watches it, and what else is mounted beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi_problem.handler import add_exception_handler

from incidents import __version__, clock
from incidents.accounts.door import Door
from incidents.api import problems, queue, sites
from incidents.console import pages
from incidents.errors import IncidentsError

if TYPE_CHECKING:
    from incidents.bootstrap import House

PREFIX = "/api/v1"


class JSON(JSONResponse):
    """What is answered; nobody keeps a copy of it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.headers.setdefault("Cache-Control", "no-store")


def create(house: House, customers: pages.Asgi | None = None) -> FastAPI:
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
    app.state.door = Door(house.engine, house.desk, clock.now)
    handler = problems.handler()
    add_exception_handler(app, handler, generic_swagger_defaults=False)
    app.add_exception_handler(IncidentsError, handler)
    for router in (sites.router, queue.router):
        app.include_router(router, prefix=PREFIX)
    _watch(app)
    pages.put_beside(app, customers)
    return app


def _watch(app: FastAPI) -> None:
    @app.get("/healthz", include_in_schema=False)
    def healthz() -> dict[str, str]:
        """The process answers."""
        return {"status": "ok"}

    @app.get("/readyz", include_in_schema=False)
    def readyz(request: Request) -> dict[str, str]:
        """Its database answers too."""
        from incidents.store import schema

        schema.check(request.app.state.house.bare_engine)
        return {"status": "ok"}
