"""The question before a violation that would close the site."""

from dataclasses import replace

import pytest

from incidents.desk import Answer, Envelope
from incidents.machine import commands as c
from tests.desk.rehearsal import Rehearsal

pytestmark = pytest.mark.both_databases(long="postgresql")

LOG = Envelope(site="a.example", command=c.Log(by="li"), unless_closing=True)


def give(day: Rehearsal, envelope: Envelope) -> Answer:
    [answer] = day.desk.submit([envelope])
    return answer


def test_a_violation_that_would_close_the_site_is_refused_until_it_is_confirmed(
    day: Rehearsal,
) -> None:
    third = replace(LOG, key="k")
    assert [give(day, LOG).refusal for _ in range(2)] == [None, None]
    day.later(hours=2)
    refused = give(day, third)
    assert refused.refusal is not None
    assert refused.refusal.name == "would_close"
    assert refused.refusal.facts == {
        "site": "a.example", "n": 3, "needed": 3, "within_s": 86_400,
    }  # fmt: skip
    # What fell due before it is done all the same, and no key keeps the refusal.
    assert [event["kind"] for event in refused.document["events"]] == [
        "clock_lapsed", "site_suspended", "clock_lapsed",
    ]  # fmt: skip
    assert day.rows("SELECT count(*) FROM incidents") == [(2,)]
    done = give(day, replace(third, unless_closing=False))
    assert (done.refusal, done.site_document["rule"]) == (None, "repeat")
    assert give(day, third).repeated


def test_of_what_closes_on_somebodys_word_it_is_asked_elsewhere(day: Rehearsal) -> None:
    stated = c.StateFalse(by="li", field="phone", evidence="a shop")
    assert give(day, replace(LOG, command=stated)).site_document["state"] == "closed"


def test_an_address_of_another_host_is_remarked(day: Rehearsal) -> None:
    urls = ("http://a.example/", "http://cdn.a.example/", "http://ba.example/", "http://[::1]/")
    answer = day.give(c.Log(by="li", urls=urls))
    assert [remark.name for remark in answer.remarks] == ["counted", "other_host"]
    assert answer.remarks[1].facts == {"hosts": ("ba.example", "::1"), "site": "a.example"}
    assert answer.document["remarks"][1]["facts"]["hosts"] == ("ba.example", "::1")
    assert day.give(c.Log(by="li", urls=urls)).remarks == ()
