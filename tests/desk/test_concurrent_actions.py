"""Two operators and two daemons at one moment: some order of their acts explains what comes out."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from incidents.desk import Answer, Desk, Envelope
from incidents.machine import commands as c
from incidents.store.cases import sites
from incidents.store.database.engine import create, writing
from tests.desk.rehearsal import Rehearsal, rehearsal
from tests.patience import PATIENCE_S, until

_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


def _together(acts: list[Callable[[], list[Answer]]]) -> list[list[Answer]]:
    """Run each act in a thread of its own, all started at one moment."""
    gate = threading.Barrier(len(acts))

    def run(act: Callable[[], list[Answer]]) -> list[Answer]:
        gate.wait()
        return act()

    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(run, acts))


@contextmanager
def several_desks(url: str, day: Rehearsal, many: int) -> Iterator[list[Desk]]:
    """Several desks with connections of their own, as in processes."""
    engines = [create(url) for _ in range(many)]
    try:
        yield [Desk(engine, clock=lambda: day.now) for engine in engines]
    finally:
        for engine in engines:
            engine.dispose()


def test_two_writers_on_one_site_lose_nothing_and_number_without_a_gap(
    day: Rehearsal, db_url: str
) -> None:
    day.desk.activate("[repeat]\ncount = 500\n", by="li", login=None, reason="many")
    logs = [Envelope(site="a.example", command=c.Log(by="li"))]

    def ten(desk: Desk) -> list[Answer]:
        return [answer for _ in range(10) for answer in desk.submit(logs)]

    with several_desks(db_url, day, 4) as desks:
        answers = _together([lambda desk=desk: ten(desk) for desk in desks])  # type: ignore[misc]  # bound now
    numbers = [answer.incident_document["id"] for batch in answers for answer in batch]
    assert len(set(numbers)) == 40
    rows = day.rows("SELECT site_seq FROM entries WHERE site_id = 1 ORDER BY site_seq")
    assert [seq for (seq,) in rows] == list(range(1, 42))


def test_the_same_key_at_one_moment_is_done_once(day: Rehearsal, db_url: str) -> None:
    log = [Envelope(site="a.example", command=c.Log(by="li"), key="k")]
    with several_desks(db_url, day, 4) as desks:
        answers = _together([lambda desk=desk: desk.submit(log) for desk in desks])  # type: ignore[misc]  # bound now
    assert sorted(batch[0].repeated for batch in answers) == [False, True, True, True]
    assert len({str(batch[0].document) for batch in answers}) == 1
    assert day.rows("SELECT count(*) FROM incidents") == [(1,)]


def test_the_same_key_for_two_sites_at_one_moment_serves_one(day: Rehearsal, db_url: str) -> None:
    batches = [
        [Envelope(site=site, command=c.Log(by="li"), key="k")]
        for site in ("a.example", "b.example")
    ]
    with several_desks(db_url, day, 2) as desks:
        answers = _together(
            [
                lambda desk=desk, batch=batch: desk.submit(batch)  # type: ignore[misc]  # bound now
                for desk, batch in zip(desks, batches, strict=True)
            ]
        )
    refusals = [batch[0].refusal and batch[0].refusal.name for batch in answers]
    assert sorted(map(str, refusals)) == ["None", "key_reused"]


def test_a_site_added_by_two_at_one_moment_is_added_once(day: Rehearsal, db_url: str) -> None:
    names = [f"n{n}.example" for n in range(20)]
    batch = [Envelope(site=name, command=c.AddSite(by="li")) for name in names]
    with several_desks(db_url, day, 3) as desks:
        answers = _together(
            [
                lambda: desks[0].submit(batch),
                lambda: desks[1].submit(batch[::-1]),
                lambda: desks[2].submit(batch),
            ]
        )
    done = [answer for batch_ in answers for answer in batch_ if answer.refusal is None]
    assert sorted(answer.site for answer in done) == sorted(names)


def test_two_daemons_and_an_operator_suspend_each_site_once(day: Rehearsal, db_url: str) -> None:
    names = [f"n{n}.example" for n in range(60)]
    day.add(*names)
    day.desk.submit([Envelope(site=name, command=c.Log(by="li")) for name in names])
    day.later(hours=1, seconds=1)

    def drained(desk: Desk) -> list[Answer]:
        found: list[Answer] = []
        while batch := desk.elapse(limit=7):
            found += batch
        return found

    told = [
        Envelope(site=name, command=c.RecordContact(by="li", incident=1, outcome="reached"))
        for name in names
    ]
    with several_desks(db_url, day, 3) as desks:
        _together(
            [
                lambda: drained(desks[0]),
                lambda: drained(desks[1]),
                lambda: [answer for one in told for answer in desks[2].submit([one])],
            ]
        )
        drained(desks[0])
    assert day.rows("SELECT count(*), count(DISTINCT site_id) FROM suspensions") == [(60, 60)]
    assert day.rows("SELECT DISTINCT state FROM incidents") == [("notified",)]


def test_acts_on_other_sites_do_not_wait(postgresql_url: str) -> None:
    """On PostgreSQL. The daemon passes over the locked site as well."""
    with rehearsal(postgresql_url) as day:
        day.add("a.example", "b.example")
        day.desk.submit(
            [Envelope(site=site, command=c.Log(by="li")) for site in ("a.example", "b.example")]
        )
        day.later(hours=1, seconds=1)
        with writing(day.engine) as connection:
            sites.lock(connection, [1])
            assert [answer.site for answer in day.desk.elapse()] == ["b.example"]
            assert day.give(c.Log(by="li"), "b.example").refusal is None
        assert [answer.site for answer in day.desk.elapse()] == ["a.example"]


def test_an_activation_waits_for_the_acts_under_way(postgresql_url: str) -> None:
    """So that no decision after it is taken under the policy before it."""
    from incidents.store import desk_state

    with rehearsal(postgresql_url) as day, ThreadPoolExecutor(1) as thread:
        with writing(day.engine) as connection:
            desk_state.lock_policy_shared(connection)
            activation = thread.submit(
                day.desk.activate, "[repeat]\ncount = 4\n", by="li", login=None, reason="try"
            )
            until(lambda: day.rows(_WAITING) == [(1,)], "the activation waits")
        assert activation.result(PATIENCE_S)["seq"] == 1


def test_the_schema_itself_forbids_a_second_running_suspension(day: Rehearsal) -> None:
    day.give(c.Log(by="li"))
    day.now += timedelta(hours=2)
    day.elapse()
    with pytest.raises(IntegrityError), day.engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO suspensions SELECT site_id, 2, epoch, starter, due, made_at, until,"
            " ended_at, struck, closed FROM suspensions"
        )


def test_the_schema_itself_forbids_a_second_entry_in_one_place(day: Rehearsal) -> None:
    with pytest.raises(IntegrityError), day.engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO entries (site_id, site_seq, recorded_at, body)"
            " SELECT site_id, site_seq, recorded_at, body FROM entries"
        )
