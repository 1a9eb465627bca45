"""The desk's lane: which group and mailbox is told of what, and when it is left in peace."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from incidents.enforcement.port import Delivered, Failed, Order, Retry, Skipped
from incidents.notices import notice_settings, samples
from incidents.notices.facts import AlarmFacts, Facts
from incidents.notices.lanes import DeskLane
from incidents.notices.letter import Recipient
from incidents.notices.notice_settings import Outlet
from incidents.views.queue.alarm import KINDS
from tests.notices.lane import NOON, SHANGHAI, WORDING, StubChannel, order

NIGHT = datetime(2026, 3, 2, 2, 0, tzinfo=SHANGHAI)
QUIET = notice_settings.read_quiet_hours("23:00-07:00", SHANGHAI)
TO_DESK = Recipient(mail=("desk@host.example",))


def _desk(*outlets: Outlet, now: datetime = NOON, **facts: Any) -> DeskLane:
    def known(order: Order) -> Facts:
        found = samples.of("call_task" if order.kind == "call" else "alarm")
        assert isinstance(found, Facts)
        return replace(found, **facts)

    return DeskLane(facts=known, wording=WORDING, outlets=outlets, now=lambda: now)


def _call() -> Order:
    return order("call", "desk", task="12-t2")


def _alarm() -> Order:
    return order("alarm", "desk", incident="12-3")


# ── what is told ─────────────────────────────────────────────────────────────────────────────────


def test_every_channel_is_told() -> None:
    chat, mail = StubChannel("wecom"), StubChannel("mail")
    desk = _desk(Outlet(chat, Recipient()), Outlet(mail, TO_DESK))
    assert desk.deliver(_call()) == Delivered()
    assert chat.letters == mail.letters
    assert (chat.to, mail.to) == ([Recipient()], [TO_DESK])
    [letter] = mail.letters
    assert letter.id == "12-o45.desk"
    assert letter.subject.startswith("请致电告知网站已关闭：shop.example（12-t2）")
    assert desk.deliver(_alarm()) == Delivered()
    assert mail.letters[1].subject.startswith("【告警】联系次数不足")


def test_one_channel_that_takes_it_is_enough_and_the_others_are_told_of_in_the_log(
    capsys: pytest.CaptureFixture[str],
) -> None:
    broken = StubChannel("wecom", Retry(problem="chat_failed"))
    assert _desk(Outlet(broken, Recipient()), Outlet(StubChannel(), TO_DESK)).deliver(_call()) == (
        Delivered()
    )
    said = capsys.readouterr().err
    assert '"item": "wecom", "reason": "chat_failed"' in said
    assert '"order": "12-o45.desk"' in said


def test_where_none_takes_it_it_is_tried_again_while_one_may() -> None:
    broken, refused = StubChannel("a", Retry(problem="r")), StubChannel("b", Failed(problem="f"))
    both = _desk(Outlet(refused, TO_DESK), Outlet(broken, TO_DESK))
    assert both.deliver(_call()) == Retry(problem="r")
    assert _desk(Outlet(refused, TO_DESK)).deliver(_call()) == Failed(problem="f")


def test_what_is_done_or_not_on_record_by_then_is_not_told() -> None:
    told = StubChannel()
    outlet = Outlet(told, TO_DESK)
    assert _desk(outlet, settled=True).deliver(_call()) == Skipped(why="settled")
    nothing = DeskLane(facts=lambda order: None, wording=WORDING, outlets=[outlet])
    assert nothing.deliver(_call()) == Skipped(why="not_on_record")
    assert _desk(outlet).deliver(order("notify", "desk")) == Skipped(why="no_notice")
    assert told.letters == []


def test_without_a_channel_nobody_is_told() -> None:
    assert not _desk().is_set_up
    assert _desk(Outlet(StubChannel(), TO_DESK)).is_set_up
    assert _desk().deliver(_call()) == Skipped(why="no_channel")
    facts = samples.of("alarm_daemon_silent")
    assert isinstance(facts, AlarmFacts)
    told = _desk().alarm("daemon_silent", facts, subject_key="daemon")
    assert told == Skipped(why="no_channel")


# ── quiet hours ──────────────────────────────────────────────────────────────────────────────────


def test_a_channel_in_its_quiet_hours_is_left_out() -> None:
    chat, mail = StubChannel("wecom"), StubChannel("mail")
    desk = _desk(Outlet(chat, Recipient(), QUIET), Outlet(mail, TO_DESK), now=NIGHT)
    assert desk.deliver(_call()) == Delivered()
    assert (len(chat.letters), len(mail.letters)) == (0, 1)


def test_what_is_loud_is_told_at_any_hour() -> None:
    chat = StubChannel("wecom")
    desk = _desk(Outlet(chat, Recipient(), QUIET), now=NIGHT)
    assert desk.deliver(_alarm()) == Delivered()
    facts = samples.of("alarm_order_dead")
    assert isinstance(facts, AlarmFacts)
    assert desk.alarm("order_dead", facts, subject_key="12-o45", urgent=True) == Delivered()
    assert len(chat.letters) == 2


@pytest.mark.parametrize("kind", KINDS)
def test_an_alarm_that_is_worse_or_too_late_in_the_morning_is_loud_by_itself(kind: str) -> None:
    facts = samples.of(f"alarm_{kind}")
    assert isinstance(facts, AlarmFacts)
    desk = _desk(Outlet(StubChannel("wecom"), Recipient(), QUIET), now=NIGHT)
    urgent = kind in {
        "daemon_silent", "halted", "mark_unread", "clock_about_to_lapse", "closure_waits",
    }  # fmt: skip
    found = desk.alarm(kind, facts, subject_key="12-3")
    assert isinstance(found, Delivered if urgent else Retry)
    assert isinstance(desk.alarm(kind, facts, subject_key="12-3", urgent=False), Retry)


def test_where_all_are_quiet_it_waits_until_the_first_one_is_not() -> None:
    early = notice_settings.read_quiet_hours("23:00-06:30", SHANGHAI)
    chat, mail = StubChannel("wecom"), StubChannel("mail")
    outlets = (Outlet(chat, Recipient(), QUIET), Outlet(mail, TO_DESK, early))
    found = _desk(*outlets, now=NIGHT).deliver(_call())
    assert isinstance(found, Retry)
    assert (found.problem, found.after) == ("quiet", timedelta(hours=4, minutes=30))
    assert found.after is not None
    later = NIGHT + found.after
    assert _desk(*outlets, now=later).deliver(_call()) == Delivered()
    assert (len(chat.letters), len(mail.letters)) == (0, 1)


# ── alarms that are no orders ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", KINDS)
def test_each_alarm_is_told_and_bears_one_name_for_one_thing(kind: str) -> None:
    mail = StubChannel()
    facts = samples.of(f"alarm_{kind}")
    assert isinstance(facts, AlarmFacts)
    desk = _desk(Outlet(mail, TO_DESK))
    for _ in range(2):
        assert desk.alarm(kind, facts, subject_key="12-3") == Delivered()
    assert [letter.id for letter in mail.letters] == [f"alarm.{kind}.12-3"] * 2
    assert mail.letters[0].subject.startswith("【告警】")
    assert " / ALARM: " in mail.letters[0].subject


def test_an_alarm_that_nobody_knows_is_a_fault() -> None:
    facts = AlarmFacts(at=NOON, host="desk-1", database="desk.db")
    with pytest.raises(ValueError, match="no alarm is called 'alarm'"):
        _desk().alarm("alarm", facts, subject_key="x")
