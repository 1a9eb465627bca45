"""The tampering: a true record made false in one place, and what the checker must say of it."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from tests.fire.checker import check
from tests.fire.ledger import Acknowledgement, Entry, Intent, Ledger
from tests.fire.outbox import Order, Outbox, Unsettled
from tests.fire.told_story import CARRIED, HELD, HOUR, LATE, MISSED, TOLD, WINDOW

Line = dict[str, Any]


class Record:
    """What the checker is given, before and while somebody tampers with it."""

    def __init__(self, lines: list[Line], outgoing: Outbox, ledger: Ledger, now: datetime) -> None:
        self.lines, self.outgoing, self.ledger, self.now = lines, outgoing, ledger, now

    def findings(self) -> list[str]:
        return check(
            map(json.dumps, self.lines), [self.ledger], outgoing=self.outgoing, due_by=self.now
        )

    def of(self, site: str) -> list[Line]:
        return [line for line in self.lines if line["site"] == site]

    def find(self, site: str, kind: str, nth: int = 0) -> Line:
        return [line for line in self.of(site) if line["kind"] == kind][nth]

    def drop(self, *gone: Line) -> None:
        """Takes the entries away, as if they had never been there: those behind them move up."""
        sites = {line["site"] for line in gone}
        self.lines = [line for line in self.lines if line not in gone]
        for site in sites:
            for n, line in enumerate(self.of(site), start=1):
                line["site_seq"] = str(n)

    def add(self, line: Line, **changes: Any) -> None:
        """Puts a copy at the end of its site's stream."""
        last = self.of(line["site"])[-1]
        data = line["data"] | changes.pop("data", {})
        seq = str(int(last["site_seq"]) + 1)
        self.lines.append(
            line | {"recorded_at": last["recorded_at"], "site_seq": seq, "data": data} | changes
        )


# What an act has come to.


def lose_the_last_act(record: Record) -> None:
    record.lines.remove(record.of(LATE)[-1])


def do_an_act_twice(record: Record) -> None:
    record.add(record.find(TOLD, "incident_logged"), data={"incident": "3-2", "state_to": "moot"})


def do_an_unanswered_act_twice(record: Record) -> None:
    line = record.find(HELD, "incident_logged")
    del record.ledger.acknowledgements[line["actor"]]
    record.add(line, data={"incident": "5-3"})


def do_an_unanswered_act_twice_in_one_transaction(record: Record) -> None:
    line = record.find(LATE, "hold_lifted")
    del record.ledger.acknowledgements[line["actor"]]
    record.add(line)


def do_what_nobody_asked(record: Record) -> None:
    record.add(record.find(LATE, "hold_set"), actor="operator-0")


def do_what_was_refused(record: Record) -> None:
    [refused] = [
        a for [a] in record.ledger.acknowledgements.values() if a.refusal == "already_held"
    ]
    record.add(record.find(LATE, "hold_set"), actor=refused.key)


def refuse_what_was_done(record: Record) -> None:
    key = record.find(LATE, "hold_lifted")["actor"]
    [answer] = record.ledger.acknowledgements[key]
    record.ledger.acknowledgements[key] = [
        Acknowledgement(key=key, refusal="not_held", entries=answer.entries)
    ]


def answer_two_with_one(record: Record) -> None:
    one, other = (record.find(HELD, "incident_logged", n)["actor"] for n in (0, 1))
    [answer] = record.ledger.acknowledgements[one]
    record.ledger.acknowledgements[other] = [Acknowledgement(key=other, entries=answer.entries)]


def answer_in_two_ways(record: Record) -> None:
    key = record.find(HELD, "incident_logged")["actor"]
    record.ledger.acknowledge(Acknowledgement(key=key))


def answer_what_nobody_asked(record: Record) -> None:
    entry = Entry(site_id=1, site_seq=1, kind="site_added", actor="operator-99")
    record.ledger.acknowledge(Acknowledgement(key="operator-99", entries=(entry,)))


def do_something_else(record: Record) -> None:
    key = record.find(LATE, "hold_lifted")["actor"]
    record.ledger.intents[key] = Intent(key=key, site=LATE, actor=key, kind="hold_set")


# The stream.


def lose_one_in_the_midst(record: Record) -> None:
    record.lines.remove(record.find(MISSED, "site_suspended"))


def number_one_twice(record: Record) -> None:
    record.of(HELD)[-1]["site_seq"] = record.of(HELD)[-2]["site_seq"]


def go_back_in_time(record: Record) -> None:
    record.find(MISSED, "incident_logged", 1)["recorded_at"] = "2026-03-02T00:00:00Z"


def tell_the_future(record: Record) -> None:
    record.find(TOLD, "incident_refused")["occurred_at"] = "2027-01-01T00:00:00Z"


def spoil_a_line(record: Record) -> None:
    del record.lines[3]["recorded_at"]


def speak_of_what_is_not_there(record: Record) -> None:
    record.find(WINDOW, "incident_removed")["data"]["incident"] = "2-77"


def decide_under_another_policy(record: Record) -> None:
    activated = {
        "kind": "policy_activated", "site": "", "site_id": "0", "site_seq": "1", "policy": "new",
        "data": {"previous": record.lines[0]["policy"], "toml": ""},
    }  # fmt: skip
    record.lines.insert(-3, record.lines[-4] | activated)


# The clock.


def fire_at_the_very_hour(record: Record) -> None:
    lapse = record.find(MISSED, "clock_lapsed")
    _move(record, lapse["recorded_at"], lapse["occurred_at"])


def fire_early(record: Record) -> None:
    lapse = record.find(MISSED, "clock_lapsed")
    _move(record, lapse["recorded_at"], record.find(MISSED, "incident_logged")["recorded_at"])


def miss_a_clock(record: Record) -> None:
    gone = [record.find(MISSED, kind) for kind in _A_SUSPENSION]
    record.drop(*gone)


def miss_a_clock_to_the_end(record: Record) -> None:
    record.drop(*[line for line in record.of(HELD) if line["actor"] == "clock"])


def take_clocks_out_of_order(record: Record) -> None:
    first, second = (record.find(HELD, "clock_lapsed", n) for n in (0, 1))
    for name in ("data", "occurred_at"):
        first[name], second[name] = second[name], first[name]
    first["data"]["suspension"] = second["data"]["suspension"]


def fire_on_a_closed_site(record: Record) -> None:
    lapse = record.find(HELD, "clock_lapsed")
    due = record.find(WINDOW, "incident_logged", 1)["data"]["contact_due"]
    data = lapse["data"] | {"incident": "2-2"}
    later = (datetime.fromisoformat(due) + HOUR).isoformat()
    record.add(
        record.find(WINDOW, "site_added"), kind="clock_lapsed", actor="clock", recorded_at=later,
        occurred_at=due, data=data,
    )  # fmt: skip


def suspend_by_itself(record: Record) -> None:
    record.drop(record.find(MISSED, "clock_lapsed"))


def do_not_suspend(record: Record) -> None:
    gone = [record.find(HELD, "site_suspended")]
    record.drop(*gone)


def open_what_was_not_suspended(record: Record) -> None:
    record.add(record.find(MISSED, "suspension_ended"))


def open_too_early(record: Record) -> None:
    ended = record.find(MISSED, "suspension_ended")
    _move(record, ended["recorded_at"], ended["occurred_at"])


def suspend_twice(record: Record) -> None:
    record.add(record.find(HELD, "site_suspended"))


def suspend_for_another_time(record: Record) -> None:
    suspended = record.find(HELD, "site_suspended")
    suspended["data"]["until"] = suspended["recorded_at"]


def do_not_ask_to_look_again(record: Record) -> None:
    record.drop(record.find(MISSED, "task_opened"))


# The rules.


def let_the_third_pass(record: Record) -> None:
    record.drop(record.find(WINDOW, "site_closed"), record.find(WINDOW, "task_opened"))


def close_by_too_few(record: Record) -> None:
    record.find(WINDOW, "incident_logged", 0)["occurred_at"] = "2026-02-01T00:00:00Z"


def name_too_few(record: Record) -> None:
    reason = record.find(WINDOW, "site_closed")["reason"]
    reason["incidents"] = reason["incidents"][1:]


def do_not_tell_the_customer(record: Record) -> None:
    record.drop(record.find(WINDOW, "task_opened"))


def suspend_the_third_time(record: Record) -> None:
    closed = record.find(MISSED, "site_closed")
    suspended = record.find(MISSED, "site_suspended")
    until = datetime.fromisoformat(closed["recorded_at"]) + timedelta(hours=12)
    closed["kind"], closed["rule"] = "site_suspended", "unreachable"
    closed["data"] |= suspended["data"] | {
        name: closed["data"][name] for name in ("due", "incident", "suspension")
    } | {"until": until.isoformat()}  # fmt: skip


def close_the_second_time(record: Record) -> None:
    second = record.find(MISSED, "site_suspended", 1)
    second |= {"kind": "site_closed", "rule": "unreachable_run"}
    second["data"] |= {"site_to": "closed"}


def miscount_the_run(record: Record) -> None:
    record.find(MISSED, "site_suspended", 1)["run"] = 3


def refuse_without_a_closing(record: Record) -> None:
    record.drop(record.find(TOLD, "site_closed"))


def close_without_a_word(record: Record) -> None:
    record.drop(record.find(TOLD, "incident_refused"))


def close_what_is_closed(record: Record) -> None:
    record.add(record.find(WINDOW, "site_closed"), rule="false_info", data={"site_from": "closed"})


def recur_on_a_closed_site(record: Record) -> None:
    recurrence = {"incident": "3-2", "state_to": "moot", "recurs": "3-1"}
    record.add(record.find(TOLD, "incident_logged"), data=recurrence)


def let_a_case_stand(record: Record) -> None:
    struck = record.find(LATE, "suspension_struck")
    tasks = [line for line in record.of(LATE) if line["kind"] == "task_opened"]
    record.drop(struck, *tasks)


def give_another_hour(record: Record) -> None:
    logged = record.find(TOLD, "incident_logged")
    logged["data"]["contact_due"] = "2026-03-09T00:00:00Z"


def move_what_stays(record: Record) -> None:
    record.find(WINDOW, "incident_removed")["data"]["state_from"] = "unreached"


def open_by_a_hold(record: Record) -> None:
    record.find(LATE, "hold_set")["data"]["site_to"] = "closed"


def approve_ones_own(record: Record) -> None:
    asked, approved = (record.find(MISSED, k) for k in ("reinstatement_asked", "site_reinstated"))
    asked["actor"] = approved["actor"]


# The outbox.


def lose_an_order(record: Record) -> None:
    record.outgoing.orders.remove(
        next(order for order in record.outgoing.orders if order.kind == "suspend")
    )


def order_twice(record: Record) -> None:
    order = next(order for order in record.outgoing.orders if order.kind == "close")
    record.outgoing.orders.append(order._replace(n=2))


def order_what_nobody_decided(record: Record) -> None:
    record.outgoing.orders.append(Order(1, 1, 1, "close"))


def order_something_else(record: Record) -> None:
    at = next(n for n, order in enumerate(record.outgoing.orders) if order.kind == "reopen")
    record.outgoing.orders[at] = record.outgoing.orders[at]._replace(kind="close")


# What became of orders.


def deliver_twice(record: Record) -> None:
    record.add(record.find(CARRIED, "order_delivered"))


def deliver_what_nobody_ordered(record: Record) -> None:
    record.find(CARRIED, "order_delivered")["data"]["order"] = "6-o1"


def overtake(record: Record) -> None:
    """The reopening before the suspension that it is to follow, which nobody has cancelled."""
    data = {"order": "6-o12", "order_kind": "reopen"}
    delivered = record.find(CARRIED, "order_delivered")
    record.find(CARRIED, "order_cancelled").update(
        kind="order_delivered", data=delivered["data"] | data
    )


def deliver_without_trying(record: Record) -> None:
    record.find(CARRIED, "order_delivered")["data"]["attempts"] = 0


def deliver_something_else(record: Record) -> None:
    record.find(CARRIED, "order_delivered")["data"]["order_kind"] = "close"


def deliver_by_a_person(record: Record) -> None:
    record.find(CARRIED, "order_delivered")["actor"] = "operator-0"


def give_up_by_a_person(record: Record) -> None:
    record.find(CARRIED, "order_failed")["actor"] = "operator-0"


def give_up_twice(record: Record) -> None:
    record.add(record.find(CARRIED, "order_failed", 1))


def try_again_what_waits(record: Record) -> None:
    record.drop(record.find(CARRIED, "order_failed"))


def cancel_what_is_needed(record: Record) -> None:
    record.drop(record.find(CARRIED, "hold_lifted", 1))


def cancel_by_hand_of_nobody(record: Record) -> None:
    record.find(CARRIED, "order_cancelled", 1)["actor"] = "courier"


def see_what_was_known(record: Record) -> None:
    record.find(CARRIED, "state_seen")["data"]["seen"] = "suspended"


def repeat_what_is_in_force(record: Record) -> None:
    record.drop(record.find(CARRIED, "state_seen"))


def repeat_another_state(record: Record) -> None:
    record.find(CARRIED, "order_repeated")["data"]["order_kind"] = "close"


def forget_an_order_that_waits(record: Record) -> None:
    waiting = record.outgoing.unsettled
    waiting.remove(next(each for each in waiting if each.lane == "act" and not each.dead))


def let_wait_what_was_given_up(record: Record) -> None:
    waiting = record.outgoing.unsettled
    at = next(n for n, each in enumerate(waiting) if each.dead)
    waiting[at] = waiting[at]._replace(dead=False)


def let_wait_what_was_settled(record: Record) -> None:
    record.outgoing.unsettled.append(Unsettled(6, 2, "act", "suspend", dead=False))


_A_SUSPENSION = ("clock_lapsed", "site_suspended", "suspension_ended", "task_opened")

TAMPERINGS: dict[Callable[[Record], None], str] = {
    lose_the_last_act: "lost: ",
    do_an_act_twice: "done twice, or by nobody",
    do_an_unanswered_act_twice: "done twice, or by nobody",
    do_an_unanswered_act_twice_in_one_transaction: "done 2 times",
    do_what_nobody_asked: "done twice, or by nobody",
    do_what_was_refused: "done twice, or by nobody",
    refuse_what_was_done: "refused (not_held), and done",
    answer_two_with_one: "as well",
    answer_in_two_ways: "answered in different ways",
    answer_what_nobody_asked: "answered, and never asked",
    do_something_else: "no hold_set among what was done",
    lose_one_in_the_midst: "not dense",
    number_one_twice: "not dense",
    go_back_in_time: "recorded before its predecessor",
    tell_the_future: "of the future",
    spoil_a_line: "the export cannot be read",
    speak_of_what_is_not_there: "impossible here",
    decide_under_another_policy: "and new is active",
    fire_at_the_very_hour: "clock_lapsed: early",
    fire_early: "clock_lapsed: early",
    miss_a_clock: "missed before it: the clock of incident 1",
    miss_a_clock_to_the_end: "missed to the end: the clock of incident 1",
    take_clocks_out_of_order: "out of order",
    fire_on_a_closed_site: "not due at all",
    suspend_by_itself: "nothing calls for site_suspended",
    do_not_suspend: "site_suspended is missing",
    open_what_was_not_suspended: "opens what was not suspended",
    open_too_early: "suspension_ended: early",
    suspend_twice: "a suspension runs already",
    suspend_for_another_time: "from when it is really made",
    do_not_ask_to_look_again: "task_opened recheck is missing",
    let_the_third_pass: "site_closed repeat is missing",
    close_by_too_few: "nothing calls for site_closed repeat",
    name_too_few: "these do not count as a window",
    do_not_tell_the_customer: "task_opened tell is missing",
    suspend_the_third_time: "site_closed unreachable_run must stand here",
    close_the_second_time: "site_suspended must stand here",
    miscount_the_run: "the run is 2, not 3",
    refuse_without_a_closing: "site_closed refusal is missing",
    close_without_a_word: "nothing calls for site_closed refusal",
    close_what_is_closed: "it is closed already",
    recur_on_a_closed_site: "a recurrence on a closed site",
    let_a_case_stand: "case 1 is unstruck and does not stand",
    give_another_hour: "the contact deadline is",
    move_what_stays: "moves its incident ('unreached', 'removed')",
    open_by_a_hold: "moves the site",
    approve_ones_own: "another person must answer",
    lose_an_order: "its order (suspend) is missing",
    order_twice: "was written 2 times",
    order_what_nobody_decided: "nothing on record calls for it",
    order_something_else: "nothing on record calls for it",
    deliver_twice: "no such order waits",
    deliver_what_nobody_ordered: "no such order waits",
    overtake: "it overtakes [11]",
    deliver_without_trying: "nobody has tried",
    deliver_something_else: "it is an order to suspend, not close",
    deliver_by_a_person: "operator-0 is no courier",
    give_up_by_a_person: "operator-0 is no courier",
    give_up_twice: "no such order waits",
    try_again_what_waits: "it was not given up",
    cancel_what_is_needed: "nothing has lifted it",
    cancel_by_hand_of_nobody: "a person must say so",
    see_what_was_known: "that was known",
    repeat_what_is_in_force: "that is in force",
    repeat_another_state: "the site is suspended",
    forget_an_order_that_waits: "it is not settled on record, and nobody will",
    let_wait_what_was_given_up: "on record it does not wait like that",
    let_wait_what_was_settled: "on record it does not wait like that",
}


def _move(record: Record, recorded_at: str, to: str) -> None:
    """All that was written down at one moment was written down at another."""
    for line in record.lines:
        if line["recorded_at"] == recorded_at:
            line["recorded_at"] = to
