"""The step in which a page asks for a second factor, after the right password."""

from __future__ import annotations

from dataclasses import dataclass

from incidents.accounts.authenticator import Authenticator
from incidents.accounts.security_keys import authentication_options, work_at
from incidents.console.request_context import RequestContext
from incidents.store.accounts.factors import TOTP, WEBAUTHN


@dataclass(frozen=True, slots=True)
class FactorStep:
    """What the step's form needs: `options` (JSON) for a security key, if the account has one."""

    handle: str
    options: str | None
    has_app: bool


def other_key_host(who: RequestContext) -> str | None:
    """The only host at which security keys work, if it is not that of the request."""
    access = who.authenticator.factors.access
    return None if work_at(access, who.request.url.hostname) else access.rp_id


def factor_step(authenticator: Authenticator, ticket: str) -> FactorStep | None:
    """Return the step of a ticket; None if the ticket is not valid now."""
    found = authenticator.ticket(ticket)
    if found is None:
        return None
    held, factors = found
    kinds = {each.kind for each in factors}
    options = (
        authentication_options(authenticator.factors.access, factors, held.challenge)
        if WEBAUTHN in kinds
        else None
    )
    return FactorStep(held.handle, options, TOTP in kinds)
