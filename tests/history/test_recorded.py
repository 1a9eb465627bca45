"""The recorded history: a trial of the record gives what is on record."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from incidents.history import recorded
from incidents.history.comparison import Comparison, of, prepare
from incidents.history.reports import Draw, History
from incidents.machine import commands as c
from incidents.machine.policy import Policy
from tests.views.day import Day, utc
from tests.views.day import day as beginning


@pytest.fixture
def day(db_url: str) -> Iterator[Day]:
    with beginning(db_url) as begun:
        yield begun


def read(day: Day, days: int = 30, most: int = 1_000) -> tuple[History, bool]:
    with day.reading() as connection:
        return recorded.read(connection, day.now - timedelta(days=days), most)


def tried(day: Day, *policies: Policy) -> Comparison:
    named = [(str(n), policy) for n, policy in enumerate(policies)]
    taken = prepare(read(day)[0], Draw(reach=0), None)
    return of(taken, taken.run_under(named))


def test_it_comes_to_the_suspensions_and_closures_that_there_were(day: Day) -> None:
    day.add().add("b.example").add("c.example").miss().after("13h").elapse()
    day.log("b.example").log("b.example").log("b.example")
    day.log("c.example").after("5m").contact_of("c.example", 1).after("2h").elapse()
    [outcome] = tried(day, Policy()).outcomes
    assert outcome.suspensions == 1
    assert outcome.closed["repeat"] == 1
    assert outcome.sites == 3


def test_what_another_policy_would_have_done_is_told(day: Day) -> None:
    day.add().log().after("40m").contact(1).after("1h").elapse()
    found = tried(day, Policy(), Policy(unreachable_within=timedelta(minutes=30)))
    assert [difference.site for difference in found.differences] == ["shop.example"]


def test_a_violation_that_was_backdated_counts_from_when_it_was_recorded(day: Day) -> None:
    day.add().at("03-01 15:00").log(at=utc("11:00")).after("20m").contact(1)
    [report] = read(day)[0].reports
    assert report.occurred_at == utc("15:00")
    assert tried(day, Policy()).outcomes[0].suspensions == 0


def test_what_was_voided_is_left_out(day: Day) -> None:
    day.add().log().log().do(c.VoidIncident(by="li", incident=1, reason="slip"))
    assert len(read(day)[0].reports) == 1


def test_a_voided_contact_reached_nobody(day: Day) -> None:
    day.add().log().contact(1).do(c.VoidContact(by="li", incident=1, contact=1, reason="slip"))
    assert [report.contact for report in read(day)[0].reports] == [None]


def test_when_the_content_was_gone_is_told(day: Day) -> None:
    day.add().log().contact(1).after("3h").do(c.StateRemoved(by="li", incident=1))
    found = tried(day, *(Policy(removal_within=timedelta(hours=h)) for h in (2, 4)))
    assert [outcome.closed["refusal"] for outcome in found.outcomes] == [1, 0]


def test_the_latest_are_taken_and_that_there_are_more_is_said(day: Day) -> None:
    day.add()
    for _ in range(4):
        day.after("1m").log()
    history, capped = read(day, most=2)
    assert capped
    assert [report.occurred_at for report in history.reports] == [utc("10:03"), utc("10:04")]


def test_what_is_older_is_left_out(day: Day) -> None:
    day.add().log().at("04-20 10:00")
    assert read(day)[0].reports == []


def test_a_contact_from_before_the_record_is_one_of_the_moment_of_the_record(day: Day) -> None:
    day.add().at("03-01 15:00").log(at=utc("11:00")).contact(1, at="14:00")
    [report] = read(day)[0].reports
    assert report.contact_at == utc("15:00")
