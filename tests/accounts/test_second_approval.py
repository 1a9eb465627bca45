"""The second approval: two people who have signed in open a closed site, and nobody else does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine

from incidents.accounts import access_settings, secrets
from incidents.clock import rfc3339
from incidents.contract.action import SUPERVISOR
from incidents.contract.actions import ACTIONS
from incidents.desk import Envelope, accounts
from incidents.desk.access import needs_two_people
from incidents.desk.activation import ActivationDeniedError
from incidents.desk.own_stream import Actor
from incidents.machine import commands as c
from incidents.machine.policy import Policy
from incidents.store.accounts import sign_ins
from incidents.store.database import engine as engines
from incidents.store.database.engine import reading
from incidents.views.register import policy_history
from tests.cli.conftest import Cli
from tests.desk.rehearsal import Rehearsal

BY = Actor(person="admin-1", login="root", signed_in=True)
PASSWORD = "a horse and a battery"
SITE = "a.example"


class ClosedSite(Rehearsal):
    """A desk with a closed site."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.add(SITE)
        self.give(c.StateFalse(by="li", field="phone", evidence="no such number"))

    def clock(self) -> datetime:
        return self.now

    def accounts(self, **roles: str) -> None:
        def act(connection: Connection) -> None:
            for handle, role in roles.items():
                accounts.make(connection, BY, handle.replace("_", "-"), role, self.clock)

        self.desk.on_record(act)

    @property
    def state(self) -> str:
        [(state,)] = self.rows("SELECT state FROM sites")
        return str(state)

    def told(self) -> list[tuple[str, str, str, str | None, int]]:
        """The counted refusals: who, why, about what, and how often, sorted."""
        assert self.findings() == []
        with reading(self.engine) as connection:
            found = sign_ins.counted(connection, limit=100)
        names = ("handle", "act", "why", "about", "count")
        return sorted(tuple(each[name] for name in names) for each in found)


ASK = c.AskReinstatement(by="sup-1", reason="appeal")
YES = c.Approve(by="sup-2")


@pytest.fixture
def closed(db_url: str) -> Iterator[ClosedSite]:
    engine = engines.create(db_url)
    yield ClosedSite(engine)
    engine.dispose()


@pytest.fixture
def two(closed: ClosedSite) -> ClosedSite:
    """With two supervisors and somebody else."""
    closed.accounts(sup_1="supervisor", sup_2="supervisor", op_1="operator", view_1="viewer")
    return closed


def test_without_accounts_two_names_are_two_people(closed: ClosedSite) -> None:
    assert closed.refused(ASK) is None
    assert closed.refused(YES) is None
    assert closed.state == "active"
    assert closed.told() == []


def test_with_accounts_two_who_have_signed_in_open_it(two: ClosedSite) -> None:
    assert two.refused(ASK, signed_in=True) is None
    assert two.refused(YES, signed_in=True) is None
    assert two.state == "active"


def test_who_has_not_signed_in_neither_asks_nor_approves_and_that_is_on_record(
    two: ClosedSite,
) -> None:
    assert two.refused(ASK) == "sign_in_needed"
    two.refused(ASK, signed_in=True)
    assert two.refused(YES) == "sign_in_needed"
    assert two.refused(c.Approve(by="sup-1"), signed_in=True) == "same_person"
    assert two.state == "closed"
    assert two.told() == [
        ("sup-1", "approve", "same_person", SITE, 1),
        ("sup-1", "ask_reinstatement", "sign_in_needed", SITE, 1),
        ("sup-2", "approve", "sign_in_needed", SITE, 1),
    ]


def test_a_sign_in_counts_only_for_an_account_whose_role_may(two: ClosedSite) -> None:
    two.refused(ASK, signed_in=True)
    whys = {
        "op-1": "not_let", "view-1": "not_let", "nobody-1": "sign_in_needed",
        "Sup-2": "sign_in_needed", "sup-2 ": "sign_in_needed",
    }  # fmt: skip
    for by, why in whys.items():
        assert two.refused(c.Approve(by=by), signed_in=True) == why, by
    assert two.state == "closed"
    assert sorted(why for _, _, why, *_ in two.told()) == ["role"] * 2 + ["sign_in_needed"] * 3


def test_a_reinstatement_is_asked_for_by_a_supervisor_and_by_nobody_else(two: ClosedSite) -> None:
    for by in ("op-1", "view-1"):
        ask = c.AskReinstatement(by=by, reason="appeal")
        assert two.refused(ask, signed_in=True) == "not_let", by
    assert two.refused(YES, signed_in=True) == "no_request"
    assert two.refused(ASK, signed_in=True) is None


def test_another_role_is_an_answer_of_its_own_under_the_same_key(two: ClosedSite) -> None:
    two.refused(ASK, signed_in=True)
    yes = c.Approve(by="op-1")
    assert two.refused(yes, key="k", signed_in=True) == "not_let"
    two.desk.on_record(lambda each: accounts.give_role(each, BY, "op-1", "supervisor", two.clock))
    assert two.refused(yes, key="k", signed_in=True) is None
    assert two.state == "active"


def test_an_account_that_was_disabled_meanwhile_counts_no_more(two: ClosedSite) -> None:
    two.refused(ASK, signed_in=True)
    two.desk.on_record(lambda each: accounts.disable(each, BY, "sup-2", two.clock))
    assert two.refused(YES, signed_in=True) == "sign_in_needed"


def test_a_request_from_before_the_accounts_is_nobodys_and_is_asked_anew(
    closed: ClosedSite,
) -> None:
    """Else one person asks under any name, gets an account, and approves."""
    assert closed.refused(c.AskReinstatement(by="wang", reason="appeal")) is None
    closed.later(seconds=1)
    closed.accounts(sup_1="supervisor", sup_2="supervisor", wang="supervisor")
    assert closed.refused(YES, signed_in=True) == "asked_by_anybody"
    assert closed.state == "closed"
    assert closed.told() == [("sup-2", "approve", "asked_by_anybody", SITE, 1)]
    assert closed.refused(c.Decline(by="sup-1")) is None
    assert closed.refused(ASK, signed_in=True) is None
    assert closed.refused(YES, signed_in=True) is None


TWO_PEOPLE = "[closure]\ntwo_people = true\n"
FALSE = c.StateFalse(by="sup-1", field="phone", evidence="a baker's")
CLOSE = c.ConfirmClosure(by="op-1")


@pytest.fixture
def closing(two: ClosedSite) -> ClosedSite:
    """With the site open again, under a policy by which two people close."""
    two.refused(ASK, signed_in=True)
    two.refused(YES, signed_in=True)
    two.desk.activate(TWO_PEOPLE, by="sup-1", login="desk1", reason="nobody alone")
    return two


def test_two_who_have_signed_in_close_it_where_the_policy_asks_for_two(closing: ClosedSite) -> None:
    assert closing.refused(FALSE) == "sign_in_needed"
    assert closing.refused(FALSE, signed_in=True) is None
    assert closing.refused(CLOSE) == "sign_in_needed"
    assert closing.refused(c.ConfirmClosure(by="sup-1"), signed_in=True) == "same_person"
    assert closing.refused(c.ConfirmClosure(by="view-1"), signed_in=True) == "not_let"
    assert closing.state == "active"
    assert closing.refused(CLOSE, signed_in=True) is None
    assert closing.state == "closed"
    assert {act for _, act, *_ in closing.told()} == {"state_false", "confirm_closure"}


def test_by_the_documented_policy_one_who_has_not_signed_in_still_closes_it(
    two: ClosedSite,
) -> None:
    two.refused(ASK, signed_in=True)
    two.refused(YES, signed_in=True)
    assert two.refused(FALSE) is None
    assert two.state == "closed"


# ── a password that somebody else has set ────────────────────────────────────────────────────────


def give_password(
    closed: ClosedSite, handle: str, by: Actor = BY, after: timedelta = access_settings.SECOND_AFTER
) -> None:
    closed.desk.on_record(
        lambda each: accounts.set_password(
            each, by, handle, f"a hash of {by.person}'s", closed.clock, second_after=after
        )
    )  # fmt: skip


OWN = Actor(person="sup-2", login="desk1", signed_in=True)


def test_whose_password_somebody_else_has_set_is_no_second_person_for_a_day(
    two: ClosedSite,
) -> None:
    """Else one administrator gives two people their passwords, and is both."""
    give_password(two, "sup-1")
    give_password(two, "sup-2")
    set_at = two.now
    assert two.refused(ASK, signed_in=True) is None, "who only asks is looked at by the second"
    refusal = two.give(YES, signed_in=True).refusal
    assert refusal is not None
    assert (refusal.name, refusal.facts) == (
        "password_given",
        {"by": "sup-2", "given_by": "admin-1", "until": set_at + timedelta(days=1)},
    )
    # To change it makes it nobody's own: whoever was told it can do that too.
    give_password(two, "sup-2", OWN)
    two.now = set_at + timedelta(days=1, microseconds=-1)
    assert two.refused(YES, signed_in=True, key="k") == "password_given"
    two.later(microseconds=1)
    assert two.refused(YES, signed_in=True, key="k") is None
    assert two.state == "active"
    assert {each[:4] for each in two.told()} == {("sup-2", "approve", "password_given", SITE)}


def test_the_record_says_from_when_on_whose_password_counts(two: ClosedSite) -> None:
    give_password(two, "sup-2")
    from_when = two.now + timedelta(days=1)
    give_password(two, "sup-2", OWN)
    two.now = from_when
    give_password(two, "sup-2", OWN)
    give_password(two, "sup-1", after=accounts.AT_ONCE)
    bodies = two.rows("SELECT body FROM entries WHERE site_id = 0 ORDER BY site_seq")
    entries = [json.loads(str(body)) for (body,) in bodies if "password_set" in str(body)]
    told = [(each["actor"], each["data"].get("counts_from")) for each in entries]
    assert told == [
        ("admin-1", rfc3339(from_when)), ("sup-2", rfc3339(from_when)), ("sup-2", None),
        ("admin-1", None),
    ]  # fmt: skip
    assert two.findings() == []


def test_neither_of_two_who_replace_the_policy_has_a_password_of_somebody_elses(
    closing: ClosedSite,
) -> None:
    for handle in ("sup-2", "sup-1"):
        give_password(closing, handle)
        with pytest.raises(ActivationDeniedError) as refused:
            activate(closing, by="sup-1", signed_in=True, second="sup-2")
        assert (refused.value.name, refused.value.refusal.facts["by"]) == ("password_given", handle)
        closing.later(days=1)
    activate(closing, by="sup-1", signed_in=True, second="sup-2")
    assert not closing.desk.policy().two_people_close


def test_nobody_confirms_a_closure_by_a_password_that_somebody_else_has_just_set(
    closing: ClosedSite,
) -> None:
    give_password(closing, "op-1")
    assert closing.refused(FALSE, signed_in=True) is None
    assert closing.refused(CLOSE, signed_in=True) == "password_given"
    closing.later(days=1)
    assert closing.refused(CLOSE, signed_in=True) is None
    assert closing.state == "closed"


def activate(closed: ClosedSite, toml: str = "", by: str = "sup-1", **proved: Any) -> Any:
    return closed.desk.activate(toml, by=by, login="desk1", reason="alone", **proved)


def test_that_two_people_close_is_not_taken_away_by_who_has_not_signed_in(
    closing: ClosedSite,
) -> None:
    with pytest.raises(ActivationDeniedError, match="; sup-1 is not signed in"):
        activate(closing, second="sup-2")
    with pytest.raises(
        ActivationDeniedError, match="op-1 has the role operator and cannot activate"
    ):
        activate(closing, by="op-1", signed_in=True, second="sup-2")
    assert closing.desk.policy().two_people_close
    assert closing.told() == [
        ("op-1", "activate_policy", "role", "sup-2", 1),
        ("sup-1", "activate_policy", "sign_in_needed", "sup-2", 1),
    ]


def test_a_policy_by_which_two_people_close_is_replaced_by_two(closing: ClosedSite) -> None:
    for toml, (second, name, why) in product(
        ("", f"{TWO_PEOPLE}[repeat]\ncount = 1\n"),
        ((None, "second_needed", "second_needed"), ("sup-1", "own_second", "same_person"),
         ("op-1", "second_role", "second_role"), ("nobody-1", "second_not_in", "second_not_in")),
    ):  # fmt: skip
        for dry_run in (True, False):
            with pytest.raises(ActivationDeniedError) as refused:
                activate(closing, toml, signed_in=True, second=second, dry_run=dry_run)
            assert refused.value.name == name
        assert closing.desk.policy().two_people_close
        told = [each[1:4] for each in closing.told()]
        assert ("activate_policy", why, second) in told


def test_two_who_have_signed_in_end_that_two_people_close_and_both_are_on_record(
    closing: ClosedSite,
) -> None:
    activate(closing, signed_in=True, second="sup-2")
    assert not closing.desk.policy().two_people_close
    with reading(closing.engine) as connection:
        last = policy_history(connection)[-1]
    assert (last["by"], last["seconded_by"]) == ("sup-1", "sup-2")
    assert closing.told() == []


def test_where_no_second_person_is_needed_one_who_is_none_is_refused_and_never_on_record(
    two: ClosedSite,
) -> None:
    for second in ("sup-1", "view-1", "nobody-1"):
        with pytest.raises(ActivationDeniedError):
            activate(two, TWO_PEOPLE, second=second)
        assert not two.desk.policy().two_people_close
    activate(two, TWO_PEOPLE, second="sup-2")
    bodies = two.rows("SELECT body FROM entries WHERE site_id = 0")
    assert sum("seconded_by" in str(body) for (body,) in bodies) == 1


def test_a_key_leads_no_way_around_and_what_it_was_refused_is_done_after_a_sign_in(
    two: ClosedSite,
) -> None:
    two.refused(ASK, signed_in=True)
    assert two.refused(YES, key="k") == "sign_in_needed"
    assert two.refused(YES, key="k") == "sign_in_needed"
    assert two.state == "closed"
    assert two.refused(YES, key="k", signed_in=True) is None
    assert two.give(YES, key="k").repeated
    assert two.told() == [("sup-2", "approve", "sign_in_needed", SITE, 2)]


def test_in_a_batch_each_signs_for_itself(two: ClosedSite) -> None:
    two.refused(ASK, signed_in=True)
    answers = two.desk.submit(
        [Envelope(site=SITE, command=c.Decline(by="sup-2"), signed_in=True),
         Envelope(site=SITE, command=ASK),
         Envelope(site=SITE, command=YES)]
    )  # fmt: skip
    assert [each.refusal and each.refusal.name for each in answers] == [
        None, "sign_in_needed", "sign_in_needed",
    ]  # fmt: skip
    assert two.state == "closed"


def test_a_dry_run_tells_nobody_who_has_not_signed_in_and_leaves_no_trace(two: ClosedSite) -> None:
    two.refused(ASK, signed_in=True)
    assert two.refused(YES, dry_run=True) == "sign_in_needed"
    assert two.refused(YES, signed_in=True, dry_run=True) is None
    assert two.state == "closed"
    assert two.told() == []


@pytest.mark.both_databases
def test_of_two_who_approve_at_once_one_opens_it_and_of_one_twice_neither(
    closed: ClosedSite,
) -> None:
    closed.accounts(sup_1="supervisor", sup_2="supervisor", sup_3="supervisor")
    closed.refused(ASK, signed_in=True)
    people = [c.Approve(by=by) for by in ("sup-1", "sup-1", "sup-2", "sup-3")]
    with ThreadPoolExecutor(4) as at_once:
        came = list(at_once.map(lambda yes: closed.refused(yes, signed_in=True), people))
    assert came.count(None) == 1
    assert set(came) - {None} <= {"same_person", "no_request"}
    assert closed.state == "active"
    closed.told()


def test_exactly_the_acts_that_are_done_in_person_take_two_where_the_policy_wants_two() -> None:
    two = Policy(two_people_close=True)
    for action in ACTIONS:
        assert needs_two_people(object.__new__(action.command), two) == action.in_person


def test_what_is_a_supervisors_is_no_other_names_where_there_are_accounts(two: ClosedSite) -> None:
    commands: tuple[c.Command, ...] = (
        c.LiftHold(by="op-1", reason="lifted"), c.SetHold(by="op-1", reason="by order"),
        c.Uphold(by="op-1", reason="it stands"), c.Decline(by="op-1", reason="no"),
        c.RetryOrder(by="op-1", order=9, lane="act"),
        c.CancelOrder(by="op-1", order=9, lane="act", why="by_hand", reason="no"),
        c.RepeatOrder(by="op-1"),
    )  # fmt: skip
    supervisors = {each.command for each in ACTIONS if each.roles == SUPERVISOR}
    assert supervisors <= {*map(type, commands), c.AskReinstatement, c.Approve}
    for command in commands:
        assert two.refused(command) == "no_supervisor"
        assert two.refused(replace(command, by="nobody-1")) == "no_supervisor"
    acts = (
        "cancel_order", "decline", "lift_hold", "reconcile", "retry_order", "set_hold", "uphold",
    )  # fmt: skip
    assert two.told() == [
        (by, act, "role", SITE, 1) for by in ("nobody-1", "op-1") for act in acts
    ]  # fmt: skip
    by_supervisor = [two.refused(replace(command, by="sup-1")) for command in commands]
    assert by_supervisor == [
        "not_held", None, "not_disputed", "no_request", "unknown_order", "unknown_order", None,
    ]  # fmt: skip


def test_corrections_are_looked_at_by_a_supervisor_where_there_are_accounts(
    closing: ClosedSite,
) -> None:
    closing.give(c.Log(by="op-1"))
    for contact in (1, 2):
        closing.give(c.RecordContact(by="op-1", incident=1, outcome="reached"))
        closing.give(c.VoidContact(by="op-1", incident=1, contact=contact, reason="a slip"))
    done = {by: c.CompleteTask(by=by, task=1) for by in ("op-1", "nobody-1", "sup-2")}
    assert closing.refused(done["op-1"]) == "for_a_supervisor"
    assert closing.refused(done["nobody-1"]) == "for_a_supervisor"
    assert closing.refused(done["sup-2"]) is None
    assert closing.told() == [
        (by, "complete_task", "for_a_supervisor", SITE, 1) for by in ("nobody-1", "op-1")
    ]


# ── from the command line ────────────────────────────────────────────────────────────────────────


@pytest.fixture
def desk(cli: Cli, db_url: str, tmp_path: Path) -> Cli:
    """A closed site, an administrator and two supervisors, all with one password."""
    (tmp_path / "right").write_text(PASSWORD, encoding="utf-8")
    (tmp_path / "wrong").write_text("not that sentence", encoding="utf-8")
    engine = engines.create(db_url)
    closed = ClosedSite(engine)
    closed.accounts(admin_1="administrator", sup_1="supervisor", sup_2="supervisor")

    def give_passwords(connection: Connection) -> None:
        for handle in ("admin-1", "sup-1", "sup-2"):
            hash_ = secrets.hash_password(PASSWORD, handle)
            accounts.set_password(
                connection, BY, handle, hash_, closed.clock, second_after=accounts.AT_ONCE
            )

    closed.desk.on_record(give_passwords)
    engine.dispose()
    return cli


def as_(handle: str, file: Path) -> tuple[str, ...]:
    return "--as", handle, "--password-file", str(file)


REINSTATE, APPROVE = ("site", "reinstate", SITE, "--reason", "appeal"), ("site", "approve", SITE)


def test_two_passwords_open_a_closed_site(desk: Cli, tmp_path: Path) -> None:
    right = tmp_path / "right"
    assert desk(*REINSTATE, *as_("sup-1", right)).status == 0
    assert desk(*APPROVE, *as_("sup-1", right), "--json").refused["name"] == "same_person"
    done = desk(*APPROVE, *as_("sup-2", right))
    assert done.status == 0, done.err
    assert desk("site", "show", SITE, "--json").json["state"] == "active"
    assert desk("audit", "replay").status == 0


@pytest.mark.parametrize("more", [(), ("--dry-run",), ("--key", "k")])
def test_without_the_password_of_who_acts_nothing_is_done_or_told(
    desk: Cli, tmp_path: Path, more: tuple[str, ...]
) -> None:
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    assert desk(*REINSTATE, *as_("sup-1", right)).status == 0
    for args, needle in (
        (("--as", "sup-2"), "--password-file FILE"),
        (as_("sup-2", wrong), "wrong username or password"),
        (as_("nobody-1", right), "wrong username or password"),
        (as_("li", right), "wrong username or password"),
    ):
        answer = desk(*APPROVE, *args, *more)
        assert (answer.status, needle in answer.err) == (3, True), (args, answer.err)
        assert "dry run" not in answer.out
    assert desk("site", "show", SITE, "--json").json["state"] == "closed"
    assert "sign_in" not in desk("audit", "export").out
    failed = desk("account", "sign-ins", "--failed", "--format", "jsonl").out.splitlines()
    told = [tuple(json.loads(each)[name] for name in ("result", "handle")) for each in failed]
    assert sorted(told, key=str) == [
        ("no_account", None), ("no_account", None), ("wrong_password", "sup-2"),
    ]  # fmt: skip


def test_a_password_that_is_given_where_none_is_asked_for_is_looked_at(
    desk: Cli, tmp_path: Path
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text("[unreachable]\nmin_attempts = 2\n", encoding="utf-8")
    activate = "policy", "activate", str(policy), "--reason", "two attempts"
    wrong = desk(*activate, *as_("sup-1", tmp_path / "wrong"), "--json")
    assert wrong.refused["name"] == "sign_in"
    assert desk(*activate, *as_("sup-1", tmp_path / "right")).status == 0


def test_where_nobody_has_a_password_none_is_taken(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "any").write_text("a horse and a battery", encoding="utf-8")
    cli("site", "add", SITE)
    asked = cli("site", "reinstate", SITE, "--reason", "x", *as_("sup-1", tmp_path / "any"))
    assert asked.status == 2
    assert "--password-file has no effect: the database has no accounts" in asked.err


def test_guessing_is_slowed_down_also_by_dry_runs(desk: Cli, tmp_path: Path) -> None:
    for _ in range(5):
        assert desk(*APPROVE, *as_("sup-2", tmp_path / "wrong"), "--dry-run").status == 3
    answer = desk(*APPROVE, *as_("sup-2", tmp_path / "right"), "--json")
    assert answer.refused["name"] == "blocked"


def test_an_administrator_who_signs_in_approves_nothing(desk: Cli, tmp_path: Path) -> None:
    right = tmp_path / "right"
    assert desk(*REINSTATE, *as_("sup-1", right)).status == 0
    answer = desk(*APPROVE, *as_("admin-1", right), "--json")
    assert answer.refused["name"] == "not_let"
    told = desk(*APPROVE, *as_("admin-1", right)).err
    assert (
        "admin-1 has the role administrator and cannot approve the reinstatement, which opens the"
        " site; ask a supervisor"
    ) in told


def test_at_a_terminal_the_password_is_asked_for(
    desk: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def ask(question: str, **_: object) -> str:
        asked.append(question)
        return PASSWORD

    monkeypatch.setattr("getpass.getpass", ask)
    assert desk(*REINSTATE, "--as", "sup-1", typed="").status == 0
    assert asked == ["Password for sup-1: "]


def test_a_password_has_no_place_in_the_record(desk: Cli, tmp_path: Path) -> None:
    assert desk(*REINSTATE, *as_("sup-1", tmp_path / "right")).status == 0
    record = desk("audit", "export").out
    assert PASSWORD not in record
    assert secrets.TOKEN_PREFIX not in record
    assert "argon2" not in record


def test_at_the_terminal_two_passwords_end_that_two_people_close(desk: Cli, tmp_path: Path) -> None:
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    two, one = tmp_path / "two.toml", tmp_path / "one.toml"
    two.write_text(TWO_PEOPLE, encoding="utf-8")
    one.write_text("", encoding="utf-8")
    activate = ("policy", "activate", "--reason", "agreed")
    assert desk(*activate, str(two)).status == 0
    first = (*activate, str(one), *as_("sup-1", right))
    alone = desk(*first)
    assert (alone.status, "next: repeat the command with --second HANDLE" in alone.err) == (3, True)
    for handle, file, needle in (
        ("sup-1", right, "cannot be the second person for their own action"),
        ("sup-2", wrong, "of the second person: nothing was done"),
        ("admin-1", None, "--second-password-file FILE"),
    ):
        how = () if file is None else ("--second-password-file", str(file))
        done = desk(*first, "--second", handle, *how)
        assert (done.status, needle in done.err) == (3, True), done.err
    idle = desk(*first, "--second-password-file", str(right))
    assert (idle.status, "needs --second:" in idle.err) == (2, True)
    twice = desk(
        *activate, str(one), "--as", "sup-1", "--password-file", "-", "--second", "sup-2",
        "--second-password-file", "-",
    )  # fmt: skip
    assert (twice.status, "a file of its own" in twice.err) == (2, True)
    done = desk(*first, "--second", "sup-2", "--second-password-file", str(right))
    assert done.status == 0, done.err
    assert "sup-1 (login" in desk("policy", "history").out
    assert "seconded by sup-2" in desk("policy", "history").out
    assert desk("audit", "replay").status == 0
