"""The round: at least once, in order, with its outcome on record; and a failure is seen."""

import json
from dataclasses import replace
from datetime import timedelta
from threading import Event, Thread

import pytest

from incidents.enforcement import round as rounds
from incidents.enforcement.port import Delivered, Failed, Order, Outcome, Retry, Skipped
from incidents.enforcement.round import Round
from incidents.errors import DatabaseError
from incidents.machine import commands as c
from tests.desk.rehearsal import Rehearsal
from tests.enforcement.dispatcher_rig import StubAdapter, carry_out, dispatcher, kinds, to_its_end
from tests.patience import PATIENCE_S
from tests.store.order_rows import any_due

DOWN = Retry(problem="http_503")


def _suspend(day: Rehearsal, site: str = "a.example") -> None:
    assert day.give(c.Log(by="li"), site).refusal is None
    day.later(hours=1, seconds=1)
    day.elapse()


def _lift(day: Rehearsal) -> None:
    """The only incident was none: its suspension is struck, and the site opened."""
    assert day.give(c.VoidIncident(by="li", incident=1, reason="slip")).refusal is None


def _site(day: Rehearsal, name: str = "a.example") -> tuple[object, ...]:
    [row] = day.rows(f"SELECT state, in_force, last_act FROM sites WHERE name = '{name}'")
    return row


def _waiting(day: Rehearsal) -> list[tuple[object, ...]]:
    return day.rows("SELECT lane, kind, dead, attempts FROM deliveries ORDER BY lane, site_seq")


def test_a_suspension_is_carried_out_and_is_then_in_force(day: Rehearsal) -> None:
    _suspend(day)
    assert _site(day)[:2] == ("suspended", "active")
    act = StubAdapter()
    carry_out(day, act)
    [order] = act.got
    assert (order.kind, order.site, order.lane, order.attempt) == ("suspend", "a.example", "act", 1)
    assert order.id == f"1-o{order.seq}"
    assert order.until == day.now + timedelta(hours=12)
    assert _site(day) == ("suspended", "suspended", order.seq)
    assert _waiting(day) == []
    assert kinds(day).count("order_delivered") == 3  # and two notices to the customer


def test_what_only_logs_orders_leaves_nothing_in_force(day: Rehearsal) -> None:
    _suspend(day)
    carry_out(day, StubAdapter(outcome=Delivered(enforced=False)))
    assert _site(day)[:2] == ("suspended", "active")
    assert _waiting(day) == []


def test_what_has_failed_is_tried_again_later_and_later_under_the_same_id(day: Rehearsal) -> None:
    _suspend(day)
    act = StubAdapter(outcome=DOWN)
    for wait_s in (2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 7200):
        carry_out(day, act)
        day.later(seconds=wait_s - 1)
        assert not any_due(day)
        day.later(seconds=1)
        assert any_due(day)
    assert len({order.id for order in act.got}) == 1
    assert [order.attempt for order in act.got] == list(range(1, 14))
    assert _site(day)[:2] == ("suspended", "active")


def test_what_the_other_side_asks_for_is_waited_for(day: Rehearsal) -> None:
    _suspend(day)
    act = StubAdapter(outcome=Retry(problem="http_429", after=timedelta(hours=3)))
    carry_out(day, act)
    day.later(hours=2, minutes=59)
    carry_out(day, act)
    assert len(act.got) == 1
    day.later(minutes=1)
    carry_out(day, act)
    assert len(act.got) == 2


def test_after_three_days_it_is_a_dead_letter_and_the_opening_is_not_held_up(
    day: Rehearsal,
) -> None:
    day.give(c.SetHold(by="li", reason="ordered"))
    act = StubAdapter(outcomes={"suspend": DOWN})
    carry_out(day, act)
    day.later(days=3)
    carry_out(day, act)
    [(lane, kind, dead, attempts)] = _waiting(day)
    assert (lane, kind, bool(dead), attempts) == ("act", "suspend", True, 2)
    assert _site(day)[:2] == ("suspended", "unknown")
    assert "order_failed" in kinds(day)
    day.give(c.LiftHold(by="li", reason="over"))
    carry_out(day, act)
    assert act.kinds == ["suspend", "suspend", "reopen"]
    assert _site(day)[:2] == ("active", "active")


def test_410_and_its_like_are_dead_at_once(day: Rehearsal) -> None:
    _suspend(day)
    carry_out(day, StubAdapter(outcome=Failed(problem="gone", detail="410 Gone")))
    assert _site(day)[:2] == ("suspended", "unknown")
    [(dead,)] = day.rows("SELECT dead FROM deliveries WHERE lane = 'act'")
    assert dead


def test_a_suspension_that_was_never_tried_is_cancelled_with_its_lifting(day: Rehearsal) -> None:
    _suspend(day)
    _lift(day)
    act = StubAdapter()
    carry_out(day, act)
    assert act.got == []
    assert _site(day)[:2] == ("active", "active")
    assert kinds(day).count("order_cancelled") == 2
    assert [row for row in _waiting(day) if row[0] == "act"] == []


def test_one_that_was_tried_is_followed_by_the_reopening_and_not_tried_again(
    day: Rehearsal,
) -> None:
    _suspend(day)
    act = StubAdapter(outcome=DOWN)
    carry_out(day, act)
    _lift(day)
    day.later(seconds=3)
    act.outcome = Delivered()
    carry_out(day, act)
    assert act.kinds == ["suspend", "reopen"]
    assert _site(day)[:2] == ("active", "active")


def test_a_reopening_never_overtakes_its_suspension(day: Rehearsal) -> None:
    _suspend(day)
    day.later(hours=12, seconds=1)
    day.elapse()
    act = StubAdapter()
    carry_out(day, act)
    assert act.kinds == []  # nothing was tried, and it is open again
    _suspend(day)
    carry_out(day, act)
    day.later(hours=12, seconds=1)
    day.elapse()
    carry_out(day, act)
    assert act.kinds == ["suspend", "reopen"]


def test_while_one_has_an_order_in_hand_another_has_neither_it_nor_the_next(
    day: Rehearsal,
) -> None:
    _suspend(day)
    begun, go_on = Event(), Event()

    def hanging(_order: Order) -> Outcome:
        begun.set()
        assert go_on.wait(PATIENCE_S)
        return Delivered()

    first, second = StubAdapter(outcome=hanging), StubAdapter()
    thread = Thread(target=carry_out, args=(day, first))
    thread.start()
    assert begun.wait(PATIENCE_S)
    try:
        _lift(day)
        carry_out(day, second, name="two")
        assert [order for order in second.got if order.lane == "act"] == []
    finally:
        go_on.set()
        thread.join(PATIENCE_S)
    assert not thread.is_alive()
    assert (first.kinds, second.kinds) == (["suspend", "reopen"], [])


def test_what_a_dead_courier_had_in_hand_comes_back_within_30_seconds(day: Rehearsal) -> None:
    _suspend(day)

    class KilledError(BaseException):
        pass

    dying = Round(dispatcher(day, StubAdapter()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dying, "_start_attempt", lambda *_: (_ for _ in ()).throw(KilledError))
        with pytest.raises(KilledError):
            dying.run()
    heir = StubAdapter()
    carry_out(day, heir, name="two")
    assert heir.got == []
    day.later(seconds=rounds.LEASE.total_seconds())
    assert rounds.LEASE.total_seconds() < 30
    carry_out(day, heir, name="two")
    assert [(order.kind, order.attempt) for order in heir.got] == [("suspend", 2)]


def test_nobody_to_tell_is_on_record_and_no_dead_letter(day: Rehearsal) -> None:
    day.give(c.Log(by="li"))
    carry_out(day, StubAdapter(), lanes=StubAdapter("mail", outcome=Skipped(why="no_address")))
    assert _waiting(day) == []
    assert kinds(day)[-1] == "order_cancelled"


def test_news_that_is_three_days_old_is_not_told(day: Rehearsal) -> None:
    day.give(c.Log(by="li"))
    day.later(days=3)
    mail = StubAdapter("mail")
    carry_out(day, StubAdapter(), lanes=mail)
    assert [order for order in mail.got if order.kind == "notify"] == []


def test_news_that_somebody_has_told_again_is_told_however_old_it_is(day: Rehearsal) -> None:
    day.give(c.Log(by="li"))
    carry_out(day, StubAdapter(), lanes=StubAdapter("mail", outcome=Failed(problem="gone")))
    day.later(days=3)
    day.give(c.RetryOrder(by="wang", order=2, lane="notice"))
    mail = StubAdapter("mail")
    carry_out(day, StubAdapter(), lanes=mail)
    assert "notify" in mail.kinds


def test_a_mail_server_that_is_down_keeps_no_site_up(day: Rehearsal) -> None:
    _suspend(day)
    act = StubAdapter()
    carry_out(day, act, lanes=StubAdapter("mail", outcome=DOWN))
    assert act.kinds == ["suspend"]


def test_an_adapter_that_raises_is_an_attempt_that_failed(day: Rehearsal) -> None:
    _suspend(day)

    def broken(_order: Order) -> Outcome:
        raise ZeroDivisionError

    carry_out(day, StubAdapter(outcome=broken))
    assert day.rows("SELECT problem FROM deliveries WHERE lane = 'act'") == [("fault",)]


def test_a_problem_of_an_adapter_s_own_words_is_made_a_code(day: Rehearsal) -> None:
    _suspend(day)
    carry_out(day, StubAdapter(outcome=Failed(problem="Call +86 10 5555 0100!" * 9)))
    [(problem,)] = day.rows("SELECT problem FROM deliveries WHERE lane = 'act'")
    assert len(str(problem)) <= 40
    assert "order_failed" in kinds(day)


def test_what_the_database_would_not_take_is_recorded_the_next_time(
    day: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    _suspend(day)
    act = StubAdapter()
    found = Round(dispatcher(day, act))
    submit = day.desk.submit

    def lost(*_: object, **__: object) -> list[object]:
        raise DatabaseError(detail="it is away")

    monkeypatch.setattr(day.desk, "submit", lost)
    with pytest.raises(DatabaseError):
        found.run()
    monkeypatch.setattr(day.desk, "submit", submit)
    found.run()
    found.close()
    assert act.kinds == ["suspend"]
    assert _site(day)[:2] == ("suspended", "suspended")


def _without_mail(day: Rehearsal) -> Round:
    """A courier whose settings have been read, and name no mail."""
    only_acts = {"act": lambda _: StubAdapter()}
    return Round(
        replace(dispatcher(day, StubAdapter()), lanes=only_acts, without_channel={"notice"})
    )


def test_a_lane_without_anybody_is_left_to_whoever_has_somebody(day: Rehearsal) -> None:
    day.give(c.Log(by="li"))
    to_its_end(_without_mail(day))
    assert [row[:2] for row in _waiting(day)] == [("notice", "notify")]
    mail = StubAdapter("mail")
    carry_out(day, StubAdapter(), lanes=mail)
    assert mail.kinds == ["notify"]


def test_news_that_nobody_has_a_channel_for_is_put_on_record_as_untold_after_three_days(
    day: Rehearsal,
) -> None:
    day.give(c.Log(by="li"))
    alone = _without_mail(day)
    day.later(days=3, seconds=-1)
    alone.run()
    assert [row[:2] for row in _waiting(day)] == [("notice", "notify")]
    day.later(seconds=1)
    alone.run()
    alone.close()
    assert ("notice", "notify") not in [row[:2] for row in _waiting(day)]
    [entry] = [
        json.loads(str(body))
        for (body,) in day.rows("SELECT body FROM entries WHERE site_id > 0 ORDER BY id")
        if "order_cancelled" in str(body)
    ]
    assert entry["data"]["why"] == "no_channel"


def test_news_that_somebody_has_tried_and_nobody_has_a_channel_for_any_more_is_a_dead_letter(
    day: Rehearsal,
) -> None:
    day.give(c.Log(by="li"))
    carry_out(day, StubAdapter(), lanes=StubAdapter("mail", outcome=DOWN))
    day.later(days=4)
    to_its_end(_without_mail(day))
    dead = "SELECT lane, kind, problem FROM deliveries WHERE dead"
    assert day.rows(dead) == [("notice", "notify", "no_channel")]


@pytest.mark.parametrize("lane", ["act", "notice", "desk"])
def test_what_is_in_a_lane_whose_settings_cannot_be_read_waits_for_as_long_as_that_lasts(
    day: Rehearsal, lane: str
) -> None:
    for _ in range(3):
        day.give(c.Log(by="li"))
    waiting = [row for row in _waiting(day) if row[0] == lane]
    lanes = {each: lambda _: StubAdapter() for each in ("act", "notice", "desk") if each != lane}
    day.later(days=30)
    to_its_end(Round(replace(dispatcher(day, StubAdapter()), lanes=lanes)))
    assert waiting
    assert _waiting(day) == waiting
