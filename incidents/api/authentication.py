"""The authentication of the API: who makes a request for which action, from its headers."""

from __future__ import annotations

import hmac
import re
from dataclasses import replace
from datetime import timedelta
from typing import Annotated

from fastapi import Depends, Header, Query, Request
from starlette.concurrency import run_in_threadpool

from incidents.accounts import secrets
from incidents.accounts.authenticator import Authenticator
from incidents.accounts.credentials import Visit
from incidents.api import problems
from incidents.api.caller import Caller, Seen, refuse

COOKIE = "__Host-incidents"
CSRF_HEADER = "X-CSRF-Token"
CSRF = "csrf"

_ETAG = re.compile(r'"?([0-9]{1,18})-([0-9]{1,18})"?')
_NEVER = (-1, -1)
SAFE = ("GET", "HEAD", "OPTIONS")
"""The methods of requests that change nothing."""

DryRun = Annotated[bool, Query(description="Only show what would happen.")]


def visitor(request: Request) -> Visit | None:
    """Return the visit of the session in the request's cookie; None without a valid session."""
    authenticator: Authenticator = request.app.state.authenticator
    cookie = request.cookies.get(COOKIE)
    return None if cookie is None else authenticator.by_session(cookie, used=is_by_hand(request))


def signed_in(request: Request) -> Visit:
    """Return the visit of the session in the request's cookie; raises Problem 401 without one."""
    found = visitor(request)
    if found is None:
        raise problems.not_signed_in()
    return found


def is_by_hand(request: Request) -> bool:
    """Whether a person made the request by sending a form or opening a page.

    Requests that an open page sends on its own do not count; otherwise the session of an abandoned
    screen would never end.
    """
    if request.method not in SAFE:
        return True
    # A program sends no Fetch Metadata (section 2.3): its requests count.
    mode = request.headers.get("Sec-Fetch-Mode", "navigate")
    return mode == "navigate" and "HX-Request" not in request.headers


def is_from_elsewhere(request: Request) -> bool:
    """Whether a page of another site sent the browser here, by a link, a form or a redirect.

    A browser sends this information (Fetch Metadata, section 2.1). A program sends none, and has no
    session.
    """
    return request.headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none")


def is_own_form(visit: Visit, given: str | None) -> bool:
    """Whether the form token shows that a page of the same session made the request (CSRF).

    A page of the console has it under a mask (`secrets.masked`).
    """
    return given is not None and hmac.compare_digest(
        secrets.form_token(visit.cookie, CSRF).encode(), secrets.unmasked(given).encode()
    )


def needs_own_form(
    request: Request, visit: Visit, word: str | None, action: str, named: str
) -> None:
    """Check that a page of the same session sent the request (CSRF); count a refusal.

    Raises:
        Problem: 403, in which the action is called `named`.
    """
    if not is_own_form(visit, word):
        refuse(request.app.state.app, visit.identity, action, "csrf", None)
        raise problems.not_let(visit.identity, named, "csrf")


async def read_caller(request: Request) -> Caller:
    """Return the caller of a request that only reads. Raises the same errors as `known`."""
    found = getattr(request.state, "caller", None)
    # `operation` has authenticated them already, where it knows the action.
    return found if isinstance(found, Caller) else await known(request, request.method.lower())


async def known(request: Request, action: str) -> Caller:
    """Return the caller of a request for the action.

    Raises:
        Problem: 401 for an unknown caller, 403 for a form from another site.
    """
    authorization = request.headers.get("Authorization")
    if authorization is None:
        return await run_in_threadpool(_in_session, request, action)
    secret = bearer(authorization)
    found = None if secret is None else await request.app.state.token_batch.take(secret)
    if found is None:
        raise problems.not_signed_in(with_token=True)
    return Caller(
        request.app.state.app, found, quota=request.app.state.quota, views=request.method in SAFE
    )


def _in_session(request: Request, action: str) -> Caller:
    visit = signed_in(request)
    if request.method not in SAFE:
        needs_own_form(request, visit, request.headers.get(CSRF_HEADER), action, action)
    return Caller(
        request.app.state.app, visit.identity, quota=request.app.state.quota,
        views=request.method in SAFE,
    )  # fmt: skip


def bearer(authorization: str) -> str | None:
    """The token in an Authorization header; None if there is none."""
    scheme, _, secret = authorization.partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else None


def is_somebody(request: Request) -> bool:
    """Whether the caller of the request is known, by a session or a token."""
    authorization = request.headers.get("Authorization")
    if authorization is None:
        return visitor(request) is not None
    secret = bearer(authorization)
    return secret is not None and request.app.state.authenticator.by_token(secret) is not None


MAX_KEY = 150
"""The maximum length of an idempotency key."""

Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=MAX_KEY,
        description="A request that is repeated with the same key is done once. Its answer is"
        " stored for 30 days ([retention] keys).",
    ),
]

KEY_FOR_HEADER = "Idempotency-Key-For"
KeyFor = Annotated[
    int | None,
    Header(
        alias=KEY_FOR_HEADER,
        ge=1,
        le=86_400,
        description="Seconds until the key can be used again. Default: never.",
    ),
]
IfMatch = Annotated[
    str | None, Header(alias="If-Match", description="The ETag of the site that you have seen.")
]


async def action_caller(
    request: Request,
    key: Key = None,
    if_match: IfMatch = None,
    dry_run: DryRun = False,
    key_for: KeyFor = None,
) -> Caller:
    """Return the caller of an action, with the request's idempotency key, ETag and `dry_run`."""
    held = None if key_for is None else timedelta(seconds=key_for)
    return replace(
        await read_caller(request), key=key, seen=_seen(if_match), dry_run=dry_run, key_for=held
    )


async def log_caller(
    by: Annotated[Caller, Depends(action_caller)],
    unless_closing: Annotated[
        bool,
        Query(description="Refuse with `would_close` if this would close the site (R1)."),
    ] = False,
) -> Caller:
    """Return the caller who logs a violation, which can close the site (R1)."""
    return replace(by, unless_closing=unless_closing)


async def permanent_key_caller(
    request: Request, key: Key = None, if_match: IfMatch = None, dry_run: DryRun = False
) -> Caller:
    """Return the caller of an action on several sites, whose key is kept permanently.

    Raises:
        Problem: 422 if the request asks to keep the key only for a while.
    """
    if KEY_FOR_HEADER in request.headers:
        raise problems.unprocessable(
            "kept_for_good",
            f"nothing was done: this key is kept for good, so send it without {KEY_FOR_HEADER}",
        )
    return await action_caller(request, key, if_match, dry_run)


async def dry_run_caller(request: Request, dry_run: DryRun = False) -> Caller:
    """Return the caller of an idempotent action that concerns no single site."""
    return replace(await read_caller(request), dry_run=dry_run)


def _seen(if_match: str | None) -> Seen | None:
    if if_match is None or if_match.strip() == "*":
        return None
    found = _ETAG.fullmatch(if_match.strip())
    # An ETag that we never sent matches nothing, nor does a weak one (RFC 9110, 13.1.1).
    return _NEVER if found is None else (int(found[1]), int(found[2]))


ReadCaller = Annotated[Caller, Depends(read_caller)]
ActionCaller = Annotated[Caller, Depends(action_caller)]
PermanentKeyCaller = Annotated[Caller, Depends(permanent_key_caller)]
DryRunCaller = Annotated[Caller, Depends(dry_run_caller)]
