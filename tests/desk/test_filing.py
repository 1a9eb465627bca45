"""The register of filings at the desk: one write path, plain to checks, sealed on record."""

import pytest
from sqlalchemy import delete, select

from incidents import views
from incidents.desk import Envelope
from incidents.desk import text as filed_text
from incidents.machine import commands as c
from incidents.machine import events as e
from incidents.machine.filing import FIELDS, is_sealed
from incidents.store.database.engine import reading
from incidents.store.schema.desk_tables import entries, filing_details, sealed
from tests.desk.rehearsal import Rehearsal
from tests.filing.numbers import company

# What is filed is decided by the machine; that all is kept is seen in test_batch.py.
pytestmark = pytest.mark.both_databases(long="postgresql")

SITE = "a.example"
FALSE_PHONE = "000 0000 0000"


def filed(day: Rehearsal, site: str = SITE, **details: str) -> list[str]:
    """The kinds of the resulting events."""
    answer = day.give(c.ChangeFiling(by="li", details=tuple(details.items())), site)
    assert answer.refusal is None, answer.refusal
    return [event.kind for event in answer.events]


def plain(day: Rehearsal, site: str = SITE) -> dict[str, str]:
    with reading(day.engine) as connection:
        return views.filing_details(connection, site)


def bodies(day: Rehearsal) -> str:
    with reading(day.engine) as connection:
        return "\n".join(connection.scalars(select(entries.c.body)))


def test_what_is_filed_is_read_again_and_what_is_people_s_own_stands_in_no_entry(
    day: Rehearsal,
) -> None:
    details = {key: f"text of {key}" for key in FIELDS if is_sealed(key)}
    filed(day, nature="non_commercial", **details)
    assert plain(day) == {"nature": "non_commercial", **details}
    assert all(text not in bodies(day) for text in details.values())
    assert '"nature":"non_commercial"' in bodies(day)
    assert day.findings() == []


def test_the_same_again_is_no_entry_though_each_seal_has_a_salt_of_its_own(day: Rehearsal) -> None:
    filed(day, responsible_name="Li San", level="3")
    before = bodies(day)
    assert filed(day, responsible_name=" Li San ", level="3") == []
    assert bodies(day) == before
    assert filed(day, responsible_name="Li Si", level="3") == ["filing_changed"]
    assert plain(day) == {"responsible_name": "Li Si", "level": "3"}
    assert day.findings() == []


def test_two_who_change_one_filing_in_one_batch_lose_nothing_of_each_other(day: Rehearsal) -> None:
    one = c.ChangeFiling(by="li", details=(("responsible_name", "Li San"), ("level", "3")))
    two = c.ChangeFiling(
        by="wu",
        details=(
            ("responsible_name", "Li San"),
            ("registrar", "Wan"),
        ),
    )
    answers = day.desk.submit([Envelope(site=SITE, command=each) for each in (one, two)])
    changed = [
        [key for key, _ in event.details]
        for answer in answers
        for event in answer.events
        if isinstance(event, e.FilingChanged)
    ]
    assert changed == [["level", "responsible_name"], ["registrar"]]
    assert day.findings() == []


def test_what_is_taken_away_is_gone_from_the_register_and_stays_in_the_record(
    day: Rehearsal,
) -> None:
    filed(day, responsible_name="Li San", level="3")
    filed(day, responsible_name="", level="")
    assert plain(day) == {}
    with reading(day.engine) as connection:
        assert connection.scalars(select(filing_details.c.key)).all() == []
    assert bodies(day).count("filing_changed") == 2
    assert day.findings() == []


def test_a_false_detail_raises_one_suspicion_in_the_same_act_and_closes_nothing(
    day: Rehearsal,
) -> None:
    kinds = filed(day, responsible_phone=FALSE_PHONE)
    assert kinds == ["filing_changed", "suspicion_raised", "task_opened"]
    assert FALSE_PHONE not in bodies(day)
    # Another detail is changed: what was suspected already is not suspected anew.
    assert filed(day, level="3") == ["filing_changed"]
    assert day.give(c.Elapse()).site_document["state"] == "active"
    assert day.findings() == []


def test_the_answer_tells_of_the_suspicion_too(day: Rehearsal) -> None:
    details = (("responsible_phone", FALSE_PHONE),)
    document = day.give(c.ChangeFiling(by="li", details=details)).document
    assert [event["kind"] for event in document["events"]] == [
        "filing_changed", "suspicion_raised", "task_opened",
    ]  # fmt: skip
    assert document["events"][1]["by"] == "checker"
    assert [event["seq"] for event in document["events"]] == [2, 3, 4]


def test_a_right_detail_ends_the_suspicion(day: Rehearsal) -> None:
    filed(day, responsible_phone=FALSE_PHONE)
    assert filed(day, responsible_phone="")[:2] == ["filing_changed", "task_completed"]
    assert day.findings() == []


@pytest.mark.parametrize(
    ("key", "text", "refusal"),
    [
        ("server.a", "here", "bad_item"), ("server.a", "[1]", "bad_item"),
        ("server.a", '{"ip":1}', "bad_item"), ("server.a", '{"ip": "192.0.2.1"}', "bad_item"),
        ("document.a", "[" * 200, "bad_item"), ("ip", "1" * 201, "text_too_long"),
        ("document.a", '{"kind":"' + "x" * 400 + '"}', "text_too_long"),
        ("responsible_name", "x" * 4_001, "text_too_long"), ("level", "\0", "bad_text"),
        ("l" * 201, "3", "text_too_long"), ("call 13800001111", "3", "personal_code"),
    ],
)  # fmt: skip
def test_what_nobody_could_keep_or_read_again_is_refused_by_name(
    key: str, text: str, refusal: str, day: Rehearsal
) -> None:
    assert day.refused(c.ChangeFiling(by="li", details=((key, text),))) == refusal
    assert plain(day) == {}


def test_a_dry_run_leaves_no_trace(day: Rehearsal) -> None:
    command = c.ChangeFiling(by="li", details=(("responsible_phone", FALSE_PHONE),))
    before = bodies(day)
    [answer] = day.desk.submit([Envelope(site=SITE, command=command)], dry_run=True)
    assert len(answer.events) == 3
    assert (bodies(day), plain(day)) == (before, {})


def test_what_is_logged_reads_nothing_of_a_filing_and_changes_nothing_of_it(day: Rehearsal) -> None:
    filed(day, responsible_name="Li San", opened_on="2026-02-01")
    day.give(c.Log(by="li"))
    assert plain(day) == {"opened_on": "2026-02-01", "responsible_name": "Li San"}
    assert day.findings() == []


def test_terms_are_listed_by_their_last_days_but_those_of_closed_sites(day: Rehearsal) -> None:
    filed(day, opened_on="2026-02-02")
    filed(day, "b.example", approved_on="2026-01-15")
    day.add("c.example")
    filed(day, "c.example", opened_on="2026-02-01")
    with reading(day.engine) as connection:
        found = views.filing_terms(connection)
        assert [(each["site"], each["term"], each["due_on"]) for each in found] == [
            ("b.example", "show_number", "2026-02-14"), ("c.example", "file", "2026-03-03"),
            (SITE, "file", "2026-03-04"),
        ]  # fmt: skip
        assert len(views.filing_terms(connection, "2026-03-03")) == 2
    day.give(c.StateFalse(by="li", field="phone", evidence="rings elsewhere"), "b.example")
    with reading(day.engine) as connection:
        assert [each["site"] for each in views.filing_terms(connection)] == ["c.example", SITE]


def test_what_is_to_be_done_about_filings_waits_behind_all_else(day: Rehearsal) -> None:
    filed(day, responsible_phone=FALSE_PHONE)
    day.later(minutes=1)
    for _ in range(3):
        day.give(c.Log(by="li"), "b.example")
    with reading(day.engine) as connection:
        items = views.queue(connection, day.now)["items"]
        assert [item["kind"] for item in items][-2:] == ["tell", "suspicion"]
        first = views.queue(connection, day.now, limit=len(items) - 1)
        [after] = views.queue(connection, day.now, after=first["next_after"])["items"]
        assert after["kind"] == "suspicion"
    assert day.findings() == []


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("access_method", "Zhang San 010 5555 0142"), ("nature", "call 010 5555 0142"),
        ("level", "1"), ("ip", "010 5555 0142"), ("ip", "999.1.1.1"), ("icp_number", "13900001111"),
        ("icp_licence", "13900001111"), ("public_security_number", "13900001111"),
        ("office_code", "13900001111"), ("access_code", "13900001111"),
    ],
)  # fmt: skip
def test_what_stands_in_an_entry_as_it_is_cannot_hold_a_person_or_a_number_of_one(
    key: str, text: str, day: Rehearsal
) -> None:
    assert day.refused(c.ChangeFiling(by="li", details=((key, text),))) == "unfit_detail"
    assert "filing_changed" not in bodies(day)


def test_a_change_that_would_not_fit_into_an_entry_is_refused_by_name(
    day: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filed_text, "MAX_OPEN_BYTES", 100)
    details = (("icp_number", "京ICP备12345678号-1"), ("responsible_name", "Li San"))
    assert day.refused(c.ChangeFiling(by="li", details=details)) == "filing_too_long"


def test_a_detail_that_makes_another_one_false_raises_the_suspicion_of_that_one(
    day: Rehearsal,
) -> None:
    filed(day, subject_kind="company", subject_number=company())
    kinds = filed(day, subject_kind="person")
    assert kinds == ["filing_changed", "suspicion_raised", "task_opened"]
    # It is known by now: another change says nothing of it anew.
    assert filed(day, level="3") == ["filing_changed"]


def test_what_has_been_erased_can_be_taken_away(day: Rehearsal) -> None:
    filed(day, responsible_name="Li San")
    with day.engine.begin() as connection:
        connection.execute(delete(sealed))
    assert plain(day) == {}
    assert filed(day, responsible_name="") == ["filing_changed"]
    with reading(day.engine) as connection:
        assert connection.scalars(select(filing_details.c.key)).all() == []
