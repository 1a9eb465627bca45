"""What the database says of the clock, the orders, the desk and the log."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Boolean, Connection, Integer, Text, bindparam, insert, text, update

from incidents.audit.log import sequencer
from incidents.machine import commands as c
from incidents.machine.work import Item
from incidents.metrics.catalogue import DATABASE_FAMILIES, MAX_COUNTED, MAX_OPEN
from incidents.metrics.samples import Samples, Value
from incidents.store import after_loss, monitoring
from incidents.store.accounts import sign_ins
from incidents.store.accounts.sign_ins import Refusal, SignIn
from incidents.store.cases import work as work_rows
from incidents.store.database.engine import writing
from incidents.store.log import checkpoints, lineage
from incidents.store.log.checkpoints import Signed
from incidents.store.monitoring import Heartbeat
from incidents.store.schema import log_tables
from incidents.store.schema.catalogue import every_table
from incidents.store.schema.desk_tables import desk
from incidents.store.schema.desk_tables import heartbeats as beats
from incidents.store.schema.tables import sites
from incidents.store.schema.types import UTCDateTime
from tests.desk.rehearsal import TEN, Rehearsal
from tests.desk.report_acts import ONE, THREE, TWO, dismiss, incoming, receive, reopen
from tests.metrics.rig import capped, look, value, values
from tests.metrics.rows import add_entries, add_sites

NAMES = {family.name for family in DATABASE_FAMILIES}
# Not there, on a desk where nothing has happened yet.
ABSENT = {
    "incidents_daemon_heartbeat_age_seconds", "incidents_daemon_once_age_seconds",
    "incidents_deadline_next_seconds", "incidents_order_oldest_age_seconds",
    "incidents_queue_oldest_age_seconds", "incidents_log_unnumbered_age_seconds",
    "incidents_log_pending_age_seconds", "incidents_log_checkpoint_age_seconds",
    "incidents_report_oldest_age_seconds",
    "incidents_table_bytes", "incidents_table_rows",
}  # fmt: skip


def beat(day: Rehearsal, name: str, *, ago_s: float, aside: str | None = None) -> None:
    with writing(day.engine) as connection:
        at = day.now - timedelta(seconds=ago_s)
        monitoring.beat(
            connection,
            Heartbeat(daemon=name, host="h", pid=1, started_at=at, beat_at=at,
                      standing_aside=aside),
        )  # fmt: skip


def test_on_an_empty_desk_every_count_is_there_and_is_nought(day: Rehearsal) -> None:
    found = look(day)

    told = {name for name, _, _ in found} & NAMES
    assert told == NAMES - ABSENT
    others = told - {"incidents_looked_at_timestamp_seconds", "incidents_database_bytes"}
    assert {v for name, _, v in found if name in others} == {0}
    assert value(found, "up") == 1
    assert value(found, "looked_at_timestamp_seconds") == TEN.timestamp()


# The clock.


def test_a_deadline_is_pending_until_its_last_microsecond_and_overdue_after_it(
    day: Rehearsal,
) -> None:
    day.add()
    day.give(c.Log(by="li"))
    found = look(day)
    assert (value(found, "deadlines_pending"), value(found, "deadlines_overdue")) == (1, 0)
    assert value(found, "deadline_next_seconds") == 3600

    day.later(hours=1)
    found = look(day)
    assert (value(found, "deadlines_pending"), value(found, "deadlines_overdue")) == (1, 0)
    assert value(found, "deadline_next_seconds") == 0

    day.later(microseconds=1)
    found = look(day)
    assert (value(found, "deadlines_pending"), value(found, "deadlines_overdue")) == (0, 1)
    assert value(found, "deadline_next_seconds") == pytest.approx(-1e-6)

    day.elapse()
    found = look(day)
    assert (value(found, "deadlines_pending"), value(found, "deadlines_overdue")) == (1, 0)
    assert value(found, "deadline_next_seconds") == pytest.approx(12 * 3600)


@pytest.mark.parametrize(
    ("how_many", "full"), [(MAX_COUNTED - 1, False), (MAX_COUNTED, True), (MAX_COUNTED + 5, True)]
)
def test_a_count_ends_at_its_limit_and_says_so(
    day: Rehearsal, how_many: int, *, full: bool
) -> None:
    with writing(day.engine) as connection:
        add_sites(connection, how_many, due=TEN - timedelta(hours=1))
        add_sites(connection, 3, due=TEN + timedelta(hours=1), of="later")

    found = look(day)

    assert value(found, "deadlines_overdue") == min(how_many, MAX_COUNTED)
    assert value(found, "deadlines_pending") == 3
    assert capped(found) == ({"deadlines_overdue"} if full else set())


def test_a_daemon_at_work_is_told_from_one_that_stands_aside_and_one_that_is_gone(
    day: Rehearsal,
) -> None:
    beat(day, "gone", ago_s=60)
    found = look(day)
    assert value(found, "clock_enforced") == value(found, "daemons_beating") == 0
    assert value(found, "daemon_heartbeat_age_seconds") == 60

    beat(day, "aside", ago_s=3, aside="its clock is 5.0 s ahead of the database's")
    found = look(day)
    assert value(found, "clock_enforced") == value(found, "daemons_beating") == 0
    assert value(found, "daemons_standing_aside") == 1
    assert value(found, "daemon_heartbeat_age_seconds") == 3

    beat(day, "at work", ago_s=4)
    found = look(day)
    assert value(found, "clock_enforced") == value(found, "daemons_beating") == 1
    assert value(found, "daemons_standing_aside") == 1
    assert value(found, "daemon_once_age_seconds") is None


def test_one_that_stood_aside_and_is_gone_does_not_stand_aside(day: Rehearsal) -> None:
    beat(day, "aside", ago_s=11, aside="its clock is 5.0 s ahead of the database's")
    assert value(look(day), "daemons_standing_aside") == 0


def test_a_turn_of_cron_enforces_the_clock_for_ten_minutes_and_is_no_daemon(
    day: Rehearsal,
) -> None:
    beat(day, monitoring.once_on("h"), ago_s=600)
    found = look(day)
    assert value(found, "clock_enforced") == 1
    assert value(found, "daemons_beating") == 0
    assert value(found, "daemon_once_age_seconds") == 600
    assert value(found, "daemon_heartbeat_age_seconds") is None

    day.later(seconds=1)
    assert value(look(day), "clock_enforced") == 0


def test_whether_nothing_is_carried_out_is_told(day: Rehearsal) -> None:
    assert value(look(day), "halted") == 0
    with writing(day.engine) as connection:
        lineage.halt(connection, day.now, lineage.LOST_AGAIN)
    assert value(look(day), "halted") == 1


def test_how_many_daemons_cannot_read_their_mark_is_told(day: Rehearsal) -> None:
    for name, why in (("one", "the mark cannot be read"), ("other", None)):
        beat(day, name, ago_s=1)
        with writing(day.engine) as connection:
            monitoring.record_mark(connection, name, why, day.now)

    assert value(look(day), "daemons_mark_unread") == 1
    day.later(seconds=60)
    assert value(look(day), "daemons_mark_unread") == 0


def test_how_many_sites_a_loss_has_left_down_is_told(day: Rehearsal) -> None:
    assert value(look(day), "sites_left_down") == 0
    day.add("one.example")
    with writing(day.engine) as connection:
        connection.execute(update(sites).values(in_force="suspended"))
        connection.execute(update(desk).values(resumed_at=day.now, unproved_since=day.now))
    assert value(look(day), "sites_left_down") == 1


def test_how_many_sites_could_not_be_compared_is_told(day: Rehearsal) -> None:
    assert value(look(day), "sites_uncompared") == 0
    day.add("one.example")
    with writing(day.engine) as connection:
        after_loss.record_uncompared(
            connection, {"one.example": "panel: adapter fault: OSError"}, day.now
        )
        connection.execute(update(desk).values(resumed_at=day.now, unproved_since=day.now))
    assert value(look(day), "sites_uncompared") == 1


def test_heartbeats_without_end_are_not_told_one_by_one(day: Rehearsal) -> None:
    row = {"host": "h", "pid": 1, "started_at": TEN, "beat_at": TEN - timedelta(minutes=5)}
    with writing(day.engine) as connection:
        connection.execute(insert(beats), [row | {"daemon": f"d{n}"} for n in range(200)])
    found = look(day)
    assert value(found, "daemons_beating") == 0
    assert value(found, "daemon_heartbeat_age_seconds") == 300


# The orders.


def suspended(day: Rehearsal, *names: str) -> None:
    """Sites whose clocks have lapsed: each has an order to suspend it."""
    day.add(*names)
    for name in names:
        day.give(c.Log(by="li"), name)
    day.later(hours=1, seconds=1)
    day.elapse()


def test_orders_wait_by_lane_and_the_oldest_of_each_is_told(day: Rehearsal) -> None:
    suspended(day, "a.example", "b.example")
    day.later(minutes=5)

    found = look(day)

    assert values(found, "orders_waiting") == {"act": 2, "notice": 4}
    assert values(found, "order_oldest_age_seconds") == {"act": 300, "notice": 3901}
    assert value(found, "order_oldest_age_seconds", "desk") is None
    assert value(found, "sites_not_in_force") == 2


def test_a_dead_order_is_no_longer_one_that_waits(day: Rehearsal) -> None:
    suspended(day, "a.example", "b.example")
    order = suspension_of(day)
    failed = c.RecordFailure(order=order, lane="act", adapter="panel", attempts=9, problem="x")
    assert day.give(failed).refusal is None

    found = look(day)

    assert values(found, "orders_dead") == {"act": 1}
    assert values(found, "orders_waiting") == {"act": 1, "notice": 4}
    assert value(found, "sites_not_in_force") == 2


def test_what_is_carried_out_is_in_force_and_waits_no_longer(
    day: Rehearsal,
) -> None:
    suspended(day, "a.example")
    order = suspension_of(day)
    done = c.RecordDelivery(order=order, lane="act", adapter="panel", attempts=1, enforced=True)
    assert day.give(done).refusal is None

    found = look(day)

    assert value(found, "orders_waiting", "act") == value(found, "sites_not_in_force") == 0


def test_a_site_for_which_two_orders_wait_is_one_site(day: Rehearsal) -> None:
    suspended(day, "a.example")
    day.give(c.StateFalse(by="li", field="phone", evidence="rings elsewhere"))
    found = look(day)
    assert value(found, "orders_waiting", "act") == 2
    assert value(found, "sites_not_in_force") == 1


def suspension_of(day: Rehearsal, site_id: int = 1) -> int:
    [(order,)] = day.rows(
        f"SELECT site_seq FROM deliveries WHERE site_id = {site_id} AND lane = 'act'"
    )
    assert isinstance(order, int)
    return order


def test_a_lane_that_does_not_move_does_not_hide_what_waits_in_another(day: Rehearsal) -> None:
    suspended(day, "a.example")
    with writing(day.engine) as connection:
        add_deliveries(connection, MAX_COUNTED + 5, lane="notice", since=TEN - timedelta(days=3))

    found = look(day)

    assert values(found, "orders_waiting") == {"act": 1, "notice": MAX_COUNTED}
    assert value(found, "sites_not_in_force") == 1
    assert value(found, "order_oldest_age_seconds", "act") == 0
    assert capped(found) == {"orders_waiting"}


def test_what_waits_to_be_in_force_is_counted_to_the_limit(day: Rehearsal) -> None:
    with writing(day.engine) as connection:
        add_deliveries(connection, MAX_COUNTED, lane="act", since=TEN)
    found = look(day)
    assert values(found, "orders_waiting") == {"act": MAX_COUNTED}
    assert capped(found) == {"orders_waiting", "sites_not_in_force"}


def test_dead_notices_do_not_hide_a_dead_order_into_the_world(day: Rehearsal) -> None:
    with writing(day.engine) as connection:
        add_deliveries(connection, MAX_COUNTED + 5, lane="notice", since=TEN, dead=True)
        add_deliveries(connection, 1, lane="act", since=TEN, dead=True)

    found = look(day)

    assert values(found, "orders_dead") == {"act": 1, "notice": MAX_COUNTED + 5}
    assert values(found, "orders_waiting") == {}
    # Of more dead ones than that, it is not looked up.
    assert capped(found) == {"sites_not_in_force"}


def test_the_count_of_dead_orders_ends_too(day: Rehearsal) -> None:
    with writing(day.engine) as connection:
        add_deliveries(connection, MAX_OPEN + 5, lane="notice", since=TEN, dead=True)
    found = look(day)
    assert values(found, "orders_dead") == {"notice": MAX_OPEN}
    assert capped(found) == {"orders_dead", "sites_not_in_force"}


def add_deliveries(
    connection: Connection, how_many: int, *, lane: str, since: datetime, dead: bool = False
) -> None:
    """Orders that wait or are dead, by way of the tables."""
    connection.execute(_DELIVERIES, {"many": how_many, "lane": lane, "since": since, "dead": dead})


_DELIVERIES = text(
    """
    INSERT INTO deliveries
        (site_id, lane, site_seq, n, kind, dead, since, attempts, next_at)
    WITH RECURSIVE counted (k) AS (
        SELECT 1 UNION ALL SELECT k + 1 FROM counted WHERE k < :many
    )
    SELECT 999, :lane, 1000 + k, 1, 'notify', :dead, :since, 0, :since FROM counted
    """
).bindparams(
    bindparam("many", type_=Integer), bindparam("lane", type_=Text),
    bindparam("since", type_=UTCDateTime), bindparam("dead", type_=Boolean),
)  # fmt: skip


# The desk.


def test_the_queue_is_counted_by_kind_with_the_oldest_of_each(day: Rehearsal) -> None:
    day.add("a.example", "b.example")
    day.give(c.Log(by="li"))
    day.later(minutes=1)
    day.give(c.Log(by="li", again=True))
    for _ in range(3):
        day.give(c.Log(by="li", again=True), "b.example")
    day.give(c.AskReinstatement(by="li", reason="all is well"), "b.example")
    day.later(minutes=1)

    found = look(day)

    assert values(found, "queue_items") == {"call": 5, "tell": 1, "reinstatement": 1}
    assert values(found, "queue_oldest_age_seconds") == {
        "call": 120, "tell": 60, "reinstatement": 60,
    }  # fmt: skip


def test_a_kind_of_work_that_this_program_does_not_know_is_another(day: Rehearsal) -> None:
    day.add()
    item = Item(item="x", kind="canary.example", incident=None, due=None, recorded_at=TEN)
    with writing(day.engine) as connection:
        work_rows.save_items(connection, [(1, None, item)])
    assert values(look(day), "queue_items") == {"other": 1}


# The log.


def test_an_entry_is_pending_until_it_is_numbered_and_signed(day: Rehearsal) -> None:
    day.add()
    day.later(seconds=30)
    found = look(day)
    assert log_of(found) == {"unnumbered_entries": 1, "unsigned_entries": 0}
    assert value(found, "log_pending_age_seconds") == 30
    assert value(found, "log_unnumbered_age_seconds") == 30

    sequencer.number_all(day.engine)
    found = look(day)
    assert log_of(found) == {"unnumbered_entries": 0, "unsigned_entries": 1}
    assert value(found, "entries_total") == 1
    assert value(found, "log_pending_age_seconds") == 30
    assert value(found, "log_unnumbered_age_seconds") is None

    sign(day, size=1)
    day.later(seconds=5)
    found = look(day)
    assert log_of(found) == {"unnumbered_entries": 0, "unsigned_entries": 0}
    assert value(found, "log_pending_age_seconds") is None
    assert value(found, "log_checkpoint_age_seconds") == 5


def log_of(found: Samples) -> dict[str, Value | None]:
    names = ("unnumbered_entries", "unsigned_entries")
    return {name: value(found, f"log_{name}") for name in names}


def sign(day: Rehearsal, *, size: int) -> None:
    with writing(day.engine) as connection:
        last = checkpoints.last(connection)
        new = Signed(0, size, bytes(32), "note", "key", day.now)
        assert checkpoints.add(
            connection, new, after=None if last is None else last.id, place="here"
        )


def test_whether_the_log_is_to_be_signed_is_told(day: Rehearsal) -> None:
    assert value(look(day), "log_has_key") == 0
    with writing(day.engine) as connection:
        checkpoints.add_key(connection, checkpoints.Key("a+key", 1, TEN, "li"))
    assert value(look(day), "log_has_key") == 1


def test_what_was_passed_over_is_found_though_newer_entries_have_their_number(
    day: Rehearsal,
) -> None:
    day.add("a.example")
    day.later(seconds=10)
    day.add("b.example")
    with writing(day.engine) as connection:
        connection.execute(insert(log_tables.leaves), [{"leaf_index": 0, "entry_id": 2}])

    found = look(day)

    assert value(found, "log_unnumbered_entries") == 1
    assert value(found, "log_unnumbered_age_seconds") == 10


def test_the_newest_has_no_number_though_no_floor_has_risen_over_the_others(
    day: Rehearsal,
) -> None:
    with writing(day.engine) as connection:
        add_entries(connection, MAX_COUNTED + 5, at=TEN)
        add_entries(connection, 1, at=TEN, numbered=False)
    assert value(look(day), "log_unnumbered_entries") == 1


def test_the_oldest_that_is_pending_may_have_its_number(day: Rehearsal) -> None:
    day.add("a.example")
    sequencer.number_all(day.engine)
    day.later(seconds=20)
    day.add("b.example")
    day.later(seconds=10)

    found = look(day)

    assert value(found, "log_pending_age_seconds") == 30
    assert value(found, "log_unnumbered_age_seconds") == 10


def test_sign_ins_of_the_last_hour_are_counted_by_result_and_refusals_of_today_by_reason(
    day: Rehearsal,
) -> None:
    tried = (
        (61, "sign_in", "wrong_password"), (59, "sign_in", "wrong_password"),
        (3, "proof", "ok"), (2, "second", "canary"), (1, "sign_out", "ok"),
    )  # fmt: skip
    not_let = Refusal("li", "desk1", "retry_order", "role")
    with writing(day.engine) as connection:
        for ago, what, result in tried:
            at = day.now - timedelta(minutes=ago)
            sign_ins.add(connection, SignIn(at, what, result, "password", "li"))
        sign_ins.count(connection, [not_let, not_let, not_let._replace(act="uphold")], day.now)
        sign_ins.count(connection, [not_let._replace(why="blocked")], day.now - timedelta(days=1))

    found = look(day)

    assert values(found, "sign_ins_last_hour") == {"wrong_password": 1, "ok": 1, "other": 1}
    assert values(found, "refusals_today") == {"role": 3}


def test_entries_without_a_number_are_counted_to_the_limit(day: Rehearsal) -> None:
    with writing(day.engine) as connection:
        add_entries(connection, MAX_COUNTED + 1, at=TEN, numbered=False)
    found = look(day)
    assert value(found, "log_unnumbered_entries") == MAX_COUNTED
    assert capped(found) == {"log_unnumbered_entries"}


# The size.


@pytest.mark.both_databases
def test_the_size_is_told_and_on_postgresql_that_of_each_table(day: Rehearsal) -> None:
    if day.engine.dialect.name == "sqlite":
        before = value(look(day), "database_bytes")
        with writing(day.engine) as connection:
            add_sites(connection, 1_000, due=None, of="of-1000")
        after = look(day)
        assert 0 < before < value(after, "database_bytes")  # type: ignore[operator]
        assert values(after, "table_bytes") == {}
        return
    with writing(day.engine) as connection:
        add_sites(connection, 100, due=None, of="of-100")
    unknown = look(day)
    assert value(unknown, "table_rows", "sites") is None
    with day.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE sites"))
    found = look(day)
    assert value(found, "table_rows", "sites") == 100
    assert values(found, "table_bytes").keys() == every_table().tables.keys()
    total = value(found, "database_bytes")
    assert 0 < sum(values(found, "table_bytes").values()) < total  # type: ignore[arg-type,operator]


def test_reports_that_wait_for_triage_are_counted_by_state_until_they_are_triaged(
    day: Rehearsal,
) -> None:
    receive(day, incoming(ONE), incoming(TWO))
    day.later(minutes=10)
    receive(day, incoming(THREE, unread="empty"))
    dismiss(day, 1)
    day.later(minutes=5)

    found = look(day)

    assert values(found, "reports_waiting") == {"new": 1, "unreadable": 1}
    assert value(found, "report_oldest_age_seconds") == 900

    dismiss(day, 2)
    dismiss(day, 3)
    reopen(day, 2)
    day.later(minutes=1)
    assert value(look(day), "report_oldest_age_seconds") == 60
