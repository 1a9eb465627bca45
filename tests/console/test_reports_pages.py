"""The reports in the console: the list, one report, and what becomes of it."""

from __future__ import annotations

import re
from contextlib import nullcontext
from datetime import timedelta
from io import BytesIO

import pytest

from incidents.inbox.receiving import Delivery
from incidents.machine import commands as c
from tests.inbox.test_samples import FOLDER
from tests.served_desk import HOSTILE, ConsoleDesk, Visitor


def receive(desk: ConsoleDesk, *names: str | bytes) -> None:
    raw = [FOLDER.joinpath(n).read_bytes() if isinstance(n, str) else n for n in names]
    deliveries = [Delivery(lambda each=each: nullcontext(BytesIO(each))) for each in raw]  # type: ignore[misc]
    list(desk.app.reports.receive(deliveries, channel="maildir", by="daemon", login=None))


@pytest.fixture
def desk(desk: ConsoleDesk) -> ConsoleDesk:
    """One site; the reports r1 (ARF), r2 (XARF) and r3 (unreadable)."""
    desk.do("shop.example", c.AddSite(by="li", phone="+86 10 5555 0100"))
    receive(desk, "arf-abuse.eml", "xarf-v3.json", "damaged.zip")
    return desk


def test_the_list_shows_what_waits_and_counts_the_rest(desk: ConsoleDesk) -> None:
    li = Visitor(desk, "li")
    li.post("/reports/r2/dismiss", {"reason": "gone"})
    page = li.get("/reports").text
    assert 'id="r-r1"' in page
    assert 'id="r-r3"' in page
    assert 'id="r-r2"' not in page
    assert "<b>1</b> dismissed" in page
    assert 'aria-current="true">Waiting</a>' in page
    assert 'id="r-r2"' in li.get("/reports", state="dismissed").text
    assert 'id="r-r1"' not in li.get("/reports", format="xarf").text
    assert li.get("/reports", state="none").status_code == 422


def test_a_report_shows_what_was_read_and_what_is_a_guess(desk: ConsoleDesk) -> None:
    page = Visitor(desk, "li").get("/reports/r1").text
    assert "fbl@mail.example" in page
    assert "http://shop.example/win.html" in page
    assert "guessed" not in page
    assert 'value="shop.example"' in page
    receive(desk, "plain-labelled.eml")
    assert "guessed" in Visitor(desk, "li").get("/reports/r4").text


def test_the_list_and_the_report_name_the_rule_and_why_it_did_not_act(desk: ConsoleDesk) -> None:
    rule = '[[rule]]\nname = "feed"\nowner = "li"\nchannel = "maildir"\nact = "ask"\n'
    desk.app.reports.activate_rules(rule, by="sup", login=None, reason="a feed")
    receive(desk, "plain-labelled.eml")
    li = Visitor(desk, "li")
    assert "feed left it to the desk: it always asks" in li.get("/reports").text
    page = li.get("/reports/r4").text
    linked = '<a href="/reports/rules"><bdi>feed</bdi></a> left it to the desk: it always asks'
    assert linked in page
    assert "feed left it" not in li.get("/reports/r1").text


def test_the_list_and_the_report_say_that_a_rule_is_still_to_act(desk: ConsoleDesk) -> None:
    rule = '[[rule]]\nname = "feed"\nowner = "li"\nchannel = "maildir"\nact = "log"\n'
    desk.app.reports.activate_rules(rule, by="sup", login=None, reason="a feed")
    receive(desk, "plain-labelled.eml")
    li, due = Visitor(desk, "li"), "feed, which the daemon has yet to apply"
    assert due in li.get("/reports").text
    assert due.replace("feed", "feed</bdi></a>") in li.get("/reports/r4").text
    desk.app.rules.act()
    assert "has yet to apply" not in li.get("/reports/r4").text


def test_one_that_cannot_be_read_says_why_and_can_be_downloaded(desk: ConsoleDesk) -> None:
    li = Visitor(desk, "li")
    assert "its archive is damaged, encrypted or too large" in li.get("/reports/r3").text
    answer = li.get("/reports/r3/source")
    assert answer.content == (FOLDER / "damaged.zip").read_bytes()
    assert "attachment" in answer.headers["content-disposition"]
    assert Visitor(desk, "viewer").get("/reports/r3/source").status_code == 403


def test_what_a_report_says_is_text_and_nothing_of_it_is_loaded(desk: ConsoleDesk) -> None:
    mail = f"From: a@user.example\nSubject: {HOSTILE}\nContent-Type: text/html\n\n"
    receive(desk, (mail + f"<b>x</b>{HOSTILE}<a href='http://shop.example/a'>y</a>").encode())
    page = Visitor(desk, "li").get("/reports/r4").text
    assert "<script>document.title" not in page
    assert "<img src=x" not in page
    assert "http://shop.example/a" in page


def test_a_report_is_logged_and_the_incident_is_shown(desk: ConsoleDesk) -> None:
    li = Visitor(desk, "li")
    answer = li.post("/reports/r1/log", {"site": "shop.example", "category": "spam"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/incidents/1-1")
    page = li.get("/reports/r1").text
    assert '<a href="/incidents/1-1">1-1</a>' in page
    assert "/reports/r1/log" not in page
    assert "r1.eml" in li.get("/incidents/1-1").text


def test_a_report_about_several_sites_is_logged_on_one_after_the_other(desk: ConsoleDesk) -> None:
    desk.do("two.example", c.AddSite(by="li", phone="+86 10 5555 0101"))
    receive(desk, "several-customers.csv")
    li, box = Visitor(desk, "li"), 'name="keep_open" value="1" checked'
    assert box in li.get("/reports/r4").text
    answer = li.post("/reports/r4/log", {"site": "two.example", "keep_open": "1"})
    assert answer.headers["location"] == "/reports/r4"
    page = li.get("/reports/r4").text
    assert "r4 stays open for shop.example" in page
    assert '<a href="/incidents/2-1">2-1</a>' in page
    # The next site is filled in, and nothing is left to tick.
    assert 'name="site" type="text" value="shop.example"' in page
    assert 'name="keep_open"' not in page
    assert "Incidents so far 2-1" in li.get("/reports").text
    answer = li.post("/reports/r4/log", {"site": "shop.example"})
    assert answer.headers["location"] == "/incidents/1-1"
    assert '<a href="/incidents/2-1">2-1</a> <a href="/incidents/1-1">1-1</a>' in (
        li.get("/reports/r4").text
    )


def test_reports_that_name_further_sites_stay_open_after_a_bulk_act(desk: ConsoleDesk) -> None:
    desk.do("two.example", c.AddSite(by="li", phone="+86 10 5555 0101"))
    receive(desk, "several-customers.csv")
    li = Visitor(desk, "li")
    asked = li.post("/bulk/report-log", {"row": ["r1", "r4"]}).text
    assert 'name="keep_open" value="1" checked' in asked
    form = {"row": ["r1", "r4"], "site": "shop.example", "keep_open": "1"}
    assert "r4 stays open for two.example" in li.post("/bulk/report-log/do", form).text
    waiting = li.get("/reports").text
    assert 'id="r-r4"' in waiting
    assert 'id="r-r1"' not in waiting


def test_the_form_says_which_time_an_empty_field_takes(desk: ConsoleDesk) -> None:
    desk.do("two.example", c.AddSite(by="li"))
    receive(desk, "several-customers.csv", "plain-angle.eml")
    li = Visitor(desk, "li")
    assert "the time that the report states, 2026-03-01 03:00." in li.get("/reports/r1").text
    assert "留空则取举报所述时间" in Visitor(desk, "li", "zh").get("/reports/r1").text
    assert "the time that the report states for the site" in li.get("/reports/r4").text
    assert "Leave empty for the current time" in li.get("/reports/r5").text


def test_logging_asks_for_the_name_of_a_site_that_it_would_close(desk: ConsoleDesk) -> None:
    for _ in range(2):
        desk.do("shop.example", c.Log(by="li", again=True), ago=timedelta(minutes=1))
    receive(desk, b"From: a@user.example\nSubject: x\n\nhttp://shop.example/now\n")
    li = Visitor(desk, "li")
    asked = li.post("/reports/r4/log", {"site": "shop.example"})
    assert asked.status_code == 409
    assert 'name="confirm"' in asked.text
    assert desk.site("shop.example")["state"] == "active"
    answer = li.post("/reports/r4/log", {"site": "shop.example", "confirm": "shop.example"})
    assert answer.status_code == 303
    assert desk.site("shop.example")["state"] == "closed"


def test_a_report_joins_an_open_incident_that_the_page_offers(desk: ConsoleDesk) -> None:
    desk.do("shop.example", c.Log(by="li"))
    li = Visitor(desk, "li")
    assert '<option value="1-1">' in li.get("/reports/r1").text
    answer = li.post("/reports/r1/join", {"incident": "1-1"})
    assert answer.headers["location"] == "/incidents/1-1"
    wrong = li.post("/reports/r2/join", {"incident": "1-9"})
    assert wrong.status_code == 409
    assert "1-9" in wrong.text


def test_after_one_is_dismissed_the_next_is_shown(desk: ConsoleDesk) -> None:
    li = Visitor(desk, "li")
    answer = li.post("/reports/r1/dismiss", {"reason": "gone"})
    assert answer.headers["location"] == "/reports/r2"
    li.post("/reports/r2/dismiss", {"reason": "elsewhere", "not_ours": "1"})
    assert "not ours" in li.get("/reports/r2").text
    last = li.post("/reports/r3/dismiss", {"reason": "broken", "tell_reporter": "1"})
    assert "The reporter is not sent the reason" in li.get(last.headers["location"]).text
    own = [each for each in desk.bodies() if '"kind":"report_dismissed"' in each]
    assert ['"tell_reporter":true' in each for each in own] == [False, False, True]
    assert last.headers["location"] == "/reports"
    assert "No reports are waiting." in li.get("/reports").text
    assert li.post("/reports/r3/dismiss", {"reason": "again"}).status_code == 409
    assert li.post("/reports/r3/dismiss", {"reason": ""}).status_code == 409


def test_one_that_is_dismissed_as_not_ours_though_it_names_a_site_of_the_desk_is_remarked(
    desk: ConsoleDesk,
) -> None:
    li = Visitor(desk, "li")
    fields = {"reason": "elsewhere", "not_ours": "1"}
    page = li.get(li.post("/reports/r1/dismiss", fields).headers["location"]).text
    assert "r1 may be about shop.example on this desk; open it again if" in page


def test_one_about_a_violation_on_record_links_to_its_incident(desk: ConsoleDesk) -> None:
    url = ("http://shop.example/win.html",)
    desk.do("shop.example", c.Log(by="li"))
    desk.do("shop.example", c.Log(by="li", urls=url))
    li = Visitor(desk, "li")
    linked = '<dt>Already on record</dt><dd><a href="/incidents/1-2">1-2</a>'
    page = li.get("/reports/r1").text
    assert linked in page
    assert re.search(r'<input[^>]* name="incident"[^>]* value="1-2"', page)
    assert "Already on record" not in li.get("/reports/r3").text

    # A site that the report does not name, too.
    desk.do("other.example", c.AddSite(by="li"))
    desk.do("other.example", c.Log(by="li", urls=url))
    refused = li.post("/reports/r1/log", {"site": "other.example"})
    assert refused.status_code == 409
    assert '<a href="/incidents/2-1">2-1</a> <a href="/incidents/1-2">1-2</a>' in refused.text

    desk.do("shop.example", c.RecordContact(by="li", incident=2, outcome="reached"))
    desk.do("shop.example", c.StateRemoved(by="li", incident=2))
    assert "Already on record" not in li.get("/reports/r1").text


def test_one_that_was_settled_wrongly_is_opened_again_and_shows_how_it_had_ended(
    desk: ConsoleDesk,
) -> None:
    desk.do("shop.example", c.Log(by="li"))
    li = Visitor(desk, "li")
    li.post("/reports/r1/join", {"incident": "1-1"})
    assert 'action="/reports/r1/reopen"' in li.get("/reports/r1").text
    assert 'action="/reports/r1/reopen"' not in Visitor(desk, "vera").get("/reports/r1").text
    assert li.post("/reports/r1/reopen", {"reason": ""}).status_code == 409

    answer = li.post("/reports/r1/reopen", {"reason": "another page"})

    assert answer.headers["location"] == "/reports/r1"
    page = li.get("/reports/r1").text
    assert "r1 waits for the desk again. 1-1 keeps r1 as evidence." in page
    assert 'action="/reports/r1/join"' in page
    assert "Earlier outcomes" in page
    assert '<p class="quote">another page</p>' in page
    again = li.post("/reports/r1/reopen", {"reason": "another page"})
    assert again.status_code == 409
    assert "waits for the desk already" in again.text


def test_who_may_not_decide_sees_no_forms(desk: ConsoleDesk) -> None:
    vera = Visitor(desk, "vera")
    page = vera.get("/reports/r1").text
    assert "Your role does not decide on reports." in page
    assert "/reports/r1/dismiss" not in page
    assert vera.post("/reports/r1/dismiss", {"reason": "x"}).status_code == 403


def test_one_that_is_not_there_is_not_found(desk: ConsoleDesk) -> None:
    li = Visitor(desk, "li")
    assert "There is no report r9." in li.get("/reports/r9").text
    assert "No report named x." in li.get("/reports/x").text
    assert li.get("/reports/r9").status_code == 404


def test_an_act_that_leads_a_report_to_a_site_that_it_does_not_name_says_so(
    desk: ConsoleDesk,
) -> None:
    desk.do("two.example", c.AddSite(by="li"))
    desk.do("two.example", c.Log(by="li"))
    li = Visitor(desk, "li")
    page = li.get(li.post("/reports/r1/join", {"incident": "2-1"}).headers["location"])
    assert "r1 does not name two.example, but may be about shop.example." in page.text


def test_what_is_refused_is_said_in_chinese_with_the_times_of_people(desk: ConsoleDesk) -> None:
    desk.do("two.example", c.AddSite(by="li"))
    receive(desk, b"From: a@user.example\n\nhttp://shop.example/a http://two.example/b\n")
    wang = Visitor(desk, "li", "zh")
    assert (
        "r4 可能涉及 shop.example、two.example：请写明网站。"
        in wang.post("/reports/r4/log", {}).text
    )
    wang.post("/reports/r2/dismiss", {"reason": "gone"})
    again = wang.post("/reports/r2/dismiss", {"reason": "gone"}).text
    assert "举报 r2 已由 li 于" in again
    assert "Z 处理" not in again


def test_in_chinese(desk: ConsoleDesk) -> None:
    page = Visitor(desk, "li", "zh").get("/reports/r3").text
    assert "压缩文件已损坏、已加密或过大" in page
    assert "无法读取" in page


def test_many_reports_of_one_finding_are_one_act(desk: ConsoleDesk) -> None:
    mails = [b"From: a@user.example\nSubject: %d\n\nhttp://shop.example/x\n" % n for n in range(40)]
    receive(desk, *mails)
    desk.do("shop.example", c.Log(by="li"))
    li = Visitor(desk, "li")
    chosen = [f"r{n}" for n in range(4, 44)]
    asked = li.post("/bulk/report-join", {"row": chosen}).text
    assert asked.count('name="row"') == 40
    done = li.post("/bulk/report-join/do", {"row": chosen, "incident": "1-1"}).text
    assert done.count('<tr class="done">') == 40
    assert "<b>40</b> joined" in li.get("/reports").text


def test_forty_reports_become_one_incident_at_once(desk: ConsoleDesk) -> None:
    mails = [b"From: a@user.example\nSubject: %d\n\nhttp://shop.example/x\n" % n for n in range(40)]
    receive(desk, *mails)
    li = Visitor(desk, "li")
    chosen = [f"r{n}" for n in range(4, 44)]
    asked = li.post("/bulk/report-log", {"row": chosen}).text
    assert 'name="site" type="text" value="shop.example"' in asked
    assert "The first report becomes a new incident" in asked
    done = li.post("/bulk/report-log/do", {"row": chosen, "site": "shop.example"}).text
    assert done.count('<tr class="done">') == 40
    page = li.get("/reports").text
    assert "<b>1</b> logged" in page
    assert "<b>39</b> joined" in page
    incident = li.get("/incidents/1-1").text
    assert "<dt>Report received</dt>" in incident
    assert '<a href="/reports/r4">r4</a>' in incident
    assert (
        'name="incident" type="text" value="1-1"'
        in li.post("/bulk/report-join", {"row": ["r1"]}).text
    )


def test_without_the_incident_of_the_first_report_no_other_is_settled(desk: ConsoleDesk) -> None:
    for _ in range(2):
        desk.do("shop.example", c.Log(by="li", again=True))
    receive(desk, *(f"From: a@user.example\n\nhttp://shop.example/{n}\n".encode() for n in "ab"))
    li = Visitor(desk, "li")
    done = li.post("/bulk/report-log/do", {"row": ["r4", "r5"], "site": "shop.example"}).text
    assert done.count("<tr class=") == 1
    assert done.count('<tr class="refused">') == 1
    answer = li.post("/bulk/report-log/do", {"row": ["r4", "r5"], "site": "not a site!"})
    assert answer.status_code == 303
    assert 'id="r-r4"' in li.get("/reports").text


def test_a_report_says_how_often_its_reporter_was_right(desk: ConsoleDesk) -> None:
    mails = [b"From: a@user.example\nSubject: %d\n\nhttp://shop.example/x\n" % n for n in range(4)]
    receive(desk, *mails)
    li = Visitor(desk, "li")
    li.post("/reports/r4/log", {"site": "shop.example"})
    li.post("/reports/r5/join", {"incident": "1-1"})
    li.post("/reports/r6/dismiss", {"reason": "x"})
    page = li.get("/reports/r7").text
    assert "2 logged or joined, 1 dismissed, 1 waiting" in page
    assert 'href="/reports?reporter=a%40user.example"' in page


def test_one_that_was_settled_meanwhile_stops_no_other(desk: ConsoleDesk) -> None:
    li = Visitor(desk, "li")
    li.post("/reports/r1/dismiss", {"reason": "x"})
    done = li.post("/bulk/report-not-ours/do", {"row": ["r1", "r2"], "reason": "moved"}).text
    assert done.count('<tr class="done">') == 1
    assert done.count('<tr class="refused">') == 1
    for fields in ({}, {"row": ["r2"]}):
        assert li.post("/bulk/report-dismiss/do", {"back": "/reports", **fields}).status_code == 303
