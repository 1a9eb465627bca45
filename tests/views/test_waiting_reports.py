"""The reports that wait for triage, as items of the queue."""

from datetime import timedelta
from functools import partial

import pytest

from incidents.contract.queue_filter import QueueFilter
from incidents.contract.queue_order import with_reports
from incidents.desk.inbox import reporters as desk_reporters
from incidents.desk.inbox.receiving import Incoming
from incidents.store.database.engine import reading
from incidents.store.inbox.reporters import BLOCKED, TRUSTED
from incidents.views.queue import waiting_reports
from tests.desk.report_acts import dismiss, incoming, receive, reopen
from tests.views.day import Day

HOUR = timedelta(hours=1)


def report(n: int, host: str | None = None, **facts: object) -> Incoming:
    return incoming(f"{n:064x}", hosts=[] if host is None else [host], **facts)


def mark(day: Day, reporter: str, standing: str) -> None:
    day.desk.on_record(
        partial(
            desk_reporters.mark, reporter=reporter, standing=standing, reason="known", by="li",
            login="desk1", clock=lambda: day.now,
        )
    )  # fmt: skip


def shown(day: Day) -> list[str]:
    page = day.queue(triage_within=HOUR)
    return [each["id"] for each in with_reports(page["items"], page["reports"])]


@pytest.mark.both_databases
def test_forty_reports_that_name_the_same_host_are_one_item(day: Day) -> None:
    day.add("shop.example")
    receive(day, *(report(n, "www.shop.example", category="phishing") for n in range(40)))
    day.after("5m")
    receive(day, report(90, "other.example"), report(91))
    waiting = day.queue(triage_within=HOUR)["reports"]
    assert [(each["id"], each["reports"], each["host"]) for each in waiting["items"]] == [
        ("r1", 40, "www.shop.example"), ("r41", 1, "other.example"), ("r42", 1, None),
    ]  # fmt: skip
    first = waiting["items"][0]
    assert (first["site"], first["category"]) == ("shop.example", "phishing")
    assert (first["received_at"], first["due"]) == ("2026-03-01T10:00:00Z", "2026-03-01T11:00:00Z")
    assert (waiting["waiting"], waiting["capped"], waiting["more"]) == (42, False, False)


def test_a_report_has_its_place_by_the_time_within_which_it_must_be_looked_at(day: Day) -> None:
    day.add("a.example").log("a.example")
    receive(day, report(1, "b.example"))
    day.after("1m").log("a.example")
    assert shown(day) == ["1-1", "r1", "1-2"]
    page = day.after("59m").queue(triage_within=HOUR)["reports"]["items"][0]
    assert (page["left_s"], page["overdue"]) == (0, False)
    page = day.after("1s").queue(triage_within=HOUR)["reports"]["items"][0]
    assert (page["left_s"], page["overdue"]) == (-1, True)


def test_a_report_that_was_opened_again_may_wait_as_long_as_a_new_one(day: Day) -> None:
    receive(day, report(1, "b.example"))
    dismiss(day, 1)
    day.after("3h")
    reopen(day, 1)
    [item] = day.queue(triage_within=HOUR)["reports"]["items"]
    assert (item["received_at"], item["due"]) == ("2026-03-01T10:00:00Z", "2026-03-01T14:00:00Z")
    assert (item["left_s"], item["overdue"]) == (3600, False)


def test_without_a_time_for_triage_no_report_is_overdue(day: Day) -> None:
    receive(day, report(1, "b.example"))
    [item] = day.after("30d").queue()["reports"]["items"]
    assert (item["due"], item["left_s"], item["overdue"]) == (None, None, False)


def test_what_cannot_wait_comes_before_all_and_what_a_blocked_reporter_sent_after_all(
    day: Day,
) -> None:
    mark(day, "spam.example", BLOCKED)
    mark(day, "cert.example", TRUSTED)
    receive(day, report(1, "a.example", reporter="spam.example"))
    day.after("90m").add("s.example").log("s.example")
    receive(day, report(2, "b.example", category="child_abuse"))
    receive(day, report(3, "c.example", reporter="cert.example"))
    assert shown(day) == ["r2", "1-1", "r3", "r1"]


@pytest.mark.parametrize("settled", [False, True])
def test_only_waiting_reports_are_items(day: Day, settled: bool) -> None:
    receive(day, report(1, "a.example"))
    if settled:
        dismiss(day, 1)
    assert shown(day) == ([] if settled else ["r1"])


def test_a_page_of_a_filter_and_a_later_page_have_no_reports(day: Day) -> None:
    day.add().log().log()
    receive(day, report(1, "a.example"))
    first = day.queue(limit=1)
    assert first["reports"]["waiting"] == 1
    assert day.queue(after=first["next_after"])["reports"] is None
    assert day.queue(wanted=QueueFilter(kind="call"))["reports"] is None
    assert day.queue(mine="li")["reports"] is None


@pytest.mark.both_databases
def test_a_flood_of_reports_shows_its_most_urgent_findings_and_says_that_there_are_more(
    day: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    receive(day, *(report(n, f"h{n}.example") for n in range(9)))
    page = day.queue()["reports"]
    assert [each["id"] for each in page["items"]] == ["r1", "r2", "r3", "r4", "r5"]
    assert (page["waiting"], page["more"]) == (9, True)
    before = len(day.statements(lambda: waiting(day)))
    receive(day, *(report(n, "h1.example") for n in range(100, 210)))
    page = day.queue()["reports"]
    assert (page["waiting"], page["more"], page["items"][1]["reports"]) == (119, True, 92)
    # One more counts them.
    assert len(day.statements(lambda: waiting(day))) == before + 1


def waiting(day: Day) -> object:
    with reading(day.engine) as connection:
        return waiting_reports.waiting(connection, day.now, HOUR)
