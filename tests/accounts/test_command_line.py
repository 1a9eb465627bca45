"""Accounts on the command line: the first administrator, passwords, tokens; who may keep them."""

import json
import sys
from pathlib import Path
from unittest.mock import Mock

import pyotp
import pytest

from incidents import clock as time
from incidents.desk import Desk, factors
from incidents.desk.own_stream import Actor
from incidents.store.accounts.factors import TOTP
from incidents.store.database import engine as engines
from tests.cli.conftest import Cli, Result
from tests.cli.terminal_session import terminal_session

PASSWORD = "a horse and a battery"
OTHER = "another long sentence"


def _name(answer: Result) -> str:
    """The error's name, for programs."""
    [told] = json.loads(answer.err).values()
    name: str = told["name"]
    return name


@pytest.fixture
def words(tmp_path: Path) -> tuple[str, str]:
    """Two files with a password each."""
    files = []
    for name, text in (("one", PASSWORD), ("two", OTHER)):
        file = tmp_path / name
        file.write_text(f"{text}\n", encoding="utf-8")
        files.append(str(file))
    return files[0], files[1]


@pytest.fixture
def desk(cli: Cli, words: tuple[str, str]) -> Cli:
    """A desk whose administrator has a password."""
    assert cli("account", "add", "admin-1", "--role", "administrator").status == 0
    assert cli("account", "password", "admin-1", "--password-file", words[0]).status == 0
    return cli


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The answers typed at the password prompts, in turn; the prompts are discarded."""
    answers: list[str] = []
    monkeypatch.setattr("getpass.getpass", lambda *_, **__: answers.pop(0))
    return answers


def test_the_first_administrator_comes_from_the_command_line(cli: Cli) -> None:
    made = cli("account", "add", "admin-1", "--role", "administrator")
    assert made.status == 0
    assert made.out == "admin-1 added: administrator\nnext: incidents account password admin-1\n"
    assert cli("account", "list", "--json").json == [
        {"handle": "admin-1", "role": "administrator", "made_at": "2026-03-02T04:00:00Z",
         "disabled_at": None, "password_set_at": None, "password_given_by": None,
         "password_counts_from": None, "last_seen_at": None, "second_factors": []},
    ]  # fmt: skip
    assert cli("account", "list", "-q").out == "admin-1\n"


def test_the_list_of_accounts_says_who_has_a_password_who_set_it_and_from_when_it_counts(
    desk: Cli, words: tuple[str, str]
) -> None:
    as_admin = ("--as", "admin-1", "--own-password-file", words[0])
    desk("account", "add", "op-1", "--role", "operator", *as_admin)
    desk("account", "add", "sup-1", "--role", "supervisor", *as_admin)
    desk("account", "password", "sup-1", "--password-file", words[1], *as_admin)
    desk("account", "password", "admin-1", "--password-file", words[0], *as_admin)
    rows = [row.split("\t") for row in desk("account", "list").out.splitlines()]
    told = {row[0]: row[4] for row in rows}
    assert told["op-1"] == "none"
    assert told["sup-1"] == (
        "set 2026-03-02 12:00 by admin-1;"
        " the account's owner can be the second person from 2026-03-03 12:00"
    )
    listed = desk("account", "list", "--json").json
    [sup] = (each for each in listed if each["handle"] == "sup-1")
    assert (sup["password_given_by"], sup["password_counts_from"]) == (
        "admin-1", "2026-03-03T04:00:00Z",
    )  # fmt: skip


def test_who_names_nobody_and_has_no_account_is_told_so_before_a_password_is_asked_for(
    desk: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("INCIDENTS_AS")
    monkeypatch.setattr("incidents.settings.sources.login", lambda: "root")
    for typed in (None, ""):
        answer = desk("account", "add", "op-1", "--role", "operator", typed=typed)
        assert answer.err == "incidents: no account named root here: name yours with --as\n"
        assert answer.status == 3


def test_standard_input_gives_one_password_only(desk: Cli) -> None:
    both = ("--own-password-file", "-", "--password-file", "-")
    answer = desk("account", "password", "admin-1", "--as", "admin-1", *both)
    assert (answer.status, answer.err) == (
        2,
        (
            "incidents: standard input can give only one password: give --password-file a file of"
            " its own\n"
        ),
    )


def test_a_list_that_is_empty_says_so_and_names_an_account_that_is_none(cli: Cli) -> None:
    cli("account", "add", "op-1", "--role", "operator")
    for words, told in (
        (("account", "sign-ins"), "no sign-ins"),
        (("account", "sign-ins", "--failed"), "no failed sign-ins"),
        (("account", "refusals"), "no denied actions"),
        (("account", "sessions"), "no open sessions"),
    ):
        assert cli(*words).err == f"{told}\n"
        assert cli(*words, "--of", "op-1").err == f"{told} for op-1\n"
        nobody = cli(*words, "--of", "op-9")
        assert (nobody.status, "no account named 'op-9'" in nobody.err) == (3, True)
    assert "no account named 'op-9'" in cli("token", "list", "--of", "op-9").err


def test_a_handle_that_cannot_be_is_answered_with_advice_for_a_handle(cli: Cli) -> None:
    for handle in ("clock", "op13900000000"):
        answer = cli("account", "add", handle, "--role", "viewer")
        assert "choose another" in answer.err
        assert "--as" not in answer.err


def test_what_cannot_be_is_refused_by_name(cli: Cli) -> None:
    cli("account", "add", "admin-1", "--role", "administrator")
    cli("account", "add", "panel-1", "--role", "integrator")
    for args, status, name in (
        (("account", "add", "admin-1", "--role", "viewer"), 3, "account_exists"),
        (("account", "add", "Wang Wei", "--role", "viewer"), 2, "bad_handle"),
        (("account", "add", "13900000000", "--role", "viewer"), 2, "bad_handle"),
        (("account", "add", "op13900000000", "--role", "viewer"), 3, "telling_name"),
        (("account", "add", "clock", "--role", "viewer"), 3, "reserved_name"),
        (("account", "add", "op-1", "--role", "boss"), 2, "unknown_role"),
        (("account", "role", "op-9", "viewer"), 3, "unknown_account"),
        (("account", "role", "admin-1", "viewer"), 3, "last_administrator"),
        (("account", "disable", "admin-1"), 3, "last_administrator"),
        (("account", "disable", "op-9"), 3, "unknown_account"),
        (("token", "make", "panel-1", "--days", "0"), 2, "bad_expiry"),
        (("token", "make", "panel-1", "--days", "400"), 2, "bad_expiry"),
        (("token", "make", "panel-1", "--days", "1", "--act", "approve"), 2, "unknown_act"),
        (("token", "make", "panel-1", "--days", "1", "--act", "export"), 3, "not_of_role"),
        (("token", "make", "panel-9", "--days", "1"), 3, "unknown_account"),
        (("token", "revoke", "0123456789"), 3, "unknown_token"),
    ):
        answer = cli(*args, "--json")
        assert (answer.status, _name(answer)) == (status, name), args
    refused = cli("token", "make", "panel-1", "--days", "1", "--act", "export")
    assert (
        "has the role integrator, which may not export the record, so such a token" in refused.err
    )
    assert "incidents account role panel-1 ROLE  # with accounts, an administrator" in refused.err


def test_nobody_has_a_password_before_an_administrator_has_one(
    cli: Cli, words: tuple[str, str]
) -> None:
    cli("account", "add", "sup-1", "--role", "supervisor")
    answer = cli("account", "password", "sup-1", "--password-file", words[0])
    assert answer.status == 3
    assert "first set a password for an administrator" in answer.err


def test_once_an_administrator_has_a_password_accounts_are_kept_by_who_gives_it(
    desk: Cli, words: tuple[str, str]
) -> None:
    mine, wrong = words
    for args in (
        ("account", "add", "sup-1", "--role", "supervisor"),
        ("account", "role", "admin-1", "viewer"),
        ("account", "disable", "admin-1"), ("account", "enable", "admin-1"),
        ("account", "password", "admin-1", "--password-file", wrong),
        ("token", "make", "admin-1", "--days", "1"), ("token", "revoke", "0123456789"),
    ):  # fmt: skip
        assert "add --own-password-file FILE" in desk(*args).err, args
        answer = desk(*args, "--own-password-file", mine, "--as", f"li-{args[1]}-{len(args)}")
        assert (answer.status, "wrong username or password" in answer.err) == (3, True), args
    assert desk("account", "list", "-q").out == "admin-1\n"
    made = desk("account", "add", "sup-1", "--role", "supervisor", "--own-password-file", mine,
                "--as", "admin-1")  # fmt: skip
    assert made.status == 0, made.err


def test_a_role_that_keeps_no_accounts_gives_only_itself_a_new_password(
    desk: Cli, words: tuple[str, str]
) -> None:
    mine, other = words
    as_admin = ("--as", "admin-1", "--own-password-file", mine)
    desk("account", "add", "sup-1", "--role", "supervisor", *as_admin)
    assert desk("account", "password", "sup-1", "--password-file", mine, *as_admin).status == 0
    as_sup = ("--as", "sup-1", "--own-password-file", mine)
    own = desk("account", "password", "sup-1", "--password-file", other, *as_sup)
    assert own.status == 0, own.err
    as_sup = ("--as", "sup-1", "--own-password-file", other)
    foreign = desk("account", "password", "admin-1", "--password-file", other, *as_sup)
    assert (foreign.status, "can manage only their own account" in foreign.err) == (3, True)
    [counted] = desk("account", "refusals", "--of", "sup-1", "--format", "json").json
    assert (counted["act"], counted["why"], counted["count"]) == ("keep_accounts", "role", 1)
    assert desk("audit", "replay").status == 0


def test_a_new_password_is_asked_for_twice_on_a_terminal(cli: Cli, typed: list[str]) -> None:
    cli("account", "add", "admin-1", "--role", "administrator")
    typed += [PASSWORD, OTHER]
    differs = cli("account", "password", "admin-1", typed="")
    assert (differs.status, "differ" in differs.err) == (2, True)
    typed += [PASSWORD, PASSWORD]
    assert cli("account", "password", "admin-1", typed="").status == 0
    typed += [PASSWORD]
    added = cli("account", "add", "op-1", "--role", "operator", "--as", "admin-1", typed="")
    assert added.status == 0


def test_who_gives_up_at_the_question_has_done_nothing(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli("account", "add", "admin-1", "--role", "administrator")
    for given_up, status in ((EOFError, 3), (KeyboardInterrupt, 130)):
        monkeypatch.setattr("getpass.getpass", Mock(side_effect=given_up))
        assert cli("account", "password", "admin-1", typed="").status == status
    assert cli("account", "add", "op-1", "--role", "operator").status == 0


def test_a_password_that_keeps_nobody_out_is_refused_and_told_nowhere(
    cli: Cli, tmp_path: Path
) -> None:
    cli("account", "add", "admin-1", "--role", "administrator")
    file = tmp_path / "p"
    for password in ("short", "a" * 500, "aaaaaaaaaaaaaaaa", ""):
        file.write_text(password, encoding="utf-8")
        answer = cli("account", "password", "admin-1", "--password-file", str(file))
        assert answer.status == 3, password
        assert not password or password not in answer.out + answer.err


def test_a_file_that_is_no_password_is_told_in_one_sentence(cli: Cli, tmp_path: Path) -> None:
    cli("account", "add", "admin-1", "--role", "administrator")
    for file in (tmp_path, tmp_path / "none", Path("/dev/zero")):
        answer = cli("account", "password", "admin-1", "--password-file", str(file))
        assert (answer.status, answer.err.count("\n")) == (1, 1)


def test_a_token_is_printed_once_and_listed_without_its_secret(cli: Cli) -> None:
    cli("account", "add", "panel-1", "--role", "integrator")
    made = cli("token", "make", "panel-1", "--days", "30", "--act", "log", "--act", "add_site")
    assert made.status == 0
    assert made.out.startswith("inc_")
    assert made.out.count("\n") == 1
    listed = cli("token", "list", "--json")
    [token] = listed.json
    assert (token["acts"], token["expires_at"]) == (["add_site", "log"], "2026-04-01T04:00:00Z")
    record = cli("audit", "export").out
    assert made.out.strip() not in listed.out + record
    assert cli("token", "revoke", token["id"]).out == f"{token['id']}: revoked\n"
    assert cli("token", "list", "--of", "panel-1", "--json").json[0]["revoked_at"] is not None
    assert cli("audit", "replay").status == 0


def test_a_hostile_word_is_refused_in_one_sentence_and_no_fault(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "p"
    file.write_text(PASSWORD, encoding="utf-8")
    own = ("--own-password-file", str(file), "--as", "admin-1")
    cli("account", "add", "admin-1", "--role", "administrator")
    words = ("\udcff", "a\0b", "\x1b[2J", "' OR 1=1 --", "", "x" * 9_999, "é")
    for word in words:
        _try_everywhere(cli, word, file)
    cli("account", "password", "admin-1", "--password-file", str(file))
    for word in words[:2]:
        _try_everywhere(cli, word, file, *own)


def _try_everywhere(cli: Cli, word: str, file: Path, *own: str) -> None:
    for args in (
        ("account", "add", word, "--role", "viewer"), ("account", "disable", word),
        ("account", "enable", word), ("account", "role", word, "viewer"),
        ("account", "add", "op-1", "--role", word), ("account", "role", "admin-1", word),
        ("account", "password", word, "--password-file", str(file)),
        ("token", "make", word, "--days", "1"), ("token", "revoke", word),
        ("token", "make", "admin-1", "--days", "1", "--act", word), ("token", "list", "--of", word),
    ):  # fmt: skip
        answer = cli(*args, *(() if args[:2] == ("token", "list") else own))
        assert answer.status in (2, 3), (args, answer.err)
        assert "\x1b" not in answer.err
        assert len(answer.err.encode(errors="backslashreplace")) < 5_000


def test_the_command_that_is_proposed_for_a_new_integrator_makes_it_a_token(
    desk: Cli, words: tuple[str, str]
) -> None:
    own = ("--own-password-file", words[0])
    made = desk("account", "add", "panel-1", "--role", "integrator", "--as", "admin-1", *own)
    proposed = made.out.splitlines()[-1].removeprefix("next: incidents ")
    assert proposed == "token make panel-1 --days 90 --as admin-1"
    assert desk(*proposed.split(), *own).status == 0


PROGRAM = (sys.executable, "-m", "incidents")


def test_a_password_is_typed_twice_and_never_seen(cli: Cli, db_url: str) -> None:
    assert cli("account", "add", "admin-1", "--role", "administrator").status == 0
    command = (*PROGRAM, "account", "password", "admin-1")
    with terminal_session({"INCIDENTS_DB": db_url}, command=command) as at:
        before = at.modes()
        at.see("New password for admin-1:")
        at.press(*PASSWORD, "\r")
        at.see("Repeat the password:")
        at.press(*PASSWORD, "\r")
        at.see("admin-1: password set")
        assert at.ends() == 0
        assert at.modes() == before
        assert "battery" not in at.display.history
        assert "horse" not in at.display.text


def test_an_invitation_is_made_listed_and_revoked(desk: Cli, words: tuple[str, str]) -> None:
    own = ("--as", "admin-1", "--own-password-file", words[0])
    made = desk("account", "invite", "op-1", "--role", "operator", *own)
    assert made.status == 0
    assert made.out.startswith("/join/")
    assert "valid until 2026-03-05 12:00" in made.err
    [listed] = desk("account", "invitations", "--json").json
    assert (listed["handle"], listed["state"], listed["by"]) == ("op-1", "open", "admin-1")
    assert "operator\topen\tadmin-1" in desk("account", "invitations").out
    assert desk("account", "uninvite", listed["id"], *own).out == f"{listed['id']}: revoked\n"
    assert "nothing changed" in desk("account", "uninvite", listed["id"], *own).err
    assert desk("account", "invite", "op-2", *own, "--json").refused["name"] == "role_needed"
    assert desk("account", "uninvite", "0", *own, "--json").refused["name"] == "unknown_invitation"


SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture
def app(desk: Cli, db_url: str) -> pyotp.TOTP:
    """The authenticator app of the administrator."""
    by = Actor(person="admin-1", login="session", signed_in=True)
    new = factors.blank("admin-1", TOTP, "phone", time.now)._replace(secret=SECRET)
    engine = engines.create(db_url)
    Desk(engine).on_record(lambda c: factors.add(c, by, new, time.now))
    engine.dispose()
    return pyotp.TOTP(SECRET)


def test_a_terminal_asks_for_the_second_factor_too(
    desk: Cli, app: pyotp.TOTP, typed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("incidents.cli.reauthentication.is_terminal", lambda _: True)
    typed += [PASSWORD, app.at(time.now())]
    assert desk("account", "add", "op-1", "--role", "viewer", "--as", "admin-1").status == 0
    typed += [PASSWORD, "000000"]
    wrong = desk("account", "add", "op-2", "--role", "viewer", "--as", "admin-1", "--json")
    assert wrong.refused["name"] == "wrong_factor"


def test_without_a_terminal_the_code_comes_from_the_environment(
    desk: Cli, app: pyotp.TOTP, words: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    line = ("account", "disable", "op-9", "--as", "admin-1", "--own-password-file", words[0])
    asked = desk(*line, "--json")
    assert asked.refused["name"] == "code_needed"
    assert "set INCIDENTS_CODE" in desk(*line).err
    monkeypatch.setenv("INCIDENTS_CODE", app.at(time.now()))
    assert desk(*line, "--json").refused["name"] == "unknown_account", "they are signed in"


def test_the_command_line_is_no_way_around_a_factor_that_is_demanded(
    desk: Cli, words: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "strict.toml"
    settings.write_text('[accounts]\nsecond_factor = "supervisors"\n', encoding="utf-8")
    monkeypatch.setenv("INCIDENTS_CONFIG", str(settings))
    answer = desk(
        "account", "add", "op-1", "--role", "viewer", "--as", "admin-1",
        "--own-password-file", words[0], "--json",
    )  # fmt: skip
    assert answer.refused["name"] == "factor_demanded"


def test_an_administrator_resets_second_factors(
    desk: Cli, app: pyotp.TOTP, words: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INCIDENTS_CODE", app.at(time.now()))
    own = ("--as", "admin-1", "--own-password-file", words[0])
    done = desk("account", "reset-factors", "admin-1", *own)
    assert done.out == "admin-1: second factors removed; the password alone signs in\n"
    monkeypatch.delenv("INCIDENTS_CODE")
    assert "nothing changed" in desk("account", "reset-factors", "admin-1", *own).err
