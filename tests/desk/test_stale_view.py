"""Decisions on a view of a site that has changed since."""

from incidents.desk import Envelope
from incidents.machine import commands as c
from tests.desk.rehearsal import Rehearsal


def test_what_fell_due_since_is_done_and_told_with_the_refusal(day: Rehearsal) -> None:
    logged = day.give(c.Log(by="li")).document["events"][-1]["seq"]
    day.later(hours=2)
    removed = c.StateRemoved(by="li", incident=1)

    [answer] = day.desk.submit([Envelope(site="a.example", command=removed, seen=logged)])

    assert answer.refusal is not None
    assert answer.refusal.name == "changed_meanwhile"
    kinds = [event["kind"] for event in answer.document["events"]]
    assert kinds[:2] == ["clock_lapsed", "site_suspended"]
    assert answer.site_document["state"] == "suspended"


def test_what_is_still_as_it_was_seen_is_decided(day: Rehearsal) -> None:
    logged = day.give(c.Log(by="li")).document["events"][-1]["seq"]
    removed = c.StateRemoved(by="li", incident=1)
    [answer] = day.desk.submit([Envelope(site="a.example", command=removed, seen=logged)])
    assert answer.refusal is None
