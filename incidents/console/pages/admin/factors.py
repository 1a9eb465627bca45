"""The second factors of one's own account: an authenticator app, security keys, recovery codes."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter
from starlette.responses import Response

from incidents import clock
from incidents.accounts import second_factor, security_keys
from incidents.accounts.second_factor import NAME_CHARACTERS
from incidents.accounts.security_keys import WrongFactorError
from incidents.console import messages
from incidents.console.flash import Flash
from incidents.console.pages.admin import account_acts, accounts, my_account
from incidents.console.pages.admin.account_acts import KEEP
from incidents.console.request_context import RequestContext, SignedIn, needs
from incidents.console.submission import Submission, Submitted
from incidents.desk import factors
from incidents.errors import InputError, RefusedError
from incidents.store.accounts import factors as stored_factors
from incidents.store.accounts.factors import TOTP, WEBAUTHN, Factor
from incidents.values import inputs

router = APIRouter()

ACTION = "own_factors"
_PAGE = f"{my_account.PAGE}/factors"


@dataclass(frozen=True, slots=True)
class Added:
    """What is drawn for the next factor of a session, the same until one is added."""

    secret: str
    challenge: bytes


@router.get(f"{_PAGE}/app")
def app_page(here: SignedIn) -> Response:
    """Show the secret for an authenticator app, and ask for its first code."""
    return _app(here)


@router.post(f"{_PAGE}/app", dependencies=needs(ACTION))
def add_app(desk: Submitted) -> Response:
    """Add an authenticator app, whose first code proves that it has the secret."""
    desk.authorise(ACTION)
    secret, code = _drawn(desk).secret, "".join((desk.form.text("code") or "").split())
    step = second_factor.matching_step(secret, code, clock.machine_now(), after=0)
    if step is None:
        return _app(desk, wrong=desk.reader.say("factors.wrong_code"))
    new = factors.blank(desk.by, TOTP, "", clock.now)
    return _add(desk, new._replace(secret=secret, counter=step))


@router.get(f"{_PAGE}/key")
def key_page(here: SignedIn) -> Response:
    """Ask the browser for a security key."""
    return _key(here)


@router.post(f"{_PAGE}/key", dependencies=needs(ACTION))
def add_key(desk: Submitted) -> Response:
    """Add the security key that the browser has made."""
    desk.authorise(ACTION)
    new = factors.blank(desk.by, WEBAUTHN, "", clock.now)
    try:
        made = security_keys.registered(
            desk.authenticator.factors.access, desk.form.text("credential") or "",
            _drawn(desk).challenge, new,
        )  # fmt: skip
    except WrongFactorError:
        return _key(desk, wrong=desk.reader.say("factors.key_refused"))
    return _add(desk, made)


@router.post(f"{_PAGE}/codes", dependencies=needs(ACTION))
def new_codes(desk: Submitted) -> Response:
    """Make new recovery codes, and show them once."""
    try:
        codes = account_acts.on_record(
            desk,
            ACTION,
            lambda c, by, now: factors.new_recovery_codes(c, by, desk.by, now, seal=desk.app.seal),
        )
    except (InputError, RefusedError) as error:
        return desk.back(my_account.PAGE, messages.of_error(desk.reader, error))
    return desk.page("admin/recovery_codes", codes=codes, added=False)


@router.post(f"{_PAGE}/{{factor}}/remove", dependencies=needs(ACTION))
def remove(desk: Submitted, factor: str) -> Response:
    """Remove a factor of one's own."""
    return account_acts.answered(
        desk, ACTION, lambda c, by, now: factors.remove(c, by, desk.by, factor, now),
        my_account.PAGE, "factors.removed",
    )  # fmt: skip


@router.post(f"{accounts.PAGE}/{{handle}}/factors/reset", dependencies=needs(KEEP))
def reset(desk: Submitted, handle: str) -> Response:
    """Remove all factors of somebody who has lost them."""
    return account_acts.answered(
        desk, KEEP, lambda c, by, now: factors.reset(c, by, handle, now),
        accounts.at(handle), "factors.were_reset", handle=handle,
    )  # fmt: skip


def _add(desk: Submission, new: Factor) -> Response:
    try:
        name = inputs.text("name", limit=NAME_CHARACTERS)(desk.form.text("name") or "")
        codes = account_acts.on_record(
            desk,
            ACTION,
            lambda c, by, now: factors.add(c, by, new._replace(name=name), now, seal=desk.app.seal),
        )
    except (InputError, RefusedError) as error:
        return desk.back(my_account.PAGE, messages.of_error(desk.reader, error))
    if codes:
        return desk.page("admin/recovery_codes", codes=codes, added=True)
    return desk.back(my_account.PAGE, Flash("done", desk.reader.say("factors.added")))


def _drawn(who: RequestContext) -> Added:
    """What is drawn from the session's secret: after each factor that was added, another."""
    with who.app.reading() as connection:
        before = stored_factors.count_made(connection, who.by)
    cookie = who.visit.cookie
    return Added(
        second_factor.totp_secret(cookie, before),
        security_keys.challenge(cookie, f"register {before}"),
    )


def _app(who: RequestContext, *, wrong: str | None = None) -> Response:
    import segno

    secret = _drawn(who).secret
    uri = second_factor.totp_uri(secret, who.by)
    # Dark on light in both colour schemes: not every camera reads the other.
    code = segno.make(uri, error="m").svg_inline(scale=4, dark="#000", light="#fff")
    return who.page(
        "admin/factor_app", status=422 if wrong else 200, wrong=wrong,
        secret=" ".join(secret[n : n + 4] for n in range(0, len(secret), 4)),
        uri=uri, code=code, typed=who.typed, limit=NAME_CHARACTERS,
    )  # fmt: skip


def _key(who: RequestContext, *, wrong: str | None = None) -> Response:
    with who.app.reading() as connection:
        own = stored_factors.of(connection, who.by)
    options = security_keys.registration_options(
        who.authenticator.factors.access, who.by, own, _drawn(who).challenge
    )
    return who.page(
        "admin/factor_key", status=422 if wrong else 200, wrong=wrong, options=options,
        typed=who.typed, limit=NAME_CHARACTERS,
    )  # fmt: skip
