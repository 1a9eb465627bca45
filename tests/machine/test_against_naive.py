"""The machine against the naive model of tests/model, written from domain.md alone."""

from datetime import datetime
from typing import Any

from hypothesis import given, settings

from incidents.machine import commands as c
from incidents.machine import rules
from incidents.machine.case import Case
from incidents.machine.decide import decide
from incidents.machine.policy import Policy
from tests.machine.random_histories import (
    ACTIVATE,
    POLICIES,
    START,
    Numbers,
    RandomHistory,
    Step,
    command,
    histories,
)
from tests.model import naive

SITE = "site.example"
Seen = dict[str, Any]


class Machine:
    """One site under `decide`, seen as the naive model shows it."""

    def __init__(self, numbers: Numbers) -> None:
        self.policy = Policy(**numbers)
        self.case = Case(site_id=1, site=SITE)
        self._do(c.AddSite(by="p"), START)

    def act(self, step: Step, now: datetime) -> str | None:
        """Take a step; answer the name of the refusal."""
        refused = self._do(command(step, self.case, now), now)
        if step.act == ACTIVATE:
            self.policy = Policy(**POLICIES[step.policy])
        return refused

    def site(self) -> Seen:
        case = self.case
        return {
            "state": case.state,
            "rule": case.rule,
            "suspended_until": case.suspended_until,
            "run": rules.run(case, self.policy),
            "disputed": case.disputed,
            "held": case.held,
            "closed_at": case.closed_at,
        }

    def incident(self, n: int) -> Seen:
        incident = self.case.incidents[n]
        return {
            "state": incident.state,
            "occurred_at": incident.occurred_at,
            "recorded_at": incident.recorded_at,
            "contact_due": self.case.contact_due(incident),
            "contacts": [
                {"outcome": x.outcome, "occurred_at": x.occurred_at, "voided": not x.stands}
                for x in incident.contacts
            ],
        }

    def suspensions(self) -> list[Seen]:
        return [
            {
                "started": x.made_at,
                "due": x.due,
                "until": x.until,
                "ended": None if x.closed else x.ended_at,
                "struck": x.struck,
                "closed": x.closed,
                "incidents": [i.n for i in self.case.incidents.values() if i.suspension == x.n],
            }
            for x in self.case.suspensions.values()
        ]

    def _do(self, asked: c.Command, now: datetime) -> str | None:
        decision = decide(self.case, asked, self.policy, now)
        self.case = decision.case
        return None if decision.refusal is None else decision.refusal.name


class Model:
    """The same site in the naive model."""

    def __init__(self, numbers: Numbers) -> None:
        self.desk = naive.NaiveDesk(naive.Policy(**numbers))
        self.desk.add_site(SITE, START)

    def act(self, step: Step, case: Case, now: datetime) -> str | None:
        """Take a step; `case`, as it was before, tells which incident and time it means."""
        if step.act == "elapse":
            self.desk.elapse(now)
        elif step.act == ACTIVATE:
            self.desk.activate(naive.Policy(**POLICIES[step.policy]), now)
        else:
            try:
                getattr(self.desk, step.act)(SITE, now=now, by=step.by, **_details(step, case, now))
            except naive.Refused as refused:
                return refused.name
        return None

    def site(self) -> Seen:
        return self.desk.site(SITE)

    def incident(self, n: int) -> Seen:
        return self.desk.incident(SITE, n)

    def suspensions(self) -> list[Seen]:
        # It keeps a case's incidents in the order in which they joined it.
        return [
            {**seen, "incidents": sorted(seen["incidents"])}
            for seen in self.desk.suspensions(SITE)
        ]  # fmt: skip


def _details(step: Step, case: Case, now: datetime) -> dict[str, Any]:
    incident = step.incident(case)
    match step.act:
        case "log":
            return {"at": step.at(case, now), "urls": step.urls, "again": step.again}
        case "contact":
            about = None if step.whole_site else incident
            return {"incident": about, "outcome": step.outcome, "at": step.at(case, now)}
        case "void_contact":
            return {"incident": incident, "contact": step.contact}
        case "void" | "removed" | "refused" | "recur" | "take_back":
            return {"incident": incident}
        case _:
            return {}


@settings(max_examples=10 * settings().max_examples)
@given(histories())
def test_the_machine_and_the_naive_model_agree_after_every_step(history: RandomHistory) -> None:
    machine, model, now = Machine(history.policy), Model(history.policy), START
    for step in history.steps:
        now += step.wait
        before = machine.case
        refused = machine.act(step, now)
        assert model.act(step, before, now) == refused
        assert model.site() == machine.site()
        assert model.suspensions() == machine.suspensions()
        for n in machine.case.incidents:
            assert model.incident(n) == machine.incident(n)
