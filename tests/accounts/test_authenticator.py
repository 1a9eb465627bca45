"""Authentication: who can sign in, by what, for how long, and the limits of guessing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from freezegun import freeze_time
from sqlalchemy import Connection, event

from incidents import clock
from incidents.accounts import secrets
from incidents.accounts.authenticator import SecondSignInError
from incidents.accounts.credentials import SignInError
from incidents.accounts.open_sessions import KNOWN_FOR, MOST
from incidents.accounts.throttle import FORGET_AFTER, BlockedError
from incidents.desk import accounts, tokens
from incidents.desk.own_stream import AccountSignInError, Actor
from incidents.store.accounts import passwords
from incidents.store.database import engine as engines
from incidents.store.database.engine import writing
from tests.accounts.rig import (
    BY,
    HERE,
    PASSWORD,
    AccountRig,
    guessed_at_from_everywhere,
    mistaken,
    set_password,
)
from tests.patience import PATIENCE_S


def test_who_has_the_password_is_let_in_and_known_by_the_session(rig: AccountRig) -> None:
    rig.make("operator-1")
    visit = rig.authenticator.sign_in("operator-1", PASSWORD, HERE)
    again = rig.authenticator.by_session(visit.cookie)
    assert again is not None
    assert (again.identity.handle, again.identity.role) == ("operator-1", "operator")
    assert rig.findings() == []


def test_whoever_has_not_is_told_the_same(rig: AccountRig) -> None:
    rig.make("operator-1")
    for handle, password in (
        ("operator-1", "a horse and a batterY"), ("operator-2", PASSWORD), ("", ""),
        ("operator-1", ""), ("x" * 10_000, "y" * 10_000),
    ):  # fmt: skip
        with pytest.raises(SignInError):
            rig.authenticator.sign_in(handle, password, HERE)


def test_a_disabled_account_comes_in_no_more_by_nothing(rig: AccountRig) -> None:
    rig.make("admin-2", "administrator")
    rig.make("operator-1")
    _, secret = rig.token("operator-1")
    visit = rig.authenticator.sign_in("operator-1", PASSWORD, HERE)
    rig.desk.on_record(lambda c: accounts.disable(c, BY, "operator-1", clock.now))
    assert rig.authenticator.by_session(visit.cookie) is None
    assert rig.authenticator.by_token(secret) is None
    with pytest.raises(SignInError):
        rig.authenticator.sign_in("operator-1", PASSWORD, HERE)
    assert rig.findings() == []


def test_a_session_ends_after_an_hour_without_use_and_after_a_shift(rig: AccountRig) -> None:
    rig.make("operator-1")
    visit = rig.authenticator.sign_in("operator-1", PASSWORD, HERE)
    for _ in range(12):
        rig.moved.tick(timedelta(minutes=59))
        assert rig.authenticator.by_session(visit.cookie) is not None
    rig.moved.tick(timedelta(minutes=12))
    assert rig.authenticator.by_session(visit.cookie) is None
    idle = rig.authenticator.sign_in("operator-1", PASSWORD, HERE)
    rig.moved.tick(timedelta(hours=1))
    assert rig.authenticator.by_session(idle.cookie) is None


def test_a_session_that_is_only_looked_at_ends_as_if_it_were_not(rig: AccountRig) -> None:
    rig.make("operator-1")
    visit = rig.authenticator.begin("operator-1")
    for _ in range(11):
        rig.moved.tick(timedelta(minutes=5))
        assert rig.authenticator.by_session(visit.cookie, used=False) is not None
    rig.moved.tick(timedelta(minutes=5))
    assert rig.authenticator.by_session(visit.cookie, used=False) is None


def test_a_token_holds_until_it_expires_or_is_revoked(rig: AccountRig) -> None:
    rig.make("panel-1", "integrator", None)
    id_, secret = rig.token("panel-1", days=1, acts=["log"])
    identity = rig.authenticator.by_token(secret)
    assert identity is not None
    assert identity.login == f"token {id_}"
    assert identity.denial("log", clock.now()) is None
    assert identity.denial("add_site", clock.now()) == "token_scope"
    rig.moved.tick(timedelta(days=1))
    assert rig.authenticator.by_token(secret) is None
    other, secret = rig.token("panel-1")
    rig.desk.on_record(lambda c: tokens.revoke_token(c, BY, other, clock.now))
    assert rig.authenticator.by_token(secret) is None
    assert rig.authenticator.by_token("inc_nothing") is None
    assert rig.findings() == []


@pytest.mark.both_databases
def test_of_many_tokens_each_lets_in_its_own_holder_or_nobody(rig: AccountRig) -> None:
    for handle in ("panel-1", "panel-2", "panel-3"):
        rig.make(handle, "integrator", None)
    _, one = rig.token("panel-1")
    _, two = rig.token("panel-2", acts=["log"])
    revoked, gone = rig.token("panel-1")
    _, disabled = rig.token("panel-3")
    rig.desk.on_record(lambda c: tokens.revoke_token(c, BY, revoked, clock.now))
    rig.desk.on_record(lambda c: accounts.disable(c, BY, "panel-3", clock.now))
    found = rig.authenticator.by_tokens([two, gone, one, "inc_nothing", disabled, two])
    handles = [None if each is None else each.handle for each in found]
    assert handles == ["panel-2", None, "panel-1", None, None, "panel-2"]
    assert [each.acts for each in found if each is not None] == [{"log"}, None, {"log"}]
    assert rig.authenticator.by_tokens([]) == []


def test_after_five_mistakes_the_door_stays_shut_and_longer_each_time(rig: AccountRig) -> None:
    rig.make("operator-1")
    mistaken(rig, 5)
    with pytest.raises(BlockedError, match="30 seconds"):
        rig.authenticator.sign_in("operator-1", PASSWORD, HERE)
    rig.moved.tick(timedelta(seconds=30))
    mistaken(rig, 1)
    with pytest.raises(BlockedError, match="60 seconds"):
        rig.authenticator.sign_in("operator-1", PASSWORD, HERE)
    rig.moved.tick(timedelta(seconds=60))
    rig.authenticator.sign_in("operator-1", PASSWORD, HERE)
    mistaken(rig, 1)


def test_who_guesses_elsewhere_keeps_nobody_out(rig: AccountRig) -> None:
    rig.make("operator-1")
    mistaken(rig, 5, "198.51.100.1")
    with pytest.raises(BlockedError):
        rig.authenticator.sign_in("operator-1", PASSWORD, "198.51.100.1")
    rig.authenticator.sign_in("operator-1", PASSWORD, HERE)


def test_who_guesses_from_everywhere_waits_a_minute_for_each_guess_and_never_longer(
    rig: AccountRig,
) -> None:
    """What comes in meanwhile takes no mistake of theirs away."""
    rig.make("operator-1")
    for n in range(50):
        rig.authenticator.sign_in("operator-1", PASSWORD, HERE)
        mistaken(rig, 3, f"198.51.100.{n}")
    for n in range(3):
        with pytest.raises(BlockedError, match="60 seconds"):
            rig.authenticator.sign_in("operator-1", PASSWORD, f"198.51.100.{n}")
        rig.moved.tick(timedelta(minutes=1))
        mistaken(rig, 1, f"198.51.100.{n}")
    rig.authenticator.sign_in("operator-1", PASSWORD, HERE)


def test_an_attack_that_takes_each_shared_slot_keeps_the_right_password_out_nowhere_else(
    rig: AccountRig,
) -> None:
    """An address that nobody has guessed from, one that the name has come in from, a program's
    token, a session, and the second person beside somebody: each has slots of its own."""
    rig.make("operator-1")
    _, token = rig.token("operator-1")
    visit = rig.authenticator.sign_in("operator-1", PASSWORD, HERE)
    guessed_at_from_everywhere(rig)
    mistaken(rig, 2, "198.51.100.1")
    for n in range(3):
        with pytest.raises(BlockedError):
            rig.authenticator.sign_in("operator-1", PASSWORD, "198.51.100.1")
        rig.authenticator.sign_in("operator-1", PASSWORD, HERE)
        rig.authenticator.sign_in("operator-1", PASSWORD, "203.0.113.250", token=token)
        rig.authenticator.reauthenticate(visit, PASSWORD)
        rig.authenticator.identify_second("operator-1", PASSWORD, "203.0.113.251", beside="sup-1")
        mistaken(rig, 1, f"203.0.113.{n}")
        rig.authenticator.sign_in("operator-1", PASSWORD, f"203.0.113.{n}")


def test_a_slot_of_ones_own_is_as_narrow_as_any_other(rig: AccountRig) -> None:
    rig.make("operator-1")
    rig.make("operator-2")
    _, token = rig.token("operator-1")
    rig.authenticator.sign_in("operator-1", PASSWORD, HERE)
    one, other = rig.authenticator.begin("operator-1"), rig.authenticator.begin("operator-1")
    guesses: tuple[Callable[[str], object], ...] = (
        lambda word: rig.authenticator.sign_in("operator-1", word, HERE),
        lambda word: rig.authenticator.sign_in("operator-1", word, "203.0.113.1", token=token),
        lambda word: rig.authenticator.reauthenticate(one, word),
        lambda word: rig.authenticator.identify_second("operator-1", word, HERE, beside="sup-1"),
        lambda word: rig.authenticator.identify("operator-1", word, "the terminal of li"),
    )
    for guess in guesses:
        for _ in range(5):
            with pytest.raises((SignInError, SecondSignInError)):
                guess("wrong")
        with pytest.raises(BlockedError, match="30 seconds"):
            guess(PASSWORD)
    rig.authenticator.reauthenticate(other, PASSWORD)
    rig.authenticator.identify_second("operator-1", PASSWORD, HERE, beside="sup-2")
    for _ in range(5):
        with pytest.raises(SignInError):
            rig.authenticator.sign_in("operator-2", "wrong", "203.0.113.2", token=token)
    with pytest.raises(BlockedError):
        rig.authenticator.sign_in("operator-2", PASSWORD, "203.0.113.2", token=token)


def test_a_browser_that_somebody_came_in_by_waits_for_nobody_elses_mistakes(
    rig: AccountRig,
) -> None:
    rig.make("operator-1")
    known = rig.authenticator.sign_in("operator-1", PASSWORD, HERE).browser
    assert known is not None
    guessed_at_from_everywhere(rig)
    again = rig.authenticator.sign_in("operator-1", PASSWORD, HERE, known).browser
    assert again is not None
    mistaken(rig, 5, browser=again)
    with pytest.raises(BlockedError, match="30 seconds"):
        rig.authenticator.sign_in("operator-1", PASSWORD, "192.0.2.9", again)


def test_a_browser_is_known_for_its_people_for_ninety_days_until_a_new_password(
    rig: AccountRig,
) -> None:
    handles = [f"operator-{n}" for n in range(MOST + 1)]
    browser = ""
    for handle in handles:
        rig.make(handle)
        browser = rig.authenticator.sign_in(handle, PASSWORD, HERE, browser).browser or ""
    for handle in handles:
        guessed_at_from_everywhere(rig, handle)
        mistaken(rig, 2, "192.0.2.9", handle=handle)
    mistaken(rig, 2, "192.0.2.8", handle=handles[1])
    rig.authenticator.sign_in(handles[1], PASSWORD, "192.0.2.9", browser)
    for stranger in (handles[0], f"{handles[1]}.x"):
        with pytest.raises((BlockedError, SignInError)):
            rig.authenticator.sign_in(stranger, PASSWORD, "192.0.2.9", browser)
    set_password(rig, handles[1], "another long sentence")
    with pytest.raises(BlockedError):
        rig.authenticator.sign_in(handles[1], "another long sentence", "192.0.2.8", browser)
    rig.moved.tick(KNOWN_FOR)
    guessed_at_from_everywhere(rig, handles[2])
    mistaken(rig, 2, "192.0.2.9", handle=handles[2])
    with pytest.raises(BlockedError):
        rig.authenticator.sign_in(handles[2], PASSWORD, "192.0.2.9", browser)


def test_what_anybody_has_written_makes_no_browser_known(rig: AccountRig) -> None:
    rig.make("operator-1")
    mistaken(rig, 5)
    for browser in (
        "1.word.signature", "~~~", "." * 2_000, "1772359200.w.é", "9" * 40 + ".w.s", "x.y.z~1.2.3",
    ):  # fmt: skip
        with pytest.raises(BlockedError):
            rig.authenticator.sign_in("operator-1", PASSWORD, HERE, browser)


def test_who_guesses_over_the_network_keeps_nobody_from_the_terminal(rig: AccountRig) -> None:
    rig.make("operator-1")
    guessed_at_from_everywhere(rig)
    terminal = "the terminal of li"
    assert rig.authenticator.identify("operator-1", PASSWORD, terminal).role == "operator"
    for _ in range(5):
        with pytest.raises(SignInError):
            rig.authenticator.identify("operator-1", "wrong", terminal)
    with pytest.raises(BlockedError):
        rig.authenticator.identify("operator-1", PASSWORD, terminal)


def test_who_guesses_without_a_session_keeps_nobody_from_proving_who_they_are(
    rig: AccountRig,
) -> None:
    rig.make("operator-1")
    visit = rig.authenticator.sign_in("operator-1", PASSWORD, HERE)
    guessed_at_from_everywhere(rig)
    rig.authenticator.reauthenticate(visit, PASSWORD)
    for _ in range(5):
        with pytest.raises(SignInError):
            rig.authenticator.reauthenticate(visit, "wrong")
    with pytest.raises(BlockedError):
        rig.authenticator.reauthenticate(visit, PASSWORD)


def test_from_one_address_many_names_are_not_tried_for_long(rig: AccountRig) -> None:
    for n in range(20):
        with pytest.raises(SignInError):
            rig.authenticator.sign_in(f"operator-{n}", PASSWORD, HERE)
    with pytest.raises(BlockedError):
        rig.authenticator.sign_in("operator-1", PASSWORD, HERE)


def test_a_whole_desk_signs_in_from_one_address_as_often_as_it_wants(rig: AccountRig) -> None:
    rig.make("operator-1")
    for _ in range(21):
        rig.authenticator.sign_in("operator-1", PASSWORD, HERE)


def test_who_signs_in_now_and_then_guesses_no_more_than_others(rig: AccountRig) -> None:
    rig.make("operator-1")
    for n in range(20):
        rig.authenticator.sign_in("operator-1", PASSWORD, HERE)
        with pytest.raises(SignInError):
            rig.authenticator.sign_in(f"no-such-{n}", PASSWORD, HERE)
    with pytest.raises(BlockedError):
        rig.authenticator.sign_in("no-such-20", PASSWORD, HERE)


@pytest.mark.both_databases
def test_as_much_is_done_whoever_is_not_let_in(
    rig: AccountRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So the time of a refusal tells nobody which names there are."""
    rig.make("operator-1")
    rig.make("operator-2")
    rig.make("panel-1", "integrator", None)
    rig.desk.on_record(lambda c: accounts.disable(c, BY, "operator-2", clock.now))
    hashed: list[str] = []
    verify = type(secrets._hasher()).verify

    def counted(self: Any, hash_: str, password: str) -> Any:
        hashed.append(hash_.rpartition("$")[0].rpartition("$")[0])
        return verify(self, hash_, password)

    monkeypatch.setattr(type(secrets._hasher()), "verify", counted)
    done = {}
    for handle, password in (
        ("operator-1", "wrong"), ("operator-2", PASSWORD), ("operator-2", "wrong"),
        ("panel-1", "wrong"), ("nobody-1", "wrong"), ("nobody-2", "wrong"),
        ("No handle", "wrong"),
    ):  # fmt: skip
        # Each has been counted once before, so that all change the same rows.
        rig.moved.tick(FORGET_AFTER)
        mistaken(rig, 1, handle=handle)
        done[handle, password] = statements(rig, handle, password)
    assert len({tuple(each) for each in done.values()}) == 1, done
    assert len(set(hashed)) == 1
    assert len(hashed) == 2 * len(done)


def statements(rig: AccountRig, handle: str, password: str) -> list[str]:
    """The statements of one refused sign-in, and how each transaction of it ends."""
    sent: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if "SAVEPOINT" not in statement:
            sent.append(statement)

    def note_commit(_c: Any) -> None:
        sent.append("COMMIT")

    event.listen(rig.engine, "before_cursor_execute", note)
    event.listen(rig.engine, "commit", note_commit)
    try:
        with pytest.raises(SignInError):
            rig.authenticator.sign_in(handle, password, HERE)
    finally:
        event.remove(rig.engine, "before_cursor_execute", note)
        event.remove(rig.engine, "commit", note_commit)
    return sent


@pytest.mark.both_databases
def test_of_many_guesses_at_once_no_more_are_looked_at_than_one_after_the_other(
    db_url: str,
) -> None:
    engine = engines.create(db_url)
    rig = AccountRig(engine, None)
    rig.make("operator-1")
    came: list[str] = []

    def guess(n: int) -> None:
        try:
            rig.authenticator.sign_in("operator-1", f"no such sentence {n}", HERE)
        except (SignInError, BlockedError) as error:
            came.append(error.name)

    with ThreadPoolExecutor(24) as many:
        list(many.map(guess, range(24)))
    assert sorted(came) == ["blocked"] * 19 + ["sign_in"] * 5
    engine.dispose()


def test_who_signs_in_waits_for_nobody_who_signs_in_under_another_name(
    postgresql_url: str,
) -> None:
    """Also when what the other holds is old, and would be forgotten."""
    engine = engines.create(postgresql_url)
    rig = AccountRig(engine, None)
    came: list[str] = []

    def guess() -> None:
        try:
            rig.authenticator.sign_in("operator-1", "no such sentence", HERE)
        except SignInError as error:
            came.append(error.name)

    with writing(engine) as connection:
        passwords.failures(connection, ["as operator-2"], clock.now() - timedelta(days=1))
    thread = threading.Thread(target=guess)
    with writing(engine) as connection:
        passwords.failures(connection, ["as operator-2"], clock.now())
        thread.start()
        thread.join(PATIENCE_S)
        assert came == ["sign_in"]
    thread.join()
    engine.dispose()


@pytest.mark.parametrize("signed_in", [False, True])
def test_once_an_administrator_has_a_password_accounts_are_kept_by_who_came_in(
    rig: AccountRig, signed_in: bool
) -> None:
    rig.make("admin-1", "administrator")
    rig.make("operator-1")
    id_, _ = rig.token("operator-1")
    by = Actor(person="li", login="li", signed_in=signed_in)
    acts: list[Callable[[Connection], object]] = [
        lambda c: accounts.make(c, by, "operator-2", "operator", clock.now),
        lambda c: accounts.give_role(c, by, "operator-1", "viewer", clock.now),
        lambda c: accounts.set_password(
            c, by, "operator-1", "a hash", clock.now, second_after=accounts.AT_ONCE
        ),
        lambda c: tokens.make_token(c, by, "operator-1", "s", clock.now, days=1),
        lambda c: tokens.revoke_token(c, by, id_, clock.now),
        lambda c: accounts.disable(c, by, "operator-1", clock.now),
        lambda c: accounts.enable(c, by, "operator-1", clock.now),
    ]
    for act in acts:
        if signed_in:
            rig.desk.on_record(act)
        else:
            with pytest.raises(AccountSignInError):
                rig.desk.on_record(act)
    assert rig.findings() == []


@pytest.mark.both_databases
def test_mistakes_that_count_no_more_are_forgotten_by_many_at_once(db_url: str) -> None:
    """Each deletes what is old, and holds what it counts: no two wait for each other."""
    engine = engines.create(db_url)
    with freeze_time("2026-03-01 10:00:00"):
        rig = AccountRig(engine, None)
        for n in range(12):
            with pytest.raises(SignInError):
                rig.authenticator.sign_in(f"operator-{n}", "no such sentence", f"192.0.2.{n}")

    def guess(n: int) -> None:
        with pytest.raises(SignInError):
            rig.authenticator.sign_in(f"operator-{n}", "no such sentence", f"192.0.2.{11 - n}")

    with ThreadPoolExecutor(12) as many:
        list(many.map(guess, range(12)))
    engine.dispose()
