"""The page of the intake rules: in force, tried on the record, and then activated."""

from __future__ import annotations

from typing import Any

import pytest

from incidents.machine import commands as c
from incidents.store.accounts import accounts
from incidents.store.database.engine import writing
from incidents.views.inbox import intake_rules
from tests.console.test_reports_pages import receive
from tests.served_desk import HOSTILE, ConsoleDesk, Visitor

JOIN = '[[rule]]\nname = "feed"\nowner = "li"\nreporter = "@feed.example"\nact = "{}"\n'
LOG, ASK = JOIN.format("log"), JOIN.format("ask")
MAIL = b"From: a@feed.example\nSubject: %d\n\nhttp://shop.example/%d\n"
PATH = "/reports/rules"


@pytest.fixture
def supervisor(desk: ConsoleDesk) -> Visitor:
    """At a desk with the reports r1, which waits, and r2, which was dismissed."""
    desk.have_account("li")
    desk.do("shop.example", c.AddSite(by="li"))
    receive(desk, MAIL % (1, 1), MAIL % (2, 2))
    Visitor(desk, "li").post("/reports/r2/dismiss", {"reason": "gone"})
    return Visitor(desk, "supervisor")


def tried(by: Visitor, toml: str = LOG) -> str:
    """Where the result of a trial is."""
    answer = by.post(f"{PATH}/try", {"toml": toml, "days": "30"})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def activated(by: Visitor, place: str, reason: str = "说好了") -> Any:
    return by.post(f"{place}/activate", {"reason": reason})


def in_force(desk: ConsoleDesk) -> Any:
    with desk.app.reading() as connection:
        return intake_rules.in_force(connection)


def test_the_rules_in_force_are_told_with_who_activated_them_and_why(
    desk: ConsoleDesk, supervisor: Visitor
) -> None:
    assert "every report waits for the desk" in supervisor.get(PATH).text
    desk.app.reports.activate_rules(LOG, by="sup", login=None, reason=f"a feed {HOSTILE}")
    page = supervisor.get(PATH).text
    for told in (
        "from @feed.example",
        ">log</td>",
        "Activated by sup",
        "<q>a feed",
        "logs_per_hour",
    ):
        assert told in page
    assert "<img src=x" not in page
    assert "举报人为 @feed.example" in Visitor(desk, "li", "zh").get(PATH).text
    assert f'href="{PATH}"' in supervisor.get("/reports").text


def test_rules_that_do_nothing_say_so_with_the_way_out(
    desk: ConsoleDesk, supervisor: Visitor
) -> None:
    desk.app.reports.activate_rules(LOG, by="sup", login=None, reason="r")
    assert "cannot act" not in supervisor.get(PATH).text
    with writing(desk.app.engine) as connection:
        accounts.give_role(connection, "li", "viewer")
    page = supervisor.get(PATH).text
    assert "feed cannot act, because the role of li may not settle reports" in page
    assert "Give the owner an enabled account" in page
    assert 'href="/admin/accounts"' in Visitor(desk, "administrator").get(PATH).text


def test_earlier_rules_are_told_with_who_why_and_what_changed(
    desk: ConsoleDesk, supervisor: Visitor
) -> None:
    assert "There are no rules" in supervisor.get(f"{PATH}/history").text
    assert f"{PATH}/history" not in supervisor.get(PATH).text
    desk.app.reports.activate_rules(LOG, by="sup", login=None, reason=f"a feed {HOSTILE}")
    desk.app.reports.activate_rules(ASK, by="wang", login=None, reason="too many")
    assert f'href="{PATH}/history"' in supervisor.get(PATH).text
    page = supervisor.get(f"{PATH}/history").text
    assert page.index("too many") < page.index("a feed")
    latest = page.partition("a feed")[0]
    assert "<bdi>wang</bdi>" in latest
    assert "<del>-act = &#34;log&#34;</del>\n<ins>+act = &#34;ask&#34;</ins>" in latest
    assert " name = &#34;feed&#34;" in latest
    assert "<img src=x" not in page


def test_wrong_rules_are_refused_with_the_rule_the_key_and_the_value_and_stay_typed(
    supervisor: Visitor,
) -> None:
    wrong = LOG.replace('"log"', '"lock"')
    for fields, files in (({"toml": wrong}, {}), ({"toml": ""}, {"file": ("r", wrong.encode())})):
        page = supervisor.post(f"{PATH}/try", {**fields, "days": "7"}, **files)
        assert page.status_code == 422
        assert "rule feed: act must be" in page.text
        assert "&#34;lock&#34;" in page.text.partition("<textarea")[0]
        assert "act = &#34;lock&#34;" in page.text.partition("<textarea")[2]
        assert 'name="days" type="number" inputmode="numeric" value="7"' in page.text


@pytest.mark.parametrize(
    ("days", "file", "told"),
    [
        ("0", b"", "0 is no number of days"),
        ("a week", b"", "a week is no number of days"),
        ("7", b"\xff", "r.toml is not UTF-8 text"),
        ("7", b"#" * 300_000, "r.toml is too large for a file of rules"),
    ],
)
def test_what_cannot_be_tried_is_named(
    supervisor: Visitor, days: str, file: bytes, told: str
) -> None:
    files = {"file": ("r.toml", file)} if file else {}
    page = supervisor.post(f"{PATH}/try", {"toml": ASK, "days": days}, **files)
    assert page.status_code == 422
    assert told in page.text
    assert "act = &#34;ask&#34;" in page.text


def test_a_trial_shows_the_numbers_beside_what_people_did_and_changes_nothing(
    desk: ConsoleDesk, supervisor: Visitor
) -> None:
    before = len(desk.bodies())
    page = supervisor.get(tried(supervisor)).text
    assert "Reports of the last 30 days: 2. No rule matches: 0." in page
    # The second is about the same incident, as the rule sees it.
    assert '<td data-label="log">1</td><td data-label="join">1</td>' in page
    assert '<td data-label="Otherwise">1</td>' in page
    assert "By the rules: join; in fact: dismissed; reports: 1" in page
    assert '<a href="/reports/r2">r2</a> feed: join; li: dismissed' in page
    assert len(desk.bodies()) == before
    assert in_force(desk)["activated_at"] is None


def test_activation_is_on_record_with_who_and_why(desk: ConsoleDesk, supervisor: Visitor) -> None:
    place = tried(supervisor)
    assert activated(supervisor, place).headers["location"] == PATH
    found = in_force(desk)
    assert (found["by"], found["reason"]) == ("supervisor-1", "说好了")
    [entry] = [each for each in desk.bodies() if '"intake_rules_activated"' in each]
    assert found["rules"] in entry
    page = supervisor.get(PATH).text
    assert "The intake rules are in force." in page
    assert "<q>说好了</q>" in page
    # There is nothing more to activate, however often the form is sent.
    assert f"{place}/activate" not in supervisor.get(place).text
    activated(supervisor, place)
    assert len([each for each in desk.bodies() if '"intake_rules_activated"' in each]) == 1
    # An empty text ends all rules.
    activated(supervisor, tried(supervisor, ""))
    assert "[[rule]]" not in in_force(desk)["toml"]


def test_without_a_reason_or_an_owner_nothing_is_activated(
    desk: ConsoleDesk, supervisor: Visitor
) -> None:
    assert activated(supervisor, tried(supervisor), " ").status_code == 422
    nobody = tried(supervisor, LOG.replace('"li"', '"nobody"'))
    page = activated(supervisor, nobody, "my reason")
    assert page.status_code == 422
    assert "has no enabled account" in page.text
    assert ">my reason</textarea>" in page.text
    assert in_force(desk)["activated_at"] is None


def test_rules_activated_meanwhile_by_another_are_not_replaced_unawares(
    desk: ConsoleDesk, supervisor: Visitor
) -> None:
    place = tried(supervisor)
    desk.app.reports.activate_rules(ASK, by="zhang", login=None, reason="r")
    page = activated(supervisor, place)
    assert "somebody activated other rules after your trial" in page.text
    assert in_force(desk)["by"] == "zhang"


@pytest.mark.parametrize("who", ["viewer", "operator"])
def test_who_may_not_activate_sees_no_form_for_it_and_is_refused(
    desk: ConsoleDesk, supervisor: Visitor, who: str
) -> None:
    other = Visitor(desk, who)
    place = tried(other)
    assert "/activate" not in other.get(place).text
    assert activated(other, place).status_code == 403
    assert in_force(desk)["activated_at"] is None
    assert desk.refusals()[-1]["act"] == "activate_rules"
    # Nor does anybody see the trial of another person.
    assert supervisor.get(place).status_code == 404
