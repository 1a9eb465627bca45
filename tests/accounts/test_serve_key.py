"""The servers' key: without it, write access to the database is not enough to pass for anybody."""

import hashlib
import secrets as random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from unittest import mock

import pyotp
import pytest
from sqlalchemy import delete, insert, update

from incidents import clock
from incidents.accounts import secrets, serve_key
from incidents.accounts.authenticator import Authenticator
from incidents.accounts.credentials import SignInError, Visit
from incidents.accounts.security_keys import WrongFactorError
from incidents.accounts.serve_key import (
    NoServeKeyError,
    Seal,
    SealedElsewhereError,
    ServeKeyReplacedError,
    UnsealedCredentials,
)
from incidents.audit.rows import Finding
from incidents.desk import accounts, factors, invitations, tokens
from incidents.desk.access import Access
from incidents.desk.invitations import InvitationOverError
from incidents.desk.own_stream import Actor
from incidents.desk.tokens import SealedAlreadyError, SealingResult
from incidents.errors import FileError
from incidents.machine.policy import DOCUMENTED
from incidents.store.accounts import accounts as stored_keys
from incidents.store.accounts import passwords as stored
from incidents.store.accounts.factors import TOTP
from incidents.store.database.engine import reading, writing
from incidents.store.schema.access_tables import accounts as account_table
from incidents.store.schema.access_tables import factors as factor_table
from incidents.store.schema.access_tables import invitations as invitation_table
from incidents.store.schema.access_tables import passwords, serve_keys, sessions
from incidents.store.schema.access_tables import tokens as token_table
from tests.accounts.rig import BY, HERE, PASSWORD, AccountRig, set_password
from tests.cli.conftest import Cli
from tests.statements import sent

THIEFS = "a sentence of the thief's"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """The key file of the database's servers."""
    return tmp_path / "serve.key"


def start(rig: AccountRig, key: Path) -> SealingResult | UnsealedCredentials | None:
    """Do as a start of `serve` does; the database then has this authenticator."""
    begun = tokens.begin_sealing(rig.engine, rig.desk, key, BY, clock.now)
    with reading(rig.engine) as connection:
        rig.authenticator = Authenticator(
            rig.engine, clock.now, serve_key.load_seal(connection, key)
        )
    return begun


@pytest.fixture
def served(rig: AccountRig, key: Path) -> AccountRig:
    """A desk with a server, an administrator, and an operator who writes to its database."""
    rig.make("admin-1", "administrator")
    rig.make("thief-1")
    start(rig, key)
    return rig


def write(rig: AccountRig, statement: object) -> None:
    with writing(rig.engine) as connection:
        assert connection.execute(statement).rowcount == 1  # type: ignore[call-overload]


def own_session(rig: AccountRig) -> Visit:
    return rig.authenticator.sign_in("thief-1", PASSWORD, HERE)


def a_new_session(rig: AccountRig) -> object:
    word, now = "a word", clock.now()
    row = {
        "digest": hashlib.sha256(word.encode()).digest(), "id": "abc", "handle": "admin-1",
        "made_at": now, "seen_at": now, "proved_at": now, "how": "password", "seal": "0" * 64,
    }  # fmt: skip
    write(rig, insert(sessions).values(row))
    return rig.authenticator.by_session(word)


def ones_own_session_under_another_name(rig: AccountRig) -> object:
    visit = own_session(rig)
    write(rig, update(sessions).values(handle="admin-1"))
    return rig.authenticator.by_session(visit.cookie)


def a_proof_that_nobody_gave(rig: AccountRig) -> object:
    visit = own_session(rig)
    rig.moved.tick(60)
    write(rig, update(sessions).values(proved_at=clock.now()))
    return rig.authenticator.by_session(visit.cookie)


def ones_own_session_as_if_a_provider_had_asked_for_the_factors(rig: AccountRig) -> object:
    visit = own_session(rig)
    write(rig, update(sessions).values(how="provider"))
    return rig.authenticator.by_session(visit.cookie)


def a_new_password_of_somebody_else(rig: AccountRig) -> object:
    hash_ = secrets.hash_password(THIEFS, "admin-1")
    write(rig, update(passwords).where(passwords.c.handle == "admin-1").values(hash=hash_))
    with pytest.raises(SignInError):
        rig.authenticator.sign_in("admin-1", THIEFS, HERE)
    return None


def ones_own_password_under_another_name(rig: AccountRig) -> object:
    write(rig, delete(passwords).where(passwords.c.handle == "admin-1"))
    own = passwords.c.handle == "thief-1"
    write(rig, update(passwords).where(own).values(handle="admin-1"))
    with pytest.raises(SignInError):
        rig.authenticator.sign_in("admin-1", PASSWORD, HERE)
    return None


def token(rig: AccountRig) -> str:
    secret = secrets.random_token()
    seal = rig.authenticator._seal
    rig.desk.on_record(
        lambda c: tokens.make_token(
            c, BY, "thief-1", secret, clock.now, days=1, acts=["log"], seal=seal
        )
    )
    return secret


def ones_own_token_under_another_name(rig: AccountRig) -> object:
    secret = token(rig)
    write(rig, update(token_table).values(handle="admin-1"))
    return rig.authenticator.by_token(secret)


def ones_own_token_for_more(rig: AccountRig) -> object:
    secret = token(rig)
    write(rig, update(token_table).values(acts=None))
    return rig.authenticator.by_token(secret)


def ones_own_token_for_longer(rig: AccountRig) -> object:
    secret = token(rig)
    write(rig, update(token_table).values(expires_at=clock.in_utc(clock.now()).replace(year=2099)))
    return rig.authenticator.by_token(secret)


def a_proof_of_ones_own_while_the_row_is_another_ones(rig: AccountRig) -> object:
    visit = own_session(rig)

    def meanwhile(password: str, hash_: str | None) -> bool:
        write(rig, update(sessions).values(handle="admin-1"))
        return password_matches(password, hash_)

    password_matches = secrets.password_matches
    with mock.patch.object(secrets, "password_matches", meanwhile), pytest.raises(SignInError):
        rig.authenticator.reauthenticate(visit, PASSWORD)
    return rig.authenticator.by_session(visit.cookie)


def an_old_password_put_back(rig: AccountRig) -> object:
    with reading(rig.engine) as connection:
        old = stored.of(connection, "thief-1")
    assert old is not None
    set_password(rig, "thief-1", "another long sentence", seal=rig.authenticator._seal)
    own = update(passwords).where(passwords.c.handle == "thief-1")
    write(rig, own.values(hash=old.hash, seal=old.seal, given_by=None, counts_from=None))
    with pytest.raises(SignInError):
        rig.authenticator.sign_in("thief-1", PASSWORD, HERE)
    return None


@pytest.mark.parametrize(
    "forge",
    [
        a_proof_of_ones_own_while_the_row_is_another_ones,
        an_old_password_put_back,
        a_new_session,
        ones_own_session_under_another_name,
        a_proof_that_nobody_gave,
        ones_own_session_as_if_a_provider_had_asked_for_the_factors,
        a_new_password_of_somebody_else,
        ones_own_password_under_another_name,
        ones_own_token_under_another_name,
        ones_own_token_for_more,
        ones_own_token_for_longer,
    ],
)
def test_who_can_write_to_the_database_comes_in_as_nobody_else(
    served: AccountRig, forge: Callable[[AccountRig], object]
) -> None:
    assert forge(served) is None


def test_what_the_server_has_let_in_comes_in(served: AccountRig) -> None:
    visit = own_session(served)
    assert served.authenticator.by_session(visit.cookie) is not None
    proved = served.authenticator.reauthenticate(visit, PASSWORD)
    assert served.authenticator.by_session(proved.cookie) is not None
    assert served.authenticator.by_token(token(served)) is not None
    assert served.findings() == []


def test_the_first_start_seals_what_is_there_and_ends_all_sessions(
    rig: AccountRig, key: Path
) -> None:
    rig.make("admin-1", "administrator")
    _, secret = rig.token("admin-1")
    before = rig.authenticator.sign_in("admin-1", PASSWORD, HERE)

    begun = start(rig, key)

    assert begun == SealingResult(file=key, made=True, tokens=1, passwords=1)
    assert key.stat().st_mode & 0o777 == 0o600
    assert rig.authenticator.by_session(before.cookie) is None
    assert rig.authenticator.by_token(secret) is not None
    assert rig.authenticator.sign_in("admin-1", PASSWORD, HERE).identity.handle == "admin-1"
    assert not start(rig, key), "the next one has nothing to do, and nothing to tell"
    assert rig.findings() == []


def test_the_next_start_tells_what_somebody_else_has_put_there(
    served: AccountRig, key: Path
) -> None:
    token(served)
    hash_ = secrets.hash_password(THIEFS, "admin-1")
    write(served, update(passwords).where(passwords.c.handle == "admin-1").values(hash=hash_))
    write(served, update(token_table).values(acts=None))

    told = start(served, key)

    assert isinstance(told, UnsealedCredentials)
    assert (len(told.tokens), told.passwords) == (1, ["admin-1"])
    assert "let nobody in" in str(told)


def test_the_record_shows_a_password_that_was_put_there_beside_it(served: AccountRig) -> None:
    """Also before there was a key, or where its file is not."""
    hash_ = secrets.hash_password(THIEFS, "admin-1")
    write(served, update(passwords).where(passwords.c.handle == "admin-1").values(hash=hash_))
    served.make("operator-1", password=None)
    row = {"handle": "operator-1", "hash": hash_, "set_at": clock.now()}
    write(served, insert(passwords).values(row))
    found = [(each.table, each.row, each.problem) for each in served.findings()]  # type: ignore[attr-defined]
    assert found == [("passwords", "admin-1", "changed"), ("passwords", "operator-1", "added")]


def test_the_record_shows_who_kept_accounts_by_a_role_that_stood_in_the_table_alone(
    served: AccountRig,
) -> None:
    own = update(account_table).where(account_table.c.handle == "thief-1")
    write(served, own.values(role="administrator"))
    thief = replace(BY, person="thief-1")
    served.desk.on_record(
        lambda each: accounts.make(each, thief, "thief-2", "supervisor", clock.now)
    )
    write(served, own.values(role="operator"))
    [found] = served.findings()
    assert isinstance(found, Finding)
    assert (found.row, found.problem) == ("0-6", "impossible_entry")
    assert found.found == "thief-1 has the role operator on record, which keeps no accounts"


def test_a_server_without_the_key_does_not_start_and_makes_none(
    served: AccountRig, tmp_path: Path
) -> None:
    other = tmp_path / "other.key"
    with pytest.raises(NoServeKeyError, match="copy the key file there"):
        start(served, other)
    assert not other.exists()
    other.touch(0o600)
    with pytest.raises(FileError, match="32 bytes in base64"):
        start(served, other)


def test_a_new_key_takes_the_place_of_one_that_is_lost(served: AccountRig, key: Path) -> None:
    visit, secret = own_session(served), token(served)
    key.unlink()

    sealed = tokens.renew_seals(served.desk, key, BY, clock.now, reason="the disk is gone")

    assert (sealed.made, sealed.tokens, sealed.passwords) == (True, 1, 2)
    served.moved.tick(2)
    for comes_in in (lambda: served.authenticator.by_token(secret), lambda: own_session(served)):
        with pytest.raises(ServeKeyReplacedError):
            comes_in()
    assert served.log()[0]["how"] == "rekeyed"
    assert not start(served, key)
    assert served.authenticator.by_token(secret) is not None
    assert served.authenticator.by_session(visit.cookie) is None


def test_a_key_that_another_process_makes_meanwhile_in_its_place_is_taken(
    rig: AccountRig, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = serve_key.new_key()
    keep = serve_key.write_key

    def late(file: Path, own: bytes) -> None:
        keep(file, others)
        keep(file, own)

    monkeypatch.setattr(serve_key, "write_key", late)

    sealed = start(rig, key)

    assert isinstance(sealed, SealingResult)
    assert not sealed.made
    assert serve_key.read_key(key) == others
    assert rig.findings() == []


def test_whether_the_key_still_holds_is_asked_once_a_second(served: AccountRig) -> None:
    secret = token(served)
    asked = []
    for after_s in (2, 0, 0.9, 0.1, 0.9, 0.1):
        served.moved.tick(after_s)
        with sent(served.engine) as statements:
            assert served.authenticator.by_token(secret) is not None
        asked.append(any("serve_keys" in statement for statement, _ in statements))
    assert asked == [True, False, False, True, False, True]


def test_whose_password_somebody_else_has_set_is_no_second_person_whatever_the_table_says(
    served: AccountRig,
) -> None:
    served.make("sup-1", "supervisor")
    set_password(
        served, "sup-1", PASSWORD, seal=served.authenticator._seal, second_after=timedelta(days=1)
    )
    own = update(passwords).where(passwords.c.handle == "sup-1")
    write(served, own.values(given_by=None, counts_from=None))
    with reading(served.engine) as connection:
        access = Access(connection, DOCUMENTED, clock.now())
        refusal = access._not_their_own("sup-1")
    assert refusal is not None
    assert refusal.name == "password_given"


def test_the_same_key_seals_nothing_anew(served: AccountRig, key: Path) -> None:
    with pytest.raises(SealedAlreadyError):
        tokens.renew_seals(served.desk, key, BY, clock.now, reason="a warning")


def test_two_databases_with_one_key_know_nothing_of_each_other(
    served: AccountRig, key: Path
) -> None:
    with reading(served.engine) as connection:
        own, newest = serve_key.load_seal(connection, key), stored_keys.newest(connection)
    assert newest is not None
    other = Seal(
        serve_key.read_key(key), newest._replace(since=newest.since + timedelta(seconds=1))
    )
    assert own.digest == other.digest
    assert own.on(("a",)) != other.on(("a",))


def test_a_key_that_somebody_else_names_lets_nobody_in(served: AccountRig, key: Path) -> None:
    """Who may only add to what is there may add a key, but none that a server has."""
    own = hashlib.sha256(random.token_bytes(32)).hexdigest()
    row = {"number": 2, "digest": own, "since": clock.now()}
    write(served, insert(serve_keys).values(row))
    with pytest.raises(NoServeKeyError):
        start(served, key)


def test_without_the_key_nobody_signs_in_at_the_database(
    served: AccountRig, tmp_path: Path
) -> None:
    with reading(served.engine) as connection, pytest.raises(SealedElsewhereError):
        serve_key.load_seal(connection, tmp_path / "no such.key")


def test_the_command_line_without_the_key_says_where_people_sign_in(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "password").write_text(PASSWORD)
    (tmp_path / "password").chmod(0o600)
    file = f"--password-file {tmp_path}/password"
    assert cli(*["account", "add", "admin-1", "--role", "administrator"]).status == 0
    assert cli(*f"account password admin-1 {file}".split()).status == 0
    assert cli("db", "rekey", "--reason", "the first").status == 0
    own = f"--own-password-file {tmp_path}/password --as admin-1"
    assert cli(*f"account add operator-1 --role operator {own}".split()).status == 0

    settings = tmp_path / "settings.toml"
    settings.write_text(f'[serve]\nkey_file = "{tmp_path}/elsewhere.key"\n')
    monkeypatch.setenv("INCIDENTS_CONFIG", str(settings))
    answer = cli(*f"account add operator-2 --role operator {own}".split())

    assert answer.status == 3
    assert "people sign in over a server here: add --server URL" in answer.err
    assert cli(*["account", "list"]).status == 0


def test_an_invitation_that_was_written_by_hand_is_none(served: AccountRig) -> None:
    seal, now = served.authenticator._seal, clock.now()
    row = {
        "id": "abc", "handle": "admin-1", "digest": secrets.digest("a word"), "made_at": now,
        "by": "admin-1", "expires_at": now + timedelta(hours=1), "seal": "0" * 64,
    }  # fmt: skip
    write(served, insert(invitation_table).values(row))
    with reading(served.engine) as connection, pytest.raises(InvitationOverError):
        invitations.opened(connection, "a word", now, seal)


def test_a_secret_that_was_put_in_the_place_of_another_makes_no_codes(served: AccountRig) -> None:
    mine, thiefs = "A" * 32, "B" * 32
    add_app(served, mine)
    write(served, update(factor_table).where(factor_table.c.kind == TOTP).values(secret=thiefs))
    with pytest.raises(WrongFactorError):
        served.authenticator.sign_in(
            "thief-1", PASSWORD, HERE, code=pyotp.TOTP(thiefs).at(clock.now())
        )


def test_with_a_new_key_invitations_and_factors_still_work(served: AccountRig, key: Path) -> None:
    add_app(served, "A" * 32)
    secret, seal = secrets.random_secret(), served.authenticator._seal
    served.desk.on_record(
        lambda c: invitations.invite(c, BY, "admin-1", None, clock.now, secret=secret, seal=seal)
    )
    key.unlink()
    tokens.renew_seals(served.desk, key, BY, clock.now, reason="the disk is gone")
    served.moved.tick(2)
    start(served, key)
    code = pyotp.TOTP("A" * 32).at(clock.now())
    assert served.authenticator.sign_in("thief-1", PASSWORD, HERE, code=code).cookie
    with reading(served.engine) as connection:
        found, _ = invitations.opened(connection, secret, clock.now(), served.authenticator._seal)
    assert found.handle == "admin-1"


def add_app(rig: AccountRig, secret: str) -> None:
    """Add an authenticator app to the account of the thief."""
    by, seal = Actor(person="thief-1", login="session", signed_in=True), rig.authenticator._seal
    new = factors.blank("thief-1", TOTP, "phone", clock.now)._replace(secret=secret)
    rig.desk.on_record(lambda c: factors.add(c, by, new, clock.now, seal=seal))
