"""A record as the machine decides it, without a database: one site, and the desk's own stream."""

from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from incidents.audit.fold import Periods
from incidents.audit.redecide import Redecision
from incidents.audit.rows import Finding
from incidents.machine import commands as c
from incidents.machine.case import Case
from incidents.machine.commands import Command
from incidents.machine.decide import decide
from incidents.machine.events import Event
from incidents.machine.policy import DOCUMENTED, Policy
from incidents.record.entry import DESK, decode, encode
from incidents.record.own_events import PolicyActivated

SITE, SITE_ID, LOGIN = "a.example", 7, "desk1"
TEN = datetime(2026, 3, 1, 10, tzinfo=UTC)

APPROVED = (("approved_on", "2026-01-20"), ("public_security_number", "sha256:e"))
OVERDUE = (
    ("level", "2"), ("opened_on", "2026-01-05"),
    ("responsible_phone", "sha256:c"), ("server.a", "sha256:b"),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry, and its place among all; `n` is its act's number, `due` what the clock did."""

    event: Event
    login: str | None
    place: int
    n: int = 0
    due: bool = False


@dataclass(slots=True)
class Decided:
    """One site's entries so far, each act `minutes` after the one before."""

    now: datetime = TEN
    policy: Policy = DOCUMENTED
    entries: list[Entry] = field(default_factory=list)
    own: list[Entry] = field(default_factory=list)
    case: Case = field(default_factory=lambda: Case(site_id=SITE_ID, site=SITE))
    acts: int = 0

    def do(self, command: Command, *, minutes: float = 0, may_be_refused: bool = False) -> Self:
        self.now += timedelta(minutes=minutes)
        decision = decide(self.case, command, self.policy, self.now)
        assert may_be_refused or decision.refusal is None, decision.refusal
        self.acts += 1
        for n, event in enumerate(decision.events):
            due = n < decision.due
            login = None if due else LOGIN
            self.entries.append(
                Entry(event=event, login=login, place=self._place(), n=self.acts, due=due)
            )
        self.case = decision.case
        return self

    def activate(self, policy: Policy) -> Self:
        """Activate another policy, after all that is due; the desk's record never steps back."""
        self.do(c.Elapse())
        now = max([self.now, *(entry.event.recorded_at for entry in self.own)])
        event = PolicyActivated(
            occurred_at=now, recorded_at=now, by="li", policy=policy.digest,
            previous=self.policy.digest, toml=policy.toml(), text="sha256:0",
        )  # fmt: skip
        self.own.append(Entry(event=event, login=LOGIN, place=self._place()))
        self.policy = policy
        return self

    def later(self, by: timedelta) -> Self:
        """Let time pass, or have the clock step back."""
        self.now += by
        return self

    # Each of what follows is one act, by li where nobody else is named.

    def elapse(self, minutes: float = 0) -> Self:
        return self.do(c.Elapse(), minutes=minutes)

    def log(self, *, at: datetime | None = None, minutes: float = 0) -> Self:
        return self.do(c.Log(by="li", at=at), minutes=minutes)

    def reached(
        self, incident: int | None, *, at: datetime | None = None, minutes: float = 0
    ) -> Self:
        command = c.RecordContact(by="li", incident=incident, outcome="reached", at=at)
        return self.do(command, minutes=minutes)

    def refused(self, incident: int, *, minutes: float = 0) -> Self:
        return self.do(c.StateRefused(by="li", incident=incident), minutes=minutes)

    def void(self, incident: int, *, minutes: float = 0) -> Self:
        return self.do(
            c.VoidIncident(by="li", incident=incident, reason="sha256:v"), minutes=minutes
        )

    def edit(self, *, minutes: float = 0) -> Self:
        return self.do(c.EditSite(by="li", phone="sha256:1"), minutes=minutes)

    def false(self, detail: str, *, minutes: float = 0) -> Self:
        return self.do(c.StateFalse(by="li", field=detail, evidence="sha256:f"), minutes=minutes)

    def reinstate(self, *, minutes: float = 0) -> Self:
        """Li asks for it, and wang approves."""
        self.do(c.AskReinstatement(by="li", reason="sha256:a"), minutes=minutes)
        return self.do(c.Approve(by="wang"), minutes=minutes)

    def hold(self, *, minutes: float = 0) -> Self:
        return self.do(c.SetHold(by="li", reason="sha256:h"), minutes=minutes)

    def lift(self, *, minutes: float = 0) -> Self:
        return self.do(c.LiftHold(by="li", reason="sha256:l"), minutes=minutes)

    # The last order in the world is carried out, given up, or tried and made once more.

    def deliver(self, *, minutes: float = 0) -> Self:
        return self.do(delivered(self), minutes=minutes)

    def fail(self, *, minutes: float = 0) -> Self:
        return self.do(failed(self), minutes=minutes)

    def retry(self, number: int, *, minutes: float = 0) -> Self:
        return self.do(c.RetryOrder(by="li", order=number, lane="act"), minutes=minutes)

    def repeat(self, *, minutes: float = 0) -> Self:
        return self.do(c.RepeatOrder(by="li"), minutes=minutes)

    def cancel_lifted(self, number: int, lane: str = "act", *, minutes: float = 0) -> Self:
        """The dispatcher has found that nobody needs it any more."""
        command = c.CancelOrder(by=c.DISPATCHER, order=number, lane=lane, why="lifted")
        return self.do(command, minutes=minutes)

    def _place(self) -> int:
        return len(self.entries) + len(self.own)


def added() -> Decided:
    """A site in the register."""
    return Decided().do(c.AddSite(by="li"))


def periods_of(own: Iterable[Entry]) -> Periods:
    periods = Periods()
    for seq, entry in enumerate(own, 1):
        header, event = decode(encode(entry.event, DESK, 0, seq, entry.login))
        assert periods.take(header, event, entry.place) is None
    return periods


def redecided(
    entries: Sequence[Entry], periods: Periods, *, alone: bool = False
) -> tuple[Redecision, Finding | None]:
    """The entries as they are written and read; `alone`, without knowing what was active when."""
    redecision = Redecision(SITE_ID, periods.policies, None if alone else periods)
    for seq, entry in enumerate(entries, 1):
        finding = take(redecision, seq, entry)
        if finding is not None:
            return redecision, finding
    return redecision, redecision.end()


def wrong_in(entries: Sequence[Entry], own: Iterable[Entry] = (), **how: bool) -> Finding:
    """The first wrong entry, which there is."""
    _, finding = redecided(entries, periods_of(own), **how)
    assert finding is not None
    return finding


def decided_again(site: Decided) -> Redecision:
    """The redecision of the site's record, in which nothing is wrong."""
    redecision, finding = redecided(site.entries, periods_of(site.own))
    assert finding is None
    return redecision


def take(redecision: Redecision, seq: int, entry: Entry) -> Finding | None:
    """One entry, as it is written and read."""
    header, event = decode(encode(entry.event, SITE, SITE_ID, seq, entry.login))
    return redecision.take(header, event, entry.place)


def fork(redecision: Redecision) -> Redecision:
    """One that can go on in another way; what a case and an archive hold is immutable."""
    twin = copy(redecision)
    if redecision._archive is not None:
        archive = twin._archive = copy(redecision._archive)
        for name, value in vars(archive).items():
            setattr(archive, name, _copied(value))
    return twin


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        twin = value.copy()
        twin.update((key, _copied(inner)) for key, inner in value.items())
        return twin
    return value.copy() if isinstance(value, Case | list | set) else value


def first_wrong(entries: Sequence[Entry], own: Iterable[Entry], **how: bool) -> int | None:
    """The number of the first wrong entry, from 1."""
    _, finding = redecided(entries, periods_of(own), **how)
    if finding is None:
        return None
    assert (finding.site, finding.table, finding.problem) == (SITE, "entries", "not_decided")
    return int(finding.row.removeprefix(f"{SITE_ID}-"))


def altered(entry: Entry, **changed: Any) -> Entry:
    """The same entry, saying something else."""
    return replace(entry, event=replace(entry.event, **changed))


def other(hint: str, value: Any) -> Any:
    """Another value of that type."""
    if hint.startswith("bool"):
        return not value
    if hint.startswith("datetime"):
        return (value or TEN) + timedelta(seconds=1)
    if hint.startswith("timedelta"):
        return (value or timedelta()) + timedelta(seconds=1)
    if hint.startswith("int"):
        return (value or 0) + 1
    if hint.startswith("tuple[int"):
        return (*value, 99)
    if hint.startswith("tuple[tuple"):
        *others, (key, text) = value
        return (*others, (key, f"{text}x"))
    if hint.startswith("tuple[str"):
        return (*value, "x")
    assert hint.startswith("str"), hint
    return f"{value or ''}x"


def alterations(event: Event) -> Iterator[tuple[str, Event]]:
    """The event with one field another, each in turn, those of its reason too."""
    for each in fields(event):
        value = getattr(event, each.name)
        if each.name == "reason":
            if value is not None:
                for inner in fields(value):
                    changed = other(str(inner.type), getattr(value, inner.name))
                    own = replace(value, **{inner.name: changed})
                    yield f"reason.{inner.name}", replace(event, reason=own)
        elif each.name != "site":
            yield each.name, replace(event, **{each.name: other(str(each.type), value)})


def missed() -> Decided:
    """A site whose clock lapses: added, logged, lapsed, suspended; opened, recheck; logged."""
    site = added().log().elapse(61).elapse(721).log(minutes=24 * 60)
    assert kinds(site.entries) == [
        "site_added", "incident_logged", "clock_lapsed", "site_suspended", "suspension_ended",
        "task_opened", "incident_logged",
    ]  # fmt: skip
    return site


def kinds(entries: list[Entry]) -> list[str]:
    return [entry.event.kind for entry in entries]


def without(entries: list[Entry], *numbers: int) -> list[Entry]:
    return [entry for n, entry in enumerate(entries, 1) if n not in numbers]


def with_(entries: list[Entry], n: int, entry: Entry) -> list[Entry]:
    return [*entries[: n - 1], entry, *entries[n:]]


def of_kind(site: Decided, kind: str) -> int:
    """The number of the first entry of that kind, from 1."""
    return kinds(site.entries).index(kind) + 1


def everything() -> Decided:
    """A history in which each kind of event, and each rule, has its place."""
    site = Decided()
    site.do(c.AddSite(by="li", phone="sha256:1")).do(c.EditSite(by="li", email="sha256:2"))
    _filed(site)
    _carried_out(site)
    _suspended_and_late_truth(site)
    _closed_by_the_third(site)
    _closed_by_a_word(site)
    _closed_by_two(site)
    _closed_by_the_run(site)
    _under_another_policy(site)
    return site


def order(site: Decided) -> int:
    """The number of the last order that is not settled."""
    return max(n for n, _ in site.case.deliveries)


def delivered(site: Decided, lane: str = "act", *, enforced: bool = True) -> c.Command:
    return c.RecordDelivery(
        order=order(site), lane=lane, adapter="panel", attempts=2, enforced=enforced
    )


def failed(site: Decided, lane: str = "act") -> c.Command:
    return c.RecordFailure(
        order=order(site), lane=lane, adapter="panel", attempts=9, problem="http_503"
    )


def seen(site: Decided, state: str) -> c.Command:
    case = site.case
    return c.RecordState(
        by="li", adapter="panel", seen=state, in_force=case.in_force, last_act=case.last_act
    )


def _filed(site: Decided) -> None:
    """Filings: terms with reminders, a suspicion, changed details, a page's foot with gaps."""
    site.do(c.ChangeFiling(by="li", details=(("nature", "non_commercial"),)), minutes=5)
    site.do(c.ChangeFiling(by="li", details=OVERDUE), minutes=5)
    today = site.now.date().isoformat()
    site.do(c.Remind(on=today), minutes=5)
    site.do(c.RaiseSuspicion(field="responsible_phone", finding="repeated_digit"), minutes=5)
    site.do(c.RaiseSuspicion(field="level", finding="level_is_of_another_service"), minutes=5)
    site.do(c.ClaimItem(by="wang", item=f"t{site.case.last_task}"), minutes=1)
    for problems in (("icon_missing", "link_missing"), ("link_missing",), ()):
        site.do(c.RecordFooter(problems=problems), minutes=5)
    met = (("filed_on", today), ("level", ""), ("responsible_phone", "sha256:d"))
    site.do(c.ChangeFiling(by="li", details=met), minutes=5)
    site.do(c.ChangeFiling(by="li", details=APPROVED), minutes=5)
    site.do(c.Remind(on=today), minutes=5)
    assert [task.kind for task in site.case.tasks.values() if task.done_at is None] == [
        "show_number"
    ]


def _carried_out(site: Decided) -> None:
    """All that may become of orders; one suspension is lifted before anybody has tried it."""
    site.hold(minutes=5).fail(minutes=5)
    site.do(c.RetryOrder(by="li", order=order(site), lane="act"), minutes=5).deliver(minutes=1)
    site.do(seen(site, "active"), minutes=5).repeat(minutes=1)
    site.do(
        c.CancelOrder(
            by="li", order=order(site), lane="act", why="by_hand", tried=True, reason="sha256:6"
        ),
        minutes=1,
    )
    site.lift(minutes=5).deliver(minutes=1)
    site.do(delivered(site, "notice", enforced=False), minutes=1).hold(minutes=5)
    suspending = order(site)
    site.lift(minutes=5).cancel_lifted(suspending, minutes=1).cancel_lifted(order(site))
    assert (site.case.state, site.case.in_force) == ("active", "active")


def _suspended_and_late_truth(site: Decided) -> None:
    site.do(c.ImportIncident(by="li", at=TEN - timedelta(days=9), contact="reached"))
    url, text = "https://a.example/1", "https://A.example/1"
    site.do(c.Log(by="li", urls=(url,), written=(text,), category="drugs", note="sha256:3"))
    site.do(c.Attach(by="li", incident=2, digest="0" * 64, size=3, name="sha256:4"))
    site.do(c.ClaimItem(by="wang", item="2")).do(c.ReleaseItem(by="wang", item="2"), minutes=1)
    site.do(c.ClaimItem(by="wang", item="2"), minutes=1)
    site.do(c.HandOver(by="wang", to="zhao"), minutes=1)
    site.do(c.RecordContact(by="zhao", incident=2, outcome="no-answer"), minutes=10)
    told_at = site.now + timedelta(minutes=5)
    site.elapse(60).hold(minutes=5).lift(minutes=5).elapse(12 * 60)
    site.do(c.RecordContact(by="zhao", incident=2, outcome="reached", at=told_at), minutes=5)
    site.do(c.VoidContact(by="zhao", incident=2, contact=2, reason="sha256:7"), minutes=5)
    site.do(c.StateRemoved(by="zhao", incident=2), minutes=5)
    site.do(c.TakeBack(by="zhao", incident=2, reason="sha256:8"), minutes=5)
    [shown] = [t.n for t in site.case.tasks.values() if t.kind == "show_number"]
    command = c.CompleteTask(by="zhao", task=shown, outcome="seen", note="sha256:9")
    site.do(command, minutes=5)


def _closed_by_the_third(site: Decided) -> None:
    for _ in range(2):
        site.log(minutes=24 * 60).reached(None, minutes=5)
    site.do(c.Recur(by="li", incident=3), minutes=60).log(minutes=60)
    site.do(c.RecordContact(by="li", incident=None, outcome="no-answer"), minutes=5)
    site.log(minutes=60).void(5, minutes=5).do(c.Uphold(by="li", reason="sha256:b"), minutes=5)
    site.do(c.AskReinstatement(by="li", reason="sha256:c"), minutes=5)
    site.do(c.Decline(by="wang", reason="sha256:d"), minutes=5).reinstate(minutes=5)


def _closed_by_a_word(site: Decided) -> None:
    site.log(minutes=5)
    n = site.case.last_incident
    site.reached(n, minutes=5).refused(n, minutes=5)
    told_at = site.now
    site.do(c.VoidContact(by="li", incident=n, contact=1, reason="sha256:f"), minutes=5)
    site.reached(n, at=told_at, minutes=5).log(minutes=5).reinstate(minutes=5)
    site.false("phone", minutes=5).reinstate(minutes=5)


def _closed_by_two(site: Decided) -> None:
    site.activate(replace(DOCUMENTED, two_people_close=True)).false("email", minutes=5)
    site.do(c.DeclineClosure(by="wang", reason="sha256:6"), minutes=5)
    site.do(c.StateFalse(by="wang", field="phone", evidence="sha256:7"), minutes=5)
    site.do(c.ConfirmClosure(by="li"), minutes=5).reinstate(minutes=5).log(minutes=24 * 60)
    n = site.case.last_incident
    site.reached(n, minutes=5)
    site.do(c.StateRefused(by="li", incident=n, note="sha256:9"), minutes=5)
    site.do(c.ConfirmClosure(by="wang"), minutes=5).reinstate(minutes=5).activate(DOCUMENTED)


def _closed_by_the_run(site: Decided) -> None:
    for _ in range(3):
        site.log(minutes=24 * 60).elapse(61).elapse(12 * 60 + 1)
    site.reinstate(minutes=5)


def _under_another_policy(site: Decided) -> None:
    site.activate(replace(DOCUMENTED, min_attempts=1, removal_within=timedelta(hours=2)))
    site.log(minutes=24 * 60)
    n = site.case.last_incident
    told = site.now + timedelta(minutes=1)
    site.do(c.SayRemoved(incident=n, note="sha256:1"), minutes=1)
    site.do(c.StateReported(by="li", incident=n, at=told, note="sha256:2"), minutes=5)
    site.elapse(61).log(minutes=24 * 60)
    n = site.case.last_incident
    site.reached(n, minutes=5).elapse(121).do(c.EditSite(by="li", phone="sha256:4"), minutes=5)
    site.do(c.AddNote(by="li", incident=n, audience="desk", text="sha256:5"), minutes=5)
    site.do(c.RevokeLinks(by="li", incident=n), minutes=5)
