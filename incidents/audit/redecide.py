"""The redecision: each entry of a site decided again, from the entries before it and the policy.

The desk's own machine decides (`machine.decide`), and the commands follow from the entries. Actions
of the clock that are due before another action come first. The resulting events must equal the
following entries, in all fields, until the next action. The case is built only from these events,
so an error is found where it first appears.

Deciding again cannot check:

- Statements of people, with their times: no policy derives them, but every policy relies on them.
- The true time of an action: only time stamps and witnesses can prove it.
- Whether --again was given for an address that was already on record: the record does not say.
- Older records. In older programs, a correction could bring a deadline forward; now, the later
  deadline stays. Repeating an order did not cancel the dead letter. An entry does not show the age
  of its program.
- Actions that were refused or changed nothing: they leave no entry.
- Actions that are due after a site's last entry: they wait for the clock, and nothing is wrong
  until another entry follows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

from incidents.audit.archive import Archive
from incidents.audit.event_commands import ELAPSE, command_of
from incidents.audit.fold import Periods
from incidents.audit.rows import Finding
from incidents.clock import rfc3339
from incidents.errors import Cause
from incidents.locale import refusals
from incidents.machine.case import Case
from incidents.machine.commands import AddSite, Command
from incidents.machine.decide import Decision, decide
from incidents.machine.events import Event, Reason
from incidents.machine.policy import Policy
from incidents.machine.rules import deadlines
from incidents.record.entry import Header, encode

MAX_WHOLE = 40
"""The maximum number of parts of a case that is decided as a whole. For a larger case, only the
needed part is decided."""


class Redecision:
    """One site's entries, each decided again under the policy that it names.

    `policies`: the policies by digest. If `periods` is given, each entry must name the policy that
    was active at the entry's place in the order of all entries, and actions due before an
    activation must have been done under the previous policy.
    """

    def __init__(
        self, site_id: int, policies: Mapping[str, Policy], periods: Periods | None = None
    ) -> None:
        self.site_id = site_id
        self._policies = policies
        self._periods = periods
        self._period = 0
        self._case: Case | None = None
        self._archive: Archive | None = None
        self._events: Sequence[Event] = ()
        self._next = 0
        self._login: str | None = None
        self._site = str(site_id)
        self._seq = 0
        self._over = False

    @property
    def case(self) -> Case | None:
        """The case after the last decided action; None before the first entry."""
        return self._case if self._archive is None else self._archive.case

    def take(self, header: Header, event: Event, place: int = 0) -> Finding | None:
        """Process the next entry and return a finding, if any; ignore all entries after a finding.

        `place`: the entry's place in the order of all entries (see `Periods`).
        """
        if self._over:
            return None
        self._site, self._seq = header.site, header.site_seq
        if self._next == len(self._events):
            wrong = self._decide(header, event, place)
            if wrong is not None:
                return self._finding(wrong)
        expected = self._events[self._next]
        if event != expected:
            return self._finding(_difference(expected, event), expected, event)
        if header.login != self._login:
            return self._finding(_logged_in(self._login, header.login), expected)
        self._next += 1
        return None

    def end(self) -> Finding | None:
        """Finish after the last entry, and return a finding if an entry is missing."""
        if self._over:
            return None
        if self._next < len(self._events):
            expected = self._events[self._next]
            self._seq += 1
            what = _cause(
                "not_decided", "it is not there: the policy gives {kind} of {at}",
                kind=expected.kind, at=rfc3339(expected.occurred_at),
            )  # fmt: skip
            return self._finding(what, expected)
        wrong = None if self._periods is None else self._not_done(self._periods.last)
        if wrong is not None:
            self._seq += 1
            return self._finding(wrong)
        return None

    def next_due(self) -> datetime | None:
        """The earliest time (UTC) after which the clock must act on the site."""
        if self._archive is not None:
            return self._archive.next_due()
        return None if self._case is None else deadlines.next_due(self._case)

    def _decide(self, header: Header, event: Event, place: int) -> str | None:
        """Decide the action whose first event is `event`; return why no such action is possible."""
        policy = self._policies.get(event.policy)
        if policy is None:
            return _cause(
                "policy_unknown", "there is no policy {policy} to decide it by", policy=event.policy
            )
        if self._periods is not None:
            wrong = self._in_period(event, self._periods, place)
            if wrong is not None:
                return wrong
        case = self.case
        if case is None:
            case = self._case = Case(site_id=self.site_id, site=header.site)
        command = command_of(event, case)
        if case.created_at is None and not isinstance(command, AddSite):
            first = "it is {kind}, and a site's record begins with site_added"
            return _cause("not_site_added", first, kind=event.kind)
        if command is None:
            follows = "{kind} follows from other events, and from none that is here"
            return _cause("follows_from_none", follows, kind=event.kind)
        try:
            decision = self._decided(case, command, policy, event.recorded_at)
        except OverflowError:
            at = rfc3339(event.recorded_at)
            return _cause("undecidable", "nobody can decide at {at}", at=at)
        self._events, self._next = decision.events, 0
        self._login = None if command is ELAPSE or decision.due else header.login
        if decision.events:
            return None
        if decision.refusal is not None:
            why = refusals.sentence(decision.refusal, rfc3339)
            return _cause("refused", "the desk refuses it: {why}", why=why)
        code = "not_due" if command is ELAPSE else "changes_nothing"
        return _cause(code, _NOTHING[code], kind=event.kind)

    def _decided(self, case: Case, command: Command, policy: Policy, now: datetime) -> Decision:
        archive = self._archive
        if (
            archive is None
            and len(case.incidents) + len(case.tasks) + len(case.suspensions) > MAX_WHOLE
        ):
            archive = self._archive = Archive(case)
        if archive is None:
            decision = decide(case, command, policy, now)
            self._case = decision.case
        else:
            decision = decide(archive.part(command, policy, now), command, policy, now)
            archive.take(decision.events)
        return decision

    def _in_period(self, event: Event, periods: Periods, place: int) -> str | None:
        period = periods.at(place)
        active = periods.digests[period]
        if event.policy != active:
            other = "the active policy was {active}, but it says {said}"
            return _cause("other_policy", other, active=active, said=event.policy)
        if period == self._period:
            return None
        wrong = self._not_done(period)
        self._period = period
        return wrong

    def _not_done(self, period: int) -> str | None:
        """Return which action, due under the old policy before an activation, was not done."""
        due = self.next_due()
        if due is None or self._periods is None or period <= self._period:
            return None
        until = self._periods.done_until(self._period, period)
        if until is None or until <= due:
            return None
        return _cause(
            "due_not_done", "what was due at {due} is not done, and at {until} another policy was"
            " activated, which does what is due first",
            due=rfc3339(due), until=rfc3339(until),
        )  # fmt: skip

    def _finding(
        self, wrong: str, expected: Event | None = None, event: Event | None = None
    ) -> Finding:
        self._over = True
        column = None if expected is None or event is None else _first(expected, event)
        entry = None
        if expected is not None:
            entry = encode(expected, self._site, self.site_id, self._seq, self._login)
        return Finding(
            site=self._site, table="entries", row=f"{self.site_id}-{self._seq}",
            problem="not_decided", column=column, expected=entry, found=wrong,
        )  # fmt: skip


_NOTHING = {"not_due": "{kind} is not due", "changes_nothing": "{kind} changes nothing"}


def _difference(expected: Event, event: Event) -> str:
    """Describe how an entry differs from the entry that the policy gives in its place."""
    name = _first(expected, event)
    if name is None:
        return _cause(
            "other_event", "it is {kind} of {at}, but the policy gives {right} of {right_at}",
            kind=event.kind, at=rfc3339(event.occurred_at),
            right=expected.kind, right_at=rfc3339(expected.occurred_at),
        )  # fmt: skip
    own, right = getattr(event, name), getattr(expected, name)
    if isinstance(own, Reason) and isinstance(right, Reason):
        inner = _first(own, right)
        assert inner is not None
        name, own, right = f"{name}.{inner}", getattr(own, inner), getattr(right, inner)
    return _cause(
        "other_field", "{name} is {own}, but the policy gives {right}",
        name=name, own=_shown(own), right=_shown(right),
    )  # fmt: skip


def _first(expected: Event | Reason, event: Event | Reason) -> str | None:
    """The name of the first field that differs; None if the events are of different kinds."""
    if type(expected) is not type(event):
        return None
    names = (field.name for field in fields(expected))
    return next((name for name in names if getattr(expected, name) != getattr(event, name)), None)


def _logged_in(expected: str | None, found: str | None) -> str:
    if expected is None:
        clock = "the login is {login}, but the clock has no login"
        return _cause("login_of_clock", clock, login=_shown(found))
    began = "the login is {login}, but the action began as {began}"
    return _cause("other_login", began, login=_shown(found), began=expected)


def _cause(code: str, sentence: str, **facts: object) -> Cause:
    return Cause.of(f"flaw_{code}", sentence, **facts)


def _shown(value: Any) -> str:
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, timedelta):
        return f"{value // timedelta(seconds=1)} s"
    return Cause.of("flaw_nothing", "nothing") if value is None else str(value)
