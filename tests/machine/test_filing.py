"""The filing (specification, F): details change, terms run 30 days, findings become tasks."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.machine import commands as c
from incidents.machine import events as e
from incidents.machine import filing, work
from incidents.machine.filing import FILE, SHOW, Term
from tests.machine.history import ANN, History, utc

DAYS = st.dates(date(2020, 1, 1), date(2030, 12, 31))
TO_FILE = {"opened_on": "2026-01-30"}
"""To be filed by the day of the tests' history, 1 March 2026."""


def filed(site: History, **details: str) -> History:
    """Change details of the filing."""
    return site.filed(**details)


def tasks(site: History) -> list[tuple[str, tuple[str, ...]]]:
    return [(task.kind, task.about) for task in site.open_tasks]


def test_a_change_is_one_entry_with_what_differs_and_nothing_else() -> None:
    site = filed(History(), icp_number="京ICP备12345678号-1", nature="commercial")
    filed(site, icp_number="京ICP备12345678号-1", nature="non_commercial")
    assert site.happened == ["filing_changed"]
    [changed] = site.recorded(e.FilingChanged)
    assert isinstance(changed, e.FilingChanged)
    assert changed.details == (("nature", "non_commercial"),)
    assert site.case.details == {"icp_number": "京ICP备12345678号-1", "nature": "non_commercial"}


def test_what_is_filed_already_is_no_news() -> None:
    assert filed(filed(History(), level="3"), level="3").happened == []


def test_an_empty_text_takes_a_detail_away() -> None:
    site = filed(filed(History(), level="3", nature="commercial"), level="")
    assert site.case.details == {"nature": "commercial"}
    assert filed(site, level="").happened == []


@pytest.mark.parametrize(
    "key", ["colour", "server.", "server.A", "server.-a", "document", "document." + "a" * 41]
)
def test_an_unknown_detail_is_refused(key: str) -> None:
    assert filed(History(), **{key: "1"}).refused_with == "unknown_detail"


def test_one_wrong_detail_refuses_the_change_and_not_a_half_of_it() -> None:
    site = filed(History(), level="3", opened_on="yesterday")
    assert site.refused_with == "bad_day"
    assert site.case.details == {}


@pytest.mark.parametrize("day", ["2026-2-1", "20260201", "2026-02-30", "1989-12-31", "2026-W05-1"])
def test_a_day_is_written_in_one_way(day: str) -> None:
    assert filed(History(), opened_on=day).refused_with == "bad_day"


def test_the_first_day_that_a_filing_may_name_is_1_january_1990() -> None:
    assert filed(History(), opened_on="1990-01-01").case.details["opened_on"] == "1990-01-01"


@pytest.mark.parametrize(("at", "refusal"), [("09:59", "day_in_future"), ("10:00", None)])
def test_a_day_may_have_begun_in_the_easternmost_zone_and_nowhere_else(
    at: str, refusal: str | None
) -> None:
    assert filed(History(at=at), opened_on="2026-03-02").refused_with == refusal


@pytest.mark.parametrize("prefix", ["server", "document"])
def test_a_filing_has_at_most_so_many_servers_and_documents(prefix: str) -> None:
    many = {f"{prefix}.n{n}": "{}" for n in range(filing.MAX_ITEMS)}
    site = filed(History(), **many)
    assert site.refused_with is None
    assert f"would have too many {prefix}s: 101; the limit is 100" in (
        filed(site, **{f"{prefix}.more": "{}"}).answer
    )
    filed(site, **{f"{prefix}.n0": "", f"{prefix}.more": "{}"})
    assert site.refused_with is None


def test_the_term_to_file_ends_thirty_days_after_the_opening_that_day_included() -> None:
    site = filed(History(), opened_on="2026-01-31")
    assert site.case.terms == {FILE: Term(due_on="2026-03-02")}


def test_the_term_to_show_the_number_begins_with_the_approval_and_ends_with_the_showing() -> None:
    site = filed(History(), opened_on="2026-01-05", filed_on="2026-01-09", approved_on="2026-02-01")
    assert site.case.terms == {SHOW: Term(due_on="2026-03-03")}
    assert filed(site, shown_on="2026-02-02").case.terms == {}


@pytest.mark.parametrize(
    ("last", "due"),
    [
        (None, "2026-02-16"), ("2026-02-16", "2026-02-23"), ("2026-02-20", "2026-02-23"),
        ("2026-02-23", "2026-03-01"), ("2026-03-01", "2026-03-03"), ("2026-03-02", "2026-03-03"),
        ("2026-03-03", "2026-03-04"), ("2026-05-01", "2026-05-02"),
    ],
)  # fmt: skip
def test_reminders_come_14_7_and_1_days_before_and_daily_when_it_is_over(
    last: str | None, due: str
) -> None:
    assert Term(due_on="2026-03-02", reminded_on=last).remind_on == due


@given(DAYS, DAYS)
def test_the_next_reminder_is_always_later_than_the_last(begun: date, last: date) -> None:
    [term] = filing.terms({"opened_on": begun.isoformat()}, {}).values()
    assert filing.reminded(term, last.isoformat()).remind_on > last.isoformat()


def test_a_reminder_opens_one_task_and_the_next_one_none_beside_it() -> None:
    site = filed(History(), **TO_FILE)
    assert site.do(c.Remind(on="2026-03-01")).happened == ["filing_reminded", "task_opened"]
    reminded = site.last(e.FilingReminded)
    assert (reminded.term, reminded.due_on, reminded.on) == (FILE, "2026-03-01", "2026-03-01")
    assert tasks(site) == [(FILE, ("2026-03-01",))]
    assert site.do(c.Remind(on="2026-03-01")).happened == []
    assert site.after("24h").do(c.Remind(on="2026-03-02")).happened == ["filing_reminded"]
    assert tasks(site) == [(FILE, ("2026-03-01",))]


def test_a_task_that_was_done_and_is_not_met_comes_again_with_the_next_reminder() -> None:
    site = filed(History(), **TO_FILE).do(c.Remind(on="2026-03-01")).done(1)
    assert site.do(c.Remind(on="2026-03-01")).happened == []
    site.after("24h").do(c.Remind(on="2026-03-02"))
    assert site.happened == ["filing_reminded", "task_opened"]


def test_nobody_is_reminded_before_14_days_before_the_last_day() -> None:
    site = filed(History(), opened_on="2026-02-13")
    assert site.do(c.Remind(on="2026-02-28")).happened == []
    assert site.do(c.Remind(on="2026-03-01")).happened == ["filing_reminded", "task_opened"]


def test_what_is_approved_has_been_filed_and_is_to_be_shown() -> None:
    site = filed(History(), opened_on="2020-01-01").do(c.Remind(on="2026-03-01"))
    filed(site, approved_on="2020-02-01")
    assert [task.outcome for task in site.case.tasks.values()] == ["met"]
    site.do(c.Remind(on="2026-03-01"))
    assert tasks(site) == [(SHOW, ("2020-03-02",))]


def test_a_term_suspends_nobody() -> None:
    site = filed(History(), opened_on="2020-01-01").do(c.Remind(on="2026-03-01"))
    assert (site.state, site.ordered) == ("active", [])
    assert site.after("8760h").elapse().state == "active"


def test_another_term_takes_the_place_of_a_task_and_none_is_met_by_what_is_taken_away() -> None:
    site = filed(History(), **TO_FILE).do(c.Remind(on="2026-03-01"))
    filed(site, opened_on="2026-01-31")
    assert tasks(site) == []
    site.do(c.Remind(on="2026-03-01"))
    assert tasks(site) == [(FILE, ("2026-03-02",))]
    filed(site, opened_on="")
    assert [task.outcome for task in site.case.tasks.values()] == ["superseded", "withdrawn"]


def test_a_page_that_has_nothing_to_show_any_more_lacks_nothing() -> None:
    site = filed(History(), public_security_number="1", approved_on="2026-02-01")
    site.do(c.RecordFooter(problems=("icon_missing",)))
    for another in ({"approved_on": "2026-02-02"}, {"level": "3"}):
        filed(site, **another)
        assert tasks(site) == [("footer", ("icon_missing",))]
    filed(site, public_security_number="")
    assert [task.outcome for task in site.case.tasks.values()] == ["withdrawn"]


def test_what_waits_about_a_filing_is_not_listed_while_its_site_is_closed() -> None:
    site = filed(History(), **TO_FILE).do(c.Remind(on="2026-03-01"))
    assert site.queue == {"t1": FILE}
    site.false_info()
    assert site.queue == {}
    site.reopened()
    assert site.queue == {"t1": FILE}


def test_a_closed_site_is_reminded_of_nothing() -> None:
    site = filed(History(), **TO_FILE).false_info()
    assert site.do(c.Remind(on="2026-03-01")).happened == []
    assert filed(site, level="3").happened == ["filing_changed"]


def test_a_day_that_is_none_reminds_of_nothing() -> None:
    site = filed(History(), **TO_FILE).do(c.Remind(on="9999-12-31"))
    assert site.refused_with == "day_in_future"
    for none in ("1 March", "20260301"):
        assert f"'{none}' is not a valid date for on;" in site.do(c.Remind(on=none)).answer


def test_what_is_met_completes_its_task() -> None:
    site = filed(History(), **TO_FILE).do(c.Remind(on="2026-03-01"))
    filed(site, filed_on="2026-03-01")
    assert site.happened == ["filing_changed", "task_completed"]
    assert site.case.tasks[1].outcome == "met"


def test_another_opening_is_another_term_that_nobody_was_reminded_of() -> None:
    site = filed(History(), **TO_FILE).do(c.Remind(on="2026-03-01"))
    filed(site, level="3")
    assert site.case.terms[FILE].reminded_on == "2026-03-01"
    assert tasks(site) == [(FILE, ("2026-03-01",))]
    filed(site, opened_on="2026-02-10")
    assert site.case.terms == {FILE: Term(due_on="2026-03-12")}


def test_a_suspicion_is_one_task_and_closes_nothing() -> None:
    site = History().do(c.RaiseSuspicion(field="responsible_phone", finding="repeated_digit"))
    assert site.happened == ["suspicion_raised", "task_opened"]
    raised = site.last(e.SuspicionRaised)
    assert (raised.field, raised.finding) == ("responsible_phone", "repeated_digit")
    assert tasks(site) == [("suspicion", ("responsible_phone", "repeated_digit"))]
    assert site.state == "active"
    site.do(c.RaiseSuspicion(field="responsible_phone", finding="repeated_digit"))
    assert site.happened == []
    site.do(c.RaiseSuspicion(field="responsible_email", finding="repeated_digit"))
    assert len(tasks(site)) == 2


def test_a_suspicion_of_what_no_filing_has_is_refused() -> None:
    command = c.RaiseSuspicion(field="colour", finding="repeated_digit")
    assert "a filing has no detail 'colour'" in History().do(command).answer


def test_a_detail_that_changes_is_suspected_no_more() -> None:
    site = History().do(c.RaiseSuspicion(field="responsible_phone", finding="repeated_digit"))
    site.do(c.RaiseSuspicion(field="responsible_email", finding="takes_no_mail"))
    filed(site, responsible_phone="sha256:1")
    assert tasks(site) == [("suspicion", ("responsible_email", "takes_no_mail"))]
    assert site.case.tasks[1].outcome == "changed"


def test_a_closed_site_is_suspected_of_nothing_more() -> None:
    command = c.RaiseSuspicion(field="responsible_phone", finding="repeated_digit")
    assert History().false_info().do(command).happened == []


def test_who_holds_a_suspicion_holds_it_still_when_the_closed_site_is_opened_again() -> None:
    site = History().do(c.RaiseSuspicion(field="responsible_phone", finding="repeated_digit"))
    site.claim("t1").false_info()
    assert "t1" not in site.queue
    site.reinstate().approve()
    assert (site.queue["t1"], site.case.claims["t1"].by) == ("suspicion", "ann")


def test_what_may_be_false_is_a_detail_of_the_register_or_of_the_filing() -> None:
    named = ("phone", "icp_number", "document.contract", "horoscope", "")
    assert [filing.can_be_false(each) for each in named] == [True, True, True, False, False]


def test_only_a_person_confirms_that_it_is_false() -> None:
    site = History().do(c.RaiseSuspicion(field="responsible_phone", finding="repeated_digit"))
    assert site.after("8760h").elapse().state == "active"
    assert site.false_info().rule == "false_info"


def test_what_the_foot_of_a_page_lacks_is_a_task_until_it_lacks_nothing() -> None:
    site = History().do(c.RecordFooter(problems=("number_missing",)))
    assert site.happened == ["footer_seen", "task_opened"]
    assert site.last(e.FooterSeen).problems == ("number_missing",)
    assert site.do(c.RecordFooter(problems=("number_missing",))).happened == []
    site.do(c.RecordFooter(problems=("icon_missing",)))
    assert site.happened == ["footer_seen", "task_completed", "task_opened"]
    assert tasks(site) == [("footer", ("icon_missing",))]
    assert site.do(c.RecordFooter()).happened == ["footer_seen", "task_completed"]
    assert site.do(c.RecordFooter()).happened == []
    assert [task.outcome for task in site.case.tasks.values()] == ["superseded", "right"]


def test_the_page_of_a_closed_site_is_no_news() -> None:
    assert History().false_info().do(c.RecordFooter(problems=("number_missing",))).happened == []


def test_what_is_to_be_done_about_a_filing_waits_in_the_queue_without_a_deadline() -> None:
    site = filed(History(), **TO_FILE).do(c.Remind(on="2026-03-01"))
    site.do(c.RecordFooter(problems=("icon_missing",)))
    assert site.queue == {"t1": FILE, "t2": "footer"}
    assert site.claim("t1").happened == ["item_claimed"]


def test_a_change_is_recorded_with_who_made_it_and_when() -> None:
    site = filed(History(at="10:00").after("1h"), level="3")
    [event] = site.recorded(e.FilingChanged)
    assert (event.by, event.occurred_at, event.recorded_at) == (ANN, utc("11:00"), utc("11:00"))
    assert event.recorded_at - site.clock == timedelta()


def test_what_may_say_something_about_a_person_is_sealed_and_a_digest_is_not() -> None:
    assert all(map(filing.is_sealed, (*filing.SEALED_FIELDS, "server.main")))
    assert not any(map(filing.is_sealed, (*filing.OPEN_FIELDS, "document.contract")))


def test_what_is_about_a_filing_comes_after_what_is_about_an_incident() -> None:
    site = filed(History(), **TO_FILE).do(c.Remind(on="2026-03-01")).log()
    found = work.items(site.case).values()
    assert [(item.kind, item.comes_last) for item in found] == [("call", False), (FILE, True)]
