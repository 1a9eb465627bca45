"""The alarms: each cause while it lasts, to the second, under a constant key."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, event, insert, update

from incidents.desk.inbox import intake_rules
from incidents.desk.inbox.intake_rules import RulesActivation
from incidents.intake import rules_file
from incidents.machine import commands as c
from incidents.machine.orders import DESK, NOTICE
from incidents.machine.policy import Policy, read_duration
from incidents.notices.notice_types import NOTICES
from incidents.settings.police import ReportDuty
from incidents.store import after_loss, monitoring
from incidents.store.accounts import accounts
from incidents.store.accounts.accounts import Account
from incidents.store.database.engine import writing
from incidents.store.inbox import reports
from incidents.store.log import lineage
from incidents.store.monitoring import Heartbeat, once_on
from incidents.store.schema.desk_tables import desk
from incidents.store.schema.log_tables import deliveries
from incidents.store.schema.tables import incidents, work
from incidents.values.ids import ACT
from incidents.views.queue import alarm as kinds
from incidents.views.queue.alarm import Alarm
from incidents.views.queue.alarms import CurrentAlarms, alarms_now, current_alarms
from tests.desk.report_acts import ONE, TWO, dismiss, incoming, receive, reopen
from tests.views.day import SITE, Day, utc

NEVER = ReportDuty(within=timedelta(days=30), remind=())
"""A duty that nothing here comes near to."""
HOUR = timedelta(hours=1)


def look(day: Day, report: ReportDuty | None = NEVER) -> CurrentAlarms:
    with day.reading() as connection:
        return current_alarms(connection, day.now, report, HOUR)


def found(day: Day, kind: str, report: ReportDuty | None = NEVER) -> list[Alarm]:
    return [alarm for alarm in look(day, report).alarms if alarm.kind == kind]


def keys(day: Day, kind: str, report: ReportDuty | None = NEVER) -> list[str]:
    return [alarm.key for alarm in found(day, kind, report)]


def beat(day: Day, name: str, at: datetime | None = None, **fields: Any) -> None:
    moment = at or day.now
    row = {"host": f"host-{name}", "pid": 7, "started_at": utc("09:00"), **fields}
    with writing(day.engine) as connection:
        monitoring.beat(connection, Heartbeat(daemon=name, beat_at=moment, **row))


def enforced(day: Day) -> Day:
    """A daemon that is heard of at this moment."""
    beat(day, "alive")
    return day


def test_each_kind_has_words_that_the_desk_is_told_in() -> None:
    told = {name.removeprefix("alarm_") for name in NOTICES if name.startswith("alarm_")}
    assert set(kinds.KINDS) == told


def test_where_all_is_well_nothing_is_alarming(day: Day) -> None:
    day.add().log()

    assert look(enforced(day)) == CurrentAlarms((), frozenset())


# A channel that is not set.


@pytest.mark.parametrize(
    ("attempts", "next_at", "told_at", "unset"),
    [
        (0, "-5m", None, True),
        (0, "-4m", None, False),
        (0, "8h", None, False),
        (1, "-5m", None, False),
        (1, "-5m", "-5m", False),
    ],
    ids=["nobody tries", "due lately", "quiet hours", "a daemon tries", "told"],
)
def test_the_setting_of_a_channel_is_named_where_no_daemon_tries_to_send_an_alarm(
    day: Day, attempts: int, next_at: str, told_at: str | None, *, unset: bool
) -> None:
    def moment(text: str) -> datetime:
        away = read_duration(text.removeprefix("-"))
        return day.now - away if text.startswith("-") else day.now + away

    told = None if told_at is None else moment(told_at)
    new = monitoring.new_alarms("daemon_silent:all", "daemon_silent", "all", day.now)
    with writing(day.engine) as connection:
        row = replace(new, attempts=attempts, next_at=moment(next_at), told_at=told)
        monitoring.add_alarms(connection, [row])
    with day.reading() as connection:
        found = alarms_now(connection, day.now, NEVER, HOUR, unset={DESK: "[alarms] channels"})

    assert found.get("unset") == ("[alarms] channels" if unset else None)


# Silence.


def test_with_no_daemon_at_all_nothing_enforces_the_clock(day: Day) -> None:
    assert look(day).alarms == (Alarm(kind="daemon_silent", subject="all"),)


def test_a_daemon_is_silent_after_ten_seconds_and_not_before(day: Day) -> None:
    beat(day, "one")
    beat(day, "two", day.now + timedelta(seconds=5))
    began = day.now

    day.after("10s")
    assert keys(day, "daemon_silent") == []
    day.after("1s")
    [silent] = found(day, "daemon_silent")

    assert silent.key == "daemon_silent:one"
    assert (silent.daemon, silent.since) == ("one", began)


def test_when_the_last_one_is_silent_that_is_one_alarm_and_not_several(day: Day) -> None:
    beat(day, "one")
    beat(day, "two", day.now + timedelta(seconds=1))
    day.add().log().after("1h1m")

    [silent] = found(day, "daemon_silent")

    assert silent.key == "daemon_silent:all"
    assert (silent.daemon, silent.since, silent.overdue) == (None, utc("10:00:01"), 1)


def test_a_daemon_that_was_stopped_is_not_missed(day: Day) -> None:
    beat(enforced(day), "one", day.now - timedelta(hours=1))
    assert keys(day, "daemon_silent") == ["daemon_silent:one"]

    with writing(day.engine) as connection:
        monitoring.remove_heartbeat(connection, "one")

    assert keys(day, "daemon_silent") == []


def test_one_that_was_killed_is_missed_until_it_is_started_again_on_its_host(day: Day) -> None:
    beat(enforced(day), "one", day.now - timedelta(minutes=5), host="here")
    beat(day, "elsewhere", host="there", started_at=day.now)
    beat(day, "older", host="here", started_at=day.now - timedelta(minutes=6))
    assert keys(day, "daemon_silent") == ["daemon_silent:one"]

    beat(day, "new", host="here", started_at=day.now, standing_aside="its clock is off")
    assert keys(day, "daemon_silent") == ["daemon_silent:one"]
    beat(day, "new", host="here", started_at=day.now)

    assert keys(day, "daemon_silent") == []


def test_one_that_stands_aside_is_heard_of_but_enforces_nothing(day: Day) -> None:
    beat(enforced(day), "one", standing_aside="its clock is off")
    assert keys(day, "daemon_silent") == []

    with writing(day.engine) as connection:
        monitoring.remove_heartbeat(connection, "alive")

    [silent] = found(day, "daemon_silent")
    assert (silent.key, silent.since) == ("daemon_silent:all", None)


def test_where_cron_sees_to_the_clock_nobody_is_silent_until_it_does_not_come(day: Day) -> None:
    beat(day, once_on("here"))

    day.after("10m")
    assert keys(day, "daemon_silent") == []
    day.after("1s")

    assert keys(day, "daemon_silent") == ["daemon_silent:all"]


# Clocks.


def resumed(day: Day, **values: datetime | None) -> None:
    """The record went on in another epoch, which `values` tell of."""
    with writing(day.engine) as connection:
        connection.execute(update(desk).values(epoch=332, resumed_at=day.now, **values))


def test_a_loss_is_alarming_until_somebody_has_put_on_record_that_they_know(day: Day) -> None:
    day.add()
    assert found(day, kinds.LOST) == []
    began = day.now
    resumed(day, lost_since=began, moved_at=began, unproved_since=None)
    day.at("04-20 10:00")

    [alarm] = found(day, kinds.LOST)
    assert (alarm.key, alarm.since) == ("entries_lost:all", began)
    assert found(day, kinds.MOVED) == [], "it is said once"

    resumed(day, lost_since=None)
    assert found(day, kinds.LOST) == []


def test_that_nothing_is_carried_out_is_alarming_until_a_person_goes_on(day: Day) -> None:
    day.add()
    assert look(enforced(day)) == CurrentAlarms((), frozenset())
    began = day.now
    with writing(day.engine) as connection:
        lineage.halt(connection, began, lineage.LOST_AGAIN)
    day.after("10h")

    assert look(enforced(day)) == CurrentAlarms(
        (Alarm(kind="halted", subject="all", since=began, halted_why="lost_again"),),
        frozenset(),
        halted_since=began,
    )
    resumed(day, halted_since=None)
    assert look(enforced(day)) == CurrentAlarms((), frozenset())


def test_of_a_copy_the_desk_is_told_what_is_known_to_have_begun_since(day: Day) -> None:
    began = day.now
    second = timedelta(seconds=1)

    def is_told(since: datetime | None, subject: str = "12-3") -> bool:
        return Alarm(kind="order_dead", subject=subject, since=since).is_sent_by_copy(began)

    assert [is_told(began - second), is_told(began), is_told(began + second)] == [False, True, True]
    assert not is_told(None), "it may have begun before"
    assert is_told(began - second, "all"), "the whole database is this one alone"


def test_another_server_is_alarming_for_ten_minutes_and_until_the_world_was_compared(
    day: Day,
) -> None:
    day.add()
    began = day.now
    resumed(day, moved_at=began, unproved_since=began)
    assert found(day, kinds.LOST) == [], "nothing is known to be missing"
    [alarm] = found(day, kinds.MOVED)
    assert (alarm.key, alarm.since) == ("server_changed:all", began)

    day.after("10m")
    assert keys(day, kinds.MOVED) == ["server_changed:all"]
    resumed(day, unproved_since=None)
    assert keys(day, kinds.MOVED) == []
    resumed(day, moved_at=began + timedelta(seconds=1))
    assert keys(day, kinds.MOVED) == ["server_changed:all"], "not ten minutes yet"


def uncompared_since(day: Day, *names: str) -> None:
    with writing(day.engine) as connection:
        after_loss.record_uncompared(
            connection, dict.fromkeys(names, "panel: adapter fault: OSError"), day.now
        )


def test_a_site_that_could_not_be_compared_for_a_minute_is_alarming_until_it_was(day: Day) -> None:
    day.add("one.example").add("other.example")
    began = day.now
    resumed(day, unproved_since=began)
    uncompared_since(day, "one.example")
    day.after("59s")
    uncompared_since(day, "other.example")
    assert keys(day, kinds.UNCOMPARED) == [], "it may be a passing fault"

    day.after("1s")

    assert found(day, kinds.UNCOMPARED) == [
        Alarm(
            kind="sites_uncompared", subject="all", since=began, sites=2,
            named=("one.example", "other.example"), problem="panel: adapter fault: OSError",
        )
    ]  # fmt: skip
    with writing(day.engine) as connection:
        after_loss.clear_uncompared(connection, ["one.example", "other.example"])
    assert keys(day, kinds.UNCOMPARED) == []


def test_it_keeps_back_what_was_left_down_no_longer_than_the_desk_is_told_of_it(day: Day) -> None:
    day.add("one.example").add("other.example")
    resumed(day, lost_since=day.now, unproved_since=day.now)
    seen = c.RecordState(
        by="daemon", adapter="panel", seen="suspended", in_force="active", last_act=0
    )
    day.do(seen, "other.example")
    uncompared_since(day, "one.example")
    assert keys(day, kinds.LEFT_DOWN) == []

    day.after("1m")

    assert keys(day, kinds.LEFT_DOWN) == ["sites_left_down:all"]


def test_a_clock_is_about_to_lapse_from_ten_minutes_before_its_end_until_then(day: Day) -> None:
    day.add().log()
    kind = "clock_about_to_lapse"

    assert keys(day.at("10:49:59"), kind) == []
    assert keys(day.at("10:50"), kind) == ["clock_about_to_lapse:1-1"]
    assert keys(day.at("11:00"), kind) == ["clock_about_to_lapse:1-1"]
    assert keys(day.at("11:00:01"), kind) == []


def test_it_is_told_with_its_site_and_its_end(day: Day) -> None:
    day.add().log()

    [clock] = found(day.at("10:55"), "clock_about_to_lapse")

    assert (clock.site, clock.incident, clock.since, clock.due) == (
        SITE, "1-1", utc("10:50"), utc("11:00"),
    )  # fmt: skip
    assert not clock.miss_closes


def test_a_clock_that_is_stopped_is_no_alarm(day: Day) -> None:
    day.add().log().at("10:49").contact(1)

    assert keys(day.at("10:55"), "clock_about_to_lapse") == []


def test_nor_is_one_of_a_site_that_is_closed(day: Day) -> None:
    day.add().log().log().log()

    assert keys(day.at("10:55"), "clock_about_to_lapse") == []


def test_a_fresh_hour_alarms_again(day: Day) -> None:
    day.add().log().at("10:55").contact(1).at("10:57")
    assert keys(day, "clock_about_to_lapse") == []

    day.do(c.VoidContact(by="li", incident=1, contact=1, reason="wrong person"))

    assert keys(day.at("11:46"), "clock_about_to_lapse") == []
    assert keys(day.at("11:47"), "clock_about_to_lapse") == ["clock_about_to_lapse:1-1"]


@pytest.mark.parametrize(("within", "alarms"), [("10m", True), ("9m59s", False), ("5m", False)])
def test_a_clock_that_runs_for_less_than_ten_minutes_is_no_news(
    day: Day, within: str, alarms: bool
) -> None:
    policy = Policy(unreachable_within=read_duration(within))
    day.desk.activate(policy.toml(), by="wang", login=None, reason="quicker")
    day.add().log().after("1s")

    assert bool(keys(day, "clock_about_to_lapse")) == alarms


def test_the_third_miss_is_told_to_close_the_site(day: Day) -> None:
    day.add().miss().after("14h").elapse().miss().after("14h").elapse()
    day.log().after("55m")

    [clock] = found(day, "clock_about_to_lapse")

    assert clock.miss_closes
    assert clock.attempts is None

    day.desk.activate("[unreachable]\nmin_attempts = 2\n", by="wang", login=None, reason="try")
    day.contact(3, "no-answer")
    [clock] = found(day, "clock_about_to_lapse")
    assert clock.attempts == 1


# Dead letters.


def test_an_order_that_is_given_up_is_alarming_in_whichever_lane_until_it_is_tried_again(
    day: Day,
) -> None:
    day.add().log().at("11:00:01").elapse()
    orders = sorted(_waiting(day))
    assert [kind for _, _, kind in orders] == ["notify", "suspend", "suspend"]

    for seq, lane, _ in orders:
        day.do(
            c.RecordFailure(
                order=seq, lane=lane, adapter="panel", attempts=42, problem=f"http_{seq}"
            )
        )
    dead = found(day, "order_dead")

    assert sorted(each.order or "" for each in dead) == ["1-o2.notice", "1-o4", "1-o4.notice"]
    act = next(each for each in dead if each.order == "1-o4")
    assert act.key == "order_dead:1-o4"
    assert (act.site, act.order_kind, act.problem, act.attempts) == (SITE, "suspend", "http_4", 0)

    day.do(c.RetryOrder(by="li", order=4, lane=ACT))
    day.do(c.CancelOrder(by="li", order=4, lane=NOTICE, why="by_hand"))
    assert keys(day, "order_dead") == ["order_dead:1-o2.notice"]


def test_what_the_brake_holds_is_one_alarm_for_all_of_it_and_no_dead_letter(day: Day) -> None:
    day.add().log().at("11:00:01").elapse()
    for lane in (ACT, NOTICE):
        day.do(c.RecordFailure(order=4, lane=lane, adapter="brake", attempts=0, problem="braked"))
    [brake] = found(day, "brake_on")
    assert (brake.key, brake.orders) == ("brake_on:all", 1)
    assert keys(day, "order_dead") == []
    day.do(c.RetryOrder(by="li", order=4, lane=ACT))
    assert keys(day, "brake_on") == []


def _waiting(day: Day) -> list[tuple[int, str, str]]:
    of = deliveries.c
    with day.reading() as connection:
        rows = connection.execute(deliveries.select().order_by(of.lane, of.site_seq))
        return [(row.site_seq, row.lane, row.kind) for row in rows]


# Disputes.


def test_a_closure_that_waits_for_its_second_person_is_alarming_at_once(day: Day) -> None:
    two = "[closure]\ntwo_people = true\n"
    day.desk.activate(two, by="wang", login=None, reason="nobody alone")
    day.add().log().contact(1)
    assert keys(day, "closure_waits") == []

    day.do(c.StateRefused(by="li", incident=1))
    [waits] = found(day, "closure_waits")
    assert (waits.key, waits.site, waits.rule) == ("closure_waits:1", SITE, "refusal")
    assert (waits.incident, waits.since) == ("1-1", day.now)

    day.do(c.DeclineClosure(by="wang"))
    assert keys(day, "closure_waits") == []
    day.do(c.StateFalse(by="li", field="phone", evidence="a baker's"))
    [waits] = found(day, "closure_waits")
    assert (waits.rule, waits.incident) == ("false_info", None)

    day.do(c.ConfirmClosure(by="wang"))
    assert keys(day, "closure_waits") == []


def test_a_disputed_closure_is_alarming_until_it_is_settled(day: Day) -> None:
    day.add().log().log().log()
    assert keys(day, "closure_disputed") == []

    day.do(c.VoidIncident(by="li", incident=1, reason="slip"))
    [disputed] = found(day, "closure_disputed")
    assert disputed.key == "closure_disputed:1"
    assert (disputed.site, disputed.rule) == (SITE, "repeat")

    day.do(c.Uphold(by="wang", reason="it stands"))
    assert keys(day, "closure_disputed") == []


# Reports.


def test_each_reminder_of_a_report_is_an_alarm_of_its_own(day: Day) -> None:
    day.add().log().contact(1)
    duty = ReportDuty()

    def at(time: str) -> list[str]:
        return keys(day.at(time), "report_due", duty)

    assert at("21:59:59") == []
    assert at("22:00") == ["report_due:1-1:12h"]
    assert at("03-02 07:59:59") == ["report_due:1-1:12h"]
    assert at("03-02 08:00") == ["report_due:1-1:2h"]
    assert at("03-02 10:00") == ["report_due:1-1:2h"]
    assert at("03-02 10:00:01") == ["report_due:1-1:overdue-1"]
    assert at("03-04 10:00:01") == ["report_due:1-1:overdue-3"]
    assert at("03-09 10:00") == ["report_due:1-1:overdue-7"]
    assert at("03-09 10:00:01") == []


def test_it_is_told_with_its_deadline(day: Day) -> None:
    day.add().log()

    [soon] = found(day.at("22:30"), "report_due", ReportDuty())
    [late] = found(day.at("03-02 11:00"), "report_due", ReportDuty())

    assert (soon.site, soon.incident, soon.since, soon.due, soon.late) == (
        SITE, "1-1", utc("22:00"), utc("03-02 10:00"), False,
    )  # fmt: skip
    assert (late.due, late.late) == (utc("03-02 10:00"), True)


def test_what_is_reported_voided_or_nobodys_duty_is_no_alarm(day: Day) -> None:
    day.add().add("other.example").log().log().log("other.example")
    day.do(c.StateReported(by="li", incident=1, note="receipt 7"))
    day.do(c.VoidIncident(by="li", incident=2, reason="slip"))
    day.at("22:00")

    assert keys(day, "report_due", ReportDuty()) == ["report_due:2-1:12h"]
    assert keys(day, "report_due", None) == []


# Bounds.


def test_the_most_urgent_kinds_come_first(day: Day) -> None:
    day.add().log().log().log().do(c.VoidIncident(by="li", incident=1, reason="slip"))
    day.add("b.example").log("b.example").at("10:55")

    kinds = [alarm.kind for alarm in look(day, ReportDuty(remind=(timedelta(hours=23.9),))).alarms]

    assert list(dict.fromkeys(kinds)) == [
        "daemon_silent", "clock_about_to_lapse", "closure_disputed", "report_due",
    ]  # fmt: skip


def test_of_too_many_the_first_are_found_and_it_says_that_there_are_more(day: Day) -> None:
    enforced(day).add().log()
    with writing(day.engine) as connection:
        row = dict(connection.execute(work.select()).mappings().one())
        connection.execute(delete(work))
        rows = [
            {**row, "item": str(n), "incident": n,
             "due": row["due"] + timedelta(milliseconds=n),
             "sort_due": row["due"] + timedelta(milliseconds=n)}
            for n in range(1, 502)
        ]  # fmt: skip
        connection.execute(insert(work), rows)
    day.at("10:55")
    beat(day, "alive")

    whole = look(day)
    with writing(day.engine) as connection:
        connection.execute(delete(work).where(work.c.item == "501"))
    just = look(day)

    assert [alarm.subject for alarm in whole.alarms] == [f"1-{n}" for n in range(1, 501)]
    assert whole.capped == {"clock_about_to_lapse"}
    assert just == CurrentAlarms(whole.alarms, frozenset())


def test_clocks_are_found_among_other_things_that_are_due(day: Day) -> None:
    day.add().log()
    with writing(day.engine) as connection:
        row = dict(connection.execute(work.select()).mappings().one())
        rows = [
            {**row, "item": str(n), "kind": "check_removal", "incident": n} for n in range(2, 602)
        ]
        connection.execute(insert(work), rows)

    assert keys(day.at("10:55"), "clock_about_to_lapse") == ["clock_about_to_lapse:1-1"]


def test_reports_that_are_still_in_time_are_not_crowded_out_by_what_is_overdue(day: Day) -> None:
    day.add().log()
    with writing(day.engine) as connection:
        row = dict(connection.execute(incidents.select()).mappings().one())
        old = row["recorded_at"] - timedelta(days=2)
        connection.execute(
            insert(incidents), [{**row, "n": n, "recorded_at": old} for n in range(2, 700)]
        )
    day.at("22:30")

    whole = look(day, ReportDuty())
    reports = [alarm for alarm in whole.alarms if alarm.kind == "report_due"]

    assert reports[0].key == "report_due:1-1:12h"
    assert len(reports) == 500
    assert whole.capped == {"report_due"}


def test_a_look_takes_the_same_few_queries_whatever_there_is(day: Day) -> None:
    day.add().log()
    few = day.at("10:55").statements(lambda: look(day, ReportDuty()))
    for n in range(20):
        day.add(f"s{n}.example").log(f"s{n}.example")
    day.after("55m")
    many = day.statements(lambda: look(day, ReportDuty()))

    assert len(many) == len(few) <= 20


def test_no_query_of_a_look_reads_a_whole_table(day: Day) -> None:
    day.add().log().at("10:55")
    plans = _plans(day)

    text = "\n".join(plans)
    # A heartbeat is a row for each daemon, and the alarms' rows are its own.
    for table in ("work", "sites", "incidents", "deliveries"):
        assert f"SCAN {table}" not in text.replace(f"SCAN {table} USING", ""), text
        assert f"Seq Scan on {table}" not in text, text
    for index in (
        "ix_work_queue", "ix_deliveries_dead", "ix_incidents_unreported", "ix_work_disputed",
        "ix_work_closure",
    ):  # fmt: skip
        assert index in text, text


def _plans(day: Day) -> list[str]:
    plans: list[str] = []
    explain = "EXPLAIN QUERY PLAN " if day.engine.dialect.name == "sqlite" else "EXPLAIN "

    def note(_c: Any, cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if "SELECT" in statement and not statement.startswith("EXPLAIN"):
            asked = cursor.connection.cursor()
            asked.execute(explain + statement, parameters)
            plans.extend(str(row[-1]) for row in asked.fetchall())

    event.listen(day.engine, "before_cursor_execute", note)
    try:
        look(day, ReportDuty())
    finally:
        event.remove(day.engine, "before_cursor_execute", note)
    return plans


# Reports from outside.


def test_a_report_alarms_when_it_has_waited_for_an_hour_and_until_it_is_triaged(day: Day) -> None:
    day.at("10:00").add()
    receive(day, incoming(ONE))
    receive(day.at("10:20"), incoming(TWO, unread="empty"))

    assert keys(day.at("10:59"), "reports_untriaged") == []
    assert found(day.at("11:00"), "reports_untriaged") == [
        Alarm(kind="reports_untriaged", subject="inbox", since=utc("10:00"), reports=1)
    ]
    [both] = found(day.at("11:20"), "reports_untriaged")
    assert (both.since, both.reports) == (utc("10:00"), 2)

    dismiss(day, 1)
    [second] = found(day, "reports_untriaged")
    assert (second.key, second.since, second.reports) == (
        "reports_untriaged:inbox", utc("10:20"), 1,
    )  # fmt: skip
    dismiss(day, 2)
    assert keys(day, "reports_untriaged") == []

    # The desk had looked at it: it has as long as for a new one.
    reopen(day.at("13:00"), 1)
    assert keys(day.at("13:59"), "reports_untriaged") == []
    [again] = found(day.at("14:00"), "reports_untriaged")
    assert (again.since, again.reports) == (utc("13:00"), 1)


def test_a_desk_that_has_turned_it_off_gets_no_alarm_about_reports(day: Day) -> None:
    receive(day.at("10:00"), incoming(ONE))
    day.at("23:00")

    with day.reading() as connection:
        told = current_alarms(connection, day.now, NEVER, None)

    assert "reports_untriaged" not in {each.kind for each in told.alarms}


def test_of_a_flood_of_reports_the_first_are_counted(day: Day) -> None:
    receive(day.at("10:00"), *(incoming(f"{n:064x}") for n in range(501)))

    whole = look(enforced(day.at("12:00")))

    [flood] = [each for each in whole.alarms if each.kind == "reports_untriaged"]
    assert (flood.since, flood.reports) == (utc("10:00"), 501)
    assert whole.capped == {"reports_untriaged"}


def test_rules_whose_owners_have_no_account_alarm_once_there_are_accounts(day: Day) -> None:
    rules = rules_file.read(
        "".join(
            f'[[rule]]\nname = "{name}"\nowner = "{owner}"\nact = "log"\n'
            for name, owner in (("feed", "li"), ("list", "wang"), ("crawl", "chen"))
        )
    )
    wanted = RulesActivation(rules=rules, by="sup", login=None, reason="agreed")
    with writing(day.at("10:00").engine) as connection:
        intake_rules.activate(connection, wanted, lambda: day.now)
    assert keys(day, "rules_unowned") == []

    with writing(day.engine) as connection:
        accounts.add_account(connection, Account("li", "operator", day.now, None))
        accounts.add_account(connection, Account("chen", "viewer", day.now, None))

    assert found(day, "rules_unowned") == [
        Alarm(kind="rules_unowned", subject="inbox", named=("list", "crawl"))
    ]
    with writing(day.engine) as connection:
        accounts.add_account(connection, Account("wang", "operator", day.now, None))
        accounts.give_role(connection, "chen", "supervisor")
    assert keys(day, "rules_unowned") == []


def test_reports_that_the_brake_of_the_rules_stopped_alarm_until_they_are_settled(day: Day) -> None:
    day.at("10:00").add()
    receive(day, incoming(ONE))
    receive(day.at("10:05"), incoming(TWO), incoming("3" * 64))
    assert keys(day, "rules_braked") == []
    with writing(day.engine) as connection:
        for report, why in ((1, "brake"), (2, "brake"), (3, "several_sites")):
            reports.leave(connection, report, why)

    assert found(day.at("10:06"), "rules_braked") == [
        Alarm(kind="rules_braked", subject="inbox", since=utc("10:00"), reports=2)
    ]
    dismiss(day, 1)
    [left] = found(day, "rules_braked")
    assert (left.key, left.since, left.reports) == ("rules_braked:inbox", utc("10:05"), 1)
    dismiss(day, 2)
    assert keys(day, "rules_braked") == []
