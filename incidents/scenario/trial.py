"""The trial: a scenario run under a policy, in simulated time, and its deviations."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from incidents.clock import rfc3339
from incidents.locale import refusals
from incidents.machine.case import Case
from incidents.machine.commands import AddSite, Command, Elapse
from incidents.machine.decide import decide
from incidents.machine.policy import Policy, write_duration
from incidents.machine.refusal import Refusal
from incidents.machine.rules import deadlines
from incidents.scenario.actions import NONE, PERSON, offset, seconds
from incidents.scenario.file import Scenario, Step

if TYPE_CHECKING:
    from incidents.contract.documents import policies as documents

SITE = "site.example"
_JUST_AFTER = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch:
    """One unexpected result; `step`: the number of the step, None for the last query."""

    step: int | None
    at: datetime
    what: str
    expected: str
    got: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """The result of a scenario under the policy with that digest."""

    scenario: Scenario
    policy: str
    mismatches: tuple[Mismatch, ...]

    @property
    def passed(self) -> bool:
        """Whether everything was as expected."""
        return not self.mismatches

    def document(self) -> documents.Trial:
        """Return the result as JSON."""
        return {
            "name": self.scenario.name,
            "passed": self.passed,
            "policy": self.policy,
            "mismatches": [
                {
                    "step": miss.step, "at": rfc3339(miss.at), "what": miss.what,
                    "expected": miss.expected, "got": miss.got,
                }
                for miss in self.mismatches
            ],
        }  # fmt: skip


def run(scenario: Scenario, policy: Policy) -> Trial:
    """Run a scenario under its own policy, or under `policy` if it has none."""
    world = _Simulation(scenario, scenario.policy or policy)
    first = world.policy.digest
    for step in scenario.steps:
        world.take(step)
    return Trial(scenario=scenario, policy=first, mismatches=tuple(world.mismatches))


class _Simulation:
    """One site in memory, its policy, and the unexpected results so far."""

    def __init__(self, scenario: Scenario, policy: Policy) -> None:
        self.scenario = scenario
        self.policy = policy
        self.mismatches: list[Mismatch] = []
        self._case = Case(site_id=1, site=SITE)
        self._do(AddSite(by=PERSON), scenario.start)

    def take(self, step: Step) -> None:
        """Advance the time, perform the step's action, and compare."""
        if self.scenario.daemon:
            self._elapse_until(step.at)
        if isinstance(step.action, Policy):
            # Actions due before it follow the old policy, with or without a daemon.
            self._do(Elapse(), step.at)
            self.policy = step.action
        refusal = self._do(step.action, step.at) if isinstance(step.action, Command) else None
        if step.do is not None:
            self._compare_refusal(step, refusal)
        for what, expected in step.expect.items():
            self._compare(step, what, expected)

    def _elapse_until(self, until: datetime) -> None:
        """Process everything due before `until`, each item just after its time."""
        while (due := deadlines.next_due(self._case)) is not None and due < until:
            self._do(Elapse(), due + _JUST_AFTER)

    def _do(self, command: Command, now: datetime) -> Refusal | None:
        decision = decide(self._case, command, self.policy, now)
        self._case = decision.case
        return decision.refusal

    def _compare_refusal(self, step: Step, refusal: Refusal | None) -> None:
        name = None if refusal is None else refusal.name
        if name != step.refused:
            got = (
                "it took effect"
                if refusal is None
                else f"{name}: {refusals.sentence(refusal, self._when)}"
            )
            self._miss(step, "refused", step.refused or NONE, got)

    def _compare(self, step: Step, what: str, expected: Any) -> None:
        got = _observed(self._case, what)
        if isinstance(expected, dict):
            got = {n: got[n - 1] if n <= len(got) else NONE for n in expected}
        if isinstance(expected, datetime):
            expected = seconds(expected)
        if isinstance(got, datetime):
            got = seconds(got)
        if expected != got:
            self._miss(step, what, self._shown(expected), self._shown(got))

    def _miss(self, step: Step, what: str, expected: str, got: str) -> None:
        self.mismatches.append(
            Mismatch(step=step.n or None, at=step.at, what=what, expected=expected, got=got)
        )

    def _shown(self, value: Any) -> str:
        if isinstance(value, datetime):
            return self._when(value)
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, list):
            return ", ".join(value) or NONE
        if isinstance(value, dict):
            return ", ".join(f"{n} {state}" for n, state in value.items())
        return NONE if value is None else str(value)

    def _when(self, moment: datetime) -> str:
        after = offset(self.scenario.start, moment)
        if after < timedelta(0):
            return rfc3339(seconds(moment))
        return f"+{write_duration(after)} ({rfc3339(seconds(moment))})"


def _observed(case: Case, what: str) -> Any:
    match what:
        case "held" | "state" | "rule" | "run" | "disputed" | "suspended_until" | "closed_at":
            return getattr(case, what)
        case "next_due":
            return deadlines.next_due(case)
        case "suspensions":
            return sum(not made.closed for made in case.suspensions.values())
        case _:
            return [incident.state for _, incident in sorted(case.incidents.items())]
