"""The entries on record: the latest first, page by page, without losing any that match."""

from typing import Any

import pytest

from incidents.machine import commands as c
from incidents.store.cases import sites
from incidents.views import record_entries
from incidents.views.record_entries import EntryFilter, Page, Place
from tests.views.day import SITE, Day, utc

pytestmark = pytest.mark.both_databases


def look(day: Day, *, after: Place | None = None, limit: int = 100, **wanted: Any) -> Page:
    with day.reading() as connection:
        return record_entries.entries_page(
            connection, EntryFilter(**wanted), after=after, limit=limit
        )


def kinds(page: Page) -> list[object]:
    return [each["entry"]["kind"] for each in page.entries]


def test_the_latest_comes_first(day: Day) -> None:
    day.add().log().contact(1)
    assert kinds(look(day)) == ["contact_recorded", "incident_logged", "site_added"]


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_pages_follow_each_other_without_gap_or_repetition(day: Day, limit: int) -> None:
    day.add().log().contact(1).add("b.example").log("b.example").after("2h").elapse()
    whole = [each["id"] for each in look(day).entries]
    seen, after = [], None
    while True:
        page = look(day, after=after, limit=limit)
        seen += [each["id"] for each in page.entries]
        after = page.after
        if after is None:
            break
    assert seen == whole
    assert len(whole) >= 7


def test_a_filter_finds_by_site_kind_person_and_time(day: Day) -> None:
    day.add().log().add("b.example").log("b.example").after("2h").elapse()
    with day.reading() as connection:
        site_id = sites.named(connection, "b.example")["id"]
    assert {each["site_id"] for each in look(day, site_id=site_id).entries} == {site_id}
    assert kinds(look(day, kind="clock_lapsed")) == ["clock_lapsed"] * 2
    assert {each["entry"]["actor"] for each in look(day, person="clock").entries} == {"clock"}
    assert "clock_lapsed" not in kinds(look(day, until=utc("11:00")))
    assert "incident_logged" not in kinds(look(day, since=utc("11:00")))


@pytest.mark.parametrize("text", ['","kind":"site_closed","', "li%", "_i", "\\", "李"])
def test_what_is_asked_for_is_taken_as_it_is_written(day: Day, text: str) -> None:
    day.add().do(c.Log(by="li", category=text or None, again=True))
    assert look(day, person=text).entries == []
    assert look(day, kind="site_closed").entries == []
    day.do(c.Log(by=text, again=True))
    assert [each["entry"]["actor"] for each in look(day, person=text).entries] == [text]


def test_a_capital_letter_is_no_small_one(day: Day) -> None:
    day.add()
    assert look(day, person="LI").entries == []
    assert look(day, kind="SITE_ADDED").entries == []


def test_a_page_says_how_far_it_has_looked_and_the_next_goes_on_from_there(
    day: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_entries, "MAX_SEARCHED", 3)
    day.add().after("1m").log().after("1m").contact(1).after("1m").log()
    first = look(day, kind="site_added")
    assert (first.entries, first.searching) == ([], True)
    second = look(day, kind="site_added", after=first.after)
    assert kinds(second) == ["site_added"]
    assert not second.searching


def test_a_page_takes_two_queries_however_much_there_is_and_one_for_the_list_of_parts(
    day: Day,
) -> None:
    day.add()
    for _ in range(30):
        day.log(SITE)
    assert len(day.statements(lambda: look(day, limit=10))) == 1 + 1
    assert len(day.statements(lambda: look(day, kind="site_closed"))) == 2 + 1
