"""The queue: its order, its pages, what it says to the person who looks at it."""

import re
from collections.abc import Callable
from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert, select

from incidents import views
from incidents.contract.actions import CLOSING
from incidents.contract.hints import action_of
from incidents.desk import Envelope
from incidents.errors import InputError
from incidents.locale.language import ENGLISH, Language, language
from incidents.locale.words import TimeFormat
from incidents.machine import commands as c
from incidents.metrics import database as metrics
from incidents.store import deliveries
from incidents.store.database.engine import writing
from incidents.store.monitoring import Heartbeat, beat, once_on
from incidents.store.schema.desk_tables import sealed
from incidents.store.schema.tables import FAR, sites, work
from incidents.views.figures.overview import overview
from incidents.views.queue.queue import item as one_item
from tests.contract.test_refusal_hints import meant
from tests.desk.report_acts import incoming, receive
from tests.metrics.rig import values
from tests.views.day import SITE, Day

CHINESE = language("zh_CN")


def ids(day: Day, **options: object) -> list[str]:
    return [item["id"] for item in day.queue(**options)["items"]]


@pytest.mark.both_databases
def test_what_is_overdue_comes_first_then_by_deadline_then_by_when_it_was_recorded(
    day: Day,
) -> None:
    for name in ("a.example", "b.example", "c.example"):
        day.add(name)
    day.log("c.example").contact_of("c.example", 1)
    day.after("5m").log("b.example")
    day.after("10m").log("a.example").log("a.example")
    day.after("55m")
    shown = day.queue()["items"]
    assert [item["id"] for item in shown] == ["2-1", "1-1", "1-2", "3-1"]
    assert [item["overdue"] for item in shown] == [True, False, False, False]
    assert [item["left_s"] for item in shown] == [-300, 300, 300, None]


def test_at_the_very_deadline_nothing_is_overdue_yet(day: Day) -> None:
    day.add().log().after("1h")
    assert not day.item("1-1")["overdue"]
    assert day.item("1-1")["left_s"] == 0
    day.after("1s")
    assert day.item("1-1")["overdue"]
    assert "OVERDUE by 1 s" in day.item("1-1")["say"]


def test_looking_does_nothing_that_is_due(day: Day) -> None:
    day.add().log().after("2h")
    assert day.queue()["enforcement"]["overdue"] == 1
    assert day.site()["state"] == "active"
    assert day.why()["site"]["state"] == "active"


@pytest.mark.both_databases
def test_an_item_has_all_that_a_call_needs(day: Day) -> None:
    day.add(person="Wang Wei", phone="010 5555 0100", email="w@shop.example")
    day.log(
        urls=("https://shop.example/a", "https://shop.example/b"), category="gambling", note="!"
    )
    day.after("5m").contact(1, "no-answer").do(c.ClaimItem(by="zhao", item="1"))
    (item,) = day.queue(reveal=True)["items"]
    assert item["person"] == "Wang Wei"
    assert item["phone"] == "010 5555 0100"
    assert item["email"] == "w@shop.example"
    assert item["urls"] == ["https://shop.example/a", "https://shop.example/b"]
    assert item["category"] == "gambling"
    assert item["note"] == "!"
    assert item["attempts"] == 1
    assert (item["claimed_by"], item["claimed_at"]) == ("zhao", "2026-03-01T10:05:00Z")
    assert item["due"] == "2026-03-01T11:00:00Z"
    assert item["next"] == "incidents contact 1-1 reached"
    assert "Phone Wang Wei, 010 5555 0100." in item["say"]
    assert "https://shop.example/a and 1 more" in item["say"]
    assert "55 min left: if nobody is reached, the site is suspended for 12 h" in item["say"]


def test_numbers_and_addresses_are_masked_until_somebody_asks_for_them(day: Day) -> None:
    day.add(person="Wang Wei", phone="010 5555 0100", email="wang@shop.example")
    day.log(note="or his office: 010 5555 0177")
    shown = day.item("1-1")
    assert shown["person"] == "Wang Wei"
    assert shown["phone"] == "010 •••• ••00"
    assert shown["email"] == "w•••@shop.example"
    assert shown["note"] == "or his office: 010 •••• ••77"
    assert "Phone Wang Wei, 010 •••• ••00." in shown["say"]
    assert "5555" not in str(shown)
    (revealed,) = day.queue(reveal=True)["items"]
    assert list(revealed) == list(shown)
    hidden = {name for name in shown if shown[name] != revealed[name]}
    assert hidden == {"phone", "email", "note", "say"}


def test_a_reason_in_the_script_is_masked_too(day: Day) -> None:
    day.add(phone="010 5555 0100").log().log().log()
    day.do(c.VoidIncident(by="li", incident=1, reason="double"))
    day.do(c.AskReinstatement(by="li", reason="ask Zhao, zhao@shop.example, 010 5555 0177"))
    assert "“ask Zhao, z•••@shop.example, 010 •••• ••77”" in day.item("1-reinstatement")["say"]


@pytest.mark.both_databases
def test_one_item_is_shown_by_itself_and_as_the_page_has_it(day: Day) -> None:
    day.add(phone="010 5555 0100").log().log().do(c.ClaimItem(by="zhao", item="2"))
    with day.reading() as connection:
        page = views.queue(connection, day.now, reveal=True)["items"]
        assert one_item(connection, day.now, (1, "2"), reveal=True) == page[1]
        masked = one_item(connection, day.now, (1, "2"))
        assert masked is not None
        assert masked["phone"] == "010 •••• ••00"
        assert one_item(connection, day.now, (1, "3")) is None
        assert one_item(connection, day.now, (2, "1")) is None


def test_without_a_phone_it_says_where_to_write_or_to_look_for_one(day: Day) -> None:
    day.add("mail.example", email="wang@mail.example").log("mail.example")
    day.add("bare.example").log("bare.example")
    assert "write to w•••@mail.example" in day.item("1-1")["say"]
    assert "look for a number and add it to bare.example" in day.item("2-1")["say"]
    assert day.item("2-1")["commands"][-1] == "incidents site edit bare.example --phone P"
    assert "incidents site edit" not in str(day.item("1-1")["commands"])


@pytest.mark.both_databases
def test_what_has_been_erased_is_null(day: Day) -> None:
    day.add(phone="010 5555 0100").log(note="seen")
    with writing(day.engine) as connection:
        connection.execute(sealed.delete())
    item = day.item("1-1")
    assert item["phone"] is None
    assert item["note"] is None


@pytest.mark.both_databases
def test_each_kind_of_work_names_its_next_command(day: Day) -> None:
    day.add().log().after("1h1s").elapse()
    assert day.item("1-1")["kind"] == "keep_calling"
    assert "The site should be down (actual state: active)," in day.item("1-1")["say"]
    day.do(c.RecordDelivery(order=4, lane="act", adapter="panel", attempts=1, enforced=True))
    assert "The site is down" in day.item("1-1")["say"]
    day.after("12h1s").elapse()
    assert day.item("1-t1")["commands"] == [
        "incidents removed 1-1", "incidents recur 1-1", "incidents done 1-t1",
    ]  # fmt: skip
    day.contact(1)
    assert day.item("1-1")["commands"] == [
        "incidents removed 1-1", "incidents refused 1-1", "incidents recur 1-1",
    ]  # fmt: skip
    day.log().log()
    assert day.item("1-t2")["next"] == "incidents done 1-t2 --outcome told"
    assert "no after-sales service, no refund" in day.item("1-t2")["say"]
    assert "If you object, tell us why" in day.item("1-t2")["say"]
    in_chinese = day.queue(when=TimeFormat(zone=UTC, now=day.now, language=CHINESE))["items"]
    assert any("对关闭有异议的" in item["say"] for item in in_chinese)
    day.do(c.VoidIncident(by="li", incident=3, reason="double"))
    assert day.item("1-disputed")["commands"][:2] == [
        f"incidents site uphold {SITE} --reason R", f"incidents site reinstate {SITE} --reason R",
    ]  # fmt: skip
    day.do(c.AskReinstatement(by="li", reason="all is clean"))
    item = day.item("1-reinstatement")
    assert item["next"] == f"incidents approve {SITE}"
    assert "Another person must decide" in item["say"]
    assert "“all is clean”" in item["say"]
    assert item["note"] == "all is clean"
    disputed = day.item("1-disputed")
    assert (disputed["asked_by"], disputed["note"]) == ("li", "all is clean")
    assert disputed["commands"] == [
        f"incidents site uphold {SITE} --reason R", f"incidents approve {SITE}",
        f"incidents decline {SITE} --reason R", f"incidents site why {SITE}",
    ]  # fmt: skip
    assert "li requested reinstatement" in disputed["say"]


TO_FILE = {"opened_on": "2026-02-14"}
TO_SHOW = {"public_security_number": "京公网安备 11010502000001号", "approved_on": "2026-02-14"}


@pytest.mark.parametrize(
    ("details", "language", "to_come", "was_due"),
    [
        (TO_FILE, ENGLISH, "must be filed with", "end of 2026-03-16, but no filing is on record"),
        (TO_SHOW, ENGLISH, "must show the record", "end of 2026-03-16, but no date is on record"),
        (TO_FILE, CHINESE, "2026-03-16（含当日）办理。", "2026-03-16（含当日）办理，现已超时，"),
        (TO_SHOW, CHINESE, "（含当日）标明备案编号。", "（含当日）标明备案编号，现已超时，"),
    ],
)  # fmt: skip
def test_a_term_that_is_over_is_told_as_over_by_the_day_of_the_zone(
    day: Day, details: dict[str, str], language: Language, to_come: str, was_due: str
) -> None:
    day.add().do(c.ChangeFiling(by="li", details=tuple(details.items())))
    day.at("03-15 00:00").do(c.Remind(by="clock", on="2026-03-15"))

    def say() -> str:
        when = TimeFormat(zone=ZoneInfo("Asia/Shanghai"), now=day.now, language=language)
        [item] = day.queue(when=when)["items"]
        with day.reading() as connection:
            alone = one_item(connection, day.now, (1, "t1"), when=when)
        assert alone is not None
        assert alone["say"] == item["say"]
        return str(item["say"])

    # The last second of the 16th in Shanghai, and the first of the 17th.
    day.at("03-16 15:59:59")
    assert to_come in say()
    day.at("03-16 16:00")
    assert to_come not in say()
    assert was_due in say()


def test_nobody_is_to_phone_of_a_closure_that_the_brake_holds(day: Day) -> None:
    day.add().log().log().log()
    with day.reading() as connection:
        [held] = [each.order for _, each in deliveries.chains(connection, [1])]
    day.do(c.RecordFailure(order=held, lane="act", adapter="brake", attempts=0, problem="braked"))
    told = day.item("1-t1")
    told_not = "Do not phone yet: shop.example should be closed, but is active."
    assert told_not in told["say"]
    assert (told["withheld"], told["next"]) == (True, "incidents orders list --site shop.example")
    day.do(c.RetryOrder(by="wang", order=held, lane="act"))
    assert (day.item("1-t1")["withheld"], day.item("1-t1")["next"][:14]) == (
        False,
        "incidents done",
    )


@pytest.mark.both_databases
@pytest.mark.parametrize(
    "again",
    [
        lambda day: day.do(c.Recur(by="li", incident=1)),
        lambda day: day.log(urls=("https://shop.example/a",)),
        lambda day: day.log(urls=("https://shop.example/a",)).after("1h1s").elapse(),
    ],
    ids=["a recurrence", "its address", "its address, unreached"],
)
def test_no_recurrence_is_proposed_that_would_be_a_double_entry(
    day: Day, again: Callable[[Day], Day]
) -> None:
    day.add("other.example").add()
    day.log("other.example", urls=("https://other.example/b",))
    day.log(urls=("https://shop.example/a",)).after("1h1s").elapse().after("12h1s").elapse()
    day.contact_of(SITE, 1).log("other.example", urls=("https://other.example/c",))
    recheck, check = day.item("2-t1"), day.item("2-1")
    for item in (recheck, check):
        assert "incidents recur 2-1" in item["commands"]

    again(day)
    for item in (day.item("2-t1"), day.item("2-1")):
        assert "incidents recur 2-1" not in item["commands"]
        assert "incidents contact 2-2 reached" in item["commands"]
        assert "A recurrence of 2-1 is already logged as 2-2" in item["say"]


def _two(day: Day, more: str = "") -> Day:
    day.desk.activate(f"[closure]\ntwo_people = true\n{more}", by="li", login=None, reason="two")
    return day


def _reinstated(day: Day) -> Day:
    return day.do(c.AskReinstatement(by="li", reason="appeal")).do(c.Approve(by="wang"))


def _suspected(day: Day) -> Day:
    return day.add().log().contact(1).do(c.RaiseSuspicion(field="icp_number", finding="short"))


AT_WORK: dict[str, Callable[[Day], Day]] = {
    "suspicion": _suspected,
    "suspicion, two people": lambda day: _suspected(_two(day)),
    "suspicion, asked": lambda day: _suspected(_two(day)).do(c.StateRefused(by="li", incident=1)),
    "two of three": lambda day: day.add().log().log().contact(1),
    "suspended, two of three": lambda day: day.add().miss().after("13h").elapse().log().contact(1),
    "recurred": lambda day: day.add().log().contact(1).do(c.Recur(by="li", incident=1)),
    "reinstated": lambda day: _reinstated(day.add().log().log().log().contact(2)),
    "reinstated, two of three": lambda day: (
        _reinstated(day.add().log().contact(1).do(c.StateRefused(by="li", incident=1))).log().log()
    ),
    "disputed": lambda day: (
        day.add().log().log().log().do(c.VoidIncident(by="li", incident=3, reason="double"))
    ),
}


@pytest.mark.parametrize("name", AT_WORK)
def test_nothing_is_proposed_that_would_be_refused_next_or_that_closes_unsaid(
    day: Day, name: str
) -> None:
    for item in AT_WORK[name](day).queue()["items"]:
        for hint in item["hints"]:
            action = action_of(hint)
            if action is None:
                continue
            asked = Envelope(site=1, command=meant(hint))
            (answer,) = day.desk.submit([asked], dry_run=True)
            assert answer.refusal is None, (item["id"], hint)
            closed = any(each.kind == "site_closed" for each in answer.events)
            assert not closed or action.command in CLOSING, (item["id"], hint)


@pytest.mark.both_databases
def test_where_another_violation_closes_the_site_the_count_is_looked_at_and_none_is_proposed(
    day: Day,
) -> None:
    day.add().log().after("1h1s").elapse().after("12h1s").elapse().contact(1)
    assert "incidents recur 1-1" in day.item("1-t1")["commands"]
    day.log()
    for id_ in ("1-t1", "1-1"):
        item = day.item(id_)
        assert item["commands"][:1] == ["incidents removed 1-1"]
        assert "incidents recur 1-1" not in item["commands"]
        assert f"incidents site why {SITE}" in item["commands"]
        assert (
            " If the content is still there, another violation would close shop.example (R1): check"
            " the count first." in item["say"]
        )
        assert "log a recurrence, a new violation" not in item["say"]


def test_of_what_is_settled_a_recheck_proposes_no_violation_that_closes_the_site(day: Day) -> None:
    day.add().log().contact(1).do(c.StateRefused(by="li", incident=1))
    day.do(c.AskReinstatement(by="li", reason="appeal")).do(c.Approve(by="wang")).log().log()
    [item] = [each for each in day.queue()["items"] if each["kind"] == "recheck"]
    assert item["commands"] == [f"incidents done {item['id']}", f"incidents site why {SITE}"]
    assert "would close shop.example (R1): check the count first. When" in item["say"]


def test_a_recheck_offers_each_call_once_and_names_it_once(day: Day) -> None:
    day.add().log().after("1h1s").elapse().after("12h1s").elapse().contact(1)
    day.do(c.Recur(by="li", incident=1)).log().log()
    day.do(c.AskReinstatement(by="li", reason="appeal")).do(c.Approve(by="wang"))
    [item] = [
        each for each in day.queue()["items"]
        if each["kind"] == "recheck" and {"1-1", "1-2"} <= set(each["about"])
    ]  # fmt: skip
    assert len(item["commands"]) == len(set(item["commands"]))
    assert "incidents contact 1-2 reached" in item["commands"]
    assert (
        "A recurrence of 1-1 is already logged as 1-2, and nobody has been reached about 1-2"
        in item["say"]
    )
    assert "Nobody has been told about 1-3 yet" in item["say"]


def test_a_suspicion_asks_where_two_people_close_and_is_answered_where_somebody_has_asked(
    day: Day,
) -> None:
    day.desk.activate("[closure]\ntwo_people = true\n", by="li", login=None, reason="two")
    day.add().log().contact(1).do(c.RaiseSuspicion(field="icp_number", finding="repeated_digit"))
    [item] = [each for each in day.queue()["items"] if each["kind"] == "suspicion"]
    done = f"incidents done {item['id']} --outcome not-false"
    first = [f"incidents filing check {SITE}", done]
    false = f"incidents site false-info {SITE} --field icp_number --evidence E"
    assert item["commands"] == [*first, false]
    assert "this requests closure (R4), which another person must confirm" in item["say"]
    day.do(c.StateRefused(by="li", incident=1))
    item = day.item(item["id"])
    assert item["commands"] == [
        *first, f"incidents approve {SITE}",
        f"incidents decline {SITE} --reason R",
    ]  # fmt: skip
    assert "state false information" not in item["say"]
    assert "Another person must confirm or decline now" in item["say"]


def test_an_earlier_incident_of_which_nobody_can_be_told_does_not_keep_a_later_one(
    day: Day,
) -> None:
    url = ("https://shop.example/a",)
    day.desk.activate("[repeat]\ncount = 4\n", by="li", login=None, reason="more")
    day.add().log(urls=url).log(urls=url).after("14h").elapse()
    day.contact(2)
    assert "incidents recur 1-2" in day.item("1-2")["commands"]


def test_what_waits_for_a_second_person_to_close_it_comes_first_and_is_overdue(day: Day) -> None:
    policy = "[closure]\ntwo_people = true\n[repeat]\ncount = 4\n"
    day.desk.activate(policy, by="li", login=None, reason="two")
    day.add().log().contact(1).do(c.StateRefused(by="li", incident=1, note="he hung up"))
    day.after("1m").log()
    item = day.queue()["items"][0]
    assert (item["id"], item["kind"], item["overdue"]) == ("1-closure", "closure", True)
    assert (item["asked_by"], item["note"]) == ("li", "he hung up")
    assert day.item("1-1")["commands"] == [
        "incidents removed 1-1", f"incidents approve {SITE}",
        f"incidents decline {SITE} --reason R", "incidents recur 1-1",
    ]  # fmt: skip
    assert "refuses to delete it, record the refusal" not in day.item("1-1")["say"]
    assert item["to_close"] == {"rule": "refusal", "incident": "1-1", "field": None}
    assert item["next"] == f"incidents approve {SITE}"
    assert "Another person must confirm or decline now" in item["say"]
    day.do(c.SayRemoved(incident=1, note="all gone"))
    item = day.item("1-closure")
    assert (item["said_gone"], item["remark"]) == (True, "all gone")
    assert item["say"].startswith("The customer reports the content removed: “all gone”.")
    assert "Another person must confirm or decline now" in day.item("1-1")["say"]


def test_nobody_is_told_of_a_closure_while_it_is_disputed(day: Day) -> None:
    """Nor is the task counted anywhere; on another site, and once it is upheld, it waits."""
    day.add().log().log().log().add("b.example").log("b.example").log("b.example").log("b.example")
    day.do(c.ClaimItem(by="li", item="t1")).do(c.VoidIncident(by="li", incident=3, reason="double"))
    assert sorted(ids(day)) == ["1-1", "1-2", "1-disputed", "2-1", "2-2", "2-3", "2-t1"]
    assert (ids(day, mine="li"), day.queue(mine="li")["counts"]) == ([], {})
    assert day.queue()["counts"]["tell"] == 1
    assert day.site()["tasks"] == []
    with day.reading() as connection:
        assert one_item(connection, day.now, (1, "t1")) is None
        assert overview(connection, day.now, ZoneInfo("UTC"))["now"]["queue"]["tell"] == 1
        assert values(metrics.look(connection, day.now), "queue_items")["tell"] == 1
    day.do(c.Uphold(by="li", reason="two others"))
    assert (ids(day, mine="li"), day.queue()["counts"]["tell"]) == (["1-t1"], 2)
    assert [task["id"] for task in day.site()["tasks"]] == ["1-t1"]


def test_of_a_held_site_nothing_is_proposed_that_the_hold_forbids(day: Day) -> None:
    day.add().log().log().log()
    day.do(c.VoidIncident(by="li", incident=3, reason="double"))
    day.do(c.SetHold(by="li", reason="letter 12"))
    disputed = day.item("1-disputed")
    assert f"incidents site reinstate {SITE} --reason R" not in disputed["commands"]
    assert "or lift the hold and request reinstatement" in disputed["say"]

    day.do(c.LiftHold(by="li", reason="letter 13"))
    day.do(c.AskReinstatement(by="li", reason="all is clean"))
    day.do(c.SetHold(by="li", reason="letter 14"))
    asked = day.item("1-reinstatement")
    assert asked["next"] == f"incidents decline {SITE} --reason R"
    assert "until the hold is lifted" in asked["say"]
    disputed = day.item("1-disputed")
    for each in (asked, disputed):
        assert f"incidents approve {SITE}" not in each["commands"]
        assert f"incidents site reinstate {SITE} --reason R" not in each["commands"]
    assert "until the hold is lifted" in disputed["say"]


def test_a_second_correction_is_shown_to_a_supervisor(day: Day) -> None:
    day.add().log()
    for contact in (1, 2):
        day.contact(1).do(c.VoidContact(by="li", incident=1, contact=contact, reason="wrong"))
    item = day.item("1-t1")
    assert item["kind"] == "review"
    assert item["commands"] == ["incidents show 1-1", "incidents done 1-t1"]


def test_a_run_of_two_warns_that_the_next_miss_closes(day: Day) -> None:
    day.add()
    for _ in range(2):
        day.miss().after("13h").elapse()
    assert day.item("1-1")["warning"] == f"the next miss closes {SITE}"
    day.log()
    assert day.item("1-3")["warning"] == f"the next miss closes {SITE}"
    assert "the site is closed: no after-sales" in day.item("1-3")["say"]
    day.contact(3)
    assert day.item("1-3")["warning"] is None


def test_who_is_reached_later_takes_no_warning_from_an_earlier_clock(day: Day) -> None:
    day.add()
    for _ in range(2):
        day.miss().after("23h").elapse()
    day.log().after("10m").log().contact(4)
    assert day.site()["run"] == 0
    assert day.item("1-3")["warning"] == f"the next miss closes {SITE}"
    assert day.item("1-4")["warning"] is None
    day.after("1h").elapse()
    assert day.site()["rule"] == "unreachable_run"


def test_a_site_that_is_down_is_not_warned_of_a_miss(day: Day) -> None:
    day.add().miss().after("13h").elapse().miss().log()
    assert day.site()["run"] == 2
    assert day.item("1-3")["warning"] is None
    assert day.item("1-3")["site_down"]


def test_a_clock_that_lapsed_with_too_few_attempts_is_an_alarm_in_the_queue(day: Day) -> None:
    """R2: the desk is alarmed in place of a suspension, and the queue is where it looks."""
    day.add()
    policy = "[unreachable]\nmin_attempts = 1\n"
    day.desk.activate(policy, by="li", login=None, reason="a try")
    day.miss()
    assert day.site()["state"] == "active"
    assert day.item("1-1")["warning"] == (
        "ALARM: the deadline of 1-1 passed after only 0 of 1 required attempts, so shop.example"
        " was not suspended for it, and later attempts do not change that. Keep calling"
    )


def test_an_attempt_recorded_too_late_does_not_end_the_alarm(day: Day) -> None:
    day.add()
    day.desk.activate("[unreachable]\nmin_attempts = 1\n", by="li", login=None, reason="a try")
    day.log().after("61m").contact(1, "no-answer", at="10:30")
    assert "after only 0 of 1 required attempts" in day.item("1-1")["warning"]
    assert "after 0 of 1 required attempts" in day.text()


def test_a_clock_that_lapsed_under_a_hold_after_enough_attempts_is_no_alarm(day: Day) -> None:
    day.add()
    day.desk.activate("[unreachable]\nmin_attempts = 1\n", by="li", login=None, reason="a try")
    day.log().contact(1, "no-answer").do(c.SetHold(by="li", reason="order 7"))
    day.after("61m").elapse().do(c.LiftHold(by="li", reason="over"))
    assert (day.site()["state"], day.item("1-1")["kind"]) == ("active", "keep_calling")
    assert day.item("1-1")["warning"] is None


def test_a_call_says_how_many_attempts_a_suspension_needs_and_how_many_were_made(day: Day) -> None:
    day.add()
    policy = "[unreachable]\nmin_attempts = 2\n[unreachable_run]\ncount = 2\n"
    day.desk.activate(policy, by="li", login=None, reason="a try")
    day.log().contact(1, "no-answer")
    attempts = "if nobody is reached in at least 2 attempts (made so far: 1), the site is "
    assert (
        f"{attempts}suspended for 12 h; after fewer attempts, only an alarm"
        in day.item("1-1")["say"]
    )
    day.contact(1, "no-answer").after("61m").elapse().after("13h").elapse()
    day.log().contact(2, "no-answer")
    assert f"{attempts}closed: no after-sales" in day.item("1-2")["say"]
    warning = f"the next miss after 2 or more attempts by the deadline closes {SITE}"
    assert day.item("1-2")["warning"] == warning


def test_a_call_without_the_attempts_that_a_suspension_needs_only_alarms(day: Day) -> None:
    day.add()
    day.desk.activate("[unreachable]\nmin_attempts = 2\n", by="li", login=None, reason="a try")
    day.log()
    assert (day.item("1-1")["consequence"], day.item("1-1")["suspends_s"]) == ("alarms", None)
    day.contact(1, "no-answer").contact(1, "no-answer")
    assert (day.item("1-1")["consequence"], day.item("1-1")["suspends_s"]) == ("suspends", 43_200)
    day.do(c.SetHold(by="li", reason="order 7")).log()
    assert [day.item(each)["consequence"] for each in ("1-1", "1-2")] == [None, "alarms"]


def test_a_removal_deadline_closes_the_site_and_a_check_without_one_does_nothing(day: Day) -> None:
    day.add().log().contact(1)
    assert day.item("1-1")["consequence"] is None
    day.desk.activate("[refusal]\nremoval_within = '2h'\n", by="li", login=None, reason="a try")
    day.log().contact(2)
    assert day.item("1-2")["consequence"] == "closes"
    day.after("2h1s").elapse()
    assert (day.site()["state"], day.site()["rule"]) == ("closed", "refusal")


def test_a_clock_that_ends_with_the_suspension_is_taken_first(day: Day) -> None:
    day.add().miss().after("11h").log()
    assert day.item("1-2")["due"] == day.site()["suspended_until"]
    assert "so a miss does not suspend it again" in day.item("1-2")["say"]
    day.after("1h1s").elapse()
    assert (day.site()["state"], day.site()["run"]) == ("active", 1)


def test_a_clock_that_outlasts_the_suspension_says_what_its_miss_does(day: Day) -> None:
    day.add().miss().after("11h50m").log()
    assert day.site()["state"] == "suspended"
    opens = "the site opens again before the deadline; if nobody is reached, the site is "
    assert f"{opens}suspended for 12 h" in day.item("1-2")["say"]
    day.after("61m").elapse().after("11h50m").log()
    assert day.site()["state"] == "suspended"
    assert f"{opens}closed" in day.item("1-3")["say"]
    assert day.item("1-3")["warning"] == f"the next miss closes {SITE}"
    day.after("61m").elapse()
    assert day.site()["rule"] == "unreachable_run"


@pytest.mark.both_databases
def test_mine_shows_and_counts_only_what_one_has_claimed(day: Day) -> None:
    day.add().log().log().do(c.ClaimItem(by="zhao", item="2"))
    assert ids(day, mine="zhao") == ["1-2"]
    assert ids(day, mine="li") == []
    with day.reading() as connection:
        counted = [
            views.queue(connection, day.now, mine=person)["counts"]
            for person in ("zhao", "li", None)
        ]
    assert counted == [{"call": 1}, {}, {"call": 2}]


@pytest.mark.both_databases
def test_pages_follow_each_other_without_a_gap_or_a_repetition(day: Day) -> None:
    for name in ("a.example", "b.example"):
        day.add(name).log(name).log(name)
        day.contact_of(name, 1)
    whole, pages, after = ids(day), [], None
    while True:
        page = day.queue(limit=1, after=after)
        pages += [item["id"] for item in page["items"]]
        after = page["next_after"]
        if not page["more"]:
            break
    assert pages == whole
    assert len(whole) == 4
    assert after is None


@pytest.mark.both_databases
def test_a_page_goes_on_when_its_last_item_has_left_the_queue(day: Day) -> None:
    day.add().log().after("1m").log()
    first = day.queue(limit=1)
    day.do(c.StateRemoved(by="li", incident=1))
    assert ids(day, after=first["next_after"]) == ["1-2"]


@pytest.mark.parametrize("after", ["", "1-1", "x.y.1-1", "1.2.nothing", "9" * 40 + ".1.1-1"])
def test_a_place_that_no_page_gave_is_refused(day: Day, after: str) -> None:
    with pytest.raises(InputError, match="not a place in the queue"):
        day.queue(after=after)


@pytest.mark.parametrize("limit", [0, 1_001])
def test_a_page_has_a_limit(day: Day, limit: int) -> None:
    with pytest.raises(InputError, match="1 to 1,000 items"):
        day.queue(limit=limit)


@pytest.mark.both_databases
def test_kinds_are_counted(day: Day) -> None:
    day.add().log().log().contact(1)
    queue = day.queue()
    assert queue["counts"] == {"call": 1, "check_removal": 1}
    assert not queue["counts_capped"]


@pytest.mark.both_databases
def test_counting_ends_somewhere(day: Day) -> None:
    day.add()
    row = {"site_id": 1, "kind": "call", "sort_due": FAR, "recorded_at": day.now}
    with writing(day.engine) as connection:
        connection.execute(insert(work), [{**row, "item": f"t{n}"} for n in range(1, 1_002)])
    queue = day.queue()
    assert queue["counts"] == {"call": 1_000}
    assert queue["counts_capped"]


@pytest.mark.both_databases
def test_the_limits_of_a_page_stand_in_its_statements(day: Day) -> None:
    # A server that plans for any limit takes it for a tenth of the table, and reads all sites.
    day.add().log()
    receive(day, incoming("0" * 64))
    statements = day.statements(lambda: day.queue(limit=7))
    limits = {limit for each in statements for limit in re.findall(r"LIMIT\s+(\d+)", each)}
    assert limits == {"1", "8", "10", "100", "101", "1000", "2000"}


@pytest.mark.both_databases
def test_a_page_takes_the_same_queries_however_long_it_is(day: Day) -> None:
    day.add().log().contact(1, "no-answer")
    one = day.statements(day.queue)
    for n in range(5):
        day.add(f"s{n}.example").log(f"s{n}.example", urls=(f"https://s{n}.example/",))
    many = day.statements(day.queue)
    assert len(many) == len(one)


@pytest.mark.both_databases
def test_nothing_enforces_the_clock_until_a_daemon_is_heard_of(day: Day) -> None:
    day.add().log()
    assert day.enforcement()["beating"] is False
    assert day.enforcement()["last_beat"] is None
    heartbeat(day)
    assert day.enforcement()["beating"] is True
    assert day.enforcement()["last_beat"] == "2026-03-01T10:00:00Z"
    day.after("10s")
    assert day.enforcement()["beating"] is True
    day.after("1s")
    assert day.enforcement()["beating"] is False
    assert day.enforcement()["daemon"] == "d1"


def test_a_daemon_that_stands_aside_enforces_nothing_and_says_why(day: Day) -> None:
    heartbeat(day, aside="its clock is 3 s ahead")
    assert day.enforcement()["beating"] is False
    assert day.enforcement()["standing_aside"] == "its clock is 3 s ahead"
    heartbeat(day, daemon="d2")
    assert day.enforcement()["beating"] is True
    assert day.enforcement()["standing_aside"] is None
    assert len(day.enforcement()["daemons"]) == 2


@pytest.mark.both_databases
def test_what_is_overdue_is_told_since_when(day: Day) -> None:
    day.add("a.example").log("a.example").after("10m").add("b.example").log("b.example")
    day.after("50m1s")
    told = day.enforcement()
    assert (told["overdue"], told["overdue_since"]) == (1, "2026-03-01T11:00:00Z")
    assert told["overdue_sites"] == [{"site": "a.example", "due": "2026-03-01T11:00:00Z"}]
    day.after("10m")
    assert day.enforcement()["overdue"] == 2
    assert not day.enforcement()["overdue_capped"]


@pytest.mark.both_databases
def test_more_overdue_sites_than_are_named_are_counted_and_the_count_ends_somewhere(
    day: Day,
) -> None:
    day.add().log()
    with writing(day.engine) as connection:
        site = dict(connection.execute(select(sites)).mappings().one())
        copies = [{**site, "id": n, "name": f"s{n}.example"} for n in range(2, 1_003)]
        connection.execute(insert(sites), copies[:11])
    day.after("1h1s")
    assert (day.enforcement()["overdue"], day.enforcement()["overdue_capped"]) == (12, False)
    assert len(day.enforcement()["overdue_sites"]) == 10
    with writing(day.engine) as connection:
        connection.execute(insert(sites), copies[11:])
    assert (day.enforcement()["overdue"], day.enforcement()["overdue_capped"]) == (1_000, True)


def test_what_is_done_once_and_again_is_no_daemon_but_sees_to_the_clock(day: Day) -> None:
    day.add().log()
    assert day.enforcement()["enforced_by"] is None
    heartbeat(day, daemon=once_on("host"))
    told = day.enforcement()
    assert (told["enforced_by"], told["last_once"]) == ("once", "2026-03-01T10:00:00Z")
    assert (told["beating"], told["last_beat"], told["daemons"]) == (False, None, [])
    day.after("10m")
    assert day.enforcement()["enforced_by"] == "once"
    day.after("1s")
    assert day.enforcement()["enforced_by"] is None
    heartbeat(day)
    assert day.enforcement()["enforced_by"] == "daemon"


@pytest.mark.both_databases
def test_what_once_has_left_undone_is_not_seen_to(day: Day) -> None:
    day.add("a.example").log("a.example").after("1m").add("b.example").log("b.example")
    day.after("58m30s")
    heartbeat(day, daemon=once_on("host"))
    day.after("1m")
    assert (day.enforcement()["overdue"], day.enforcement()["enforced_by"]) == (1, "once")
    heartbeat(day, daemon=once_on("host"))
    assert day.enforcement()["enforced_by"] is None


def test_one_that_stands_aside_neither_fails_to_carry_out_nor_stands_in_for_who_does(
    day: Day,
) -> None:
    heartbeat(day, aside="its clock is 3 s ahead", unread="it is no file")
    assert day.enforcement()["mark_unread"] is None
    heartbeat(day, daemon="d2", unread="it is no file")
    told = day.enforcement()["mark_unread"]
    assert told is not None
    assert (told["daemon"], told["count"], told["others"]) == ("d2", 1, False)
    heartbeat(day)
    told = day.enforcement()["mark_unread"]
    assert told is not None
    assert told["others"]


def heartbeat(
    day: Day, daemon: str = "d1", aside: str | None = None, unread: str | None = None
) -> None:
    with writing(day.engine) as connection:
        beat(
            connection,
            Heartbeat(
                daemon=daemon, host="host", pid=7, started_at=day.now - timedelta(hours=1),
                beat_at=day.now, standing_aside=aside, mark_unread=unread,
                mark_unread_since=None if unread is None else day.now,
            ),
        )  # fmt: skip


@pytest.mark.both_databases
def test_what_has_waited_for_five_minutes_to_happen_in_the_world_is_named(day: Day) -> None:
    day.add().do(c.SetHold(by="li", reason="r")).after("5m").do(c.Elapse())
    [first] = day.queue()["acts"]["late"]["first"]
    assert (first["site"], first["kind"], first["attempts"]) == (SITE, "suspend", 0)
    day.do(c.RecordDelivery(order=2, lane="act", adapter="panel", attempts=1, enforced=True))
    assert day.queue()["acts"]["late"] == {"late": 0, "capped": False, "first": []}


def test_what_is_younger_and_what_waits_to_be_told_is_not(day: Day) -> None:
    day.add().log().after("30m").do(c.SetHold(by="li", reason="r")).after("4m59s")
    assert day.queue()["acts"]["late"]["late"] == 0


def test_after_a_reinstatement_a_recheck_offers_of_each_what_is_not_refused(day: Day) -> None:
    day.add().log().log().log().log().contact(2)
    day.do(c.AskReinstatement(by="li", reason="appeal")).do(c.Approve(by="wang"))
    [item] = [each for each in day.queue()["items"] if each["kind"] == "recheck"]
    assert item["about_states"] == ["open", "notified", "open", "moot"]
    assert item["commands"] == [
        "incidents removed 1-1", "incidents recur 1-2", "incidents contact 1-1 reached",
        f"incidents done {item['id']}",
    ]  # fmt: skip
    assert item["say"].endswith(
        " If the content is still there, log a recurrence, a new violation with its own clock."
        " Nobody has been told about 1-1, 1-3 yet. If the content is still there, call first, then"
        " log a recurrence. If the content of 1-4 is still there, log a new violation with its own"
        " clock. When you have checked everything, complete this task."
    )


def test_what_was_voided_is_no_ground_of_an_upheld_closure(day: Day) -> None:
    day.add().log().log().log().do(c.VoidIncident(by="li", incident=2, reason="none"))
    day.do(c.Uphold(by="wang", reason="two are enough"))
    assert "Grounds: 1-1, 1-3." in day.item("1-t1")["say"]


def test_of_what_was_refused_a_recheck_offers_nothing_that_is_refused_again(day: Day) -> None:
    day.add().log().contact(1).do(c.StateRefused(by="li", incident=1))
    day.do(c.AskReinstatement(by="li", reason="appeal")).do(c.Approve(by="wang"))
    [item] = [each for each in day.queue()["items"] if each["kind"] == "recheck"]
    assert item["about"] == ["1-1"]
    assert item["say"].endswith(
        "If the content is still there, log a new violation with its own clock. When you have"
        " checked everything, complete this task."
    )
    assert item["next"] == f"incidents done {item['id']}"


@pytest.mark.both_databases
def test_what_was_only_logged_is_told_until_something_else_is_ordered(day: Day) -> None:
    day.add().do(c.StateFalse(by="li", field="phone", evidence="it rings elsewhere"))
    assert "only_logged" not in day.queue()["acts"]
    logged = c.RecordDelivery(order=2, lane="act", adapter="log", attempts=1, enforced=False)
    day.do(logged)
    told = day.queue()["acts"]["only_logged"]
    assert (told["id"], told["site"], told["kind"]) == ("1-o2", "shop.example", "close")
    day.do(c.RepeatOrder(by="wang", in_force="active", last_act=2))
    assert "only_logged" not in day.queue()["acts"]


@pytest.mark.both_databases
@pytest.mark.parametrize(
    ("adapter", "enforced"), [("panel", True), ("log", True), ("nginx", False)]
)
def test_what_an_adapter_did_is_not_told_as_logged(
    day: Day, adapter: str, *, enforced: bool
) -> None:
    day.add().do(c.StateFalse(by="li", field="phone", evidence="it rings elsewhere"))
    day.do(c.RecordDelivery(order=2, lane="act", adapter=adapter, attempts=1, enforced=enforced))
    if enforced:
        day.do(
            c.RecordState(by="wang", adapter=adapter, seen="active", in_force="closed", last_act=2)
        )
    assert "only_logged" not in day.queue()["acts"]
    assert "only logged" not in day.text()


def test_what_was_only_logged_before_it_was_done_is_not_told_when_the_world_changes(
    day: Day,
) -> None:
    day.add().do(c.StateFalse(by="li", field="phone", evidence="it rings elsewhere"))
    day.do(c.RecordDelivery(order=2, lane="act", adapter="log", attempts=1, enforced=False))
    day.do(c.RepeatOrder(by="wang", in_force="active", last_act=2))
    day.do(c.RecordDelivery(order=4, lane="act", adapter="panel", attempts=1, enforced=True))
    day.do(c.RecordState(by="wang", adapter="panel", seen="active", in_force="closed", last_act=4))
    assert "only_logged" not in day.queue()["acts"]
    assert "only logged" not in day.text()
