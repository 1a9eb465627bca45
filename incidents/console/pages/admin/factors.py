"""The second factors of one's own account: an authenticator app, security keys, recovery codes."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from incidents import clock
from incidents.accounts import second_factor, security_keys
from incidents.accounts.factor_offer import Offer
from incidents.accounts.second_factor import NAME_CHARACTERS
from incidents.accounts.security_keys import WrongFactorError
from incidents.console import factor_step, messages
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


@router.get(f"{_PAGE}/app")
def app_page(here: SignedIn) -> Response:
    """Show the secret for an authenticator app, and ask for its first code."""
    here.authorise_page(ACTION)
    return _app(here, _new_offer(here))


@router.post(f"{_PAGE}/app", dependencies=needs(ACTION))
def add_app(desk: Submitted) -> Response:
    """Add an authenticator app, whose first code proves that it has the secret."""
    desk.authorise(ACTION)
    code = "".join((desk.form.text("code") or "").split())
    if not code:
        # The page itself, after the password that it takes.
        return _app(desk, _new_offer(desk))
    offer = _sent_offer(desk)
    if offer is None:
        return _app(desk, _new_offer(desk), wrong=desk.reader.say("factors.old_page"))
    step = second_factor.matching_step(offer.secret, code, clock.machine_now(), after=0)
    if step is None:
        return _app(desk, offer, wrong=desk.reader.say("factors.wrong_code"))
    new = factors.blank(desk.by, TOTP, "", clock.now)
    return _add(desk, new._replace(secret=offer.secret, counter=step))


@router.get(f"{_PAGE}/key")
def key_page(here: SignedIn) -> Response:
    """Ask the browser for a security key."""
    here.authorise_page(ACTION)
    return _key(here, _new_offer(here))


@router.post(f"{_PAGE}/key", dependencies=needs(ACTION))
def add_key(desk: Submitted) -> Response:
    """Add the security key that the browser has made."""
    desk.authorise(ACTION)
    credential = desk.form.text("credential")
    if credential is None:
        return _key(desk, _new_offer(desk))
    offer = _sent_offer(desk)
    if offer is None:
        return _key(desk, _new_offer(desk), wrong=desk.reader.say("factors.old_page"))
    new = factors.blank(desk.by, WEBAUTHN, "", clock.now)
    access = desk.authenticator.factors.access
    try:
        made = security_keys.registered(access, credential, offer.drawn, new)
    except WrongFactorError:
        return _key(desk, _new_offer(desk), wrong=desk.reader.say("factors.key_refused"))
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


def _new_offer(who: RequestContext) -> Offer:
    return Offer.new(who.visit.cookie, _count_made(who), clock.machine_now())


def _sent_offer(desk: Submission) -> Offer | None:
    sent = desk.form.text("offer") or ""
    return Offer.read(sent, desk.visit.cookie, _count_made(desk), clock.machine_now())


def _count_made(who: RequestContext) -> int:
    with who.app.reading() as connection:
        return stored_factors.count_made(connection, who.by)


def _app(who: RequestContext, offer: Offer, *, wrong: str | None = None) -> Response:
    import segno

    secret = offer.secret
    uri = second_factor.totp_uri(secret, who.by)
    # Dark on light in both colour schemes: not every camera reads the other.
    code = segno.make(uri, error="m").svg_inline(scale=4, dark="#000", light="#fff")
    return who.page(
        "admin/factor_app", status=422 if wrong else 200, wrong=wrong,
        secret=" ".join(secret[n : n + 4] for n in range(0, len(secret), 4)),
        uri=uri, code=code, offer=offer.text, typed=who.typed, limit=NAME_CHARACTERS,
    )  # fmt: skip


def _key(who: RequestContext, offer: Offer, *, wrong: str | None = None) -> Response:
    with who.app.reading() as connection:
        own = stored_factors.of(connection, who.by)
    options = security_keys.registration_options(
        who.authenticator.factors.access, who.by, own, offer.drawn
    )
    return who.page(
        "admin/factor_key", status=422 if wrong else 200, wrong=wrong, options=options,
        key_host=factor_step.other_key_host(who), offer=offer.text, typed=who.typed,
        limit=NAME_CHARACTERS,
    )  # fmt: skip
