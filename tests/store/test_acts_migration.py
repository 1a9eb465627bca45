"""The migration to orders that wait (0004), there, back and there again, with a past."""

from random import Random
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Engine, inspect, select

from incidents.audit.replay import Replay
from incidents.desk import Envelope
from incidents.machine import commands as c
from incidents.store.database import migration, schema
from incidents.store.database.engine import reading, writing
from incidents.store.schema.log_tables import deliveries, orders
from incidents.store.schema.tables import incidents, sites
from tests.databases import Databases
from tests.desk.rehearsal import Rehearsal, random_command, rehearsal
from tests.store.migrations import up_again
from tests.store.order_rows import ACT, claim_due, delivered, failed

BEFORE = "0003"
REPEATED = "SELECT site_seq FROM deliveries WHERE site_id = 2 AND lane = 'act'"
SITES = ("both.example", "closed.example", "down.example", "new.example", "up.example")

Rows = list[tuple[Any, ...]]

# What the migration reads and writes on PostgreSQL, any past shows, and each end of an order.
ONE_DATABASE = pytest.mark.both_databases(long="postgresql")


def rows(engine: Engine, *columns: Any) -> Rows:
    """What stands there, in the order of these columns."""
    with reading(engine) as connection:
        return [tuple(row) for row in connection.execute(select(*columns).order_by(*columns))]


def findings(engine: Engine) -> list[Any]:
    """What the replay finds."""
    with reading(engine) as connection:
        return list(Replay(connection).findings())


def unsettled(engine: Engine) -> Rows:
    """All that the record knows of what waits."""
    of = deliveries.c
    return rows(engine, of.site_id, of.site_seq, of.n, of.lane, of.kind, of.dead)


def there_and_back(engine: Engine) -> None:
    """Before the migration and after it once more."""
    schema.downgrade(engine, BEFORE)
    assert not {"deliveries", "alarms"} & set(inspect(engine).get_table_names())
    up_again(engine)


def with_a_past(day: Rehearsal) -> None:
    """One site is suspended, one closed, one was suspended and is open again; on one a suspension
    was lifted in its own transaction, which ordered nothing; on one nothing has happened."""
    day.add(*SITES)
    for site in ("closed.example", "up.example"):
        day.give(c.Log(by="li"), site)
    for _ in range(2):
        day.give(c.Log(by="li"), "closed.example")
    day.later(hours=2)
    day.elapse()
    day.later(hours=13)
    day.elapse()
    day.give(c.Log(by="li"), "down.example")
    day.later(hours=2)
    day.elapse()
    both = (c.SetHold(by="li", reason="r"), c.LiftHold(by="li", reason="r"))
    day.desk.submit([Envelope(site="both.example", command=each) for each in both])
    assert rows(day.engine, sites.c.id, sites.c.name, sites.c.state) == [
        (1, "both.example", "active"), (2, "closed.example", "closed"),
        (3, "down.example", "suspended"), (4, "new.example", "active"),
        (5, "up.example", "active"),
    ]  # fmt: skip


@ONE_DATABASE
def test_they_have_waited_since_they_were_ordered_and_nobody_has_tried_them(db_url: str) -> None:
    of = deliveries.c
    with rehearsal(db_url) as day:
        with_a_past(day)
        ordered = rows(day.engine, orders.c.site_id, orders.c.site_seq, orders.c.created_at)
        there_and_back(day.engine)
        acts = rows(day.engine, of.site_id, of.site_seq, of.since)
        assert set(acts) == set(ordered)
        marks = (of.attempts, of.held_by, of.tried_at, of.adapter, of.problem, of.detail)
        assert set(rows(day.engine, *marks)) == {(0, None, None, None, None, None)}
        with reading(day.engine) as connection:
            waits = connection.execute(select(of.since, of.next_at)).all()
        assert all(since == next_at for since, next_at in waits)


@ONE_DATABASE
def test_they_are_carried_out_like_any_other_and_what_is_new_waits_beside_them(
    db_url: str,
) -> None:
    with rehearsal(db_url) as day:
        with_a_past(day)
        there_and_back(day.engine)
        with writing(day.engine) as connection:
            taken = claim_due(connection, "d1", now=day.now)
        assert {(each.site, each.kind, each.attempt) for each in taken} == {
            ("down.example", "suspend", 1), ("closed.example", "close", 1),
            ("up.example", "suspend", 1),
        }  # fmt: skip
        for each in taken:
            assert day.give(delivered(each.seq), each.site).refusal is None
        assert day.give(c.SetHold(by="li", reason="r"), "new.example").refusal is None
        assert day.give(c.StateReported(by="li", incident=1), "down.example").refusal is None
        assert day.give(c.SayRemoved(incident=1), "down.example").refusal is None
        assert findings(day.engine) == []


def _seen(state: str, known: str) -> c.Command:
    return c.RecordState(by="li", adapter="panel", seen=state, in_force=known, last_act=0)


def _acts(day: Rehearsal) -> None:
    """Each kind of what may become of an order, and what the police and the customer say."""
    for site in ("a.example", "b.example"):
        day.give(c.SetHold(by="li", reason="r"), site)
        day.give(c.Log(by="li"), site)
        day.later(minutes=1)
    day.give(failed(2))
    day.give(c.RetryOrder(by="li", order=2, lane=ACT))
    day.give(delivered(2))
    day.give(failed(2, "notice"))
    day.give(c.StateReported(by="li", incident=1, note="receipt"))
    day.give(failed(2), "b.example")
    day.give(c.RepeatOrder(by="li"), "b.example")  # which is done with the dead letter
    ((again,),) = day.rows(REPEATED)
    day.give(failed(int(str(again))), "b.example")
    day.give(c.CancelOrder(by="li", order=2, lane="notice", why="by_hand"), "b.example")
    day.give(c.SayRemoved(incident=1), "b.example")
    day.give(_seen("active", "unknown"), "b.example")
    day.give(c.LiftHold(by="li", reason="r"), "b.example")
    kinds = day.rows("SELECT DISTINCT kind FROM deliveries WHERE dead ORDER BY kind")
    assert kinds == [("suspend",)]


def test_what_became_of_orders_before_going_back_is_taken_up_from_the_entries(
    day: Rehearsal,
) -> None:
    _acts(day)
    states = (sites.c.id, sites.c.in_force, sites.c.last_act)
    said = (
        incidents.c.site_id,
        incidents.c.n,
        incidents.c.reported_at,
        incidents.c.removal_said_at,
    )
    before = [unsettled(day.engine), *(_all(day.engine, each) for each in (states, said))]
    there_and_back(day.engine)
    after = [unsettled(day.engine), *(_all(day.engine, each) for each in (states, said))]
    assert after == before
    assert _all(day.engine, states) == [(1, "suspended", 2), (2, "active", 0)]
    assert findings(day.engine) == []
    dead = "SELECT site_id, attempts, adapter, problem FROM deliveries WHERE dead ORDER BY site_id"
    assert day.rows(dead) == [(1, 9, "panel", "http_503"), (2, 9, "panel", "http_503")]


def _all(engine: Engine, columns: tuple[Any, ...]) -> Rows:
    with reading(engine) as connection:
        return [tuple(row) for row in connection.execute(select(*columns).order_by(*columns[:2]))]


def _cancel(*, tried: bool) -> c.Command:
    return c.CancelOrder(by="li", order=2, lane=ACT, why="repeated", tried=tried)


def _done(*, enforced: bool) -> c.Command:
    return c.RecordDelivery(order=2, lane=ACT, adapter="a", attempts=1, enforced=enforced)


IN_FORCE: dict[str, tuple[list[c.Command], str]] = {
    "taken-down.example": ([_done(enforced=True)], "suspended"),
    "told.example": ([_done(enforced=False)], "active"),
    "tried.example": ([_cancel(tried=True)], "unknown"),
    "not-tried.example": ([_cancel(tried=False)], "active"),
    "given-up.example": ([failed(2)], "unknown"),
    "seen-down.example": ([_seen("suspended", "active"), failed(2)], "suspended"),
    "seen-down-tried.example": ([_seen("suspended", "active"), _cancel(tried=True)], "suspended"),
    "seen-up.example": ([failed(2), _seen("active", "unknown")], "active"),
}
"""What becomes of the order of a hold, and what then is in force."""


@ONE_DATABASE
def test_what_was_in_force_before_going_back_is_so_again(databases: Databases) -> None:
    with databases.at_head() as url, rehearsal(url) as day:
        day.add(*IN_FORCE)
        for site, (acts, _) in IN_FORCE.items():
            for act in (c.SetHold(by="li", reason="r"), *acts):
                assert day.refused(act, site) is None
        there_and_back(day.engine)
        assert rows(day.engine, sites.c.name, sites.c.in_force) == sorted(
            (site, in_force) for site, (_, in_force) in IN_FORCE.items()
        )
        assert findings(day.engine) == []


@ONE_DATABASE
def test_what_was_tried_again_before_going_back_is_as_young_as_it_was(day: Rehearsal) -> None:
    day.give(c.SetHold(by="li", reason="r"))
    day.give(failed(2))
    day.later(hours=5)
    day.give(c.RetryOrder(by="li", order=2, lane=ACT))
    there_and_back(day.engine)
    of = deliveries.c
    with reading(day.engine) as connection:
        found = connection.execute(select(of.since, of.next_at).where(of.lane == ACT)).all()
    assert found == [(day.now, day.now)]


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.long)])
def test_any_past_is_taken_up_as_it_was(databases: Databases, seed: int) -> None:
    draw = Random(seed)
    with databases.at_head() as url, rehearsal(url) as day:
        day.add("a.example")
        for n in range(100):
            day.later(minutes=draw.choice((0, 1, 20, 61, 300, 800)))
            batch = [
                Envelope(
                    site="a.example", command=random_command(draw, day.now, n // 4, day.outside())
                )
                for _ in range(draw.choice((1, 1, 2, 4)))
            ]
            day.desk.submit(batch)
        before = unsettled(day.engine)
        assert before
        told = [
            body for (body,) in day.rows("SELECT body FROM entries") if "order_kind" in str(body)
        ]
        assert len(told) > 10
        there_and_back(day.engine)
        assert unsettled(day.engine) == before
        assert findings(day.engine) == []


def test_the_schema_is_the_same_after_going_back_and_there_again(day: Rehearsal) -> None:
    fresh = _schema(day)
    for _ in range(2):
        there_and_back(day.engine)
        assert _schema(day) == fresh
    with day.engine.connect() as connection:
        command.check(migration.config(connection))


def _schema(day: Rehearsal) -> list[tuple[object, ...]]:
    """What is made of what; SQLite keeps the lines of a table in the order in which they came."""
    if day.engine.dialect.name == "sqlite":
        made = day.rows("SELECT name, sql FROM sqlite_master WHERE sql <> '' ORDER BY name")
        lines = [(name, str(sql).replace('"', "").splitlines()) for name, sql in made]
        return [(name, *sorted(line.strip("\t, ") for line in sql)) for name, sql in lines]
    return [
        *day.rows(
            "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1"
        ),
        *day.rows("SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint ORDER BY 1, 2"),
        *day.rows(
            "SELECT table_name, column_name, data_type, is_nullable, column_default, collation_name"
            " FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2"
        ),
    ]
