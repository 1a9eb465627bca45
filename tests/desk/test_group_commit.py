"""The group commit: commands in a shared transaction get the answers that they would get alone."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from incidents.desk import Answer, Desk, Envelope
from incidents.desk.group_commit import DeskGroupCommit
from incidents.errors import DatabaseError
from incidents.machine import commands as c
from incidents.store.database.engine import writing
from tests.desk.rehearsal import Rehearsal, rehearsal
from tests.patience import PATIENCE_S, until


class Held:
    """A desk that stops at its first transaction, and records the commands of each."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.rounds: list[Sequence[Envelope]] = []
        self.begun = threading.Event()
        self.let_go = threading.Event()
        self.then: Callable[[], None] = lambda: None

    def submit(self, envelopes: Sequence[Envelope], **given: Any) -> list[Answer]:
        self.rounds.append(envelopes)
        self.begun.set()
        assert self.let_go.wait(PATIENCE_S)
        answers = self.desk.submit(envelopes, **given)
        if len(envelopes) > 1:
            self.then()
        return answers


class Killed(BaseException):
    """The process has come to its end."""


@contextmanager
def together(held: Held, envelopes: Sequence[Envelope]) -> Iterator[list[Future[Answer]]]:
    """The answers to those that came, one after the other, while another one was being written."""
    group_commit = DeskGroupCommit(held)  # type: ignore[arg-type]  # as much of a desk as it needs
    with ThreadPoolExecutor(len(envelopes) + 1) as threads:
        first = threads.submit(group_commit.submit, logging("b.example", "the first"))
        assert held.begun.wait(PATIENCE_S)
        answers = []
        for n, envelope in enumerate(envelopes, 1):
            answers.append(threads.submit(group_commit.submit, envelope))
            until(lambda: len(group_commit._rounds._waiting) == n, f"{n} acts wait")  # noqa: B023
        held.let_go.set()
        assert first.result(PATIENCE_S).refusal is None
        yield answers


@contextmanager
def letting_go(connection: Connection) -> Iterator[None]:
    """Release the locks at the end in any case: threads may wait for them."""
    try:
        yield
    finally:
        connection.rollback()


def logging(site: str, category: str, **more: str) -> Envelope:
    return Envelope(site=site, command=c.Log(by="li", category=category), login="desk1", **more)  # type: ignore[arg-type]


def category(answer: Answer) -> object:
    return answer.incident_document["category"]


def test_what_comes_while_the_desk_writes_shares_one_transaction_in_its_order(
    day: Rehearsal,
) -> None:
    held = Held(day.desk)
    wanted = [logging("a.example", f"c{n}") for n in range(6)]
    with together(held, wanted) as answers:
        found = [answer.result(PATIENCE_S) for answer in answers]
    assert [category(answer) for answer in found] == [f"c{n}" for n in range(6)]
    assert [answer.first_seq for answer in found] == sorted(a.first_seq for a in found)
    assert [len(envelopes) for envelopes in held.rounds] == [1, 6]


def test_a_command_that_is_refused_refuses_itself_alone(day: Rehearsal) -> None:
    held = Held(day.desk)
    wrong = Envelope(site="a.example", command=c.StateRemoved(by="li", incident=99))
    wanted = [logging("a.example", "x"), wrong, logging("b.example", "y")]
    with together(held, wanted) as answers:
        one, refused, other = [answer.result(PATIENCE_S) for answer in answers]
    assert (category(one), category(other)) == ("x", "y")
    assert refused.refusal is not None
    assert refused.refusal.name == "unknown_incident"
    assert len(held.rounds) == 2


def test_of_two_with_one_key_one_is_done_and_the_other_given_its_answer(day: Rehearsal) -> None:
    wanted = [logging("a.example", "x", key="k"), logging("a.example", "x", key="k")]
    with together(Held(day.desk), wanted) as answers:
        one, other = [answer.result(PATIENCE_S) for answer in answers]
    assert (one.repeated, other.repeated) == (False, True)
    assert one.document == other.document


def test_of_two_who_have_seen_the_same_the_second_is_told_that_it_has_changed(
    day: Rehearsal,
) -> None:
    wanted = [
        Envelope(site="a.example", command=c.Log(by=by), seen=1, seen_of=1) for by in ("li", "wu")
    ]
    with together(Held(day.desk), wanted) as answers:
        one, other = [answer.result(PATIENCE_S) for answer in answers]
    assert one.refusal is None
    assert other.refusal is not None
    assert other.refusal.name == "changed_meanwhile"


def test_each_mistyped_name_is_compared_with_the_register(day: Rehearsal) -> None:
    wanted = [logging("a.exampel", "x"), logging("b.exampel", "y")]
    with together(Held(day.desk), wanted) as answers:
        refusals = [answer.result(PATIENCE_S).refusal for answer in answers]
    assert [refusal and "example" in str(refusal.facts["nearest"]) for refusal in refusals] == [
        True, True,
    ]  # fmt: skip


def test_a_site_that_is_spoilt_is_told_to_its_own_caller_alone(day: Rehearsal) -> None:
    with day.engine.begin() as connection:
        connection.execute(text("UPDATE sites SET seq = 0 WHERE name = 'a.example'"))
    wanted = [logging("b.example", "x"), logging("a.example", "y"), logging("b.example", "z")]
    with together(Held(day.desk), wanted) as answers:
        one, spoilt, other = answers
        assert category(one.result(PATIENCE_S)) == "x"
        assert category(other.result(PATIENCE_S)) == "z"
        with pytest.raises(DatabaseError):
            spoilt.result(PATIENCE_S)
    assert day.rows("SELECT count(*) FROM incidents") == [(3,)]


def test_where_nobody_knows_whether_it_was_done_all_are_told_so_and_it_is_not_done_again(
    day: Rehearsal,
) -> None:
    def lost() -> None:
        raise DatabaseError("gone") from OperationalError(None, None, Exception())

    held = Held(day.desk)
    held.then = lost
    with together(held, [logging("a.example", f"c{n}") for n in range(3)]) as answers:
        for answer in answers:
            with pytest.raises(DatabaseError):
                answer.result(PATIENCE_S)
    assert day.rows("SELECT count(*) FROM incidents") == [(4,)]


def test_who_ends_before_the_commit_has_answered_nobody(
    day: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(day.desk)

    def killed(*_: object) -> None:
        if len(held.rounds) > 1:
            raise Killed

    monkeypatch.setattr("incidents.desk.batch.Batch.write_denials", killed)
    with together(held, [logging("a.example", f"c{n}") for n in range(3)]) as answers:
        for answer in answers:
            with pytest.raises(Killed):
                answer.result(PATIENCE_S)
    assert day.rows("SELECT count(*) FROM incidents") == [(1,)]


def test_many_at_once_each_have_what_they_asked_for_and_no_number_is_left_out(
    day: Rehearsal,
) -> None:
    day.desk.activate("[repeat]\ncount = 500\n", by="li", login=None, reason="many")
    group_commit, gate = DeskGroupCommit(day.desk), threading.Barrier(8)

    def ask(who: int) -> list[tuple[str, Answer]]:
        gate.wait()
        asked = [(f"{who}-{n}", "ab"[n % 2]) for n in range(6)]
        return [
            (name, group_commit.submit(logging(f"{site}.example", name))) for name, site in asked
        ]

    with ThreadPoolExecutor(8) as threads:
        of_each = list(threads.map(ask, range(8)))
    answers = [one for each in of_each for one in each]
    assert [category(answer) for _, answer in answers] == [name for name, _ in answers]
    for site in (1, 2):
        own = [[a.first_seq for _, a in each if a.site_id == site] for each in of_each]
        assert own == [sorted(seqs) for seqs in own]
        assert sorted(seq for seqs in own for seq in seqs) == list(range(2, 26))
    rows = day.rows("SELECT site_id, site_seq FROM entries WHERE site_id > 0 ORDER BY 1, 2")
    assert rows == [(site, seq) for site in (1, 2) for seq in range(1, 26)]


def test_nobody_waits_for_another_ones_site_that_somebody_has_locked(postgresql_url: str) -> None:
    with rehearsal(postgresql_url) as day:
        day.add("a.example", "b.example")
        held = Held(day.desk)
        wanted = [logging("a.example", "x"), logging("b.example", "y")]
        with writing(day.engine) as connection:
            connection.execute(text("SELECT id FROM sites WHERE name = 'a.example' FOR UPDATE"))
            with together(held, wanted) as (locked, free), letting_go(connection):
                assert category(free.result(PATIENCE_S)) == "y"
                assert not locked.done()
        assert category(locked.result(PATIENCE_S)) == "x"
        assert [len(envelopes) for envelopes in held.rounds] == [1, 2, 1, 1]


def test_one_that_waits_alone_for_its_site_keeps_nobody_behind_it(postgresql_url: str) -> None:
    with rehearsal(postgresql_url) as day, ThreadPoolExecutor(2) as threads:
        day.add("a.example", "b.example")
        group_commit = DeskGroupCommit(day.desk)
        with writing(day.engine) as connection:
            connection.execute(text("SELECT id FROM sites WHERE name = 'a.example' FOR UPDATE"))
            locked = threads.submit(group_commit.submit, logging("a.example", "x"))
            free = threads.submit(group_commit.submit, logging("b.example", "y"))
            with letting_go(connection):
                assert category(free.result(PATIENCE_S)) == "y"
                assert not locked.done()
        assert category(locked.result(PATIENCE_S)) == "x"


def test_a_server_that_lets_nobody_wait_is_one_that_does_not_answer(postgresql_url: str) -> None:
    impatient = f"{postgresql_url}&options=-c%20lock_timeout%3D100"
    with rehearsal(impatient) as day, writing(day.engine) as connection:
        day.add("a.example")
        connection.execute(text("SELECT id FROM sites WHERE name = 'a.example' FOR UPDATE"))
        with letting_go(connection), pytest.raises(DatabaseError, match="lock timeout"):
            DeskGroupCommit(day.desk).submit(logging("a.example", "x"))
