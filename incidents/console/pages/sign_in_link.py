"""The sign-in link of a rehearsal: it signs its visitor in.

The route exists only where `serve` was started with such links: see `accounts.sign_in_links`.
"""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from incidents.accounts.sign_in_links import PATH, SignInLinks
from incidents.api.caller import address_of
from incidents.api.endpoints import session
from incidents.console import rendering
from incidents.console.pages import sign_in


def router(sign_in_links: SignInLinks) -> APIRouter:
    """The route of those links."""
    made = APIRouter()

    @made.get(PATH + "{secret}")
    def sign_in_by_link(request: Request, secret: str) -> Response:
        """Sign in the person of a new link; otherwise say where there are more."""
        handle = sign_in_links.use(secret)
        if handle is None:
            return sign_in.page(request, "/", wrong="sign_in_link.used", status=410)
        visit = request.app.state.authenticator.begin(
            handle, how="terminal", place=address_of(request)
        )
        answer = RedirectResponse("/", status_code=303, headers=rendering.HEADERS)
        session.begin(request, answer, visit)
        return answer

    return made
