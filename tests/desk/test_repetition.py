"""A command that is repeated with its key is the same command."""

from datetime import timedelta

from incidents.desk import Envelope
from incidents.locale import refusals
from incidents.machine import commands as c
from incidents.record import sealing
from tests.desk.rehearsal import Rehearsal


def test_a_repeated_command_gets_its_first_answer_and_does_nothing(day: Rehearsal) -> None:
    first = day.give(c.Log(by="li", note="seen"), key="k")
    day.later(minutes=5)
    again = day.give(c.Log(by="li", note="seen"), key="k")
    assert (first.repeated, again.repeated) == (False, True)
    assert again.document == first.document
    assert day.rows("SELECT count(*) FROM incidents") == [(1,)]


def test_another_command_with_the_same_key_is_refused(day: Rehearsal) -> None:
    day.give(c.Log(by="li", note="seen"), key="k")
    for command, site in (
        (c.Log(by="li", note="not seen"), "a.example"),
        (c.Log(by="wang", note="seen"), "a.example"),
        (c.Log(by="li", note="seen"), "b.example"),
        (c.Recur(by="li", incident=1), "a.example"),
    ):
        assert day.refused(command, site, key="k") == "key_reused"
    assert day.rows("SELECT count(*) FROM incidents") == [(1,)]


def test_the_refusal_of_a_key_says_whose_command_it_is_if_it_is_the_same(day: Rehearsal) -> None:
    day.give(c.Log(by="li", note="seen"), key="k")
    same = day.give(c.Log(by="wang", note="seen"), key="k").refusal
    other = day.give(c.Log(by="wang", note="not seen"), key="k").refusal
    assert same is not None
    assert other is not None
    assert (same.name, same.facts["by"]) == ("key_reused", "li")
    assert "by" not in other.facts
    assert "take another key" not in refusals.sentence(same)


def test_a_refusal_is_an_answer_too_and_keeps_its_facts(day: Rehearsal) -> None:
    future = c.Log(by="li", at=day.now + timedelta(hours=1))
    first = day.give(future, key="k")
    day.later(hours=2)
    again = day.give(future, key="k")
    assert again.repeated
    assert first.refusal is not None
    assert again.refusal == first.refusal
    assert again.refusal.facts["at"] == future.at


def test_a_remark_is_repeated_with_its_answer(day: Rehearsal) -> None:
    day.give(c.Log(by="li"))
    day.later(hours=2)
    late = c.RecordContact(by="li", incident=1, outcome="reached")
    first = day.give(late, key="k")
    assert [remark.name for remark in first.remarks] == ["too_late"]
    assert day.give(late, key="k").remarks == first.remarks


def test_one_key_twice_in_a_batch_is_done_once(day: Rehearsal) -> None:
    envelope = Envelope(site="a.example", command=c.Log(by="li"), key="k")
    first, second = day.desk.submit([envelope, envelope])
    assert (first.repeated, second.repeated) == (False, True)
    assert day.rows("SELECT count(*) FROM incidents") == [(1,)]


def test_a_key_for_a_while_is_free_again_after_it(day: Rehearsal) -> None:
    """Enter pressed twice is one act; the same act half a minute later is another one."""
    enter = c.Log(by="li", again=True)
    while_ = timedelta(seconds=10)
    day.give(enter, key="k", key_for=while_)
    day.later(seconds=9)
    assert day.give(enter, key="k", key_for=while_).repeated
    day.later(seconds=1)
    assert not day.give(enter, key="k", key_for=while_).repeated
    assert day.give(enter, key="k", key_for=while_).repeated
    assert day.rows("SELECT count(*) FROM incidents") == [(2,)]


def test_a_site_may_be_named_by_name_and_by_id_for_one_key(day: Rehearsal) -> None:
    first = day.give(c.Log(by="li"), key="k")
    assert first.site_id is not None
    assert day.give(c.Log(by="li"), first.site_id, key="k").repeated


def test_a_key_is_not_spent_on_what_never_came_to_a_site(day: Rehearsal) -> None:
    """A safe retry must not become a never."""
    day.give(c.Log(by="li"), "new.example", key="k")
    day.add("new.example")
    again = day.give(c.Log(by="li"), "new.example", key="k")
    assert not again.repeated
    assert again.refusal is None


def test_a_hold_that_was_asked_for_by_an_older_version_is_the_same_one() -> None:
    """What a replay says of it is no part of what is asked."""
    kept = sealing.digest_of('["a.example", "SetHold", {"by": "li", "reason": "letter 17"}]')

    assert sealing.is_fingerprint_of(kept, "a.example", c.SetHold(by="li", reason="letter 17"))
