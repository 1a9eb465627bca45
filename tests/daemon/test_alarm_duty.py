"""The alarms' duty: each cause is told once, whoever looks, and again when it comes again."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Barrier
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert

from incidents.daemon import alarm_duty, alarm_letter
from incidents.daemon.alarm_duty import FRESH_S, LEASE, PATIENCE_S, Alarms
from incidents.enforcement.port import Delivered, Failed, Outcome, Retry
from incidents.errors import SettingError
from incidents.machine import commands as c
from incidents.notices import notice_settings
from incidents.notices.letter import Recipient
from incidents.notices.notice_settings import Outlet
from incidents.store import monitoring
from incidents.store.database.engine import writing
from incidents.store.monitoring import Raised
from incidents.store.schema.tables import work
from incidents.views.queue.alarm import Alarm
from tests.conftest import WriteSettings
from tests.daemon.alarm_rig import MIN, SITE, START, Channel, H, S, StubChannel, Watch, telling
from tests.daemon.conftest import Said

LAPSING = "clock_about_to_lapse:1-1"


# Once.


def test_a_cause_is_told_once_for_as_long_as_it_lasts(watch: Watch) -> None:
    told = StubChannel()
    duty = watch.duty(told)
    watch.log()

    for moment in (START + 49 * MIN, START + 50 * MIN, START + 55 * MIN, START + 60 * MIN):
        watch.at(moment)
        duty.run()

    assert told.got == [LAPSING]
    assert watch.raised[LAPSING].told_at == START + 50 * MIN


def test_many_daemons_that_look_at_one_moment_tell_it_once(watch: Watch) -> None:
    told = StubChannel()
    for n in range(5):
        watch.log(f"s{n}.example")
    watch.at(START + 52 * MIN)
    together = Barrier(4)
    duties = [watch.duty(told) for _ in range(4)]

    def look(duty: Alarms) -> None:
        together.wait()
        for _ in range(3):
            duty.run()

    with ThreadPoolExecutor(4) as daemons:
        list(daemons.map(look, duties))

    assert sorted(told.got) == [f"clock_about_to_lapse:{n}-1" for n in range(1, 6)]


def test_a_daemon_that_dies_over_an_alarm_leaves_it_to_another_when_the_lease_ends(
    watch: Watch,
) -> None:
    class Killed(BaseException):
        pass

    def die(alarm: Alarm, raised: Raised, now: datetime, halted: datetime | None) -> Outcome:
        raise Killed

    told = StubChannel()
    began = START + 52 * MIN
    watch.log().at(began)
    with pytest.raises(Killed):
        watch.duty(die).run()

    other = watch.duty(told)
    watch.at(began + LEASE - S)
    other.run()
    assert told.got == []
    watch.at(began + LEASE)
    other.run()

    assert told.got == [LAPSING]


# Ending, and coming again.


def test_a_cause_that_has_ended_is_forgotten(watch: Watch) -> None:
    duty = watch.duty(StubChannel())
    watch.log().at(START + 52 * MIN)
    duty.run()
    assert set(watch.raised) == {LAPSING}

    watch.do(c.RecordContact(by="li", incident=1, outcome="reached"))
    duty.run()

    assert watch.raised == {}


def test_a_cause_that_comes_again_is_told_again(watch: Watch) -> None:
    told = StubChannel()
    duty = watch.duty(told)
    watch.log().at(START + 52 * MIN)
    duty.run()
    watch.do(c.RecordContact(by="li", incident=1, outcome="reached"))
    duty.run()
    watch.do(c.VoidContact(by="li", incident=1, contact=1, reason="wrong person"))
    duty.run()
    assert told.got == [LAPSING]

    watch.at(START + 102 * MIN)
    duty.run()
    duty.run()

    assert told.got == [LAPSING, LAPSING]


def test_what_has_ended_before_it_could_be_told_is_not_told(watch: Watch) -> None:
    told = StubChannel(Retry(problem="smtp_timeout"))
    duty = watch.duty(told)
    watch.log().at(START + 52 * MIN)
    duty.run()

    watch.do(c.RecordContact(by="li", incident=1, outcome="reached"))
    told.outcome = Delivered()
    watch.at(START + 53 * MIN)
    duty.run()

    assert told.got == [LAPSING]
    assert watch.raised == {}


def test_what_was_seen_too_long_ago_is_looked_at_again_before_it_is_told(watch: Watch) -> None:
    def slow(alarm: Alarm) -> Outcome:
        watch.elapsed += FRESH_S + 1
        return Delivered()

    told = StubChannel(slow)
    duty = watch.duty(told)
    watch.log().log("b.example").at(START + 52 * MIN)
    duty.run()
    assert told.got == [LAPSING]

    watch.do(c.RecordContact(by="li", incident=1, outcome="reached"), "b.example")
    duty.run()

    assert told.got == [LAPSING]


def test_a_stop_is_honoured_between_two_alarms(watch: Watch) -> None:
    told = StubChannel()
    duty = watch.duty(told, stopped=lambda: bool(told.got))
    watch.log().log("b.example").at(START + 52 * MIN)

    duty.run()
    duty.run()

    assert told.got == [LAPSING]


# Channels that fail.


def test_a_channel_that_fails_is_tried_again_after_longer_and_longer_waits(
    watch: Watch, said: Said
) -> None:
    told = StubChannel(Retry(problem="smtp_timeout"))
    duty = watch.duty(told)
    watch.log()
    began = START + 51 * MIN

    tried_at = []
    for second in (0, 1, 2, 3, 5, 6, 7, 13, 14, 15, 29, 30, 31, 61, 62, 63, 125, 126):
        watch.at(began + second * S)
        before = len(told.got)
        duty.run()
        if len(told.got) > before:
            tried_at.append(second)

    assert tried_at == [0, 2, 6, 14, 30, 62, 126]
    warned = [line for line in said() if line["level"] == "warning"]
    assert [(line["item"], line["reason"]) for line in warned[:1]] == [("1-1", "smtp_timeout")]
    assert "withheld" not in warned[0]


def test_what_the_other_side_asks_for_is_waited_for(watch: Watch) -> None:
    told = StubChannel(Retry(problem="http_429", after=90 * S))
    duty = watch.duty(told)
    began = START + 51 * MIN
    watch.log().at(began)
    duty.run()

    watch.at(began + 89 * S)
    duty.run()
    assert len(told.got) == 1
    watch.at(began + 90 * S)
    duty.run()

    assert len(told.got) == 2


def test_while_the_channels_fail_one_alarm_is_tried_and_not_all_of_them(watch: Watch) -> None:
    told = StubChannel(Retry(problem="smtp_timeout"))
    watch.log().log("b.example").log("c.example").at(START + 52 * MIN)

    watch.duty(told).run()

    assert told.got == [LAPSING]


def test_what_can_never_be_told_does_not_hold_up_the_rest(watch: Watch) -> None:
    def answer(alarm: Alarm) -> Outcome:
        return Failed(problem="template_wrong") if alarm.key == LAPSING else Delivered()

    told = StubChannel(answer)
    watch.log().log("b.example").at(START + 52 * MIN)

    watch.duty(told).run()

    assert told.got == [LAPSING, "clock_about_to_lapse:2-1"]
    assert watch.raised[LAPSING].told_at is None
    assert watch.raised[LAPSING].next_at == START + 52 * MIN + 2 * S


def test_with_a_database_that_fails_it_says_so_and_is_tried_again(
    watch: Watch, monkeypatch: pytest.MonkeyPatch, said: Said
) -> None:
    told = StubChannel()
    duty = watch.duty(told)
    watch.log().at(START + 52 * MIN)
    with monkeypatch.context() as broken:

        def fail(*_: object) -> None:
            raise ZeroDivisionError("of a customer called …")

        broken.setattr("incidents.store.database.schema.check", fail)
        duty.run()
    [line] = said()
    assert (line["event"], line["level"]) == ("alarms are not sent", "error")
    assert "customer" not in str(line)

    duty.run()
    assert told.got == []  # too early
    watch.elapsed += 60
    duty.run()

    assert told.got == [LAPSING]


# Silence.


def test_a_daemon_that_went_silent_is_told_of_by_another_one(watch: Watch) -> None:
    told = StubChannel()
    duty = watch.duty(told)
    watch.beat("gone", host="there")
    watch.at(START + 11 * S)
    duty.run()

    watch.elapsed += PATIENCE_S - 0.1
    duty.run()
    assert told.got == []
    watch.elapsed += 0.1
    duty.run()
    duty.run()

    assert told.got == ["daemon_silent:gone"]


def test_the_silence_of_before_a_daemon_started_is_not_told(watch: Watch) -> None:
    watch.beats = False
    told = StubChannel()
    duty = watch.duty(told)
    watch.at(START + H)
    duty.run()

    # It has beaten meanwhile, and so has the other one, which a lost database kept from it.
    watch.beat("alive")
    watch.elapsed += 5
    duty.run()
    watch.elapsed += 5
    watch.at(START + H + 20 * S)
    duty.run()
    watch.elapsed += 5
    duty.run()

    assert told.got == []
    watch.elapsed += 5
    duty.run()
    assert told.got == ["daemon_silent:all"]


def test_once_from_cron_believes_a_silence_at_once_and_writes_nothing(
    watch: Watch, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = StubChannel()
    monkeypatch.setattr(alarm_letter, "channel_sender", lambda *_: told)
    watch.beat("gone", host="there")
    watch.log().log("b.example").at(START + 52 * MIN)

    done = alarm_duty.once(watch.app)
    again = alarm_duty.once(watch.app)

    assert told.got == ["daemon_silent:gone", LAPSING, "clock_about_to_lapse:2-1"]
    assert (done.sent, again.sent) == (3, 0)
    assert capsys.readouterr() == ("", "")


# Reports.


def test_each_reminder_of_a_report_is_told_once(
    watch: Watch, write_settings: WriteSettings
) -> None:
    write_settings('[report]\nwithin = "24h"\nremind = ["12h", "2h"]\n')
    told = StubChannel()
    duty = watch.duty(told)
    watch.log().do(c.RecordContact(by="li", incident=1, outcome="reached"))

    for hours in (0, 11, 12, 13, 21, 22, 23, 24, 25, 40, 48, 49, 60, 72, 73, 79):
        watch.at(START + hours * H)
        duty.run()

    assert told.got == [
        "report_due:1-1:12h", "report_due:1-1:2h",
        "report_due:1-1:overdue-1", "report_due:1-1:overdue-2", "report_due:1-1:overdue-3",
    ]  # fmt: skip
    watch.do(c.StateReported(by="li", incident=1, note="receipt 7"))
    watch.at(START + 100 * H)
    duty.run()
    assert len(told.got) == 5


def test_two_daemons_with_other_reminders_do_not_make_each_other_tell_again(
    watch: Watch, write_settings: WriteSettings
) -> None:
    told = StubChannel()
    reminds_of_nothing = watch.duty(told)
    write_settings('[report]\nwithin = "24h"\n')
    reminds = watch.duty(told)
    watch.log().at(START + 13 * H)

    for seconds in range(0, 60, 5):
        watch.at(START + 13 * H + seconds * S)
        reminds.run()
        reminds_of_nothing.run()

    assert told.got == ["report_due:1-1:12h"]


def test_reminders_of_the_past_do_not_pile_up(watch: Watch, write_settings: WriteSettings) -> None:
    write_settings('[report]\nwithin = "24h"\n')
    duty = watch.duty(StubChannel())
    watch.log()

    for hours in range(12, 24 * 6, 8):
        watch.at(START + hours * H)
        duty.run()

    assert len(watch.raised) <= 3


# Too many.


def test_what_lies_beyond_the_limit_is_neither_told_nor_forgotten(watch: Watch) -> None:
    told = StubChannel()
    duty = watch.duty(told)
    watch.log().at(START + 52 * MIN)
    duty.run()
    with writing(watch.engine) as connection:
        row = dict(connection.execute(work.select()).mappings().one())
        rows = [
            {**row, "item": str(n), "incident": n,
             "due": row["due"] - MIN, "sort_due": row["due"] - MIN}
            for n in range(2, 503)
        ]  # fmt: skip
        connection.execute(insert(work), rows)

    duty.run()

    assert len(told.got) == len(set(told.got)) == 501
    assert LAPSING in watch.raised
    with writing(watch.engine) as connection:
        connection.execute(work.delete().where(work.c.item != "1"))
    duty.run()
    assert set(watch.raised) == {LAPSING}
    assert len(told.got) == 501


# By the desk's real channels.


def test_without_a_channel_it_is_left_to_a_daemon_that_has_one(watch: Watch) -> None:
    assert telling() is None
    without = Alarms(watch.app)
    watch.log().at(START + 52 * MIN)

    without.run()
    assert watch.raised == {}
    told = StubChannel()
    watch.duty(told).run()

    assert told.got == [LAPSING]


@pytest.mark.parametrize(
    ("kind", "made", "words"),
    [
        ("clock_about_to_lapse", "1-1", "The contact deadline of 1-1 ends at 2026-03-01 19:00"),
        ("order_dead", "1-o4", "is a dead letter"),
        ("brake_on", "all", "313 orders wait for a supervisor"),
        ("closure_disputed", "1", "is disputed"),
        ("closure_waits", "1", "Somebody requested the closure of shop.example"),
        ("report_due", "1-1:2h", "The deadline for reporting 1-1 to the local police is"),
        ("daemon_silent", "all", "deadlines are not enforced"),
    ],
)
def test_each_kind_is_told_in_words(kind: str, made: str, words: str) -> None:
    channel = Channel("group")
    tell = telling(Outlet(channel, Recipient()))
    assert tell is not None
    alarm = Alarm(
        kind=kind, subject=made, site=SITE, incident="1-1", order="1-o4", order_kind="suspend",
        problem="http_503", rule="repeat", due=START + H, since=START, orders=313,
    )  # fmt: skip

    raised = monitoring.new_alarms(alarm.key, kind, made, START)
    assert isinstance(tell(alarm, raised, START, None), Delivered)

    [letter] = channel.got
    assert words in letter.text
    assert made == "all" or SITE in letter.subject
    assert letter.id.startswith(f"alarm.{kind}.{made}.")


def test_tried_again_it_is_the_same_letter_and_when_it_comes_again_another_one(
    watch: Watch,
) -> None:
    channel = Channel("group", outcome=Retry(problem="chat_failed"))
    duty = watch.duty(telling(Outlet(channel, Recipient())))
    watch.log().at(START + 52 * MIN)
    duty.run()
    channel.outcome = Delivered()
    watch.at(START + 53 * MIN)
    duty.run()
    watch.do(c.RecordContact(by="li", incident=1, outcome="reached"))
    duty.run()
    watch.do(c.VoidContact(by="li", incident=1, contact=1, reason="wrong person"))
    watch.at(START + 105 * MIN)
    duty.run()

    first, again, another = (letter.id for letter in channel.got)
    assert first == again != another


def dispute(watch: Watch) -> None:
    """A closure that no longer holds: what can wait for the morning."""
    watch.log().do(c.Log(by="li")).do(c.Log(by="li"))
    watch.do(c.VoidIncident(by="li", incident=1, reason="slip"))


def test_in_its_quiet_hours_a_channel_is_left_in_peace_and_told_when_they_end(
    watch: Watch, said: Said
) -> None:
    hours = notice_settings.read_quiet_hours("22:00-07:00", ZoneInfo("Asia/Shanghai"))
    channel = Channel("group")
    duty = watch.duty(telling(Outlet(channel, Recipient(), hours)))
    dispute(watch.at(START + 4 * H))  # 22:00 there
    duty.run()
    duty.run()
    assert channel.got == []
    [waiting] = watch.raised.values()
    assert (waiting.attempts, waiting.next_at) == (0, START + 13 * H)

    watch.at(START + 13 * H - S)
    duty.run()
    assert channel.got == []
    watch.at(START + 13 * H)
    duty.run()
    duty.run()

    assert len(channel.got) == 1
    assert [line["level"] for line in said()] == ["info"]


def test_what_is_too_late_in_the_morning_does_not_ask_for_the_hour(watch: Watch) -> None:
    hours = notice_settings.read_quiet_hours("18:00-07:00", ZoneInfo("Asia/Shanghai"))
    channel = Channel("group")
    duty = watch.duty(telling(Outlet(channel, Recipient(), hours)))
    watch.log().at(START + 52 * MIN)

    duty.run()

    assert len(channel.got) == 1


def test_a_channel_without_quiet_hours_is_told_at_once_and_the_other_not_later(
    watch: Watch,
) -> None:
    hours = notice_settings.read_quiet_hours("22:00-07:00", ZoneInfo("Asia/Shanghai"))
    asleep, awake = Channel("mail"), Channel("group")
    outlets = (Outlet(asleep, Recipient(), hours), Outlet(awake, Recipient()))
    duty = watch.duty(telling(*outlets))
    dispute(watch.at(START + 4 * H))

    duty.run()
    watch.at(START + 13 * H)
    duty.run()

    assert (len(asleep.got), len(awake.got)) == (0, 1)


# Settings.


@pytest.mark.parametrize("text", ['[report]\nwithin = "soon"\n', '[alarms]\nchannels = ["mail"]\n'])
def test_settings_that_are_wrong_are_told_when_it_starts(
    watch: Watch, write_settings: WriteSettings, text: str
) -> None:
    write_settings(text)
    with pytest.raises(SettingError):
        Alarms(watch.app).read()
