"""The explanation of a site: every state and rule, from the record, and what changes it."""

from dataclasses import dataclass

import pytest

from incidents import views
from incidents.errors import UnknownSiteError
from incidents.machine import commands as c
from incidents.machine.policy import DOCUMENTED
from incidents.store.database.engine import writing
from incidents.store.schema.desk_tables import sealed
from tests.machine.history import utc
from tests.views.day import SITE, Day

DISPUTED = "makes the closure disputed; the site stays closed until a person decides"


def would(day: Day) -> str:
    return "\n".join(day.why()["would_change"])


def test_an_active_site_has_nothing_against_it(day: Day) -> None:
    why = day.add().why()
    assert why["text"][0] == f"Active: no rule keeps {SITE} down."
    assert why["next"] is None
    assert "Next: nothing is due." in why["text"]
    assert why["commands"] == []


def test_an_open_incident_shows_its_clock_and_what_its_lapse_would_do(day: Day) -> None:
    day.add().log()
    assert (
        "1-1 is open: reach the responsible person by 2026-03-01 11:00 UTC (in 1 h)" in day.text()
    )
    assert day.why()["next"] == {
        "due": "2026-03-01T11:00:00Z",
        "overdue": False,
        "what": f"{SITE} is suspended until 2026-03-01 23:00:00 (R2, unreachable)",
    }
    assert "reaching the responsible person by 2026-03-01 11:00 stops the clock of 1-1" in would(
        day
    )
    assert day.why()["commands"] == ["incidents contact 1-1 reached"]


def test_one_more_violation_closes_an_active_a_suspended_and_a_held_site(day: Day) -> None:
    closes = "one more violation closes the site"
    day.add().log()
    assert closes not in would(day)
    day.log()
    assert closes in would(day)
    day.after("1h5m").elapse()
    assert day.why()["text"][0].startswith("Suspended under R2")
    assert closes in would(day)
    day.do(c.SetHold(by="li", reason="order 7"))
    assert closes in would(day)


def test_the_answer_is_said_first_then_what_is_overdue_and_what_would_come_of_it(day: Day) -> None:
    why = day.add().log().after("1h5m").why()
    assert why["text"][:2] == [
        f"Active: no rule keeps {SITE} down.",
        (
            "OVERDUE: the deadline 2026-03-01 11:00 passed 5 min ago but was not processed. A"
            " daemon must run to process it."
        ),
    ]
    assert why["next"]["overdue"]
    assert "suspended until 2026-03-01 23:05" in why["next"]["what"]
    assert "a contact on 1-1 made by 2026-03-01 11:00" in would(day)
    assert why["commands"][0] == "incidents daemon --once"


def test_a_suspension_names_its_incident_its_times_its_policy_and_who_wrote_it(day: Day) -> None:
    day.add().log(urls=("https://shop.example/a",)).after("5m").contact(1, "no-answer")
    text = day.after("56m").elapse().text()
    assert text.startswith(
        "Suspended under R2 until 2026-03-01 23:01 UTC (in 12 h): nobody reached the"
        f" responsible person of {SITE} in time. Suspended at 2026-03-01 11:01."
    )
    assert (
        "1-1: happened 2026-03-01 10:00, recorded 2026-03-01 10:00 by li (login desk1), now"
        " unreached, https://shop.example/a"
    ) in text
    assert "contact 1-1-1: no-answer at 2026-03-01 10:05, recorded by li" in text
    assert (
        "The deadline was 2026-03-01 11:00; the decision came at 2026-03-01 11:01, 1 min later."
    ) in text
    assert DOCUMENTED.digest in text
    assert "Misses in a row: 1. The site closes at 3" in text


def test_late_truth_that_would_strike_a_suspension_is_named_and_does(day: Day) -> None:
    day.add().log().after("1h1s").elapse()
    assert (
        "a contact on 1-1 made by 2026-03-01 11:00 and recorded with its time voids this"
        " suspension and opens the site immediately"
    ) in would(day)
    assert "voiding 1-1 voids this suspension" in would(day)
    day.contact(1, at="11:00")
    assert day.site()["state"] == "active"


def test_the_attempts_that_a_suspension_needs_are_told_with_those_that_were_made(day: Day) -> None:
    day.add()
    day.desk.activate("[unreachable]\nmin_attempts = 2\n", by="boss", login=None, reason="agreed")
    day.log().contact(1, "no-answer")
    assert "Attempts made: 1, required: 2. If nobody is reached after fewer attempts" in day.text()
    day.after("61m").elapse()
    spared = (
        "1-1: nobody was reached by 2026-03-01 11:00, after 1 of 2 required attempts. 1-1"
        " suspended no site and does not count toward R3, and later attempts do not change that."
    )
    assert spared in day.text()
    day.contact(1)
    assert "required attempts" not in day.text()
    day.log().contact(2, "no-answer").contact(2, "bounced").after("61m").elapse()
    assert "Attempts by the deadline: 2, required: 2." in day.text()
    day.desk.activate("[unreachable]\nmin_attempts = 3\n", by="boss", login=None, reason="more")
    assert "Attempts by the deadline" not in day.text()


def test_a_closure_at_the_first_miss_is_told_with_its_attempts_and_without_a_row(day: Day) -> None:
    day.add()
    policy = "[unreachable]\nmin_attempts = 1\n[unreachable_run]\ncount = 1\n"
    day.desk.activate(policy, by="boss", login=None, reason="agreed")
    day.log().contact(1, "no-answer").after("61m").elapse()
    assert day.text().startswith(
        f"Closed under R3: nobody reached the responsible person of {SITE} in time.\n"
    )
    assert "Attempts by the deadline: 1, required: 1." in day.text()


def test_a_suspended_site_says_what_a_miss_does_once_it_is_open(day: Day) -> None:
    day.add().miss().after("25h").elapse().miss()
    assert "closes at 3 (R3): the next miss closes the site, if it is open then." in day.text()
    day.do(c.SetHold(by="li", reason="order 7")).after("13h").elapse()
    assert day.text().startswith("Held by order")
    assert "closes at 3 (R3): the next miss closes the site, if it is open then." in day.text()


def test_a_suspension_on_two_incidents_needs_the_truth_about_both(day: Day) -> None:
    day.add().log().after("30m").log().after("30m1s").elapse().after("30m1s").elapse()
    assert "is based on 1-1, 1-2; it is voided once each is voided" in would(day)
    assert day.contact(1, at="11:00").site()["state"] == "suspended"
    assert "voiding 1-2 voids this suspension" in would(day)


def test_a_held_site_tells_who_ordered_it_and_what_lifting_would_do(day: Day) -> None:
    day.add().do(c.SetHold(by="boss", reason="letter 7 of the police"))
    assert day.text().startswith("Held by order since 2026-03-01 10:00: ")
    assert "Recorded by boss (login desk1): “letter 7 of the police”" in day.text()
    assert "lifting the hold opens the site immediately" in would(day)
    assert day.why()["commands"] == [
        f"incidents site hold --lift {SITE} --reason R",
        f"incidents orders list --site {SITE}",
    ]


def test_a_hold_over_a_suspension_keeps_the_site_down_in_any_case(day: Day) -> None:
    day.add().log().after("1h1s").elapse().do(c.SetHold(by="boss", reason="letter"))
    assert "the site stays down, because it is held" in would(day)
    stays = "lifting the hold does not open the site yet, because it is still suspended"
    assert stays in would(day)


def test_r1_tells_the_window_against_24_hours_and_who_logged_what(day: Day) -> None:
    day.add().log().after("1h").log().after("30m").log()
    text = day.text()
    assert text.startswith(f"Closed under R1: {SITE} had 3 violations within 24 h.")
    assert "Violations counted: 3. A site closes at 3 within 24 h:" in text
    assert "1-2: happened 2026-03-01 11:00, recorded 2026-03-01 11:00 by li (login desk1)" in text
    assert (
        "Interval: 2026-03-01 10:00 to 2026-03-01 11:30 is 1 h 30 min. Limit: 24 h, inclusive."
        " 1-3 completed the count."
    ) in text
    assert f"recorded by li (login desk1), under policy {DOCUMENTED.digest}" in text
    assert "Closed at 2026-03-01 11:30: no after-sales service, no refund." in text
    assert f"voiding one of 1-1, 1-2, 1-3 {DISPUTED}" in would(day)


def test_r1_met_by_others_too_is_not_disputed_by_one_void(day: Day) -> None:
    day.add().log().log().log()
    assert day.do(c.VoidIncident(by="li", incident=1, reason="slip")).site()["disputed"]
    # A fourth, recorded on the closed site, is moot and counts for nothing.
    day.log()
    assert "Found on the closed site and not counted: 1-4." in day.text()
    assert "Closure disputed (2 of 3 grounds still hold)." in day.text()
    assert "if a supervisor upholds the closure, the site stays closed" in would(day)


def test_r3_lists_its_cases_with_their_deadlines(day: Day) -> None:
    day.add()
    for _ in range(2):
        day.miss().after("13h").elapse()
    assert "Misses in a row: 2. The site closes at 3" in day.text()
    assert "the next miss closes the site." in day.text()
    assert "the next miss closes the site (R3); misses so far: 2" in would(day)
    assert "no after-sales" in day.log().why()["next"]["what"]
    text = day.after("1h1s").elapse().text()
    assert text.startswith(
        "Closed under R3: 3 times in a row, nobody reached the responsible person of"
        f" {SITE} in time."
    )
    assert "Case 3 of 3:" in text
    assert "recorded by the clock, under policy" in text
    assert "case 1: 1-1: happened 2026-03-01 10:00" in text
    assert "nobody was reached by 2026-03-01 11:00; decided at 2026-03-01 11:00:01" in text
    contact = "a timely contact on one of 1-1, 1-2, 1-3, recorded with its time,"
    assert f"{contact} {DISPUTED}" in would(day)
    day.contact(2, at="03-02 01:00")
    assert "2: 1-2: happened 2026-03-02 00:00:01" in day.text()
    assert "; since voided" in day.text()
    assert "Closure disputed (1 of 3 grounds still hold)" in day.text()


def test_r4_tells_who_stated_what_and_that_no_correction_undoes_it(day: Day) -> None:
    day.add().do(c.StateFalse(by="li", field="phone", evidence="it rings at a bakery"))
    assert (
        "li (login desk1) stated that the filed phone is false. Evidence: “it rings at a bakery”."
    ) in day.text()
    assert "no correction undoes a statement of false information" in would(day)


def test_r5_tells_the_call_and_the_refusal(day: Day) -> None:
    day.add().log().after("5m").contact(1).after("5m").do(c.StateRefused(by="zhao", incident=1))
    text = day.text()
    assert text.startswith(
        f"Closed under R5: the customer of {SITE} was told about the content and did not delete it."
    )
    assert "contact 1-1-1: reached at 2026-03-01 10:05, recorded by li" in text
    assert "Refusal recorded by zhao (login desk1)." in text
    assert f"withdrawing the refusal recorded on 1-1 {DISPUTED}" in would(day)
    assert f"voiding contact 1-1-1 {DISPUTED}" in would(day)


def test_of_a_disputed_refusal_it_is_said_which_half_is_gone(day: Day) -> None:
    day.add().log().after("5m").contact(1).after("5m").do(c.StateRefused(by="zhao", incident=1))
    day.do(c.VoidContact(by="li", incident=1, contact=1, reason="a wrong number"))
    told = "No valid contact shows that the customer was told about 1-1 before refusing."
    assert told in day.text()
    assert "The refusal no longer holds" not in day.text()
    assert (
        "The closure is disputed: the record no longer shows that the customer was told"
        in day.text()
    )
    day.do(c.TakeBack(by="li", incident=1, reason="of another site"))
    assert "The refusal no longer holds: 1-1 is open." in day.text()
    day.do(c.Uphold(by="boss", reason="they said so to me too"))
    assert "The refusal no longer holds: 1-1 is open." in day.text()


def test_a_run_that_is_full_without_a_closure_says_that_the_next_miss_closes(day: Day) -> None:
    day.add().log().after("2h").elapse().after("12h").elapse()
    day.log().after("2h").elapse().after("12h").elapse()
    assert "Misses in a row: 2. The site closes at 3" in day.text()
    day.desk.activate("[unreachable_run]\ncount = 2\n", by="boss", login=None, reason="a trial")
    assert (
        "Misses in a row: 2. The site closes at 2 (R3), but a recount alone does not close it: the"
        " next miss closes the site, if it is open then."
    ) in day.text()


def test_r5_by_a_lapsed_removal_deadline_compares_it(day: Day) -> None:
    text = '[refusal]\nremoval_within = "2h"\n'
    day.desk.activate(text, by="boss", login=None, reason="a trial")
    day.add().log().contact(1)
    assert (
        "The customer was notified of 1-1: unless the removal is recorded by 2026-03-01 12:00"
        in day.text()
    )
    assert "recording the removal on 1-1 by 2026-03-01 12:00 stops" in would(day)
    say = "2 h left: unless the removal is recorded by then, the site is closed (R5)."
    assert day.item("1-1")["say"].startswith(say)
    late = day.after("2h1s")
    assert "enforced yet: the site is about to be closed (R5)." in late.item("1-1")["say"]
    text = late.elapse().text()
    assert "The content was not deleted by the deadline, 2026-03-01 12:00." in text
    assert "2026-03-01 12:00:01, 1 s later" in text


def test_a_closure_that_was_upheld_says_by_whom(day: Day) -> None:
    day.add().log().log().log().do(c.VoidIncident(by="li", incident=1, reason="slip"))
    day.do(c.Uphold(by="boss", reason="two are enough for me"))
    assert "2 of 3 required grounds still hold; boss (login desk1) upheld" in day.text()
    assert (
        "voiding one of 1-2, 1-3 leaves fewer grounds than when upheld, so the closure"
        " is disputed again"
    ) in would(day)


def test_a_reinstatement_waits_for_another_person_and_is_told_afterwards(day: Day) -> None:
    day.add().log().log().log().do(c.AskReinstatement(by="li", reason="all clean"))
    assert "li requested reinstatement at 2026-03-01 10:00: “all clean”" in day.text()
    assert f"incidents approve {SITE}" in day.why()["commands"]
    day.do(c.Approve(by="wang"))
    assert "Reinstated by wang (login desk1)" in day.text()
    assert day.why()["site"]["state"] == "active"


def test_a_run_names_all_that_its_cases_rest_on_and_who_was_reached_after_all(day: Day) -> None:
    day.add().log().after("2h").elapse().after("12h").elapse().after("12h")
    day.log().after("30m").log().after("2h").elapse().after("12h").elapse().after("12h")
    day.log().after("2h").elapse()
    assert day.why()["site"]["rule"] == "unreachable_run"
    assert "also based on 1-3, whose clocks lapsed during the suspension" in day.text()
    assert "on one of 1-1, 1-2, 1-3, 1-4" in would(day)
    day.contact(3, at="03-02 13:00")
    assert day.why()["site"]["disputed"]
    assert (
        "Recorded later: the person was reached about 1-3 in time, by 2026-03-02 13:30."
        in day.text()
    )


def test_of_a_refusal_that_was_said_earlier_the_time_is_told(day: Day) -> None:
    day.add().log().contact(1).after("2h")
    day.do(c.StateRefused(by="li", incident=1, at=utc("10:30")))
    assert "The customer refused at 2026-03-01 10:30." in day.text()


def test_what_is_to_be_closed_says_so_until_a_second_person_has_answered(day: Day) -> None:
    day.desk.activate("[closure]\ntwo_people = true\n", by="boss", login=None, reason="two")
    day.add().log().contact(1).do(c.StateRefused(by="li", incident=1, note="he hung up"))
    asked = (
        "NOT CLOSED YET: li requested closure at 2026-03-01 10:00 under R5, refusal: content not"
    )
    assert day.why()["text"][1].startswith(asked)
    assert "“he hung up”." in day.text()
    assert "The policy requires someone other than li to confirm the closure." in day.text()
    assert day.why()["commands"][:2] == [
        f"incidents approve {SITE}",
        f"incidents decline {SITE} --reason R",
    ]
    day.do(c.ConfirmClosure(by="wang"))
    assert "Requested by li, confirmed by wang (login desk1)." in day.text()
    assert "NOT CLOSED YET" not in day.text()


def test_what_is_to_be_closed_says_when_one_person_would_do_by_now(day: Day) -> None:
    day.desk.activate("[closure]\ntwo_people = true\n", by="boss", login=None, reason="two")
    day.add().do(c.StateFalse(by="li", field="phone", evidence="a baker's"))
    day.desk.activate("[closure]\ntwo_people = false\n", by="boss", login=None, reason="one")
    assert "The policy now requires one person, so a new request closes the site." in day.text()
    assert any("a confirmed false detail (R4)" in line for line in day.why()["would_change"])
    day.do(c.StateFalse(by="wang", field="phone", evidence="a baker's"))
    assert day.why()["site"]["state"] == "closed"


def test_of_false_details_both_people_are_told(day: Day) -> None:
    day.desk.activate("[closure]\ntwo_people = true\n", by="boss", login=None, reason="two")
    day.add().do(c.StateFalse(by="li", field="phone", evidence="a baker's"))
    assert "the filed phone is false. Evidence: “a baker's”." in day.text()
    day.do(c.ConfirmClosure(by="wang"))
    assert "li stated that the filed phone is false. Evidence: “a baker's”." in day.text()


def test_the_timeline_tells_everything_with_both_times_and_both_names(day: Day) -> None:
    day.add().log(at=None, note="seen").after("2h").elapse().contact(1, at="10:30")
    story = day.why()["timeline"]
    assert [line["seq"] for line in story] == list(range(1, len(story) + 1))
    lapse = next(line for line in story if line["kind"] == "clock_lapsed")
    assert (lapse["at"], lapse["recorded_at"]) == ("2026-03-01T11:00:00Z", "2026-03-01T12:00:00Z")
    assert (lapse["by"], lapse["login"], lapse["rule"]) == ("clock", None, "unreachable")
    logged = next(line for line in story if line["kind"] == "incident_logged")
    assert (logged["by"], logged["login"], logged["said"]) == ("li", "desk1", "seen")
    assert logged["words"].endswith(": “seen”")
    assert [line["kind"] for line in story[-2:]] == ["suspension_struck", "task_opened"]


def test_an_incidents_timeline_has_what_concerns_it_alone(day: Day) -> None:
    day.add().log().log().after("1h1s").elapse().after("12h1s").elapse()
    day.contact(2)
    first = [line["kind"] for line in day.story(1)]
    assert first == [
        "incident_logged", "clock_lapsed", "site_suspended", "suspension_ended", "task_opened",
    ]  # fmt: skip
    second = [line["kind"] for line in day.story(2)]
    assert second == [
        "incident_logged", "site_suspended", "clock_lapsed", "suspension_ended", "task_opened",
        "contact_recorded",
    ]  # fmt: skip
    assert day.story(9) == []


def test_of_a_long_history_a_part_is_looked_through_for_an_incidents_story(
    day: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From its own first entry on, and each further part from where that ended."""
    monkeypatch.setitem(views.part_of_story.__globals__, "MAX_LOOKED_AT", 4)
    day.add().after("1m").log()
    for n in range(6):
        day.do(c.EditSite(by="li", person=f"wang {n}"))
    day.after("1m").log().contact(1)
    last = len(day.story())
    first = walked(day, 1)
    assert [seq for part in first for seq in part.seqs] == [line["seq"] for line in day.story(1)]
    assert first[:2] == [Walked([2], 5), Walked([], 9)]
    assert last > 9
    assert first[-1].ahead is None
    assert [part.seqs[:1] for part in walked(day, 2)] == [[9]]
    assert [part.ahead for part in walked(day, 1, most=1)][:2] == [5, 9]


def test_an_incidents_story_is_walked_back_from_its_newest_line(
    day: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(views.part_of_story.__globals__, "MAX_LOOKED_AT", 4)
    day.add().after("1m").log()
    for n in range(6):
        day.do(c.EditSite(by="li", person=f"wang {n}"))
    day.after("1m").log().contact(1)
    told = [line["seq"] for line in day.story(1)]
    for most in (1, 9):
        found, before = [], None
        with day.reading() as connection:
            while True:
                part = views.newest_of_story(
                    connection, 1, 1, now=day.now, before=before, most=most
                )  # fmt: skip
                found.append([line["seq"] for line in part.lines])
                before = part.ahead
                if before is None:
                    break
        assert found[0][-1] == told[-1], "the newest comes first"
        assert [seq for seqs in reversed(found) for seq in seqs] == told


@dataclass(frozen=True)
class Walked:
    seqs: list[int]
    ahead: int | None


def walked(day: Day, incident: int, most: int = 9) -> list[Walked]:
    """The parts of an incident's story, to the end."""
    found: list[Walked] = []
    with day.reading() as connection:
        while not found or found[-1].ahead is not None:
            after = (found[-1].ahead or 0) if found else 0
            part = views.part_of_story(connection, 1, incident, now=day.now, after=after, most=most)
            found.append(Walked([line["seq"] for line in part.lines], part.ahead))
    return found


@pytest.mark.both_databases
def test_of_an_order_that_somebody_has_cancelled_only_what_undoes_that_is_proposed(
    day: Day,
) -> None:
    day.add().do(c.StateFalse(by="li", field="phone", evidence="it rings elsewhere"))
    cancel = c.CancelOrder(by="wang", order=2, lane="act", why="by_hand", reason="a token")
    day.do(cancel)
    repairs = [each for each in day.why()["commands"] if "reconcile" in each]
    assert repairs == [f"incidents orders reconcile {SITE} --repair --cancelled"]

    day.do(c.RepeatOrder(by="wang"))
    day.do(c.RecordDelivery(order=4, lane="act", adapter="panel", attempts=1, enforced=True))
    day.do(c.RecordState(by="wang", adapter="panel", seen="active", in_force="closed", last_act=4))
    repairs = [each for each in day.why()["commands"] if "reconcile" in each]
    assert repairs == [f"incidents orders reconcile {SITE} --repair"]


def test_what_was_erased_is_told_as_erased(day: Day) -> None:
    day.add().do(c.SetHold(by="boss", reason="letter 7"))
    with writing(day.engine) as connection:
        connection.execute(sealed.delete())
    assert "Recorded by boss (login desk1): (erased)" in day.text()
    line = day.story()[-1]
    assert line["words"].endswith("(erased)")
    assert line["said"] is None


def test_an_unknown_site_offers_the_nearest_names(day: Day) -> None:
    day.add()
    with pytest.raises(UnknownSiteError, match=r"did you mean shop\.example\?"):
        day.why("shpo.example")
    day.add("shop.example.net")
    with pytest.raises(UnknownSiteError, match=r"did you mean shop\.example or shop\.example\.net"):
        day.why("shop")
    with pytest.raises(UnknownSiteError, match=r"no site named nowhere\.test"):
        day.why("nowhere.test")


def test_a_why_takes_the_same_queries_however_much_is_open(day: Day) -> None:
    day.desk.activate("[repeat]\ncount = 900\n", by="boss", login=None, reason="a flood")
    day.add().log()
    one = day.statements(day.why)
    for _ in range(50):
        day.log(urls=("https://shop.example/",))
    assert len(day.statements(day.why)) == len(one)


def test_a_clock_that_has_stepped_back_hides_no_violation_that_counts(day: Day) -> None:
    day.add().log().log().at("09:56")
    assert "Violations counted in the last 24 h: 1-1, 1-2. The site closes at 3" in day.text()
