"""The second factors: asked for wherever a password signs in, and each code used once."""

from __future__ import annotations

from datetime import timedelta

import pyotp
import pytest

from incidents import clock
from incidents.accounts.access_settings import DEMANDED, Access
from incidents.accounts.authenticator import Authenticator
from incidents.accounts.credentials import SignInError
from incidents.accounts.second_factor import (
    FactorDemandedError,
    FactorNeededError,
    TooManyFactorsError,
)
from incidents.accounts.security_keys import Answer, WrongFactorError
from incidents.accounts.serve_key import UNSEALED
from incidents.accounts.throttle import CODES, BlockedError
from incidents.desk import factors
from incidents.desk.own_stream import Actor
from incidents.store.accounts import factors as stored
from incidents.store.accounts.factors import RECOVERY, TOTP
from incidents.store.database.engine import reading
from tests.accounts.rig import BY, HERE, PASSWORD, AccountRig

STEP = timedelta(seconds=30)
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
OWN = Actor(person="operator-1", login="session", signed_in=True)


@pytest.fixture
def app(rig: AccountRig) -> AccountRig:
    """A desk with somebody who has added an authenticator app."""
    rig.make("admin-1", "administrator")
    rig.make("operator-1")
    return rig


def added(rig: AccountRig, handle: str = "operator-1", secret: str = SECRET) -> list[str]:
    """The recovery codes that came with the app."""
    new = factors.blank(handle, TOTP, "phone", clock.now)._replace(secret=secret)
    return rig.desk.on_record(lambda c: factors.add(c, OWN, new, clock.now))


def code(away: int = 0, secret: str = SECRET) -> str:
    return pyotp.TOTP(secret).at(clock.now(), counter_offset=away)


def signed_in(rig: AccountRig, given: str | None, address: str = HERE) -> str:
    """The handle of who signed in."""
    visit = rig.authenticator.sign_in("operator-1", PASSWORD, address, code=given)
    return visit.identity.handle


def wrong(rig: AccountRig, given: str, address: str = HERE) -> None:
    with pytest.raises(WrongFactorError):
        signed_in(rig, given, address)


def demanding(rig: AccountRig, who: str) -> Authenticator:
    access = Access(demanded=DEMANDED[who])
    return Authenticator(rig.engine, clock.now, UNSEALED, access)


def test_the_password_alone_no_longer_signs_in(app: AccountRig) -> None:
    added(app)
    with pytest.raises(FactorNeededError):
        signed_in(app, None)
    assert signed_in(app, code()) == "operator-1"
    assert [line["how"] for line in app.log() if line["result"] == "ok"] == ["totp"]


def test_the_right_password_without_a_code_leaves_a_line_in_the_log(app: AccountRig) -> None:
    """Who tries a stolen password is seen, though it signs them in nowhere."""
    added(app)
    visit = app.authenticator.begin("operator-1", how="password")
    tries = (
        lambda: signed_in(app, None),
        lambda: app.authenticator.reauthenticate(visit, PASSWORD, HERE),
        lambda: app.authenticator.identify("operator-1", PASSWORD, HERE),
        lambda: app.authenticator.identify_second("operator-1", PASSWORD, HERE, beside="admin-1"),
    )
    for each in tries:
        with pytest.raises(FactorNeededError):
            each()
    lines = [each for each in app.log() if each["result"] == "factor_needed"]
    assert [(each["what"], each["handle"], each["place"]) for each in lines] == [
        ("second", "operator-1", HERE), ("sign_in", "operator-1", HERE),
        ("proof", "operator-1", HERE), ("sign_in", "operator-1", HERE),
    ]  # fmt: skip


def test_without_the_password_nobody_learns_of_the_second_factor(app: AccountRig) -> None:
    added(app)
    with pytest.raises(SignInError):
        app.authenticator.sign_in("operator-1", "wrong", HERE, code=code())


def test_a_code_is_used_once(app: AccountRig) -> None:
    added(app)
    given = code()
    signed_in(app, given)
    wrong(app, given)
    app.moved.tick(STEP)
    wrong(app, given)
    assert signed_in(app, code())


def test_an_earlier_code_is_not_used_after_a_later_one(app: AccountRig) -> None:
    added(app)
    signed_in(app, code(1))
    wrong(app, code())


@pytest.mark.parametrize(("away", "accepted"), [(-2, False), (-1, True), (1, True), (2, False)])
def test_a_clock_may_be_off_by_one_step(app: AccountRig, away: int, accepted: bool) -> None:
    added(app)
    if accepted:
        assert signed_in(app, code(away))
    else:
        wrong(app, code(away))


def test_codes_are_throttled_where_the_password_is_right(app: AccountRig) -> None:
    added(app)
    for _ in range(5):
        wrong(app, "000000")
    with pytest.raises(BlockedError):
        signed_in(app, code())
    app.moved.tick(STEP)
    assert signed_in(app, code())


def test_codes_of_one_name_are_throttled_from_everywhere(app: AccountRig) -> None:
    added(app)
    for n in range(CODES.free):
        wrong(app, "000000", f"192.0.2.{n}")
    with pytest.raises(BlockedError):
        signed_in(app, code(), "192.0.2.250")


def test_a_recovery_code_signs_in_once_however_it_is_written(app: AccountRig) -> None:
    first, second, *_ = added(app)
    assert signed_in(app, first)
    wrong(app, first)
    assert signed_in(app, f" {second.replace('-', '').lower()} ")
    assert app.findings() == []


def test_new_recovery_codes_replace_the_ones_before(app: AccountRig) -> None:
    before, *_ = added(app)
    now, *_ = app.desk.on_record(
        lambda c: factors.new_recovery_codes(c, OWN, "operator-1", clock.now)
    )
    wrong(app, before)
    assert signed_in(app, now)


def test_what_is_stored_of_a_recovery_code_is_its_digest(app: AccountRig) -> None:
    codes = added(app)
    with reading(app.engine) as connection:
        kept = repr(stored.every(connection))
    assert [each for each in codes if each in kept or each.replace("-", "") in kept] == []


def test_without_its_last_factor_an_account_signs_in_by_password(app: AccountRig) -> None:
    recovery, *_ = added(app)
    with reading(app.engine) as connection:
        [own] = [each for each in stored.of(connection, "operator-1") if each.kind != RECOVERY]
    app.desk.on_record(lambda c: factors.remove(c, OWN, "operator-1", own.id, clock.now))
    assert signed_in(app, None)
    with reading(app.engine) as connection:
        assert stored.of(connection, "operator-1") == [], recovery
        assert SECRET not in repr(stored.every(connection)), "no secret stays"
    assert app.findings() == []


def test_an_administrator_resets_the_factors_of_somebody_who_has_lost_them(app: AccountRig) -> None:
    added(app)
    assert app.desk.on_record(lambda c: factors.reset(c, BY, "operator-1", clock.now))
    assert signed_in(app, None)
    assert not app.desk.on_record(lambda c: factors.reset(c, BY, "operator-1", clock.now))
    assert app.findings() == []


def test_a_factor_that_is_brought_back_or_taken_away_in_the_database_is_found(
    app: AccountRig,
) -> None:
    added(app)
    with app.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE factors SET removed_at = made_at")
    assert ["removed_at" in repr(each) for each in app.findings()] == [True]


def test_the_terminal_asks_for_the_code_too(app: AccountRig) -> None:
    added(app)
    with pytest.raises(FactorNeededError):
        app.authenticator.identify("operator-1", PASSWORD, "the terminal of li")
    with pytest.raises(WrongFactorError):
        app.authenticator.identify("operator-1", PASSWORD, "the terminal of li", "000000")
    own = app.authenticator.identify("operator-1", PASSWORD, "the terminal of li", code())
    assert own.handle == "operator-1"


def test_a_second_person_gives_the_code_too(app: AccountRig) -> None:
    added(app)
    with pytest.raises(FactorNeededError):
        app.authenticator.identify_second("operator-1", PASSWORD, HERE, beside="admin-1")
    own = app.authenticator.identify_second(
        "operator-1", PASSWORD, HERE, beside="admin-1", code=code()
    )
    assert own == "operator-1"


def test_who_must_have_a_factor_and_has_none_can_do_nothing_but_add_one(app: AccountRig) -> None:
    door, now = demanding(app, "supervisors"), clock.now()
    admin = door.sign_in("admin-1", PASSWORD, HERE)
    assert admin.identity.denial("keep_accounts", now) == "factor_demanded"
    assert admin.identity.denial("own_factors", now) is None
    assert not admin.identity.may("look")
    operator = door.sign_in("operator-1", PASSWORD, HERE).identity
    assert operator.may("look"), "it is demanded of supervisors and administrators"
    added(app, "admin-1")
    again = door.by_session(admin.cookie)
    assert again is not None
    assert again.identity.denial("keep_accounts", now) is None


def test_the_terminal_lets_nobody_around_a_factor_that_is_demanded(app: AccountRig) -> None:
    door = demanding(app, "supervisors")
    with pytest.raises(FactorDemandedError):
        door.identify("admin-1", PASSWORD, "the terminal of li")
    assert door.identify("operator-1", PASSWORD, "the terminal of li").role == "operator"


def test_a_provider_asks_for_its_own_factors(app: AccountRig) -> None:
    door = demanding(app, "everybody")
    assert door.begin("admin-1", how="provider").identity.may("look")
    assert not door.begin("admin-1", how="password").identity.may("look")


def test_confirming_who_you_are_takes_the_code_too(app: AccountRig) -> None:
    codes = added(app)
    visit = app.authenticator.begin("operator-1", how="password")
    app.moved.tick(timedelta(minutes=6))
    with pytest.raises(FactorNeededError):
        app.authenticator.reauthenticate(visit, PASSWORD, HERE)
    with pytest.raises(SignInError):
        app.authenticator.reauthenticate(visit, "wrong", HERE, code=code())
    with pytest.raises(WrongFactorError):
        app.authenticator.reauthenticate(visit, PASSWORD, HERE, code="000000")
    assert not proved(app, visit.cookie)
    app.authenticator.reauthenticate(visit, PASSWORD, HERE, code=code())
    assert proved(app, visit.cookie)
    app.authenticator.reauthenticate(visit, PASSWORD, HERE, code=codes[0])
    proofs = [(line["result"], line["how"]) for line in app.log() if line["what"] == "proof"]
    assert proofs == [
        ("ok", "recovery"), ("ok", "totp"), ("wrong_code", "password"),
        ("wrong_password", "password"), ("factor_needed", "password"),
    ]  # fmt: skip


def test_a_code_that_signed_in_confirms_nothing(app: AccountRig) -> None:
    added(app)
    given = code()
    visit = app.authenticator.sign_in("operator-1", PASSWORD, HERE, code=given)
    with pytest.raises(WrongFactorError):
        app.authenticator.reauthenticate(visit, PASSWORD, HERE, code=given)


def test_a_ticket_confirms_only_its_own_person(app: AccountRig) -> None:
    added(app)
    added(app, "admin-1")
    held, own = ticket(app), app.authenticator.begin("operator-1", how="password")
    other = app.authenticator.begin("admin-1", how="password")
    app.moved.tick(timedelta(minutes=4))
    with pytest.raises(SignInError):
        app.authenticator.finish_proof(other, held, Answer(code()), HERE)
    assert app.authenticator.finish_proof(own, held, Answer(code()), HERE).cookie == own.cookie
    app.moved.tick(timedelta(minutes=1))
    with pytest.raises(SignInError):
        app.authenticator.finish_proof(own, held, Answer(code()), HERE)


def proved(rig: AccountRig, cookie: str) -> bool:
    visit = rig.authenticator.by_session(cookie)
    assert visit is not None
    return visit.identity.is_proved(clock.now())


def ticket(rig: AccountRig) -> str:
    with pytest.raises(FactorNeededError) as needed:
        signed_in(rig, None)
    return needed.value.ticket


def test_a_ticket_takes_the_factor_within_five_minutes(app: AccountRig) -> None:
    added(app)
    held = ticket(app)
    app.moved.tick(timedelta(minutes=5))
    with pytest.raises(SignInError):
        app.authenticator.finish(held, Answer(code()), HERE)
    app.moved.tick(timedelta(seconds=-1))
    assert app.authenticator.finish(held, Answer(code()), HERE).identity.handle == "operator-1"


@pytest.mark.parametrize("forged", ["", "operator-1~1~x~y", "admin-1{rest}", "{whole}0"])
def test_a_forged_ticket_is_none(app: AccountRig, forged: str) -> None:
    added(app)
    held = ticket(app)
    given = forged.format(rest=held.removeprefix("operator-1"), whole=held)
    with pytest.raises(SignInError):
        app.authenticator.finish(given, Answer(code()), HERE)


def test_an_account_has_at_most_ten_factors(app: AccountRig) -> None:
    for _ in range(10):
        added(app)
    with pytest.raises(TooManyFactorsError):
        added(app)
