"""The page of a site: its run of cases, and the case that closed it."""

import re
from datetime import timedelta

from freezegun import freeze_time

from incidents import clock
from incidents.machine import commands as c
from tests.served_desk import ConsoleDesk, Visitor

SITE, DAY = "shop.example", timedelta(days=1)


def cases(who: Visitor) -> list[str]:
    """The list of cases as text, without markup."""
    [found] = re.findall(r'<ol class="cases">.*?</ol>', who.get(f"/sites/{SITE}").text, re.DOTALL)
    return [re.sub(r"<[^>]+>", "", each).strip() for each in found.split("</li>")[:-1]]


def misses(desk: ConsoleDesk, *days: int) -> None:
    desk.do(SITE, c.AddSite(by="li"), ago=10 * DAY)
    for day in days:
        desk.do(SITE, c.Log(by="li", again=True), ago=day * DAY)
        desk.elapse(ago=(day - 0.5) * DAY)


def test_the_case_that_closed_the_site_is_no_suspension_but_the_last_of_its_run(
    desk: ConsoleDesk,
) -> None:
    misses(desk, 9, 7, 5)
    assert desk.site(SITE)["rule"] == "unreachable_run"
    shown = cases(Visitor(desk, "vera"))
    assert len(shown) == 3
    assert re.fullmatch(r"case 3 of 3, closed the site · 1-3 · [\d: -]{16}", shown[2])
    assert " – " in shown[1]
    assert cases(Visitor(desk, "vera", "zh"))[2].startswith("第 3 次，满 3 次，网站关闭 · 1-3")


def test_a_closing_case_that_was_struck_counts_no_more(desk: ConsoleDesk) -> None:
    misses(desk, 9, 7, 5)
    desk.do(SITE, c.VoidIncident(by="li", incident=3, reason="no violation"))
    assert cases(Visitor(desk, "vera"))[2].startswith("voided; no longer counts · 1-3")


def test_the_run_says_whether_it_is_counted_in_a_row_or_in_total(desk: ConsoleDesk) -> None:
    misses(desk, 9)
    vera = Visitor(desk, "vera", "zh")
    assert "<dt>连续无法联系次数（R3）</dt><dd>1</dd>" in vera.get(f"/sites/{SITE}").text
    desk.app.desk.activate(
        "[unreachable_run]\nrun = 'total'\n", by="wang", login="desk1", reason="agreed",
        signed_in=True,
    )  # fmt: skip
    assert "<dt>累计无法联系次数（R3）</dt><dd>1</dd>" in vera.get(f"/sites/{SITE}").text


def test_an_incident_says_until_when_its_site_is_suspended(desk: ConsoleDesk) -> None:
    misses(desk, 9)
    desk.do(SITE, c.Log(by="li", again=True), ago=timedelta(hours=2))
    desk.elapse(ago=timedelta(minutes=30))
    vera = Visitor(desk, "vera")

    def told(incident: str) -> str:
        page = vera.get(f"/incidents/{incident}").text
        [found] = re.findall(r"<dt>Suspended until</dt><dd>(.*?)</dd>", page)
        return re.sub(r"<[^>]+>", "", found)

    for incident in ("1-1", "1-2"):
        assert re.fullmatch(r"[\d: -]+ · [\d: -]+ · R2, unreachable · Why", told(incident))


@freeze_time("2026-03-01T02:00:00Z", ignore=["_pytest"])
def test_the_reasons_leave_digests_and_fractions_of_a_second_to_the_proof(
    desk: ConsoleDesk,
) -> None:
    misses(desk, 9)
    desk.do(SITE, c.Log(by="li", again=True), ago=timedelta(hours=2))
    no_answer = c.RecordContact(by="li", incident=2, outcome="no-answer")
    desk.do(SITE, no_answer, ago=timedelta(hours=1.5))
    desk.elapse(ago=timedelta(hours=1) - timedelta(microseconds=1))
    page = Visitor(desk, "vera").get(f"/sites/{SITE}").text
    [why] = re.findall(r'<div id="why">.*?</div>', page, re.DOTALL)
    reasons, _, proof = why.partition("<details")
    assert "sha256:" not in reasons
    assert "µs" not in reasons
    assert "contact 1-2-1: No answer at" in reasons
    assert "sha256:" in proof
    assert "1 µs later" in proof


def test_that_one_more_violation_closes_the_site_is_true_until_the_oldest_leaves_the_window(
    desk: ConsoleDesk,
) -> None:
    desk.do(SITE, c.AddSite(by="li"), ago=DAY)
    logged = clock.now() - timedelta(hours=20)
    desk.do(SITE, c.Log(by="li", again=True), ago=timedelta(hours=20))
    desk.do(SITE, c.Log(by="li", again=True), ago=timedelta(hours=2))
    until = (logged + DAY).astimezone(desk.app.settings.zone)
    page = Visitor(desk, "vera").get(f"/sites/{SITE}").text
    assert f"one more violation closes the site if it occurs by {until:%Y-%m-%d %H:%M}" in page


def test_the_list_says_whether_the_next_deadline_ends_a_suspension(desk: ConsoleDesk) -> None:
    def told() -> str:
        page = Visitor(desk, "vera").get("/sites").text
        [found] = re.findall(r'<span class="moment"><span class="soft">([^<]*)</span> <time', page)
        return str(found)

    desk.violation(SITE)
    assert told() == "next deadline"
    desk.ahead = timedelta(hours=2)
    desk.elapse()
    assert told() == "suspension ends"


def test_the_picture_of_the_misses_names_its_ends_and_the_present_time(desk: ConsoleDesk) -> None:
    misses(desk, 9, 7)
    page = Visitor(desk, "vera").get(f"/sites/{SITE}").text
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", page)
    assert texts[0] == "now"
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d", each) for each in texts[1:])
    assert len(texts) == 3
