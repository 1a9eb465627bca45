"""The sessions over HTTP, listed and ended, and the log of who came in and who was not let."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Query

from incidents.accounts.identity import is_handle
from incidents.api import bodies
from incidents.api.caller import Caller
from incidents.api.endpoints.record import When
from incidents.api.entrance import looker
from incidents.api.operation import operation, router
from incidents.api.parameters import Cursor, Limit
from incidents.contract.documents import accounts as account_answers
from incidents.views import sign_ins as views

if TYPE_CHECKING:
    from incidents.contract.documents.accounts import SignIns


routes = router("accounts")

Asking = Annotated[Caller, Depends(looker)]
Document = dict[str, Any]
Of = Annotated[str | None, Query(max_length=100, description="Only of this account.")]


@routes.get("/sessions", **operation("own_account", account_answers.Sessions))
def list_sessions(
    by: Asking,
    handle: Of = None,
    everybodys: Annotated[bool, Query(alias="all")] = False,
) -> Document:
    """One's own sessions that hold, or those of that account, or everybody's; the newest first."""
    of = None if everybodys else by.by if handle is None else handle
    _needs(by, of, "see_accounts")
    found = [] if of is not None and not is_handle(of) else by.house.open_sessions.of(of)
    return {"items": [views.session_document(each, by.identity.session) for each in found]}


@routes.delete("/sessions/{session}", **operation("own_account", status=204, acting=True))
def end(by: Asking, session: str) -> None:
    """End a session, one's own or, as who keeps accounts, somebody else's."""
    _needs(by, by.house.open_sessions.owner_of(session))
    by.house.open_sessions.end(session, by.by)


@routes.get("/sign-ins", **operation("see_sign_ins", account_answers.SignIns))
def list_sign_ins(
    by: Asking,
    *,
    limit: Limit = 100,
    cursor: Cursor = None,
    handle: Of = None,
    failed: Annotated[bool, Query(description="Only those that failed.")] = False,
    since: When = None,
) -> SignIns:
    """Who signed in and out, from where and how, and who was not let in; the newest first.

    Of a name that is nobody's nothing is kept but that there was one. Once erased, a person and an
    address are pseudonyms.
    """
    after = bodies.read_time(since)
    with by.reading() as connection:
        return views.sign_ins(
            connection, limit=limit, cursor=cursor, handle=handle, failed=failed,
            since=after,
        )  # fmt: skip


@routes.get("/refusals", **operation("see_sign_ins", account_answers.Refusals))
def list_refusals(
    by: Asking, limit: Limit = 100, handle: Of = None, since: When = None
) -> Document:
    """Who was not let do what, and how often, by the day (UTC); those with the newest first."""
    after = bodies.read_time(since)
    with by.reading() as connection:
        found = views.refusals(connection, limit=limit, handle=handle, since=after)
    return {"items": found}


def _needs(by: Caller, handle: str | None, act: str = "keep_accounts") -> None:
    """See that they may do that act with the sessions of that account, or of all."""
    about = "?" if handle is not None and not is_handle(handle) else handle
    by.needs("own_account" if handle == by.by else act, about=about)
