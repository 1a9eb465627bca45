"""The tampering: a true record made false in one place, and what the checker must say of it."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from tests.fire.checker import check
from tests.fire.ledger import Acknowledgement, Entry, Intent, Ledger
from tests.fire.outbox import Order, Outbox, Unsettled
from tests.fire.recorded_story import CARRIED, HELD, HOUR, LATE, MISSED, TOLD, WINDOW

Line = dict[str, Any]


class Record:
    """The checker's inputs, before and while somebody tampers with them."""

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
        """Remove the entries as if they had never been there: those behind them move up."""
        sites = {line["site"] for line in gone}
        self.lines = [line for line in self.lines if line not in gone]
        for site in sites:
            for n, line in enumerate(self.of(site), start=1):
                line["site_seq"] = str(n)

    def add(self, line: Line, **changes: Any) -> None:
        """Put a copy at the end of its site's stream."""
        last = self.of(line["site"])[-1]
        data = line["data"] | changes.pop("data", {})
        seq = str(int(last["site_seq"]) + 1)
        self.lines.append(
            line | {"recorded_at": last["recorded_at"], "site_seq": seq, "data": data} | changes
        )


Tampering = Callable[[Record], object]


def gone(site: str, *kinds: str, nth: int = 0) -> Tampering:
    """Without the entries of these kinds, the first of each or the `nth` behind it."""
    return lambda record: record.drop(*(record.find(site, kind, nth) for kind in kinds))


def again(site: str, kind: str, nth: int = 0, **changes: Any) -> Tampering:
    """With a copy at the end."""
    return lambda record: record.add(record.find(site, kind, nth), **changes)


def said(site: str, kind: str, **data: Any) -> Tampering:
    """An entry that says something else."""
    return lambda record: record.find(site, kind)["data"].update(data)


def written(site: str, kind: str, nth: int = 0, **fields: Any) -> Tampering:
    """An entry with something else of what each has."""
    return lambda record: record.find(site, kind, nth).update(fields)


# Outcomes of acts.


def do_an_unanswered_act_twice(record: Record) -> None:
    line = record.find(HELD, "incident_logged")
    del record.ledger.acknowledgements[line["actor"]]
    record.add(line, data={"incident": "5-3"})


def do_an_unanswered_act_twice_in_one_transaction(record: Record) -> None:
    line = record.find(LATE, "hold_lifted")
    del record.ledger.acknowledgements[line["actor"]]
    record.add(line)


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


def number_one_twice(record: Record) -> None:
    record.of(HELD)[-1]["site_seq"] = record.of(HELD)[-2]["site_seq"]


def spoil_a_line(record: Record) -> None:
    del record.lines[3]["recorded_at"]


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


def open_too_early(record: Record) -> None:
    ended = record.find(MISSED, "suspension_ended")
    _move(record, ended["recorded_at"], ended["occurred_at"])


def suspend_for_another_time(record: Record) -> None:
    suspended = record.find(HELD, "site_suspended")
    suspended["data"]["until"] = suspended["recorded_at"]


# The rules.


def name_too_few(record: Record) -> None:
    reason = record.find(WINDOW, "site_closed")["reason"]
    reason["incidents"] = reason["incidents"][1:]


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


def order_something_else(record: Record) -> None:
    at = next(n for n, order in enumerate(record.outgoing.orders) if order.kind == "reopen")
    record.outgoing.orders[at] = record.outgoing.orders[at]._replace(kind="close")


# Outcomes of orders.


def overtake(record: Record) -> None:
    """The reopening before the suspension that it is to follow, which nobody has cancelled."""
    data = {"order": "6-o12", "order_kind": "reopen"}
    delivered = record.find(CARRIED, "order_delivered")
    record.find(CARRIED, "order_cancelled").update(
        kind="order_delivered", data=delivered["data"] | data
    )


def forget_an_order_that_waits(record: Record) -> None:
    waiting = record.outgoing.unsettled
    waiting.remove(next(each for each in waiting if each.lane == "act" and not each.dead))


def let_wait_what_was_given_up(record: Record) -> None:
    waiting = record.outgoing.unsettled
    at = next(n for n, each in enumerate(waiting) if each.dead)
    waiting[at] = waiting[at]._replace(dead=False)


_A_SUSPENSION = ("clock_lapsed", "site_suspended", "suspension_ended", "task_opened")

TAMPERINGS: dict[str, tuple[Tampering, str]] = {
    "lose the last act": (lambda r: r.lines.remove(r.of(LATE)[-1]), "lost: "),
    "do an act twice": (
        again(TOLD, "incident_logged", data={"incident": "3-2", "state_to": "moot"}),
        "done twice, or by nobody",
    ),
    "do an unanswered act twice": (do_an_unanswered_act_twice, "done twice, or by nobody"),
    "do an unanswered act twice in one transaction": (
        do_an_unanswered_act_twice_in_one_transaction, "done 2 times",
    ),
    "do what nobody asked": (
        again(LATE, "hold_set", actor="operator-0"), "done twice, or by nobody",
    ),
    "do what was refused": (do_what_was_refused, "done twice, or by nobody"),
    "refuse what was done": (refuse_what_was_done, "refused (not_held), and done"),
    "answer two with one": (answer_two_with_one, "as well"),
    "answer in two ways": (answer_in_two_ways, "answered in different ways"),
    "answer what nobody asked": (answer_what_nobody_asked, "answered, and never asked"),
    "do something else": (do_something_else, "no hold_set among what was done"),
    "lose one in the midst": (
        lambda r: r.lines.remove(r.find(MISSED, "site_suspended")), "not dense",
    ),
    "number one twice": (number_one_twice, "not dense"),
    "go back in time": (
        written(MISSED, "incident_logged", 1, recorded_at="2026-03-02T00:00:00Z"),
        "recorded before its predecessor",
    ),
    "tell the future": (
        written(TOLD, "incident_refused", occurred_at="2027-01-01T00:00:00Z"), "of the future",
    ),
    "spoil a line": (spoil_a_line, "the export cannot be read"),
    "speak of what is not there": (
        said(WINDOW, "incident_removed", incident="2-77"), "impossible here",
    ),
    "decide under another policy": (decide_under_another_policy, "and new is active"),
    "fire at the very hour": (fire_at_the_very_hour, "clock_lapsed: early"),
    "fire early": (fire_early, "clock_lapsed: early"),
    "miss a clock": (gone(MISSED, *_A_SUSPENSION), "missed before it: the clock of incident 1"),
    "miss a clock to the end": (
        lambda r: r.drop(*[line for line in r.of(HELD) if line["actor"] == "clock"]),
        "missed to the end: the clock of incident 1",
    ),
    "take clocks out of order": (take_clocks_out_of_order, "out of order"),
    "fire on a closed site": (fire_on_a_closed_site, "not due at all"),
    "suspend by itself": (gone(MISSED, "clock_lapsed"), "nothing calls for site_suspended"),
    "do not suspend": (gone(HELD, "site_suspended"), "site_suspended is missing"),
    "open what was not suspended": (
        again(MISSED, "suspension_ended"), "opens what was not suspended",
    ),
    "open too early": (open_too_early, "suspension_ended: early"),
    "suspend twice": (again(HELD, "site_suspended"), "a suspension runs already"),
    "suspend for another time": (suspend_for_another_time, "from when it is really made"),
    "do not ask to look again": (gone(MISSED, "task_opened"), "task_opened recheck is missing"),
    "let the third pass": (
        gone(WINDOW, "site_closed", "task_opened"), "site_closed repeat is missing",
    ),
    "close by too few": (
        written(WINDOW, "incident_logged", 0, occurred_at="2026-02-01T00:00:00Z"),
        "nothing calls for site_closed repeat",
    ),
    "name too few": (name_too_few, "these do not count as a window"),
    "do not tell the customer": (gone(WINDOW, "task_opened"), "task_opened tell is missing"),
    "suspend the third time": (
        suspend_the_third_time, "site_closed unreachable_run must stand here",
    ),
    "close the second time": (close_the_second_time, "site_suspended must stand here"),
    "miscount the run": (written(MISSED, "site_suspended", 1, run=3), "the run is 2, not 3"),
    "refuse without a closing": (gone(TOLD, "site_closed"), "site_closed refusal is missing"),
    "close without a word": (
        gone(TOLD, "incident_refused"), "nothing calls for site_closed refusal",
    ),
    "close what is closed": (
        again(WINDOW, "site_closed", rule="false_info", data={"site_from": "closed"}),
        "it is closed already",
    ),
    "recur on a closed site": (recur_on_a_closed_site, "a recurrence on a closed site"),
    "let a case stand": (let_a_case_stand, "case 1 is unstruck and does not stand"),
    "give another hour": (give_another_hour, "the contact deadline is"),
    "move what stays": (
        said(WINDOW, "incident_removed", state_from="unreached"),
        "moves its incident ('unreached', 'removed')",
    ),
    "open by a hold": (said(LATE, "hold_set", site_to="closed"), "moves the site"),
    "approve ones own": (approve_ones_own, "another person must answer"),
    "lose an order": (lose_an_order, "its order (suspend) is missing"),
    "order twice": (order_twice, "was written 2 times"),
    "order what nobody decided": (
        lambda r: r.outgoing.orders.append(Order(1, 1, 1, "close")),
        "nothing on record calls for it",
    ),
    "order something else": (order_something_else, "nothing on record calls for it"),
    "deliver twice": (again(CARRIED, "order_delivered"), "no such order waits"),
    "deliver what nobody ordered": (
        said(CARRIED, "order_delivered", order="6-o1"), "no such order waits",
    ),
    "overtake": (overtake, "it overtakes [11]"),
    "deliver without trying": (said(CARRIED, "order_delivered", attempts=0), "nobody has tried"),
    "deliver something else": (
        said(CARRIED, "order_delivered", order_kind="close"),
        "it is an order to suspend, not close",
    ),
    "deliver by a person": (
        written(CARRIED, "order_delivered", actor="operator-0"), "operator-0 is no courier",
    ),
    "give up by a person": (
        written(CARRIED, "order_failed", actor="operator-0"), "operator-0 is no courier",
    ),
    "give up twice": (again(CARRIED, "order_failed", 1), "no such order waits"),
    "try again what waits": (gone(CARRIED, "order_failed"), "it was not given up"),
    "cancel what is needed": (gone(CARRIED, "hold_lifted", nth=1), "nothing has lifted it"),
    "cancel by hand of nobody": (
        written(CARRIED, "order_cancelled", 1, actor="courier"), "a person must say so",
    ),
    "see what was known": (said(CARRIED, "state_seen", seen="suspended"), "that was known"),
    "repeat what is in force": (gone(CARRIED, "state_seen"), "that is in force"),
    "repeat another state": (
        said(CARRIED, "order_repeated", order_kind="close"), "the site is suspended",
    ),
    "forget an order that waits": (
        forget_an_order_that_waits, "it is not settled on record, and nobody will",
    ),
    "let wait what was given up": (
        let_wait_what_was_given_up, "on record it does not wait like that",
    ),
    "let wait what was settled": (
        lambda r: r.outgoing.unsettled.append(Unsettled(6, 2, "act", "suspend", dead=False)),
        "on record it does not wait like that",
    ),
}  # fmt: skip


def _move(record: Record, recorded_at: str, to: str) -> None:
    """All that was written down at one moment was written down at another."""
    for line in record.lines:
        if line["recorded_at"] == recorded_at:
            line["recorded_at"] = to
