"""The expiry of keys: their answers are deleted, and yet nothing ever happens twice."""

from datetime import datetime, timedelta

import pytest

from incidents.desk import expired_keys
from incidents.machine import commands as c
from incidents.store import expired_keys as stored_keys
from incidents.store.database.engine import writing
from tests.desk.rehearsal import Rehearsal

KEPT = timedelta(days=30)


def expire(day: Rehearsal, before: datetime | None = None) -> int:
    return expired_keys.delete_expired(day.desk, day.engine, before or day.now - KEPT)


def keys(day: Rehearsal) -> list[str]:
    """Those that have an answer."""
    return sorted(str(key) for [key] in day.rows("SELECT key FROM keys WHERE fingerprint <> ''"))


def test_a_repeated_command_gets_its_answer_for_thirty_days_and_is_then_refused(
    day: Rehearsal,
) -> None:
    log = c.Log(by="li", again=True)
    day.give(log, key="k")
    day.later(days=30)
    assert expire(day) == 0
    assert day.give(log, key="k").repeated
    day.later(seconds=1)
    assert expire(day) == 1
    refusal = day.give(log, key="k").refusal
    assert refusal is not None
    assert (refusal.name, refusal.facts["spent"]) == ("key_reused", True)
    assert day.rows("SELECT count(*) FROM incidents") == [(1,)]


def test_a_key_that_is_free_again_after_a_while_is_deleted(day: Rehearsal) -> None:
    day.give(c.Log(by="li"), key="line:12ab", key_for=timedelta(minutes=1))
    day.later(days=31)
    assert expire(day) == 1
    assert day.rows("SELECT count(*) FROM keys") == [(0,)]


def test_only_what_is_older_is_deleted_in_however_many_batches(
    day: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expired_keys, "AT_ONCE", 2)
    monkeypatch.setattr(expired_keys, "_FOUND_AT_ONCE", 5)
    for n in range(11):
        day.give(c.Log(by="li", again=True), key=f"old-{n:02}")
    day.later(days=31)
    day.give(c.Log(by="li", again=True), key="young")
    assert expire(day) == 11
    assert keys(day) == ["young"]


def test_a_stop_ends_it_between_two_batches(
    day: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expired_keys, "AT_ONCE", 2)
    for n in range(5):
        day.give(c.Log(by="li", again=True), key=f"old-{n}")
    day.later(days=31)
    answers = iter([False, True, True])
    stopped = lambda: next(answers)  # noqa: E731
    assert expired_keys.delete_expired(day.desk, day.engine, day.now - KEPT, stopped=stopped) == 2
    assert len(keys(day)) == 3


def test_a_key_that_was_used_again_meanwhile_stays(day: Rehearsal) -> None:
    day.give(c.Log(by="li", again=True), key="k")
    before = day.now - timedelta(seconds=1)
    with writing(day.engine) as connection:
        assert stored_keys.remove(connection, ["k"], before) == 0
    assert keys(day) == ["k"]


@pytest.mark.parametrize("own", ["import:12ab", "recover:3:1:repeat", "li:console:7"])
def test_a_key_stays_for_ever_without_its_answer(day: Rehearsal, own: str) -> None:
    log = c.Log(by="li", again=True, note="from the hotline")
    day.give(log, key=own)
    day.later(days=400)
    assert expire(day) == 1
    [(answer, fingerprint)] = day.rows("SELECT answer, fingerprint FROM keys")
    assert (answer, fingerprint) == ("{}", "")
    assert day.refused(log, key=own) == "key_reused"
    assert expire(day) == 0
    assert day.rows("SELECT count(*) FROM incidents") == [(1,)]


def test_a_command_that_was_refused_is_not_carried_out_after_weeks(day: Rehearsal) -> None:
    future = c.Log(by="li", at=day.now + timedelta(hours=1))
    assert day.refused(future, key="k") == "future"
    day.later(days=31)
    expire(day)
    assert day.refused(future, key="k") == "key_reused"
    assert day.rows("SELECT count(*) FROM incidents") == [(0,)]


def test_a_refused_import_may_be_tried_again(day: Rehearsal) -> None:
    future = c.Log(by="li", at=day.now + timedelta(hours=1))
    assert day.refused(future, key="import:12ab") == "future"
    day.later(days=31)
    expire(day)
    assert keys(day) == []


def test_the_keys_of_one_site_are_found_by_its_answers(day: Rehearsal) -> None:
    for site in ("a.example", "b.example"):
        day.give(c.Log(by="li"), site, key=site)
    [(id_,)] = day.rows("SELECT id FROM sites WHERE name = 'b.example'")
    with writing(day.engine) as connection:
        assert stored_keys.of_site(connection, day.now + KEPT, int(str(id_))) == ["b.example"]
        assert stored_keys.count(connection, day.now + KEPT) == 2
