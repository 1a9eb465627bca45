"""The console's entrance: a rehearsal's address that signs its visitor in.

The route exists only where `serve` was started with an entrance: see `accounts.entrance`.
"""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from incidents.accounts.entrance import PATH, Entrance
from incidents.api.caller import address_of
from incidents.api.endpoints import session
from incidents.console import rendering
from incidents.console.pages import sign_in


def router(entrance: Entrance) -> APIRouter:
    """The route of that entrance."""
    made = APIRouter()

    @made.get(PATH + "{secret}")
    def enter(request: Request, secret: str) -> Response:
        """Sign in the person of a new address; otherwise show where there are more."""
        handle = entrance.enter(secret)
        if handle is None:
            return sign_in.page(request, "/", wrong="entrance.used", status=410)
        visit = request.app.state.authenticator.begin(
            handle, how="terminal", place=address_of(request)
        )
        answer = RedirectResponse("/", status_code=303, headers=rendering.HEADERS)
        session.begin(request, answer, visit)
        return answer

    return made
