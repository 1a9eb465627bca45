"""The pane of an item of the queue: it offers only what its reader may do, and what is possible."""

from datetime import timedelta

import pytest

from incidents.machine import commands as c
from tests.console.test_reports_pages import receive
from tests.served_desk import ConsoleDesk, Visitor

SITE = "shop.example"
REFUSE, DECIDE = 'href="/incidents/1-1#act-refused"', f'href="/sites/{SITE}#acts"'
REACHED = c.RecordContact(by="li", incident=1, outcome="reached")
STOPS = "“Reached” stops the clock; the others do not."
FALSE = c.StateFalse(by="chen", field="phone", evidence="the number is not in use")


def pane(who: Visitor, item: str) -> str:
    answer = who.client.get(f"/queue/{item}", headers={"HX-Request": "true"})
    assert answer.status_code == 200
    return str(answer.text)


def test_a_viewer_is_told_who_may_do_the_work_and_gets_no_button_for_it(desk: ConsoleDesk) -> None:
    desk.violation(SITE)
    desk.do(SITE, REACHED)
    shown = pane(Visitor(desk, "vera"), "1-1")
    assert "Only an operator or a supervisor can do this." in shown
    assert REFUSE not in shown
    shown = pane(Visitor(desk, "li"), "1-1")
    assert "can do this" not in shown
    assert REFUSE in shown


@pytest.mark.parametrize(
    ("policy", "state"), [("", "closed"), ("[closure]\ntwo_people = true\n", "active")]
)
def test_no_refusal_is_offered_on_a_closed_site_or_beside_another_request_to_close_it(
    desk: ConsoleDesk, policy: str, state: str
) -> None:
    if policy:
        desk.app.desk.activate(policy, by="wang", login="desk1", reason="agreed", signed_in=True)
    desk.violation(SITE)
    desk.do(SITE, REACHED)
    desk.do(SITE, FALSE)
    assert desk.site(SITE)["state"] == state
    assert REFUSE not in pane(Visitor(desk, "li"), "1-1")


def test_only_a_supervisor_is_sent_to_decide_on_a_reinstatement(desk: ConsoleDesk) -> None:
    desk.violation(SITE)
    desk.do(SITE, FALSE)
    desk.do(SITE, c.AskReinstatement(by="wang", reason="a mistake"))
    assert DECIDE in pane(Visitor(desk, "zhao"), "1-reinstatement")
    shown = pane(Visitor(desk, "li", "zh"), "1-reinstatement")
    assert DECIDE not in shown
    assert "此事项只能由主管处理。" in shown


def test_an_act_that_a_closed_site_forbids_names_the_rule_and_the_only_way_out(
    desk: ConsoleDesk,
) -> None:
    desk.violation(SITE)
    desk.do(SITE, FALSE)
    why = (
        "Shop.example is closed (R4, false information), so this action is not possible. Only a"
        " reinstatement opens the site again."
    )  # fmt: skip
    for reader in ("li", "wang"):
        shown = Visitor(desk, reader).get(f"/sites/{SITE}").text
        assert why[1:] in shown
        assert "You can request reinstatement" not in shown


def test_the_script_comes_before_the_outcomes_of_which_none_is_put_forward(
    desk: ConsoleDesk,
) -> None:
    desk.violation(SITE, ago=timedelta(minutes=10))
    shown = pane(Visitor(desk, "li"), "1-1")
    places = [shown.index(each) for each in ("Show in full", 'class="say"', 'value="reached"')]
    assert places == sorted(places)
    assert 'class="main"' not in shown
    assert STOPS in shown
    desk.pass_time(timedelta(minutes=55))
    # Nothing is left to stop.
    assert STOPS not in pane(Visitor(desk, "li"), "1-1")


def test_who_holds_an_item_is_said_above_its_outcomes_to_everybody_else(desk: ConsoleDesk) -> None:
    desk.violation(SITE)
    desk.do(SITE, c.ClaimItem(by="chen", item="1"))
    shown = pane(Visitor(desk, "li"), "1-1")
    assert shown.index("chen has claimed this item") < shown.index('value="reached"')
    assert "has claimed this item" not in pane(Visitor(desk, "chen"), "1-1")


def test_the_reports_of_one_finding_are_one_row_that_leads_to_all_of_them(
    desk: ConsoleDesk,
) -> None:
    desk.violation(SITE)
    for n in range(3):
        receive(desk, f"From: a@user.example\n\nhttp://{SITE}/{n}\n".encode())
    receive(desk, "damaged.zip")
    li = Visitor(desk, "li")
    page = li.get("/").text
    assert '<a href="/reports"><b>4</b> reports to triage</a>' in page
    assert 'id="i-r1"' in page
    assert 'id="i-r2"' not in page
    assert f'<a href="/reports?host={SITE}">' in page
    assert '<span class="state">3 reports</span>' in page
    assert '<a href="/reports/r4">' in page
    assert 'id="i-r1"' not in li.get("/", kind="call").text
    shown = pane(li, "r1")
    assert "a@user.example</bdi>" in shown
    assert "0 logged or joined, 0 dismissed, 3 waiting" in shown
    assert f'href="/reports?host={SITE}">See all 3 reports' in shown
    assert 'href="/reports/r1">Open report r1' in shown
    assert "查看全部 3 件举报" in pane(Visitor(desk, "li", "zh"), "r1")


def test_the_pane_of_a_report_says_who_else_looks_at_it_and_when_it_no_longer_waits(
    desk: ConsoleDesk,
) -> None:
    receive(desk, "arf-abuse.eml")
    li = Visitor(desk, "li")
    pane(Visitor(desk, "zhao"), "r1")
    assert "Also looking at this: zhao" in pane(li, "r1")
    li.post("/reports/r1/dismiss", {"reason": "gone"})
    assert "Open report" not in pane(li, "r1")
    assert "r9" in pane(li, "r9")
