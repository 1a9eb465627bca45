"""What is done in person, over a server: with a password and in a session, as with a database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pyotp
import pytest
from sqlalchemy import update

from incidents import clock
from incidents.desk import factors
from incidents.desk.own_stream import Actor
from incidents.errors import NOT_CONFIRMED, REFUSED
from incidents.store.accounts.factors import TOTP
from incidents.store.database.engine import writing
from incidents.store.schema.access_tables import sessions
from tests.api.desk import fill
from tests.api.rig import PASSWORD
from tests.client.conftest import RemoteCli

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
SITE = "shop.example"
REFUSED_LINE = ("refused", "1-1", "--confirm", SITE)


@pytest.fixture
def desk(over: RemoteCli) -> RemoteCli:
    """A site with an incident, a closed site, an operator and two supervisors."""
    fill(over.api)
    over.account("op-1", "operator")
    over.account("sup-1", "supervisor")
    over.account("sup-2", "supervisor")
    assert over("contact", "1-1", "reached", as_="op-1").status == 0
    return over


def _state(desk: RemoteCli, site: str = SITE) -> str:
    found: str = desk("site", "show", site, "--json", as_="op-1").json["state"]
    return found


def _asked(
    monkeypatch: pytest.MonkeyPatch, answer: Callable[[], str] = lambda: PASSWORD
) -> list[str]:
    """The questions for a password that are asked from now on."""
    asked: list[str] = []

    def ask(question: str, **_: object) -> str:
        asked.append(question)
        return answer()

    monkeypatch.setattr("getpass.getpass", ask)
    return asked


def test_who_guesses_over_the_network_keeps_nobody_out_who_has_a_token(desk: RemoteCli) -> None:
    guess = {"handle": "op-1", "password": "no such sentence"}
    guesser = desk.api.nobody()
    came = [guesser.post("/api/v1/session", json=guess).status_code for _ in range(6)]
    assert came == [401] * 5 + [429]
    done = desk(*REFUSED_LINE, "--password-file", str(desk.right), as_="op-1")
    assert (done.status, _state(desk)) == (0, "closed"), done.err


def test_a_refusal_closes_the_site_on_the_word_of_who_has_signed_in(desk: RemoteCli) -> None:
    for more, status, needle in (
        ((), REFUSED, "add --password-file FILE"),
        (("--password-file", str(desk.wrong)), REFUSED, "wrong username or password"),
        (("--password-file", str(desk.right), "--as", "sup-9"), REFUSED, "wrong username"),
    ):
        answer = desk(*REFUSED_LINE, *more, as_="op-1")
        assert (answer.status, needle in answer.err) == (status, True), answer.err
        assert answer.err.count("\n") == 1
    mine = ("--password-file", str(desk.right))
    assert "dry run" in desk(*REFUSED_LINE, *mine, "--dry-run", as_="op-1").out
    unsure = desk("refused", "1-1", "--confirm", "other.example", *mine, as_="op-1")
    assert unsure.status == NOT_CONFIRMED
    assert _state(desk) == "active"
    done = desk(*REFUSED_LINE, *mine, "--json", as_="op-1")
    assert (done.status, done.json["site"]["state"]) == (0, "closed"), done.err
    assert done.json["events"][-1]["by"] == "op-1"
    again = desk(*REFUSED_LINE, *mine, "--json", as_="op-1")
    assert (again.status, again.refused["name"]) == (REFUSED, "site_closed"), again.err
    assert desk.sessions() == 0


def test_two_passwords_open_a_closed_site_over_a_server_too(desk: RemoteCli) -> None:
    site, mine = "closed.example", ("--password-file", str(desk.right))
    # The token says who is asked for a password, unless somebody is named.
    asked = desk("site", "reinstate", site, "--reason", "filed anew", *mine, as_="sup-1")
    assert asked.status == 0, asked.err
    same = desk("site", "approve", site, *mine, "--json", as_="sup-1")
    assert (same.status, same.refused["name"]) == (REFUSED, "same_person")
    assert desk("site", "approve", site, *mine, as_="op-1").status == REFUSED
    done = desk("site", "approve", site, *mine, "--as", "sup-2", "--json", as_="sup-1")
    assert done.status == 0, done.err
    assert done.json["events"][-1]["by"] == "sup-2"
    assert _state(desk, site) == "active"
    false = ("site", "false-info", site, "--field", "phone", "--evidence", "a shop's")
    # Without a token it is the password alone that lets somebody in.
    closed = desk(*false, "--confirm", site, *mine, "--as", "op-1")
    assert closed.status == 0, closed.err
    assert _state(desk, site) == "closed"
    assert desk.sessions() == 0


def test_the_password_is_asked_for_again_when_the_name_was_typed_too_late(
    desk: RemoteCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = _asked(monkeypatch)

    def slowly(*_: object) -> None:
        with writing(desk.api.app.engine) as connection:
            connection.execute(update(sessions).values(proved_at=clock.now() - timedelta(hours=1)))

    monkeypatch.setattr("incidents.cli.submission._confirm", slowly)
    done = desk("refused", "1-1", as_="op-1", typed=f"{SITE}\n")
    assert done.status == 0, done.err
    assert asked == ["Password for op-1: "] * 2
    assert _state(desk) == "closed"
    assert desk.sessions() == 0


def test_what_happened_while_the_name_was_typed_is_looked_at_first(
    desk: RemoteCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    _asked(monkeypatch)

    def meanwhile(*_: object) -> None:
        operator = desk.api.holder(desk._tokens["sup-1"])
        assert operator.post("/api/v1/incidents/1-1/removed").status_code == 200

    monkeypatch.setattr("incidents.cli.submission._confirm", meanwhile)
    late = desk("refused", "1-1", as_="op-1", typed=f"{SITE}\n")
    assert (late.status, "view the site again" in late.err) == (REFUSED, True), late.err
    assert _state(desk) == "active"


def test_who_guesses_is_told_to_wait(desk: RemoteCli) -> None:
    wrong, right = (("--password-file", str(file)) for file in (desk.wrong, desk.right))
    for _ in range(5):
        assert desk("site", "approve", SITE, *wrong, "--dry-run", as_="sup-1").status == REFUSED
    answer = desk("site", "approve", SITE, *right, as_="sup-1")
    assert (answer.status, "too many failed sign-ins" in answer.err) == (REFUSED, True)
    assert "try again in" in answer.err


def test_accounts_are_kept_over_a_server(desk: RemoteCli) -> None:
    desk.account("admin-1", "administrator")
    file = ("--password-file", str(desk.right))
    own = ("--own-password-file", str(desk.right))
    assert desk("account", "add", "op-2", "--role", "viewer", *own, as_="admin-1").status == 0
    changed = desk("account", "role", "op-2", "operator", "--json", *own, as_="admin-1")
    assert changed.json["role"] == "operator"
    same = desk("account", "role", "op-2", "operator", *own, as_="admin-1")
    assert "nothing changed" in same.err
    assert desk("account", "password", "op-2", *file, *own, as_="admin-1").status == 0
    # With the password alone somebody gets the token that the other lines need.
    made = desk("token", "make", "op-2", "--days", "7", "--json", *own, "--as", "op-2")
    assert made.status == 0, made.err
    desk._tokens["op-2"] = made.json["secret"]
    assert desk("queue", "--json", as_="op-2").status == 0
    listed = desk("token", "list", "--of", "op-2", "-q", as_="op-2").out
    assert listed == f"{made.json['id']}\n"
    # One's own token ends by itself; another's ends in person.
    assert "add --own-password-file" in desk("token", "revoke", listed[:-1], as_="admin-1").err
    assert desk("token", "revoke", listed[:-1], as_="op-2").status == 0
    assert desk("queue", as_="op-2").status == REFUSED
    assert desk("token", "revoke", listed[:-1], *own, as_="admin-1").status == 0
    assert desk("account", "disable", "op-2", "-q", *own, as_="admin-1").out == "op-2\n"
    assert desk("account", "enable", "op-2", *own, as_="admin-1").status == 0
    everybody = desk("account", "list", "-q", as_="admin-1").out.split()
    assert everybody == ["admin-1", "op-1", "op-2", "sup-1", "sup-2"]
    for line in (
        ("account", "add", "op-3", "--role", "viewer"),
        ("account", "add", "op-3", "--role", "viewer", *own),
        ("account", "password", "op-2", *file, *own),
        ("account", "password", "op-9", *file, *own),
        ("account", "list"),
    ):
        assert desk(*line, as_="op-1").status == REFUSED, line
    unknown = desk("account", "password", "op-9", *file, *own, "--json", as_="admin-1")
    assert unknown.refused["name"] == "unknown_account"
    assert desk.sessions() == 0


def test_over_a_server_two_passwords_end_that_two_people_close(
    desk: RemoteCli, tmp_path: Path
) -> None:
    two, one = tmp_path / "two.toml", tmp_path / "one.toml"
    two.write_text("[closure]\ntwo_people = true\n", encoding="utf-8")
    one.write_text("", encoding="utf-8")
    mine = ("--reason", "agreed", "--password-file", str(desk.right))
    first = desk("policy", "activate", str(two), *mine, "--json", as_="sup-1")
    assert first.status == 0
    assert first.json["by"] == "sup-1"
    assert {"activated_at", "reason", "seq"} <= first.json.keys()
    alone = desk("policy", "activate", str(one), *mine, as_="sup-1")
    assert alone.status == REFUSED, alone.err
    assert "next: repeat the command with --second HANDLE" in alone.err
    beside = (*mine, "--second", "sup-2", "--second-password-file")
    wrong = desk("policy", "activate", str(one), *beside, str(desk.wrong), as_="sup-1")
    assert (wrong.status, "of the second person" in wrong.err) == (REFUSED, True), wrong.err
    done = desk("policy", "activate", str(one), *beside, str(desk.right), as_="sup-1")
    assert done.status == 0, done.err
    assert "seconded by sup-2" in desk("policy", "history", as_="sup-1").out
    assert desk.sessions() == 0


def test_over_a_server_the_second_person_is_asked_for_a_code_too(
    desk: RemoteCli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two, one = tmp_path / "two.toml", tmp_path / "one.toml"
    two.write_text("[closure]\ntwo_people = true\n", encoding="utf-8")
    one.write_text("", encoding="utf-8")
    mine = ("--reason", "agreed", "--password-file", str(desk.right))
    assert desk("policy", "activate", str(two), *mine, as_="sup-1").status == 0
    app, own = desk.api.app, Actor(person="sup-2", login="session", signed_in=True)
    new = factors.blank("sup-2", TOTP, "phone", clock.now)._replace(secret=SECRET)
    app.desk.on_record(lambda c: factors.add(c, own, new, clock.now, seal=app.seal))
    beside = ("--second", "sup-2", "--second-password-file", str(desk.right))
    ends = ("policy", "activate", str(one), *mine, *beside)
    unasked = desk(*ends, as_="sup-1")
    assert (unasked.status, unasked.err.count("INCIDENTS_SECOND_CODE")) == (REFUSED, 1)
    asked = _asked(monkeypatch, lambda: pyotp.TOTP(SECRET).at(clock.now()))
    done = desk(*ends, as_="sup-1", typed="")
    assert (done.status, len(asked)) == (0, 1), done.err
    assert "seconded by sup-2" in desk("policy", "history", as_="sup-1").out


def test_where_nobody_named_an_account_the_login_name_that_was_used_is_said(
    desk: RemoteCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("INCIDENTS_AS", raising=False)
    make = ("token", "make", "op-1", "--days", "7", "--own-password-file", str(desk.wrong))
    unnamed, named = desk(*make), desk(*make, "--as", "op-1")

    assert unnamed.status == named.status == REFUSED
    assert "so the login name" in unnamed.err
    assert "add --as HANDLE" in unnamed.err
    assert "login name" not in named.err
