"""The worlds that a random history is played in: the pure machine, and real desks.

A desk must answer as the machine does, document for document.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from incidents.audit.replay import Replay
from incidents.contract.case_documents import event_document, incident_document, site_document
from incidents.desk import Answer, Desk, Envelope
from incidents.desk.repetition import order_of_hold
from incidents.machine import commands as c
from incidents.machine import orders
from incidents.machine.apply import apply
from incidents.machine.case import Case
from incidents.machine.decide import Decision, decide
from incidents.machine.events import Event
from incidents.machine.policy import Policy
from incidents.machine.rules import unreachable_rules
from incidents.store.database import engine as engines
from tests.machine.random_histories import START, Numbers

Document = dict[str, Any]

REASON = "a change"
_SEALED = frozenset({"text", "evidence", "note", "name"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A command as it is given: what a script of the history has to type."""

    now: datetime
    site: str
    command: c.Command
    key: str | None = None
    by_id: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """The expected outcome of a command, in the words of the answer; whether it took effect."""

    refusal: str | None
    acted: bool = False
    site: Mapping[str, object] | None = None
    incidents: tuple[Mapping[str, object], ...] = ()
    events: tuple[Document, ...] = ()
    repeated: bool = False


COMPARED = ("refusal", "site", "incidents", "events", "repeated")


class Machine:
    """Every site's whole case under `decide`, and the keys that a desk would have kept.

    Without `documents` nothing is shown: there is no desk to hold against it.
    """

    def __init__(self, policy: Policy, *, documents: bool = True) -> None:
        self.policy = policy
        self._documents = documents
        self.cases: dict[str, Case] = {}
        self.events: dict[str, list[Event]] = {}
        self.used: dict[str, Asked] = {}
        self._kept: dict[str, Expected] = {}
        self._committed: dict[str, int] = {}
        self._taken_back: dict[str, set[int]] = {}

    def take(self, asked: Asked) -> Expected:
        """The outcome of a command, its key looked at first."""
        kept = None if asked.key is None else self._kept.get(asked.key)
        if kept is not None:
            assert asked.key is not None
            used = self.used[asked.key]
            if (used.site, used.command) == (asked.site, asked.command):
                return replace(kept, repeated=True)
            return replace(self._decide(asked.site, c.Elapse(), asked.now), refusal="key_reused")
        expected = self._decide(asked.site, asked.command, asked.now)
        # A refused repeat is not kept: it may be possible the next time.
        is_kept = expected.refusal is None or not isinstance(asked.command, c.RepeatOrder)
        if asked.key is not None and expected.site is not None and is_kept:
            self.used[asked.key] = asked
            self._kept[asked.key] = expected
        return expected

    def elapse(self, now: datetime) -> dict[str, list[Document]]:
        """Do everything due everywhere; return the events by site."""
        done = {site: self._decide(site, c.Elapse(), now).events for site in self.cases}
        self.commit()
        return {site: list(events) for site, events in done.items() if events}

    def commit(self) -> None:
        """End a transaction: a suspension begun and ended in it is never ordered."""
        for site, case in self.cases.items():
            before = self._committed.get(site, 0)
            events = self.events[site][before:]
            if not events:
                continue
            self._committed[site] = before + len(events)
            ordered = {before + 1 + each.event for each in orders.orders(events)}
            unsent = {order for order, _ in case.deliveries if order > before} - ordered
            self._taken_back.setdefault(site, set()).update(unsent)
            _withdraw(case, unsent)

    def judge(self) -> None:
        """Each site's events alone, replayed, must give its case."""
        for site, case in self.cases.items():
            replayed = Case(site_id=case.site_id, site=site)
            for event in self.events[site]:
                apply(replayed, event)
            _withdraw(replayed, self._taken_back.get(site, set()))
            assert replayed == case, f"the events of {site} do not give its case"

    def case(self, site: str) -> Case:
        """The site's case, an empty one if it is not in the register."""
        return self.cases.get(site) or Case(site_id=len(self.cases) + 1, site=site)

    def _decide(self, site: str, command: c.Command, now: datetime) -> Expected:
        if site not in self.cases and not isinstance(command, c.AddSite):
            return Expected(refusal="unknown_site")
        before = self.case(site)
        refusal = order_of_hold(before, command)
        decision = decide(before, command if refusal is None else c.Elapse(), self.policy, now)
        if refusal is not None:
            decision = replace(decision, refusal=refusal)
        self.cases[site] = decision.case
        self.events.setdefault(site, []).extend(decision.events)
        if self._documents:
            return _shown(before, command, decision, self.policy)
        return Expected(refusal=_refusal(decision), acted=_acted(decision), site={})


def _withdraw(case: Case, unsent: set[int]) -> None:
    for order, lane in [each for each in case.deliveries if each[0] in unsent]:
        del case.deliveries[order, lane]


def _refusal(decision: Decision) -> str | None:
    return None if decision.refusal is None else decision.refusal.name


def _acted(decision: Decision) -> bool:
    return len(decision.events) > decision.due


def _shown(before: Case, command: c.Command, decision: Decision, policy: Policy) -> Expected:
    case = decision.case
    touched = list(decision.touched)
    named = getattr(command, "incident", None)
    if decision.refusal is None and not touched and named in case.incidents:
        touched = [named]
    return Expected(
        refusal=_refusal(decision),
        acted=_acted(decision),
        site=site_document(case, unreachable_rules.run(case, policy)),
        incidents=tuple(incident_document(case, case.incidents[n]) for n in touched),
        events=tuple(
            dict(event_document(case.site_id, event, seq))
            for seq, event in enumerate(decision.events, start=before.seq + 1)
        ),
    )


class DeskWorld:
    """A real desk, with a clock that a test sets."""

    def __init__(self, engine: Engine, policy: Numbers) -> None:
        self.engine = engine
        self.kind = engine.dialect.name
        self.now = START
        self.ids: dict[str, int] = {}
        self._desk = Desk(engine, clock=lambda: self.now)
        if policy:
            self.activate(policy, START)

    def activate(self, numbers: Numbers, now: datetime) -> None:
        """Activate a policy."""
        self.now = now
        text = Policy(**numbers).toml()
        self._desk.activate(text, by="p", login=None, reason=REASON)

    def take(self, batch: Sequence[Asked], expected: Sequence[Expected], *, rehearse: bool) -> None:
        """Give the commands in one transaction, and compare the answers with the expected ones.

        With `rehearse` a dry run comes first, which must answer the same and leave no trace.
        """
        self.now = batch[0].now
        envelopes = [
            Envelope(
                site=self.ids.get(asked.site, asked.site) if asked.by_id else asked.site,
                command=asked.command, login="desk1", key=asked.key,
            )
            for asked in batch
        ]  # fmt: skip
        # A row that a dry run makes for a site takes its number with it.
        adds = any(isinstance(asked.command, c.AddSite) for asked in batch)
        for dry_run in [True, False] if rehearse and not adds else [False]:
            answers = self._desk.submit(envelopes, dry_run=dry_run)
            for asked, answer, wanted in zip(batch, answers, expected, strict=True):
                self._judge(asked, answer, wanted)

    def elapse(self, now: datetime, expected: dict[str, list[Document]], limit: int) -> None:
        """Have a daemon do all that is due, some sites at a time."""
        self.now = now
        found: dict[str, list[Document]] = {}
        while answers := self._desk.elapse(limit=limit):
            for answer in answers:
                found.setdefault(answer.site, []).extend(map(dict, answer.document["events"]))
        found = {site: events for site, events in found.items() if events}
        differs = "; ".join(differences(_plain(found), _plain(expected)))
        assert not differs, f"the daemon at {now}, {self.kind} and machine: {differs}"

    def judge(self) -> None:
        """The log, replayed, must give the tables."""
        with engines.reading(self.engine) as connection:
            assert list(Replay(connection).findings()) == [], f"{self.kind}: the replay differs"

    def _judge(self, asked: Asked, answer: Answer, expected: Expected) -> None:
        if answer.site_id is not None and answer.document["site"] is not None:
            self.ids[asked.site] = answer.site_id
        found = Expected(
            refusal=None if answer.refusal is None else answer.refusal.name,
            site=answer.document["site"],
            incidents=tuple(answer.document["incidents"]),
            events=tuple(map(dict, answer.document["events"])),
            repeated=answer.repeated,
        )
        for name in COMPARED:
            said, wanted = _plain(getattr(found, name)), _plain(getattr(expected, name))
            if said != wanted:
                differs = "; ".join(differences(said, wanted, name))
                raise AssertionError(
                    f"{asked.command} on {asked.site} at {asked.now}, {self.kind} and machine:"
                    f" {differs}"
                )


@contextmanager
def desk_world(url: str, policy: Numbers) -> Iterator[DeskWorld]:
    """A desk on an empty database at `url`."""
    engine = engines.create(url)
    try:
        yield DeskWorld(engine, policy)
    finally:
        engine.dispose()


def differences(one: Any, other: Any, where: str = "") -> Iterator[str]:
    """The differences between two documents."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in one.keys() | other.keys():
            yield from differences(one.get(key), other.get(key), f"{where}.{key}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for n, pair in enumerate(zip(one, other, strict=True)):
            yield from differences(*pair, f"{where}[{n}]")
    elif one != other:
        yield f"{where} is {one} and {other}"


def _plain(value: Any) -> Any:
    """Replace references to sealed words, which are salted, by one and the same."""
    if isinstance(value, str):
        return "sha256:…" if value.startswith("sha256:") else value
    if isinstance(value, dict):
        return {
            name: "…" if name in _SEALED and each is not None else _plain(each)
            for name, each in value.items()
        }
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value
