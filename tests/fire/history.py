"""The history: one site's entries, each held against what the rules let follow from those before.

An act is a block of entries of one person at one moment. At the end of each block all that is
derived (struck cases, disputes) must have been written down; before a person's act, all that had
fallen due. What each kind of entry must say stands in `incident_rules` and `site_rules`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from tests.fire.facts import CONTACT, REMOVAL, REOPENING, Due, Facts
from tests.fire.order_rules import Orders
from tests.fire.record import Entry, Policy

TIMED = {"clock_lapsed": CONTACT, "incident_refused": REMOVAL, "suspension_ended": REOPENING}
"""The clock's own acts; all else that bears its name follows from one of these."""

_DUE_NAMES = ("the clock of incident", "the removal of incident", "the end of suspension")
_MAY_CHANGE_THE_RUN = frozenset(
    {
        "contact_recorded", "contact_voided", "incident_voided", "statement_taken_back",
        "site_suspended", "suspension_struck", "suspension_restored", "site_closed",
        "site_reinstated",
    }
)  # fmt: skip


class History:
    """One site as its entries tell it; what is wrong with them is collected in `findings`.

    `ordered` are the numbers of the entries from which orders follow, where they are known. `owed`
    names the entry that must come next, if one must; `policy` is the current entry's.
    """

    def __init__(self, ordered: frozenset[int] | None = None) -> None:
        self.facts = Facts()
        self.orders = Orders(ordered)
        self.findings: list[str] = []
        self.owed: str | None = None
        self.policy = Policy()
        self._last: Entry | None = None

    def take(self, entry: Entry, policy: Policy, learn: EntryRule | None) -> None:
        """Hold the next entry against all before it, and `learn` what it says.

        Raises:
            LookupError, AssertionError, TypeError: of an entry that speaks of what is not there.
        """
        self._check_place(entry)
        if self._begins_a_block(entry):
            self._check_nothing_owed(entry)
            self._check_derived(entry)
            self._check_due_first(entry)
        self._check_owed(entry)
        self.policy = policy
        if learn is not None:
            learn(self, entry)
        self.orders.give(entry)
        self._check_run(entry)
        self._last = entry

    def end(self, due_by: datetime | None) -> None:
        """Nothing is owed at the end, and nothing that fell due before `due_by` is undone."""
        if self._last is None:
            return
        self._check_nothing_owed(self._last)
        self._check_derived(self._last)
        for when, what, number in self.facts.due():
            if due_by is not None and when < due_by:
                self.find(self._last, f"missed to the end: {_DUE_NAMES[what]} {number}, {when}")

    def find(self, entry: Entry, what: str) -> None:
        """Tell what is wrong with the entry."""
        self.findings.append(f"{entry}: {what}")

    def move_incident(self, entry: Entry, number: int, change: Callable[[], object]) -> None:
        """Make the change; the entry must tell the incident's states before and after it."""
        incident = self.facts.incidents[number]
        before = incident.state
        change()
        told, is_so = (entry.data["state_from"], entry.data["state_to"]), (before, incident.state)
        if told != is_so:
            self.find(entry, f"moves its incident {told}, and should {is_so}")

    def move_site(self, entry: Entry, change: Callable[[], object]) -> None:
        """Make the change; the entry must tell the site's states before and after it."""
        before = self.facts.state
        change()
        told, is_so = (entry.data["site_from"], entry.data["site_to"]), (before, self.facts.state)
        if told != is_so:
            self.find(entry, f"moves the site {told}, and should {is_so}")

    def _check_place(self, entry: Entry) -> None:
        expected = 1 if self._last is None else self._last.site_seq + 1
        if entry.site_seq != expected:
            self.find(entry, f"not dense: the site's next entry is #{expected}")
        if self._last is not None and entry.recorded_at < self._last.recorded_at:
            self.find(entry, f"recorded before its predecessor, {self._last.recorded_at}")
        if entry.occurred_at > entry.recorded_at:
            self.find(entry, f"of the future: {entry.occurred_at} at {entry.recorded_at}")

    def _begins_a_block(self, entry: Entry) -> bool:
        if self._last is None or not entry.is_of_one_act_with(self._last):
            return True
        return entry.is_clocks and entry.kind in TIMED

    def _check_nothing_owed(self, entry: Entry) -> None:
        if self.owed is not None:
            self.find(entry, f"{self.owed} is missing before it, or after the last")
            self.owed = None

    def _check_owed(self, entry: Entry) -> None:
        own = _name(entry)
        if self.owed not in (None, own):
            self.find(entry, f"{self.owed} must stand here")
        elif self.owed is None and own in _NEVER_BY_ITSELF:
            self.find(entry, f"nothing calls for {own}")
        self.owed = None

    def _check_derived(self, entry: Entry) -> None:
        facts = self.facts
        for case in facts.cases.values():
            if case.struck != facts.should_be_struck(case):
                what = "struck and stands" if case.struck else "unstruck and does not stand"
                self.find(entry, f"before it, case {case.number} is {what}")
        if facts.disputed != facts.should_be_disputed():
            what = "disputed and met" if facts.disputed else "undisputed and unmet"
            self.find(entry, f"before it, the closure is {what}")

    def _check_due_first(self, entry: Entry) -> None:
        pending = sorted(due for due in self.facts.due() if due[0] < entry.recorded_at)
        if not entry.is_clocks:
            for when, what, number in pending:
                self.find(entry, f"missed before it: {_DUE_NAMES[what]} {number}, {when}")
            return
        own = _own_due(entry)
        if own is None:
            self.find(entry, "the clock does this by itself, and nothing had begun it")
        elif own not in pending:
            self.find(entry, f"early, or not due at all, at {entry.recorded_at}")
        elif own[:2] != pending[0][:2]:
            when, what, number = pending[0]
            self.find(entry, f"out of order: {_DUE_NAMES[what]} {number}, {when} comes first")

    def _check_run(self, entry: Entry) -> None:
        if entry.run is None and entry.kind not in _MAY_CHANGE_THE_RUN:
            return
        said = self.facts.run if entry.run is None else entry.run
        derived = self.facts.run_now(self.policy)
        if said != derived:
            self.find(entry, f"the run is {derived}, not {said}")
        self.facts.run = said


EntryRule = Callable[[History, Entry], None]
"""The rule of a kind of entry: the required contents, and the facts after it."""

_NEVER_BY_ITSELF = frozenset(
    {
        "alarm_raised", "site_suspended", "site_closed repeat", "site_closed unreachable_run",
        "site_closed refusal", "task_opened tell",
    }
)  # fmt: skip


def _name(entry: Entry) -> str:
    """An entry as what is owed names it."""
    if entry.kind == "site_closed":
        return f"{entry.kind} {entry.rule}"
    if entry.kind == "task_opened":
        return f"{entry.kind} {entry.data['task_kind']}"
    return entry.kind


def _own_due(entry: Entry) -> Due | None:
    what = TIMED.get(entry.kind)
    if what is None:
        return None
    number = entry.number("suspension" if what == REOPENING else "incident")
    return entry.occurred_at, what, number or 0
