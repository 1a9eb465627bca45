"""The sessions over HTTP: sign in and out, confirm who you are, and see what you may do.

The list of open sessions and the sign-in log are here too.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Header, Query, Request, Response
from fastapi_problem.error import Problem
from pydantic import Field

from incidents.accounts import secrets
from incidents.accounts.authenticator import Authenticator
from incidents.accounts.credentials import SignInError, Visit
from incidents.accounts.identity import ACTION_NAMES, IN_PERSON, PROOF_TTL, Identity, is_handle
from incidents.accounts.open_sessions import KNOWN_FOR
from incidents.accounts.second_factor import FactorNeededError
from incidents.accounts.security_keys import WrongFactorError
from incidents.api import bodies, problems
from incidents.api.authentication import (
    COOKIE,
    CSRF,
    CSRF_HEADER,
    ReadCaller,
    bearer,
    needs_own_form,
    signed_in,
    visitor,
)
from incidents.api.caller import address_of
from incidents.api.operation import BoundedRoute, opened, operation, router
from incidents.api.parameters import Cursor, Limit, OptionalTime
from incidents.clock import rfc3339
from incidents.contract.documents import accounts as account_documents
from incidents.errors import RefusedError
from incidents.views import accounts as account_views

own_routes, account_routes = router("session", BoundedRoute), router("accounts")

BROWSER = "__Host-incidents-browser"
"""The cookie that identifies a known browser. It authenticates nobody, and outlives the session."""

_MOST = 1_000


class Person(bodies.Form):
    """The handle and the password of a person who signs in.

    `code`: a code of the authenticator app or a recovery code, if the account has a second factor.
    """

    handle: str = Field(max_length=_MOST)
    password: str = Field(max_length=_MOST)
    code: str | None = Field(None, max_length=40)


class Proof(bodies.Form):
    """The password, to confirm the person's identity; `code`: as for the sign-in."""

    password: str = Field(max_length=_MOST)
    code: str | None = Field(None, max_length=40)


def visit(
    request: Request,
    csrf: Annotated[str | None, Header(alias=CSRF_HEADER, include_in_schema=False)] = None,
) -> Visit:
    """Return the visit of the session that a request changes.

    Raises:
        Problem: 401 without a session, 403 for a form from another site.
    """
    found = signed_in(request)
    needs_own_form(request, found, csrf, request.method.lower(), "this")
    return found


CurrentVisit = Annotated[Visit, Depends(visit)]


@own_routes.post("/session", **opened(account_documents.Session, status=201))
def sign_in(request: Request, response: Response, person: Person) -> account_documents.Session:
    """Sign in with a handle and a password; the answer sets the cookie of a new session.

    For later changes, send the answer's `csrf` in the header X-CSRF-Token. A program also sends the
    token of the same account, as usual, so that other people's failed sign-ins do not lock the user
    out. If the account has a second factor, the answer to a right password without a `code` is 401
    `factor_needed`.
    """
    authenticator: Authenticator = request.app.state.authenticator
    try:
        new = authenticator.sign_in(
            person.handle, person.password, address_of(request), browser(request),
            bearer(request.headers.get("Authorization", "")), code=person.code,
        )  # fmt: skip
    except (SignInError, FactorNeededError, WrongFactorError) as error:
        raise _nobody(error) from error
    begin(request, response, new)
    return _document(new.identity, new)


@own_routes.get("/session", **opened(account_documents.Session))
def show(request: Request, by: ReadCaller) -> account_documents.Session:
    """Show who you are and what you may do."""
    return _document(by.identity, None if by.identity.token else visitor(request))


@own_routes.delete("/session", **opened(status=204))
def sign_out(request: Request, response: Response, by: CurrentVisit) -> None:
    """Sign out and end the session."""
    request.app.state.authenticator.sign_out(by.cookie)
    forget(response)


@own_routes.post("/session/proof", **opened(account_documents.Session))
def prove(request: Request, by: CurrentVisit, proof: Proof) -> account_documents.Session:
    """Confirm who you are; for five minutes, you can then do the actions that require it.

    This takes all that your sign-in took: if the account has a second factor, also a `code`.
    """
    authenticator: Authenticator = request.app.state.authenticator
    try:
        again = authenticator.reauthenticate(
            by, proof.password, address_of(request), code=proof.code
        )
    except (SignInError, FactorNeededError, WrongFactorError) as error:
        raise _nobody(error) from error
    return _document(again.identity, again)


def browser(request: Request) -> str:
    """Return the cookie of a browser that has signed in before."""
    return request.cookies.get(BROWSER, "")


def begin(request: Request, response: Response, visit: Visit) -> None:
    """Set the cookie of a new session, and end the browser's earlier session."""
    before = request.cookies.get(COOKIE)
    if before is not None:
        request.app.state.authenticator.sign_out(before)
    # No script can read it, and no other site's page can send it.
    response.set_cookie(
        COOKIE, visit.cookie, path="/", secure=True, httponly=True, samesite="strict"
    )  # fmt: skip
    if visit.browser is not None:
        response.set_cookie(
            BROWSER, visit.browser, path="/", secure=True, httponly=True, samesite="strict",
            max_age=int(KNOWN_FOR.total_seconds()),
        )  # fmt: skip


def forget(response: Response) -> None:
    """Make the browser delete its session cookie and its cache of this site.

    Other cookies stay, so the browser is still known. `localStorage` stays too, because it holds
    only switches of the display, which belong to the browser and not to a person.
    """
    response.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="strict")
    response.headers["Clear-Site-Data"] = '"cache"'


def _nobody(error: RefusedError) -> Problem:
    return problems.problem(
        HTTPStatus.UNAUTHORIZED, error.name, error.message,
        headers={"WWW-Authenticate": 'Bearer realm="incidents"'},
    )  # fmt: skip


def _document(identity: Identity, visit: Visit | None) -> account_documents.Session:
    may = [action for action in ACTION_NAMES if identity.may(action)]
    proved = identity.proved_at
    return {
        "handle": identity.handle,
        "role": identity.role,
        "token": identity.token,
        "may": may,
        "in_person": [action for action in may if action in IN_PERSON],
        "proved_until": None if proved is None else rfc3339(proved + PROOF_TTL),
        "csrf": None if visit is None else secrets.form_token(visit.cookie, CSRF),
    }


Of = Annotated[str | None, Query(max_length=100, description="Only this account.")]


@account_routes.get("/sessions", **operation("own_account", account_documents.Sessions))
def list_sessions(
    by: ReadCaller,
    handle: Of = None,
    everybodys: Annotated[bool, Query(alias="all")] = False,
) -> account_documents.Sessions:
    """List your own open sessions, those of one account, or all sessions, the newest first."""
    of = None if everybodys else by.by if handle is None else handle
    by.needs_account(of, "see_accounts")
    found = [] if of is not None and not is_handle(of) else by.app.open_sessions.of(of)
    return {"items": [account_views.session_document(each, by.identity.session) for each in found]}


@account_routes.delete("/sessions/{session}", **operation("own_account", status=204, acting=True))
def end(by: ReadCaller, session: str) -> None:
    """End a session: your own or, if you manage accounts, another account's."""
    by.needs_account(by.app.open_sessions.owner_of(session))
    by.app.open_sessions.end(session, by.by)


@account_routes.get("/sign-ins", **operation("see_sign_ins", account_documents.SignIns))
def list_sign_ins(
    by: ReadCaller,
    *,
    limit: Limit = 100,
    cursor: Cursor = None,
    handle: Of = None,
    failed: Annotated[bool, Query(description="Only failed sign-ins.")] = False,
    since: OptionalTime = None,
) -> account_documents.SignIns:
    """List sign-ins, sign-outs, and failed attempts, with source and method, the newest first.

    If the name was unknown, the log has the attempt but not the name. After an erasure, pseudonyms
    replace people and addresses.
    """
    after = bodies.read_time(since)
    with by.app.reading() as connection:
        return account_views.sign_ins(
            connection, limit=limit, cursor=cursor, handle=handle, failed=failed, since=after
        )


@account_routes.get("/refusals", **operation("see_sign_ins", account_documents.Refusals))
def list_refusals(
    by: ReadCaller, limit: Limit = 100, handle: Of = None, since: OptionalTime = None
) -> account_documents.Refusals:
    """List refused actions with their number by person and day (UTC), the newest first."""
    after = bodies.read_time(since)
    with by.app.reading() as connection:
        found = account_views.sign_in_refusals(connection, limit=limit, handle=handle, since=after)
    return {"items": found}
