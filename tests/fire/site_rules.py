"""The rules of a site's entries: suspended, opened, closed, disputed, held, reinstated; tasks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from tests.fire import order_rules
from tests.fire.facts import Case, Closure
from tests.fire.history import EntryRule, History
from tests.fire.order_rules import Orders
from tests.fire.record import Entry, last_number


def _suspended(history: History, entry: Entry) -> None:
    until = entry.recorded_at + history.policy.suspend_for
    if entry.time("until") != until:
        history.find(entry, f"it lasts until {until}, from when it is really made")
    if history.facts.running is not None:
        history.find(entry, "a suspension runs already")
    history.move_site(entry, lambda: _add_case(history, entry, until))


def _add_case(history: History, entry: Entry, until: datetime | None) -> Case:
    facts, starter = history.facts, entry.number("incident") or 0
    number, due = len(facts.cases) + 1, facts.incidents[starter].deadline
    assert due is not None, "its incident has no clock"
    if (entry.number("suspension"), entry.time("due")) != (number, due):
        history.find(entry, f"it is case {number}, due at {due}")
    case = Case(number, facts.era, starter, due, until, [starter], runs=until is not None)
    facts.cases[number] = case
    return case


def _ended(history: History, entry: Entry) -> None:
    running = history.facts.running
    if running is None or running.number != entry.number("suspension"):
        history.find(entry, "opens what was not suspended")
        return
    history.move_site(entry, lambda: setattr(running, "runs", False))
    _owe_recheck(history, running)


def _struck(history: History, entry: Entry) -> None:
    case = history.facts.cases[entry.number("suspension") or 0]
    ended = bool(entry.data.get("ended"))
    if ended != case.runs:
        history.find(entry, "opens what was not suspended" if ended else "it ends, and says not")
    history.move_site(entry, lambda: _strike(case))
    if ended:
        _owe_recheck(history, case)


def _strike(case: Case) -> None:
    case.struck, case.runs = True, False


def _owe_recheck(history: History, case: Case) -> None:
    """Reopening does not settle an incident: one that is not known to be removed is looked at."""
    if {history.facts.incidents[n].state for n in case.rests_on} & {"unreached", "notified"}:
        history.owed = "task_opened recheck"


def _restored(history: History, entry: Entry) -> None:
    history.facts.cases[entry.number("suspension") or 0].struck = False


def _closed(history: History, entry: Entry) -> None:
    facts, rule = history.facts, entry.rule or ""
    if facts.closure is not None:
        history.find(entry, "it is closed already")
    named = {last_number(name) for name in entry.reason.get("incidents", [])}
    incident, case = max(named, default=None), None
    if rule == "repeat":
        _check_window(history, entry, named)
        # The one that completed the window is the last that was logged.
        incident = max(facts.incidents)
        history.owed = "task_opened tell"
    elif rule == "unreachable_run":
        case = _add_case(history, entry, None)
    told_by = _told_by(history, entry, incident) if rule == "refusal" else None
    closure = Closure(rule, history.policy, incident, case, told_by=told_by)
    history.move_site(entry, lambda: _close(history, closure))


def _told_by(history: History, entry: Entry, number: int | None) -> datetime | None:
    """By when the customer must have been told: when they refused, or their time began to run."""
    since = entry.reason.get("since")
    if "deadline" in entry.reason and number is not None:
        contacts = history.facts.incidents[number].contacts
        told = min(contact.recorded_at for contact in contacts if contact.tells)
        if history.policy.removal_within is not None:
            told = max(told, entry.occurred_at - history.policy.removal_within)
        if since is None or datetime.fromisoformat(since) != told:
            history.find(entry, f"it is on record since {told} that they were told")
        return told
    return entry.recorded_at if since is None else datetime.fromisoformat(since)


def _close(history: History, closure: Closure) -> None:
    running = history.facts.running
    if running is not None:
        running.runs = False
    history.facts.closure = closure


def _check_window(history: History, entry: Entry, numbers: set[int]) -> None:
    """R1: the record names enough different incidents that count, within the hours."""
    policy = history.policy
    counted = {i.number: i.occurred_at for i in history.facts.counted()}
    if len(numbers) < policy.repeat_count or not numbers <= counted.keys():
        history.find(entry, f"these do not count as a window: {sorted(numbers)}")
        return
    times = [counted[n] for n in numbers]
    if max(times) - min(times) > policy.repeat_within:
        history.find(entry, f"these do not lie within the hours: {sorted(numbers)}")


def _disputed(history: History, _: Entry) -> None:
    history.facts.disputed = True


def _settled(history: History, _: Entry) -> None:
    facts = history.facts
    facts.disputed = False
    if facts.closure is not None and not facts.falls_short():
        facts.closure.upheld_at = None


def _upheld(history: History, entry: Entry) -> None:
    facts = history.facts
    if facts.closure is None or not facts.disputed:
        history.find(entry, "there is no disputed closure")
        return
    _, facts.closure.upheld_at = facts.needed_and_left(facts.closure)
    facts.disputed = False


def _held(history: History, entry: Entry) -> None:
    if history.facts.held:
        history.find(entry, "it is held already")
    history.move_site(entry, lambda: setattr(history.facts, "held", True))
    history.orders.hold = (entry.actor, entry.recorded_at)


def _unheld(history: History, entry: Entry) -> None:
    if not history.facts.held:
        history.find(entry, "it is not held")
    history.move_site(entry, lambda: setattr(history.facts, "held", False))


def _asked(history: History, entry: Entry) -> None:
    facts = history.facts
    if facts.asked_by is not None or facts.closure is None or facts.held:
        history.find(entry, "this cannot be asked now")
    facts.asked_by = entry.actor


def _declined(history: History, entry: Entry) -> None:
    _check_second_person(history, entry)
    history.facts.asked_by = None


def _reinstated(history: History, entry: Entry) -> None:
    _check_second_person(history, entry)
    if history.facts.held:
        history.find(entry, "a held site cannot be reinstated")
    history.move_site(entry, lambda: _reinstate(history))


def _reinstate(history: History) -> None:
    facts = history.facts
    facts.closure, facts.asked_by, facts.disputed = None, None, False
    facts.era += 1


def _check_second_person(history: History, entry: Entry) -> None:
    if history.facts.asked_by in (None, entry.actor):
        history.find(entry, f"{history.facts.asked_by} asked, and another person must answer")


def _task_opened(history: History, entry: Entry) -> None:
    facts, number = history.facts, entry.number("task") or 0
    if number != facts.last_task + 1:
        history.find(entry, f"the site's next task is number {facts.last_task + 1}")
    facts.last_task = number
    facts.open_tasks.add(number)


def _task_completed(history: History, entry: Entry) -> None:
    number = entry.number("task") or 0
    if number not in history.facts.open_tasks:
        history.find(entry, "there is no such open task")
    history.facts.open_tasks.discard(number)


def _of_orders(lesson: Callable[[Orders, Entry], list[str]]) -> EntryRule:
    def learn(history: History, entry: Entry) -> None:
        for problem in lesson(history.orders, entry):
            history.find(entry, problem)

    return learn


def _repeated(history: History, entry: Entry) -> None:
    for problem in order_rules.repeated(history.orders, entry, history.facts.state):
        history.find(entry, problem)


RULES: dict[str, EntryRule] = {
    "site_suspended": _suspended,
    "suspension_ended": _ended,
    "suspension_struck": _struck,
    "suspension_restored": _restored,
    "site_closed": _closed,
    "closure_disputed": _disputed,
    "dispute_settled": _settled,
    "closure_upheld": _upheld,
    "hold_set": _held,
    "hold_lifted": _unheld,
    "reinstatement_asked": _asked,
    "reinstatement_declined": _declined,
    "site_reinstated": _reinstated,
    "task_opened": _task_opened,
    "task_completed": _task_completed,
    "order_delivered": _of_orders(order_rules.delivered),
    "order_failed": _of_orders(order_rules.failed),
    "order_cancelled": _of_orders(order_rules.cancelled),
    "order_retried": _of_orders(order_rules.retried),
    "state_seen": _of_orders(order_rules.seen),
    "order_repeated": _repeated,
}
