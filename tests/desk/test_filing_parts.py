"""The parts of a server or a document: who changes one leaves the others as they are."""

import json

from incidents import views
from incidents.desk import Envelope
from incidents.machine import commands as c
from incidents.store.database.engine import reading
from tests.desk.rehearsal import Rehearsal

SITE = "a.example"


def parts(key: str, **given: str) -> c.ChangeFiling:
    return c.ChangeFiling(by="li", parts=tuple((key, name, text) for name, text in given.items()))


def plain(day: Rehearsal) -> dict[str, dict[str, str]]:
    with reading(day.engine) as connection:
        found = views.filing_details(connection, SITE)
    assert day.findings() == []
    return {key: json.loads(text) for key, text in found.items()}


def test_two_who_change_parts_of_one_server_in_one_batch_lose_nothing_of_each_other(
    day: Rehearsal,
) -> None:
    day.give(parts("server.main", ip="192.0.2.7", place="the third room"))
    commands = [parts("server.main", city="深圳"), parts("server.main", count="2", ip="192.0.2.8")]
    answers = day.desk.submit([Envelope(site=SITE, command=each) for each in commands])
    assert [answer.refusal for answer in answers] == [None, None]
    assert plain(day)["server.main"] == {
        "ip": "192.0.2.8", "city": "深圳", "count": "2", "place": "the third room",
    }  # fmt: skip


def test_a_server_without_any_part_is_gone_and_the_same_part_again_is_no_change(
    day: Rehearsal,
) -> None:
    assert day.give(parts("server.main", ip="192.0.2.7")).events
    assert day.give(parts("server.main", ip=" 192.0.2.7 ")).events == ()
    assert day.give(parts("server.main", ip="")).events
    assert plain(day) == {}
    assert day.give(parts("server.main", ip="")).events == ()


def test_parts_of_what_has_none_and_parts_that_are_none_are_refused(day: Rehearsal) -> None:
    for key in ("level", "server.", "rack.main", "server.UPPER"):
        assert day.refused(parts(key, ip="192.0.2.7")) == "unknown_detail"
    for part in ({"digest": "a" * 63}, {"size": "big"}, {"kind": "letter"}, {"note": "x"},
                 {"expires_on": "soon"}):  # fmt: skip
        assert day.refused(parts("document.contract", **part)) == "bad_item"
    assert plain(day) == {}


def test_the_same_part_under_the_same_key_is_answered_again_whatever_has_changed_since(
    day: Rehearsal,
) -> None:
    envelope = Envelope(site=SITE, command=parts("server.main", count="2"), key="li:k")
    [first] = day.desk.submit([envelope])
    day.give(parts("server.main", ip="192.0.2.7"))
    [again] = day.desk.submit([envelope])
    assert (again.repeated, again.refusal) == (True, None)
    assert again.document == first.document
