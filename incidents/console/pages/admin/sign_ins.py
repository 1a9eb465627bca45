"""The page of the sign-in log, and of the actions that were refused."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from incidents.console.request_context import RequestContext, signed_in_context
from incidents.views import accounts

router = APIRouter()

PAGE = "/admin/sign-ins"

MOST = 100
"""The maximum number of sign-ins shown, the newest first."""


@router.get(PAGE)
def show(here: Annotated[RequestContext, Depends(signed_in_context)]) -> Response:
    """Show who signed in, and which actions were refused."""
    here.needs("see_sign_ins")
    with here.app.reading() as connection:
        sign_ins = accounts.sign_ins(connection, limit=MOST)["items"]
        refusals = accounts.sign_in_refusals(connection, limit=MOST)
    return here.page("admin/sign_ins", sign_ins=sign_ins, refusals=refusals, most=MOST)
