"""The customer's lane: which notice is written, to whom, and what comes of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from incidents.enforcement.port import Delivered, Failed, Order, Outcome, Retry, Skipped
from incidents.notices import samples
from incidents.notices.facts import Facts
from incidents.notices.lanes import CustomerLane
from incidents.notices.letter import ATTEMPT_S, Channel, TimeBudget
from incidents.notices.wording import Wording
from tests.enforcement.orders import detail, problem
from tests.notices.lane import NOON, SHANGHAI, WORDING, StubChannel, order

UNTIL = NOON + timedelta(hours=12)
MAIL = "zhang@shop.example"


def _customer(*channels: Channel, notice: str = "violation_found", **facts: Any) -> CustomerLane:
    sample = samples.of(notice)
    assert isinstance(sample, Facts)
    known = replace(sample, **({"email": MAIL} | facts))
    return CustomerLane(facts=lambda order: known, wording=WORDING, channels=channels)


@pytest.mark.parametrize(
    ("given", "notice", "subject"),
    [
        (order("notify", incident="12-3"), "violation_found", "违规信息通知"),
        (order("suspend", until=UNTIL), "suspended", "网站暂停访问通知"),
        (order("suspend"), "suspended_held", "网站暂停访问通知"),
        (order("reopen"), "reopened", "网站恢复访问通知"),
        (order("close", rule="repeat"), "closed", "网站关闭通知"),
    ],
)
def test_each_order_has_its_notice(given: Order, notice: str, subject: str) -> None:
    channel = StubChannel()
    assert _customer(channel, notice=notice).deliver(given) == Delivered()
    [letter] = channel.letters
    assert letter.subject.startswith(subject)
    assert letter.id == given.id
    assert letter == WORDING.letter(notice, samples.of(notice), given.id)


def test_it_goes_to_the_responsible_person() -> None:
    channel = StubChannel()
    _customer(channel, phone="+86 10 5555 0101").deliver(order("notify"))
    [to] = channel.to
    assert (to.mail, to.name, to.phone) == ((MAIL,), "张三", "+86 10 5555 0101")


@pytest.mark.parametrize(
    ("changed", "why"),
    [({"settled": True}, "settled"), ({"email": None}, "no_address")],
)
def test_nobody_is_written_to_who_need_not_or_cannot_be(changed: dict[str, Any], why: str) -> None:
    channel = StubChannel()
    assert _customer(channel, **changed).deliver(order("notify")) == Skipped(why=why)
    assert channel.letters == []


def test_without_a_channel_nothing_is_even_looked_up() -> None:
    def look(order: Order) -> Facts | None:
        raise AssertionError(order)

    lane = CustomerLane(facts=look, wording=WORDING, channels=())
    assert lane.deliver(order("notify")) == Skipped(why="no_channel")
    assert not lane.is_set_up
    assert _customer(StubChannel()).is_set_up


def test_what_is_not_on_record_is_told_to_nobody() -> None:
    lane = CustomerLane(facts=lambda order: None, wording=WORDING, channels=[StubChannel()])
    assert lane.deliver(order("notify")) == Skipped(why="not_on_record")


@pytest.mark.parametrize("kind", ["call", "alarm", "anything"])
def test_what_is_nothing_to_the_customer_is_not_told(kind: str) -> None:
    assert _customer(StubChannel()).deliver(order(kind)) == Skipped(why="no_notice")


def test_the_first_channel_that_takes_it_is_the_last_one_that_is_tried() -> None:
    first, second, third = (
        StubChannel("a", Retry(problem="mail_unreachable")),
        StubChannel("b"),
        StubChannel("c"),
    )
    assert _customer(first, second, third).deliver(order("notify")) == Delivered()
    assert [len(channel.letters) for channel in (first, second, third)] == [1, 1, 0]


RETRY, FAILED, SKIPPED = Retry(problem="r"), Failed(problem="f"), Skipped(why="no_address")
LATER, SOON = (Retry(problem=p, after=timedelta(minutes=m)) for p, m in (("later", 9), ("soon", 1)))


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ([FAILED, RETRY], RETRY),
        ([RETRY, FAILED], RETRY),
        ([SKIPPED, RETRY], RETRY),
        ([FAILED, SKIPPED], FAILED),
        ([SKIPPED, FAILED], FAILED),
        ([SKIPPED, SKIPPED], SKIPPED),
        ([LATER, SOON], Retry(problem="later", after=timedelta(minutes=1))),
        ([LATER, RETRY], Retry(problem="later")),
    ],
)
def test_while_one_channel_may_still_take_it_it_is_tried_again(
    answers: list[Outcome], outcome: Outcome
) -> None:
    channels = [StubChannel(str(n), answer) for n, answer in enumerate(answers)]
    assert _customer(*channels).deliver(order("notify")) == outcome


def test_the_time_of_an_attempt_is_shared_among_the_channels_that_are_left() -> None:
    now = [100.0]
    time = TimeBudget(18.0, lambda: now[0])
    assert time.share(3) == 6.0
    now[0] += 6.0
    assert time.share(2) == 6.0
    now[0] += 1.0
    assert time.share(1) == 11.0
    now[0] += 60.0
    assert time.share(1) == 0.5
    channels = [StubChannel(str(n), RETRY) for n in range(3)]
    _customer(*channels).deliver(order("notify"))
    given = [channel.seconds[0] for channel in channels]
    assert given == pytest.approx([ATTEMPT_S / 3, ATTEMPT_S / 2, ATTEMPT_S], abs=0.5)


def test_a_template_that_is_wrong_is_for_a_person_to_look_at(tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en/closed.txt.jinja").write_text("s\n\n{{ nobody }}")
    channel = StubChannel()
    wording = Wording(samples.OFFICE, SHANGHAI, folder=tmp_path)
    facts = samples.of("closed")
    assert isinstance(facts, Facts)
    lane = CustomerLane(
        facts=lambda order: replace(facts, email=MAIL), wording=wording, channels=[channel]
    )
    outcome = lane.deliver(order("close"))
    assert problem(outcome) == "Failed template_wrong"
    assert "en/closed.txt.jinja is wrong in line 3: 'nobody' is undefined" in detail(outcome)
    assert channel.letters == []


def test_nobody_is_asked_how_a_site_really_stands() -> None:
    assert _customer(StubChannel()).state("shop.example") is None
    assert _customer().name == "notices"
