"""The log of sign-ins, with successes, failures, open sessions and the erasure of persons."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pyotp
import pytest
from sqlalchemy import func, select

from incidents import clock
from incidents.accounts.authenticator import SecondSignInError
from incidents.accounts.credentials import SignInError
from incidents.accounts.open_sessions import SESSION_FOR, UnknownSessionError
from incidents.accounts.sign_in_log import MOST_LINES, Attempt
from incidents.accounts.throttle import BlockedError
from incidents.desk import accounts, factors, pseudonyms
from incidents.desk.erasure_request import TooYoungError
from incidents.desk.own_stream import Actor
from incidents.desk.pseudonyms import AccountErasureRequest, AccountErasureResult
from incidents.settings.retention import MINIMUM, Retention
from incidents.store.accounts import factors as stored_factors
from incidents.store.accounts import saved_views
from incidents.store.accounts.factors import TOTP
from incidents.store.accounts.saved_views import SavedView
from incidents.store.accounts.sign_ins import MAX_ADDRESSES, OTHER_ADDRESSES, Refusal, count
from incidents.store.database.engine import reading, writing
from incidents.store.schema import access_tables
from tests.accounts.rig import BY, HERE, PASSWORD, AccountRig, mistaken, set_password

THERE = "198.51.100.9"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
TERMINAL = "the terminal of desk1"


def told(rig: AccountRig, *names: str) -> list[tuple[Any, ...]]:
    """Those of the log, the earliest first."""
    return [tuple(row[name] for name in names) for row in reversed(rig.log())]


@pytest.mark.both_databases
def test_who_comes_and_goes_stands_in_the_log_with_address_and_session(rig: AccountRig) -> None:
    rig.make("operator-1")
    visit = rig.authenticator.sign_in("operator-1", PASSWORD, HERE)
    session = visit.identity.session
    rig.authenticator.reauthenticate(visit, PASSWORD, HERE)
    rig.authenticator.identify_second("operator-1", PASSWORD, THERE, beside="sup-1")
    rig.authenticator.identify("operator-1", PASSWORD, TERMINAL)
    rig.authenticator.sign_out(visit.cookie)
    rig.authenticator.sign_out(visit.cookie)
    names = ("what", "result", "how", "handle", "by", "place", "session")
    assert told(rig, *names) == [
        ("sign_in", "ok", "password", "operator-1", None, HERE, session),
        ("proof", "ok", "password", "operator-1", None, HERE, session),
        ("second", "ok", "password", "operator-1", "sup-1", THERE, None),
        ("sign_in", "ok", "terminal", "operator-1", None, TERMINAL, None),
        ("sign_out", "ok", "signed_out", "operator-1", None, None, session),
    ]


def test_who_is_not_let_in_stands_there_too_and_nobody_is_named_as_having_done_it(
    rig: AccountRig,
) -> None:
    rig.make("operator-1")
    rig.make("gone-1")
    rig.disable("gone-1")
    mistaken(rig, 1)
    mistaken(rig, 1, handle="a password, typed into the wrong field")
    for enter in (
        lambda: rig.authenticator.sign_in("gone-1", PASSWORD, HERE),
        lambda: rig.authenticator.begin("gone-1", place=HERE),
        lambda: rig.authenticator.identify("wang-wei", "wrong", TERMINAL),
    ):
        with pytest.raises(SignInError):
            enter()
    with pytest.raises(SecondSignInError):
        rig.authenticator.identify_second("operator-1", "wrong", HERE, beside="sup-1")
    assert told(rig, "what", "result", "how", "handle", "by") == [
        ("sign_in", "wrong_password", "password", "operator-1", None),
        ("sign_in", "no_account", "password", None, None),
        ("sign_in", "disabled", "password", "gone-1", None),
        ("sign_in", "disabled", "provider", "gone-1", None),
        ("sign_in", "no_account", "terminal", None, None),
        ("second", "wrong_password", "password", "operator-1", "sup-1"),
    ]
    with rig.engine.connect() as connection:
        bodies = connection.exec_driver_sql("SELECT body FROM entries").scalars().all()
    assert not any("wrong" in body or "sign_in" in body for body in bodies)


def test_those_who_are_not_looked_at_are_counted_and_fill_no_log(rig: AccountRig) -> None:
    rig.make("operator-1")
    mistaken(rig, 5)
    mistaken(rig, 5, handle="nobody-1")
    for handle in ("operator-1", "nobody-1", "operator-1"):
        with pytest.raises(BlockedError):
            rig.authenticator.sign_in(handle, PASSWORD, HERE)
    assert len(rig.log()) == 10
    counted = {
        each["handle"]: (each["login"], each["count"])
        for each in rig.refusals()
        if each["why"] == "blocked"
    }
    assert counted == {"operator-1": (HERE, 2), "?": (HERE, 1)}
    assert {each["act"] for each in rig.refusals()} == {"sign_in"}


@pytest.mark.both_databases
def test_of_names_that_are_nobodys_the_first_few_of_an_address_have_a_line_and_all_are_counted(
    rig: AccountRig,
) -> None:
    rig.make("operator-1")
    for n in range(MOST_LINES + 2):
        mistaken(rig, 1, handle=f"nobody-{n}")
    mistaken(rig, 1, THERE, handle="nobody-1")
    mistaken(rig, 1)
    rig.moved.tick(timedelta(days=1))
    mistaken(rig, 1, handle="nobody-1")

    assert Counter(told(rig, "result", "handle", "place")) == {
        ("no_account", None, HERE): MOST_LINES + 1, ("no_account", None, THERE): 1,
        ("wrong_password", "operator-1", HERE): 1,
    }  # fmt: skip
    names = ("day", "handle", "login", "act", "why", "about", "count")
    assert sorted(tuple(each[name] for name in names) for each in rig.refusals()) == [
        ("2026-03-01", "?", HERE, "sign_in", "no_account", None, MOST_LINES + 2),
        ("2026-03-01", "?", THERE, "sign_in", "no_account", None, 1),
        ("2026-03-02", "?", HERE, "sign_in", "no_account", None, 1),
    ]


@pytest.mark.both_databases
@pytest.mark.parametrize(
    ("tried", "places"), [(80, 4), pytest.param(10_000, MAX_ADDRESSES, marks=pytest.mark.long)]
)
def test_guesses_from_everywhere_leave_bounded_rows_and_a_true_count(
    rig: AccountRig, tried: int, places: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many addresses there are: a network of IPv6 costs who guesses nothing."""
    monkeypatch.setattr("incidents.store.accounts.sign_ins.MAX_ADDRESSES", places)
    for n in range(tried):
        attempt = Attempt("sign_in", "password", f"2001:db8:{n % (2 * places):x}::/64")
        rig.authenticator.log.record_failure(attempt, None, right=False)
    rig.authenticator.log.record_unknown("provider", HERE, "unknown_subject")

    with rig.engine.connect() as connection:
        lines = connection.execute(select(func.count()).select_from(access_tables.sign_ins))
        assert lines.scalar_one() == MOST_LINES * (places + 1) + 1
    counted = {
        each["login"]: each["count"] for each in rig.refusals() if each["why"] == "no_account"
    }
    assert len(counted) == places + 1
    assert sum(counted.values()) == tried
    assert counted[OTHER_ADDRESSES] == tried // 2
    another = [each for each in rig.refusals() if each["why"] == "unknown_subject"]
    assert [(each["login"], each["count"]) for each in another] == [(HERE, 1)]


@pytest.mark.both_databases
def test_a_refusal_is_counted_by_its_day_and_by_what_tells_it_apart(rig: AccountRig) -> None:
    one = Refusal("op-1", "session", "approve", "role", "a.example")
    with writing(rig.engine) as connection:
        count(connection, [one, one._replace(about="b.example")], clock.now())
    rig.moved.tick(timedelta(days=1))
    with writing(rig.engine) as connection:
        count(connection, [one, one._replace(login="token t1", about="/\0")], clock.now())
    names = ("day", "login", "count", "about")
    assert sorted(tuple(each[name] for name in names) for each in rig.refusals()) == [
        ("2026-03-01", "session", 2, "b.example"), ("2026-03-02", "session", 1, "a.example"),
        ("2026-03-02", "token t1", 1, "?"),
    ]  # fmt: skip


# ── what ends with an account ────────────────────────────────────────────────────────────────────


def test_with_its_account_disabled_a_token_ends_for_good(rig: AccountRig) -> None:
    rig.make("panel-1", "integrator", None)
    some = [rig.token("panel-1")[1] for _ in range(2)]
    rig.disable("panel-1")
    rig.desk.on_record(lambda each: accounts.enable(each, BY, "panel-1", clock.now))
    assert rig.authenticator.by_tokens(some) == [None, None]
    assert rig.findings() == []


def test_a_new_password_ends_tokens_and_sessions_and_a_first_one_no_token(rig: AccountRig) -> None:
    rig.make("operator-1", password=None)
    _, secret = rig.token("operator-1")
    set_password(rig, "operator-1", PASSWORD)
    assert rig.authenticator.by_token(secret) is not None
    visit = rig.authenticator.sign_in("operator-1", PASSWORD, HERE)
    set_password(rig, "operator-1", "another horse, another battery")
    assert rig.authenticator.by_token(secret) is None
    assert rig.authenticator.by_session(visit.cookie) is None
    [ended, *_] = rig.log()
    assert (ended["what"], ended["how"], ended["by"]) == ("sign_out", "new_password", "admin-1")
    assert ended["session"] == visit.identity.session
    assert rig.findings() == []


# ── the sessions ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.both_databases
def test_sessions_are_listed_and_one_is_ended_by_its_id(rig: AccountRig) -> None:
    rig.make("operator-1")
    rig.make("operator-2")
    old = rig.authenticator.sign_in("operator-1", PASSWORD, HERE)
    rig.moved.tick(timedelta(minutes=30))
    new = rig.authenticator.sign_in("operator-1", PASSWORD, THERE)
    other = rig.authenticator.begin("operator-2")
    [first, second] = rig.sessions.of("operator-1")
    assert [first.id, second.id] == [new.identity.session, old.identity.session]
    assert (first.place, first.how, second.place) == (THERE, "password", HERE)
    assert len(rig.sessions.of(None)) == 3
    assert rig.sessions.owner_of(str(other.identity.session)) == "operator-2"
    rig.sessions.end(first.id, "admin-1")
    rig.sessions.end(str(other.identity.session), "operator-2")
    assert rig.authenticator.by_session(new.cookie) is None
    assert rig.authenticator.by_session(old.cookie) is not None
    with pytest.raises(UnknownSessionError):
        rig.sessions.end(first.id, "admin-1")
    assert told(rig, "what", "how", "handle", "by")[-2:] == [
        ("sign_out", "ended", "operator-1", "admin-1"), ("sign_out", "ended", "operator-2", None),
    ]  # fmt: skip
    rig.moved.tick(SESSION_FOR)
    assert rig.sessions.of(None) == []


# ── and erased ───────────────────────────────────────────────────────────────────────────────────


def demand(
    rig: AccountRig, handle: str = "operator-1", *, dry_run: bool = False
) -> AccountErasureResult:
    wanted = AccountErasureRequest(handle=handle, reason="she has left", by="sup-1")
    return pseudonyms.erase_account(
        rig.desk, rig.engine, Retention(), wanted, clock.now(), dry_run=dry_run,
        confirm=lambda: None,
    )  # fmt: skip


@pytest.mark.both_databases
def test_who_it_was_is_erased_on_demand_and_what_happened_stays(
    rig: AccountRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pseudonyms, "ROWS_AT_ONCE", 2)
    rig.make("operator-1")
    rig.make("operator-2")
    for handle in ("operator-1", "operator-2"):
        mistaken(rig, 2, handle=handle)
    with writing(rig.engine) as connection:
        count(connection, [Refusal("operator-1", "token t1", "approve", "role")], clock.now())
    before = rig.log()
    with pytest.raises(TooYoungError):
        demand(rig)
    rig.moved.tick(MINIMUM + timedelta(seconds=1))
    mistaken(rig, 1)
    assert demand(rig, dry_run=True).rows == demand(rig).rows == 3
    log = rig.log()
    assert [row["result"] for row in log[1:]] == [row["result"] for row in before]
    mine, place = log[-1]["handle"], log[-1]["place"]
    assert [row["handle"] for row in log[1:]] == ["operator-2"] * 2 + [mine] * 2
    assert mine != place
    assert all(each.startswith("pseudonym ") for each in (mine, place))
    assert log[0]["handle"] == "operator-1", "the newest is too young"
    [counted] = rig.refusals()
    assert (counted["handle"], counted["count"], counted["act"]) == (mine, 1, "approve")
    assert rig.findings() == []


def test_the_saved_views_of_an_erased_account_go_with_its_sign_ins(rig: AccountRig) -> None:
    rig.make("operator-1")
    mistaken(rig, 1)
    with writing(rig.engine) as connection:
        for n, owner in enumerate(("operator-1", "operator-2")):
            view = SavedView(
                id=str(n), page="/incidents", name=f"calls of {owner}", query="state=open",
                owner=owner, shared=True, made_at=clock.now(),
            )  # fmt: skip
            saved_views.save(connection, view)
    rig.moved.tick(MINIMUM + timedelta(seconds=1))
    demand(rig, dry_run=True)
    with reading(rig.engine) as connection:
        assert len(saved_views.listed(connection, "/incidents", "wang")) == 2
    demand(rig)
    with reading(rig.engine) as connection:
        [left] = saved_views.listed(connection, "/incidents", "wang")
    assert left.owner == "operator-2"


def phone_of(rig: AccountRig, handle: str = "operator-1") -> None:
    """An authenticator app that has its owner's name, and the recovery codes that come with it."""
    own = Actor(person=handle, login="session", signed_in=True)
    new = factors.blank(handle, TOTP, "phone of Li Wang", clock.now)._replace(secret=SECRET)
    rig.desk.on_record(lambda c: factors.add(c, own, new, clock.now))


def stored_names(rig: AccountRig) -> list[str]:
    with reading(rig.engine) as connection:
        return sorted({each.name for each in stored_factors.every(connection)})


@pytest.mark.both_databases
@pytest.mark.parametrize("has_signed_in", [True, False])
def test_the_names_of_second_factors_are_erased_and_they_go_on_working(
    rig: AccountRig, has_signed_in: bool
) -> None:
    rig.make("operator-1")
    phone_of(rig)
    if has_signed_in:
        mistaken(rig, 1)
        rig.moved.tick(MINIMUM + timedelta(seconds=1))
    demand(rig, dry_run=True)
    assert stored_names(rig) == ["", "phone of Li Wang"]
    erased = demand(rig)
    assert (erased.rows, erased.names) == (int(has_signed_in), 1)
    assert demand(rig, dry_run=True).names == 0
    assert stored_names(rig) == [""]
    given = pyotp.TOTP(SECRET).at(clock.now())
    assert rig.authenticator.sign_in("operator-1", PASSWORD, HERE, code=given).cookie
    assert rig.findings() == []


def test_names_wait_for_a_confirmation_like_the_sign_ins(rig: AccountRig) -> None:
    rig.make("operator-1")
    phone_of(rig)

    def nobody() -> None:
        raise TooYoungError(site="operator-1", at="never")

    wanted = AccountErasureRequest(handle="operator-1", reason="she has left", by="sup-1")
    with pytest.raises(TooYoungError):
        pseudonyms.erase_account(
            rig.desk, rig.engine, Retention(), wanted, clock.now(), dry_run=False, confirm=nobody
        )
    assert "phone of Li Wang" in stored_names(rig)


def test_a_factor_that_is_removed_loses_its_name(rig: AccountRig) -> None:
    rig.make("operator-1")
    phone_of(rig)
    rig.desk.on_record(lambda c: factors.reset(c, BY, "operator-1", clock.now))
    assert stored_names(rig) == [""]
    assert rig.findings() == []


@pytest.mark.both_databases
@pytest.mark.parametrize("by_time", [False, True])
def test_what_others_were_not_let_do_to_an_account_names_it_no_longer(
    rig: AccountRig, tmp_path: Any, by_time: bool
) -> None:
    rig.make("operator-1")
    rig.make("operator-2")
    asked = [
        Refusal("operator-2", "session", "keep_accounts", "role", "operator-1"),
        Refusal("operator-1", "session", "keep_accounts", "role", "operator-1"),
        Refusal("operator-2", "session", "close", "role", "shop.example"),
        Refusal("operator-2", "session", "erase", "role"),
    ]
    with writing(rig.engine) as connection:
        count(connection, asked, clock.now())
    rig.moved.tick(MINIMUM + timedelta(seconds=1))
    if by_time:
        keep = Retention(is_enabled=True)
        pseudonyms.erase_expired(rig.desk, rig.engine, tmp_path, keep, clock.now(), by="li")
    else:
        assert demand(rig, dry_run=True).rows == demand(rig).rows == 2
        assert demand(rig).rows == 0
    rows = {(row["handle"], row["act"]): row["about"] for row in rig.refusals()}
    [mine] = {about for (_, act), about in rows.items() if act == "keep_accounts"}
    assert mine.startswith("pseudonym ")
    other = "operator-2" if not by_time else next(who for who, act in rows if act == "erase")
    assert rows == {
        (other, "keep_accounts"): mine,
        (mine, "keep_accounts"): mine,
        (other, "close"): "shop.example",
        (other, "erase"): None,
    }
    assert rig.findings() == []


@pytest.mark.both_databases
def test_a_row_that_was_erased_before_loses_the_account_that_it_is_about(rig: AccountRig) -> None:
    rig.make("operator-1")
    rig.make("operator-2")
    with writing(rig.engine) as connection:
        tried = Refusal("operator-1", "token t1", "set_password", "role", "operator-2")
        count(connection, [tried], clock.now())
    rig.moved.tick(MINIMUM + timedelta(seconds=1))
    assert demand(rig).rows == 1
    assert rig.refusals()[0]["about"] == "operator-2", "who has not asked to be forgotten"
    assert demand(rig, "operator-2").rows == 1
    assert rig.refusals()[0]["about"].startswith("pseudonym ")


def test_what_is_old_enough_goes_by_time_alone_if_that_was_asked_for(
    rig: AccountRig, tmp_path: Any
) -> None:
    rig.make("operator-1")
    mistaken(rig, 3)
    rig.moved.tick(MINIMUM + timedelta(seconds=1))
    for is_enabled, there, gone in ((False, 3, 0), (True, 3, 3), (True, 0, 0)):
        keep = Retention(is_enabled=is_enabled)
        looked = pseudonyms.count_expired(rig.engine, tmp_path, keep, clock.now())
        aged = pseudonyms.erase_expired(rig.desk, rig.engine, tmp_path, keep, clock.now(), by="li")
        assert (looked.erased.sign_ins, aged.erased.sign_ins) == (there, gone)
    assert {row["result"] for row in rig.log()} == {"wrong_password"}
    assert not any(row["handle"] == "operator-1" for row in rig.log())
    assert rig.findings() == []
