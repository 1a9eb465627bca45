"""The list of incidents: filtered by its address, counted, walked page by page, taken as CSV."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest

from incidents.console.pages import incidents
from incidents.console.rendering import Reader
from incidents.machine import commands as c
from incidents.views import incident_list
from tests.served_desk import HOSTILE, ConsoleDesk, Visitor

NUMBER = "+86 10 5555 0100"


@pytest.fixture
def desk(desk: ConsoleDesk) -> ConsoleDesk:
    """Three sites, with five incidents in four states: 1-1, 1-2, 2-1, 3-1 and 2-2, as logged."""
    for name in ("shop.example", "xn--fsqu00a.xn--0zwm56d", "other.example"):
        desk.do(name, c.AddSite(by="li", phone=NUMBER), ago=timedelta(hours=3))
    log = c.Log(by="li", category="gambling", again=True, note=f"call {NUMBER}")
    for site, ago in ((1, 50), (1, 49), (2, 48), (3, 47)):
        desk.do(site, log, ago=timedelta(minutes=ago))
    desk.do(2, c.Log(by="chen", category="=cmd()"), ago=timedelta(minutes=40))
    desk.do(1, c.VoidIncident(by="li", incident=2, reason="twice"))
    desk.do(2, c.RecordContact(by="li", incident=1, outcome="reached"))
    desk.do(2, c.StateRemoved(by="li", incident=1))
    desk.do(3, c.RecordContact(by="li", incident=1, outcome="no-answer"))
    desk.do(1, c.ClaimItem(by="chen", item="1"))
    return desk


def rows(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return re.findall(r'<li class="item incident[^"]*" id="i-([^"]+)"', answer.text)


@pytest.mark.both_databases
def test_each_filter_of_the_address_narrows_the_list(desk: ConsoleDesk) -> None:
    viewer = Visitor(desk, "viewer")
    assert rows(viewer.get("/incidents")) == ["2-2", "3-1", "2-1", "1-2", "1-1"]
    for asked, found in (
        ({"state": "open"}, ["2-2", "3-1", "1-1"]),
        ({"state": "voided"}, ["1-2"]),
        ({"category": "=cmd()"}, ["2-2"]),
        ({"category": "赌博", "state": "removed"}, ["2-1"]),
        ({"site": "例子.测试"}, ["2-2", "2-1"]),
        ({"holder": "chen"}, ["1-1"]),
        ({"by": "chen"}, ["2-2"]),
        ({"due": "overdue"}, []),
        ({"due": "30m"}, ["2-2", "3-1", "1-1"]),
        ({"rule": "repeat"}, []),
        ({"since": "45m ago"}, ["2-2"]),
        ({"voided": "no", "category": "gambling"}, ["3-1", "2-1", "1-1"]),
        ({"category_not": "gambling"}, ["2-2"]),
        ({"category_not": '"gambling",=cmd()'}, []),
        ({"categorised": "no"}, []),
        ({"occurred_since": "45m ago"}, ["2-2"]),
        ({"contact_over_s": "2000"}, ["2-1"]),
        ({"contact_within_s": "2000"}, []),
        ({"until": "48m30s ago", "since": ""}, ["1-2", "1-1"]),
        ({"state": "open", "by": "li", "site": " shop.example "}, ["1-1"]),
    ):  # fmt: skip
        assert rows(viewer.get("/incidents", **asked)) == found, asked


def test_a_rule_finds_the_incidents_of_the_sites_that_it_closed(desk: ConsoleDesk) -> None:
    desk.do(3, c.StateFalse(by="wang", field="phone", evidence="a bakery"))
    assert rows(Visitor(desk, "viewer").get("/incidents", rule="false_info")) == ["3-1"]


@pytest.mark.both_databases
def test_the_list_is_walked_page_by_page(
    desk: ConsoleDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(incidents, "PAGE", 2)
    viewer, found = Visitor(desk, "viewer"), []
    page = viewer.get("/incidents", until="1m ago")
    while True:
        found += rows(page)
        more = re.findall(r'rel="next" href="([^"]+)"', page.text)
        if not more:
            break
        page = viewer.get(unescape(more[0]))
    assert found == ["2-2", "3-1", "2-1", "1-2", "1-1"]
    assert 'href="/incidents?until=1m+ago">First page' in page.text


def test_counts_and_chips_lead_to_the_list_with_one_filter_more_or_less(
    desk: ConsoleDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer = Visitor(desk, "viewer")
    page = unescape(viewer.get("/incidents", state="open", by="li").text)
    assert '<a href="/incidents?state=removed&by=li"><b>1</b> removed</a>' in page
    assert '<a href="/incidents?state=open&by=li" aria-current="true"><b>2</b> open</a>' in page
    assert 'href="/incidents?by=li" aria-label="Remove filter State: open"' in page
    assert 'href="/incidents?state=open" aria-label="Remove filter Logged by: li"' in page
    monkeypatch.setattr(incident_list, "MAX_COUNTED", 2)
    assert "(only 2 counted)" in viewer.get("/incidents").text


def test_an_impossible_filter_is_named_with_the_way_out(desk: ConsoleDesk) -> None:
    viewer = Visitor(desk, "viewer")
    for asked, told in (
        ({"state": "opne"}, "“opne” is not a choice for State. Choose open, notified"),
        ({"due": "5m"}, "“5m” is not a choice for Deadline. Choose overdue, within 10"),
        ({"site": "shp.example"}, "shp.example"),
        ({"since": "soon"}, "is not a time: write 02:50"),
        ({"since": "today", "until": "yesterday"}, "must be earlier than"),
        ({"after": "x"}, "Not a cursor of this list"),
        ({"by": "a\0"}, "by"),
    ):
        answer = viewer.get("/incidents", **asked)
        assert answer.status_code in (404, 422), asked
        assert told in unescape(answer.text), asked
        assert viewer.get("/incidents.csv", **asked).status_code in (404, 422) or "after" in asked


def test_the_csv_holds_what_is_filtered_masked_and_without_formulas(desk: ConsoleDesk) -> None:
    answer = Visitor(desk, "viewer").get("/incidents.csv", state="open")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="incidents.csv"'
    found = list(csv.DictReader(io.StringIO(answer.text)))
    assert [each["id"] for each in found] == ["2-2", "3-1", "1-1"]
    assert [each["category"] for each in found] == ["'=cmd()", "gambling", "gambling"]
    assert [each["last_outcome"] for each in found] == ["", "no-answer", ""]
    assert "5555 0100" not in answer.text


def test_the_times_of_the_csv_are_the_readers_and_name_their_offset(desk: ConsoleDesk) -> None:
    answer = Visitor(desk, "viewer").get("/incidents.csv", state="removed")
    [row] = csv.DictReader(io.StringIO(answer.text))
    filled = ("occurred_at", "recorded_at", "contact_due", "last_contact_at")
    assert all(row[name].endswith("+08:00") for name in filled), row
    assert row["removal_due"] == ""
    known = {each["id"]: each for each in desk.site("xn--fsqu00a.xn--0zwm56d")["incidents"]}
    told = datetime.fromisoformat(known[row["id"]]["occurred_at"])
    assert datetime.fromisoformat(row["occurred_at"]) == told.replace(microsecond=0)


def test_an_open_list_is_answered_with_its_part_and_with_nothing_if_that_is_the_same(
    desk: ConsoleDesk,
) -> None:
    li = Visitor(desk, "li")
    for path, row in (
        ("/incidents?state=open", "i-1-1"), ("/sites", "s-1"), ("/orders", ""), ("/terms", ""),
        ("/unreported", "r-1-1"),
    ):  # fmt: skip
        asked = {"HX-Request": "true", "HX-Target": "fresh"}
        part = li.client.get(path, headers=asked)
        assert part.text.strip().startswith('<div id="fresh"'), path
        assert f'id="{row}"' in part.text or not row
        assert "<html" not in part.text
        same = li.client.get(path, headers={**asked, "If-None-Match": part.headers["etag"]})
        assert (same.status_code, same.text) == (304, ""), path
        assert "<html" in li.get(path).text
    before = li.client.get("/sites", headers=asked).headers["etag"]
    desk.do("new.example", c.AddSite(by="li"))
    assert li.client.get("/sites", headers={**asked, "If-None-Match": before}).status_code == 200
    assert li.client.get("/sites?state=no", headers=asked).status_code == 422


def test_what_people_wrote_is_text_in_the_list_whatever_it_is(desk: ConsoleDesk) -> None:
    desk.do(3, c.Log(by="li", category=HOSTILE[:100], again=True))
    page = Visitor(desk, "viewer", "zh").get("/incidents", category=HOSTILE[:100])
    assert rows(page) == ["3-2"]
    assert "<script>document" not in page.text


def test_what_links_alone_set_is_a_chip_and_stays_in_the_form(desk: ConsoleDesk) -> None:
    asked = {"category_not": 'gambling,"drugs, too"', "voided": "no"}
    page = Visitor(desk, "viewer").get("/incidents", **asked).text
    assert re.search("<span>Category other than: <bdi>gambling, drugs, too</bdi>", page)
    assert '<input type="hidden" name="category_not" value="gambling,&#34;drugs, too&#34;">' in page
    wrong = Visitor(desk, "viewer").get("/incidents", contact_over_s="soon")
    assert wrong.status_code == 422
    assert "“soon” is not a whole number" in wrong.text


def test_no_clock_runs_in_the_list_for_an_incident_of_a_closed_site(desk: ConsoleDesk) -> None:
    def clock_of(incident: str) -> str:
        page = Visitor(desk, "viewer").get("/incidents").text
        row = page.partition(f'id="i-{incident}"')[2].partition("</li>")[0]
        [clock] = re.findall(r'<span class="left">(.*)</span>\n<span class="last">', row)
        return str(clock)

    assert 'data-ticks="clock"' in clock_of("3-1")
    desk.do(3, c.StateFalse(by="li", field="phone", evidence="no such number"))
    assert clock_of("3-1") == '<span class="soft">no clock</span>'
    assert 'data-ticks="clock"' in clock_of("1-1")


def test_if_one_time_of_a_row_has_a_date_all_have() -> None:
    reader = Reader("en", UTC, datetime(2026, 3, 3, 10, tzinfo=UTC))
    today, before = "2026-03-03T09:12:00Z", "2026-03-02T10:20:00Z"
    assert ">09:12<" in reader.time(today)
    assert ">09:12<" in reader.time(today, beside=[today, None])
    assert ">2026-03-03 09:12<" in reader.time(today, beside=[today, before])


@pytest.mark.parametrize(
    ("page", "other"),
    [
        ("incidents", "state=open"), ("orders", "state=braked"), ("terms", "days=30"),
        ("unreported", "state=open"),
    ],
)  # fmt: skip
def test_a_site_that_may_be_meant_is_a_link_with_the_other_filters(
    desk: ConsoleDesk, page: str, other: str
) -> None:
    answer = Visitor(desk, "viewer").get(f"/{page}?site=shp.example&{other}")
    assert "No site named shp.example. Did you mean: " in answer.text
    link = f'<a href="/{page}?{other}&amp;site=shop.example"><bdi>shop.example</bdi></a>'
    assert link in answer.text
