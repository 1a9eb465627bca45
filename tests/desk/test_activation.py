"""Another policy: an act with a reason, on record in the desk's own stream."""

import json
from datetime import timedelta

import pytest

from incidents.errors import RefusedError
from incidents.machine import commands as c
from incidents.machine.policy import DOCUMENTED, Policy, PolicyError
from incidents.record.entry import decode
from incidents.record.own_events import PolicyActivated
from tests.desk.rehearsal import Rehearsal

FOUR = "[repeat]\ncount = 4\n"


def test_the_documented_policy_is_active_from_the_start(day: Rehearsal) -> None:
    assert day.desk.policy() == DOCUMENTED
    assert day.rows("SELECT policy, seq FROM desk") == [(DOCUMENTED.digest, 0)]


def test_a_policy_is_activated_on_record(day: Rehearsal) -> None:
    answer = day.desk.activate(FOUR, by="li", login="desk1", reason="agreed on Monday")
    four = Policy(repeat_count=4)
    assert answer["policy"] == four.digest
    assert answer["previous"] == DOCUMENTED.digest
    assert day.desk.policy() == four
    ((body,),) = day.rows("SELECT body FROM entries WHERE site_id = 0")
    header, event = decode(str(body))
    assert (header.site_id, header.site_seq, header.login) == (0, 1, "desk1")
    assert isinstance(event, PolicyActivated)
    assert (event.policy, event.previous, event.toml) == (
        four.digest, DOCUMENTED.digest, four.toml(),
    )  # fmt: skip
    assert "Monday" not in str(body)
    assert day.rows("SELECT value FROM sealed") == [("agreed on Monday",)]


def test_decisions_after_it_are_taken_under_it(day: Rehearsal) -> None:
    day.give(c.Log(by="li"))
    answer = day.desk.activate(FOUR, by="li", login=None, reason="try")
    day.give(c.Log(by="li"))
    third = day.give(c.Log(by="li"))
    assert third.site_document["state"] == "active"
    assert third.document["events"][0]["policy"] == answer["policy"]


def test_the_desks_stream_has_no_gap_and_no_step_back(day: Rehearsal) -> None:
    day.desk.activate(FOUR, by="li", login=None, reason="try")
    day.now -= timedelta(hours=1)
    day.desk.activate("", by="li", login=None, reason="back")
    day.desk.activate(FOUR, by="li", login=None, reason="and again")
    bodies = day.rows("SELECT body FROM entries WHERE site_id = 0 ORDER BY site_seq")
    entries = [json.loads(str(body)) for (body,) in bodies]
    assert [entry["site_seq"] for entry in entries] == ["1", "2", "3"]
    assert {entry["recorded_at"] for entry in entries} == {"2026-03-01T10:00:00Z"}
    assert len(day.rows("SELECT digest FROM policies")) == 2


def test_the_active_policy_is_not_activated_again(day: Rehearsal) -> None:
    with pytest.raises(RefusedError, match="already active"):
        day.desk.activate("", by="li", login=None, reason="none")


def test_a_repeated_activation_with_its_key_gets_its_first_answer(day: Rehearsal) -> None:
    first = day.desk.activate(FOUR, by="li", login=None, reason="try", key="k")
    assert day.desk.activate(FOUR, by="li", login=None, reason="try", key="k") == first
    with pytest.raises(RefusedError, match="the key 'k' was used for another act"):
        day.desk.activate("", by="li", login=None, reason="try", key="k")
    day.give(c.Log(by="li"), key="log")
    with pytest.raises(RefusedError, match="the key 'log'"):
        day.desk.activate("", by="li", login=None, reason="try", key="log")


def test_what_is_no_policy_changes_nothing(day: Rehearsal) -> None:
    with pytest.raises(PolicyError, match=r"repeat\.count"):
        day.desk.activate("[repeat]\ncount = 0\n", by="li", login=None, reason="try")
    assert day.desk.policy() == DOCUMENTED
