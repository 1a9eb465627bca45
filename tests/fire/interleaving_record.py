"""The record: what the committed transactions of one site come to, and what must be true of it.

Records are shared: two ways to the same entries lead to one record, which is judged once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from incidents.machine import commands as c
from incidents.machine import events as e
from incidents.machine import orders
from incidents.machine.apply import apply
from incidents.machine.case import Case
from incidents.machine.decide import decide
from incidents.machine.policy import Policy
from incidents.machine.rules import deadlines
from tests.fire.interleaving_programs import ACTS, OPERATOR, START
from tests.model import naive, spoken

SITE = "site.example"
Past = tuple[tuple[timedelta, str], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Written:
    """The writes of one transaction; `number` is that of the operator's act, None for a daemon.

    `first_seq` is the number of its first entry, as counted from the case that it has read.
    """

    number: int | None
    command: c.Command
    now: datetime
    events: tuple[e.Event, ...]
    due: int
    refusal: str | None
    first_seq: int

    @property
    def acted(self) -> bool:
        """Whether the command itself came to anything."""
        return len(self.events) > self.due


@dataclass(eq=False, slots=True)
class Record:
    """The entries by transaction, the case as its row was last written, and the keys kept."""

    policy: Policy
    case: Case
    written: tuple[Written, ...]
    kept: frozenset[tuple[int, str | None]] = frozenset()
    next_due: datetime | None = None
    _after: dict[tuple[Record, Written, bool, bool], Record] = field(default_factory=dict)
    _decided: dict[tuple[int | None, c.Command, datetime], Written] = field(default_factory=dict)

    def decide(self, number: int | None, command: c.Command, now: datetime) -> Written:
        """The writes of a transaction that has read this record."""
        key = (number, command, now)
        found = self._decided.get(key)
        if found is None:
            decision = decide(self.case, command, self.policy, now)
            refused = None if decision.refusal is None else decision.refusal.name
            found = self._decided[key] = Written(
                number, command, now, decision.events, decision.due, refused, self.case.seq + 1
            )
        return found

    def after(self, read: Record, written: Written, *, keyed: bool, saves_due: bool) -> Record:
        """The record when that is committed by a transaction that had read `read`."""
        if written.number is None and not written.events:
            return self  # a daemon came too late, and wrote nothing
        key = (read, written, keyed, saves_due)
        found = self._after.get(key)
        if found is None:
            case = read.case.copy()
            for event in written.events:
                apply(case, event)
            kept = self.kept
            if keyed and written.number is not None:
                kept |= {(written.number, written.refusal)}
            found = self._after[key] = Record(
                self.policy,
                case,
                (*self.written, written),
                kept,
                deadlines.next_due(case) if saves_due else self.next_due,
            )
            found.judge()
        return found

    def answers_to(self, number: int) -> list[str | None]:
        """The outcome of the operator's act of that number, each time that it was committed."""
        return [written.refusal for written in self.written if written.number == number]

    def judge(self) -> None:
        """Check the record against the invariants; AssertionError names the first that fails."""
        for broken in _broken(self):
            raise AssertionError(broken)

    def judge_as_final(self, now: datetime) -> None:
        """Check what must be true when everybody has gone home at `now`."""
        undone = [due for due in deadlines.pending(self.case) if due[0] < now]
        assert not undone, f"left undone: {undone}"
        desk = naive.NaiveDesk(_naive_policy(self.policy))
        desk.add_site(SITE, START)
        for written in self.written[1:]:
            refused = spoken.apply(desk, SITE, written.command, written.now)
            assert refused == written.refusal, "no serial order of the acts refuses the same"
        serial, found = spoken.of_model(desk, SITE), spoken.of_case(self.case, self.policy)
        assert serial == found, f"the acts one after the other give {serial}, not {found}"


def beginning(policy: Policy, past: Past = ()) -> tuple[Record, datetime]:
    """A site in the register, with that past, and when it has come so far."""
    empty = Record(policy, Case(site_id=1, site=SITE), ())
    written = empty.decide(None, c.AddSite(by=OPERATOR), START)
    record, now = empty.after(empty, written, keyed=False, saves_due=True), START
    for wait, act in past:
        now += wait
        written = record.decide(None, ACTS[act](record.case, now), now)
        record = record.after(record, written, keyed=False, saves_due=True)
    return record, now


def _naive_policy(policy: Policy) -> naive.Policy:
    return naive.Policy(**{name: getattr(policy, name) for name in naive.Policy.__annotations__})


def _broken(record: Record) -> Iterator[str]:
    """The invariants of the rules that the entries break, in words."""
    events = [event for written in record.written for event in written.events]
    seqs = [w.first_seq + n for w in record.written for n in range(len(w.events))]
    if seqs != list(range(1, len(events) + 1)):
        yield f"entries are not dense: {seqs}"
    times = [event.recorded_at for event in events]
    if times != sorted(times):
        yield "an entry was recorded before its predecessor"
    yield from _early(events)
    yield from _impossible(events)
    yield from _doubled_orders(record)
    yield from _doubled_commands(record)


def _early(events: list[e.Event]) -> Iterator[str]:
    for event in events:
        timed = isinstance(event, e.ClockLapsed | e.SuspensionEnded | e.AlarmRaised)
        removal = isinstance(event, e.IncidentRefused) and event.by == c.CLOCK
        if (timed or removal) and not event.occurred_at < event.recorded_at:
            yield f"{event.kind} at {event.recorded_at} was not due before {event.occurred_at}"


_ON_A_CLOSED_SITE = (
    e.ClockLapsed, e.AlarmRaised, e.SiteSuspended, e.SuspensionEnded, e.SuspensionStruck,
    e.SiteClosed, e.IncidentRefused,
)  # fmt: skip


def _impossible(events: list[e.Event]) -> Iterator[str]:
    """Two running suspensions, an opening of what is not suspended, an act on a closed site."""
    running: int | None = None
    closed = False
    for event in events:
        # A case that is struck after its end, or after a closure, lifts nothing.
        struck_only = isinstance(event, e.SuspensionStruck) and not event.ended
        if closed and isinstance(event, _ON_A_CLOSED_SITE) and not struck_only:
            yield f"{event.kind} on a closed site"
        if closed and isinstance(event, e.IncidentLogged) and event.state_to != "moot":
            yield "a clock was started on a closed site"
        if isinstance(event, e.SiteSuspended):
            if running is not None:
                yield f"suspensions {running} and {event.suspension} run at once"
            running = event.suspension
        elif isinstance(event, e.SuspensionEnded | e.SuspensionStruck) and not struck_only:
            if running != event.suspension:
                yield f"suspension {event.suspension} has ended, and {running} was running"
            running = None
        elif isinstance(event, e.SiteClosed):
            running, closed = None, True
        elif isinstance(event, e.SiteReinstated):
            closed = False


def _doubled_orders(record: Record) -> Iterator[str]:
    """Each order goes out once: by its own key, and by what it is about."""
    keys: Counter[object] = Counter()
    for written in record.written:
        for order in orders.orders(written.events):
            keys["seq", written.first_seq + order.event] += 1
            about = order.suspension or order.incident or order.task
            if about is not None:
                keys[order.kind, about] += 1
    yield from (f"the order {key} goes out {times} times" for key, times in keys.items()
                if times > 1)  # fmt: skip


def _doubled_commands(record: Record) -> Iterator[str]:
    acted = Counter(w.number for w in record.written if w.number is not None and w.acted)
    yield from (f"act {number} was done {times} times" for number, times in acted.items()
                if times > 1)  # fmt: skip
