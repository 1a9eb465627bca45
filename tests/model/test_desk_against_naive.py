"""The desk, on both databases, held against the naive model after each of many random acts."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Engine, select

from incidents.audit.replay import Replay
from incidents.desk import Desk, Envelope
from incidents.machine import commands as c
from incidents.machine.policy import Policy
from incidents.store.database import engine as engines
from incidents.store.schema import log_tables, tables
from tests.databases import Databases
from tests.model import naive

SITES = ("one.example", "two.example")
PERSONS = ("operator-1", "operator-2")
BEGINNING = datetime(2026, 3, 1, tzinfo=UTC)
HAIR = timedelta(microseconds=1)
HOUR = timedelta(hours=1)
_NO_ORDER = {"order": 1, "lane": "act"}

POLICIES: list[dict[str, Any]] = [
    {},
    {"run": "total"},
    {"min_attempts": 1},
    {"removal_within": 2 * HOUR},
    {"repeat_count": 5, "run_count": 2},
    {"repeat_count": 2, "repeat_within": HOUR},
    {"two_people_close": True, "repeat_count": 9},
]

steps = st.sampled_from(
    [timedelta(0), 5 * HAIR, HOUR / 12, HOUR / 2, HOUR, HOUR + HAIR, 11 * HOUR, 12 * HOUR,
     12 * HOUR + HAIR, 24 * HOUR, -HOUR / 6]
)  # fmt: skip
ages = st.sampled_from([None, timedelta(0), HOUR / 2, HOUR, 2 * HOUR, 23 * HOUR, -HOUR])
sites = st.sampled_from(SITES)
persons = st.sampled_from(PERSONS)
numbers = st.integers(1, 6)


class DeskAgainstNaive(RuleBasedStateMachine):
    """Two sites, two persons, one clock that jumps; each act is done by the desk and the model."""

    def __init__(self, databases: Databases) -> None:
        super().__init__()
        self._database = databases.at_head()
        self.engine: Engine = engines.create(self._database.__enter__())
        self.now = BEGINNING
        self.desk = Desk(self.engine, clock=lambda: self.now)
        self.naive = naive.NaiveDesk()

    def teardown(self) -> None:
        """After each history the log, replayed, gives the tables."""
        try:
            with engines.reading(self.engine) as connection:
                assert list(Replay(connection).findings()) == []
        finally:
            self.engine.dispose()
            self._database.__exit__(None, None, None)

    # What is compared.

    @invariant()
    def the_desk_and_the_model_agree(self) -> None:
        for site in SITES:
            if site not in self.naive.sites:
                continue
            assert self._site(site) == self.naive.site(site)
            assert self._incidents(site) == [
                self.naive.incident(site, n + 1) for n in range(self._count(site))
            ]
            assert self._suspensions(site) == [
                {**case, "incidents": sorted(case["incidents"])}
                for case in self.naive.suspensions(site)
            ]

    # What happens.

    @initialize(policy=st.sampled_from(POLICIES))
    def begin(self, policy: dict[str, Any]) -> None:
        if policy:
            self._activate(policy)
        for site in SITES:
            self._do(site, c.AddSite(by="operator-1"), "add_site")

    @rule(step=steps)
    def time_passes(self, step: timedelta) -> None:
        self.now += step

    @rule(step=steps)
    def the_daemon_looks(self, step: timedelta) -> None:
        self.now += step
        while self.desk.elapse():
            pass
        self.naive.elapse(self.now)

    @rule(policy=st.sampled_from(POLICIES))
    def a_policy_is_activated(self, policy: dict[str, Any]) -> None:
        self._activate(policy)

    @rule(site=sites, by=persons, age=ages, url=st.integers(0, 3), again=st.booleans())
    def a_violation_is_logged(
        self, site: str, by: str, age: timedelta | None, url: int, again: bool
    ) -> None:
        at = None if age is None else self.now - age
        urls = (f"https://{site}/{url}",) if url else ()
        command = c.Log(by=by, at=at, urls=urls, again=again)
        self._do(site, command, "log", by=by, at=at, urls=urls, again=again)

    @rule(
        site=sites, by=persons, n=st.none() | numbers, age=ages,
        outcome=st.sampled_from(["reached", "reached", "no-answer"]),
    )  # fmt: skip
    def a_contact_is_recorded(
        self, site: str, by: str, n: int | None, age: timedelta | None, outcome: str
    ) -> None:
        at = None if age is None else self.now - age
        command = c.RecordContact(by=by, incident=n, outcome=outcome, at=at)
        self._do(site, command, "contact", by=by, incident=n, outcome=outcome, at=at)

    @rule(site=sites, by=persons, n=numbers)
    def a_contact_was_made_at_the_last_moment(self, site: str, by: str, n: int) -> None:
        if n > self._count(site):
            return
        due = self.naive.incident(site, n)["contact_due"]
        if due is not None:
            command = c.RecordContact(by=by, incident=n, outcome="reached", at=due)
            self._do(site, command, "contact", by=by, incident=n, outcome="reached", at=due)

    @rule(site=sites, by=persons, n=numbers, contact=st.integers(1, 3))
    def a_contact_is_voided(self, site: str, by: str, n: int, contact: int) -> None:
        command = c.VoidContact(by=by, incident=n, contact=contact, reason="wrong number")
        self._do(site, command, "void_contact", by=by, incident=n, contact=contact)

    @rule(site=sites, by=persons, n=numbers)
    def an_incident_is_voided(self, site: str, by: str, n: int) -> None:
        self._do(site, c.VoidIncident(by=by, incident=n, reason="not one"), "void", by=by,
                 incident=n)  # fmt: skip

    @rule(site=sites, by=persons, n=numbers)
    def the_content_is_removed(self, site: str, by: str, n: int) -> None:
        self._do(site, c.StateRemoved(by=by, incident=n), "removed", by=by, incident=n)

    @rule(site=sites, by=persons, n=numbers)
    def the_customer_refuses(self, site: str, by: str, n: int) -> None:
        self._do(site, c.StateRefused(by=by, incident=n), "refused", by=by, incident=n)

    @rule(site=sites, by=persons, n=numbers)
    def the_content_is_still_there(self, site: str, by: str, n: int) -> None:
        self._do(site, c.Recur(by=by, incident=n), "recur", by=by, incident=n)

    @rule(site=sites, by=persons, n=numbers)
    def a_statement_is_taken_back(self, site: str, by: str, n: int) -> None:
        command = c.TakeBack(by=by, incident=n, reason="said of the wrong one")
        self._do(site, command, "take_back", by=by, incident=n)

    @rule(site=sites, by=persons)
    def a_filed_detail_is_false(self, site: str, by: str) -> None:
        command = c.StateFalse(by=by, field="phone", evidence="the operator says so")
        self._do(site, command, "false_info", by=by)

    @rule(site=sites, by=persons)
    def a_closure_is_confirmed(self, site: str, by: str) -> None:
        self._do(site, c.ConfirmClosure(by=by), "confirm_closure", by=by)

    @rule(site=sites, by=persons)
    def a_closure_is_declined(self, site: str, by: str) -> None:
        self._do(site, c.DeclineClosure(by=by, reason="no"), "decline_closure", by=by)

    @rule(site=sites, by=persons)
    def a_hold_is_set(self, site: str, by: str) -> None:
        self._do(site, c.SetHold(by=by, reason="by order"), "hold", by=by)

    @rule(site=sites, by=persons)
    def a_hold_is_lifted(self, site: str, by: str) -> None:
        self._do(site, c.LiftHold(by=by, reason="order ended"), "unhold", by=by)

    @rule(site=sites, by=persons)
    def a_reinstatement_is_asked(self, site: str, by: str) -> None:
        self._do(site, c.AskReinstatement(by=by, reason="settled"), "reinstate", by=by)

    @rule(site=sites, by=persons)
    def a_reinstatement_is_approved(self, site: str, by: str) -> None:
        self._do(site, c.Approve(by=by), "approve", by=by)

    @rule(site=sites, by=persons)
    def a_reinstatement_is_declined(self, site: str, by: str) -> None:
        self._do(site, c.Decline(by=by, reason="no"), "decline", by=by)

    @rule(site=sites, by=persons)
    def a_dispute_is_upheld(self, site: str, by: str) -> None:
        self._do(site, c.Uphold(by=by, reason="grave"), "uphold", by=by)

    @rule(site=sites, by=persons, n=numbers, age=ages)
    def the_police_are_told(self, site: str, by: str, n: int, age: timedelta | None) -> None:
        at = None if age is None else self.now - age
        command = c.StateReported(by=by, incident=n, at=at)
        self._do(site, command, "reported", by=by, incident=n, at=at)

    @rule(site=sites, n=numbers)
    def the_customer_says_that_it_is_gone(self, site: str, n: int) -> None:
        self._do(site, c.SayRemoved(incident=n), "say_removed", by="customer", incident=n)

    @rule(site=sites, place=st.integers(0, 3), enforced=st.booleans())
    def an_order_is_carried_out(self, site: str, place: int, enforced: bool) -> None:
        self._note(
            site,
            c.RecordDelivery(
                **self._order(site, place), adapter="a", attempts=1, enforced=enforced
            ),
        )  # fmt: skip

    @rule(site=sites, place=st.integers(0, 3))
    def an_order_is_given_up(self, site: str, place: int) -> None:
        own = self._order(site, place)
        self._note(site, c.RecordFailure(**own, adapter="a", attempts=9, problem="fault"))

    @rule(
        site=sites, by=persons, place=st.integers(0, 3), tried=st.booleans(),
        why=st.sampled_from(["lifted", "lifted", "by_hand"]),
    )  # fmt: skip
    def an_order_is_cancelled(self, site: str, by: str, place: int, tried: bool, why: str) -> None:
        own = self._order(site, place)
        self._note(site, c.CancelOrder(by=by, **own, why=why, tried=tried))

    @rule(site=sites, by=persons, place=st.integers(0, 3))
    def an_order_is_tried_again(self, site: str, by: str, place: int) -> None:
        self._note(site, c.RetryOrder(by=by, **self._order(site, place)))

    @rule(site=sites, by=persons, seen=st.sampled_from(["active", "suspended", "closed"]))
    def it_is_looked_at_and_ordered_once_more(self, site: str, by: str, seen: str) -> None:
        known = select(tables.sites.c.in_force, tables.sites.c.last_act)
        with engines.reading(self.engine) as connection:
            row = connection.execute(known.where(tables.sites.c.name == site)).mappings().one()
        self._note(site, c.RecordState(by=by, adapter="a", seen=seen, **row))
        self._note(site, c.RepeatOrder(by=by))

    # How it is done, and read back.

    def _order(self, site: str, place: int) -> dict[str, Any]:
        """One of the orders that are not settled; if there are not so many, one that never was."""
        rows = self._rows(log_tables.deliveries, site)[place : place + 1]
        return {"order": rows[0]["site_seq"], "lane": rows[0]["lane"]} if rows else _NO_ORDER

    def _note(self, site: str, command: c.Command) -> None:
        """What the model knows nothing of: it moves nothing in it."""
        [answer] = self.desk.submit([Envelope(site=site, command=command)])
        self.naive.elapse_site(site, self.now)
        if any(event.by == command.by for event in answer.events):
            self.naive.note(site, self.now, command.by)

    def _activate(self, numbers: dict[str, Any]) -> None:
        policy = Policy(**numbers)
        if policy == self.desk.policy():
            return
        self.desk.activate(policy.toml(), by="operator-1", login=None, reason="a change")
        self.naive.activate(naive.Policy(**numbers), self.now)

    def _do(self, site: str, command: c.Command, act: str, **said: Any) -> None:
        [answer] = self.desk.submit([Envelope(site=site, command=command)])
        refused = None if answer.refusal is None else answer.refusal.name
        try:
            getattr(self.naive, act)(site, now=self.now, **said)
            expected = None
        except naive.Refused as refusal:
            expected = refusal.name
        assert refused == expected

    def _count(self, site: str) -> int:
        return len(self.naive.sites[site].incidents)

    def _rows(self, table: Any, site: str) -> list[dict[str, Any]]:
        of_site = select(table).join(tables.sites, tables.sites.c.id == table.c.site_id)
        statement = of_site.where(tables.sites.c.name == site).order_by(*table.primary_key)
        with engines.reading(self.engine) as connection:
            return [dict(row) for row in connection.execute(statement).mappings()]

    def _site(self, site: str) -> dict[str, Any]:
        keys = [field for field in self.naive.site(site)]  # noqa: C416 - the model's own keys
        statement = select(*(tables.sites.c[key] for key in keys))
        with engines.reading(self.engine) as connection:
            row = connection.execute(statement.where(tables.sites.c.name == site)).mappings().one()
        return dict(row)

    def _incidents(self, site: str) -> list[dict[str, Any]]:
        with engines.reading(self.engine) as connection:
            epoch = connection.scalar(
                select(tables.sites.c.epoch).where(tables.sites.c.name == site)
            )
        contacts = self._rows(tables.contacts, site)
        return [
            {
                "state": row["state"],
                "occurred_at": row["occurred_at"],
                "recorded_at": row["recorded_at"],
                "contact_due": row["contact_due"] if row["epoch"] == epoch else None,
                "contacts": [
                    {
                        "outcome": contact["outcome"],
                        "occurred_at": contact["occurred_at"],
                        "voided": contact["voided_at"] is not None,
                    }
                    for contact in contacts
                    if contact["incident"] == row["n"]
                ],
            }
            for row in self._rows(tables.incidents, site)
        ]

    def _suspensions(self, site: str) -> list[dict[str, Any]]:
        incidents = self._rows(tables.incidents, site)
        return [
            {
                "started": row["made_at"],
                "due": row["due"],
                "until": row["until"],
                "ended": None if row["closed"] else row["ended_at"],
                "struck": row["struck"],
                "closed": row["closed"],
                "incidents": sorted(i["n"] for i in incidents if i["suspension"] == row["n"]),
            }
            for row in self._rows(tables.suspensions, site)
        ]


@pytest.mark.both_databases(long="postgresql")
def test_the_desk_agrees_with_the_model_whatever_is_done_and_the_log_replays(
    databases: Databases,
) -> None:
    profile = settings()
    few = settings(max_examples=max(8, profile.max_examples // 4), stateful_step_count=30)
    begun = partial(DeskAgainstNaive, databases)
    run_state_machine_as_test(begun, settings=few)  # type: ignore[arg-type]  # any callable


def test_the_model_and_the_machine_know_the_same_policy() -> None:
    machines = {field.name: field.default for field in dataclasses.fields(Policy)}
    models = {field.name: field.default for field in dataclasses.fields(naive.Policy)}
    assert machines == models
