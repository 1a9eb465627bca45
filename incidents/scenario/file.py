"""The scenario file: TOML with `[[scenario]]` tables, each a history with expected results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from incidents.cause import Cause, wrong_value
from incidents.locale.refusals import NAMES
from incidents.machine.policy import Policy
from incidents.machine.state import INCIDENT_STATES, SITE_STATES
from incidents.scenario import actions
from incidents.scenario.actions import NONE, Fields, ScenarioError, shown
from incidents.values import parsing
from incidents.values.parsing import TomlTextError

START = datetime(2026, 1, 1, tzinfo=UTC)
"""The default start of a scenario."""

MAX_SCENARIOS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of a file: its characters, the steps of one scenario, and the steps of all."""

    characters: int
    steps: int
    in_all: int


OWN = Limits(characters=1_000_000, steps=1_000, in_all=1_000_000)
"""The limits of a file that people run on their own machines."""
SENT = Limits(characters=65_536, steps=200, in_all=1_000)
"""The limits of a file that a server runs: a step costs more the longer its site's history is."""

Expectation = dict[str, Any]
"""The expected values by name; under `incidents`, a list or a table of states."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One action or query at `at` (UTC). `refused`: the refusal that the action must produce."""

    n: int
    at: datetime
    do: str | None
    action: actions.Step | None
    refused: str | None
    expect: Expectation


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A history of one site; `policy` is None if the scenario has no policy of its own.

    With `daemon`, due actions are processed on time; otherwise only at the next step.
    """

    name: str
    start: datetime
    policy: Policy | None
    daemon: bool
    steps: tuple[Step, ...]


_RULES = ("repeat", "unreachable", "unreachable_run", "false_info", "refusal")


def read(text: str, limits: Limits = OWN) -> list[Scenario]:
    """Read the scenarios in a file within those limits.

    Raises:
        ScenarioError: naming the scenario, the step and the value.
    """
    try:
        document = parsing.read_toml(text, limits.characters)
    except TomlTextError as error:
        raise ScenarioError(Cause.of("scenario_toml", "it {why}", why=error.args[0])) from error
    for key in document:
        if key != "scenario":
            raise ScenarioError(
                Cause.of(
                    "scenario_file_key",
                    "unknown key {key!r}: a file has [[scenario]] tables alone", key=key,
                )
            )  # fmt: skip
    tables = document.get("scenario")
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise ScenarioError(Cause.of("scenario_none", "it has no [[scenario]] table"))
    _limit(Cause.of("scenarios_of_file", "scenarios in a file"), len(tables), MAX_SCENARIOS)
    scenarios = [_scenario(n, table, limits.steps) for n, table in enumerate(tables, 1)]
    steps = sum(len(each.steps) for each in scenarios)
    _limit(Cause.of("steps_in_all", "steps in all"), steps, limits.in_all)
    names = [scenario.name for scenario in scenarios]
    for name in names:
        if names.count(name) > 1:
            raise ScenarioError(
                Cause.of(
                    "scenario_twice", "two scenarios are called {name}: give each its own name",
                    name=shown(name),
                )
            )  # fmt: skip
    return scenarios


def _scenario(n: int, table: dict[str, Any], most: int) -> Scenario:
    where = Cause.of("scenario_n", "scenario {n}", n=n)
    name = Fields(where, table, START).word("name")
    if name is not None:
        where = Cause.of("scenario_named", "scenario {n}, {name}", n=n, name=shown(name))
    fields = Fields(where, table, START)
    name = fields.required("name", fields.word("name"))
    fields.start = start = fields.time("start") or START
    daemon = fields.flag("daemon")
    policy = actions.read_policy(fields, "policy")
    steps = _steps(fields, where, start, most)
    expect = fields.table("expect")
    fields.finish("a scenario")
    if expect is not None:
        steps.append(_last_look(fields, where, expect, steps[-1].at if steps else start))
    if not any(step.expect or step.refused for step in steps):
        raise fields.wrong(
            Cause.of(
                "scenario_expects_nothing",
                'it expects nothing: say expect = {{ state = "active" }}, for example',
            )
        )
    assert name is not None
    return Scenario(
        name=name, start=start, policy=policy, daemon=daemon is not False, steps=tuple(steps)
    )


def _steps(fields: Fields, where: str, start: datetime, most: int) -> list[Step]:
    tables = fields.tables("steps")
    _limit(Cause.of("steps_of", "steps in {where}", where=where), len(tables), most)
    steps: list[Step] = []
    for n, table in enumerate(tables, 1):
        own = Fields(Cause.of("scenario_step", "{where}, step {n}", where=where, n=n), table, start)
        steps.append(_step(own, n, steps[-1].at if steps else start))
    return steps


def _step(fields: Fields, n: int, before: datetime) -> Step:
    at = fields.time("at") or before
    if at < before:
        raise fields.wrong(
            Cause.of(
                "scenario_earlier",
                "at is {at}, which is earlier than the step before it: write the steps in the"
                " order in which they are typed, and say with occurred_at that a fact is older",
                at=shown(fields.value("at")),
            )
        )
    do = fields.word("do")
    expect = fields.table("expect")
    refused = _refusal(fields) if do is not None else None
    action = None if do is None else actions.read_step(fields, do)
    if do is None and expect is None:
        raise fields.wrong(
            Cause.of(
                "scenario_idle",
                'it neither does nor expects anything: say do = "log", for example',
            )
        )
    fields.finish(do or "a look")
    return Step(
        n=n, at=at, do=do, action=action, refused=refused,
        expect={} if expect is None else _expectation(fields, expect),
    )  # fmt: skip


def _last_look(fields: Fields, where: str, table: dict[str, Any], last: datetime) -> Step:
    own = Fields(_expected(where), table, fields.start)
    at = own.time("at") or last
    if at < last:
        raise own.wrong(
            Cause.of(
                "scenario_expect_earlier", "at is {at}, which is earlier than the last step",
                at=shown(table["at"]),
            )
        )  # fmt: skip
    rest = {key: value for key, value in table.items() if key != "at"}
    expect = _expectation(fields, rest)
    return Step(n=0, at=at, do=None, action=None, refused=None, expect=expect)


def _refusal(fields: Fields) -> str | None:
    name = fields.word("refused")
    if name is not None and name not in NAMES:
        raise fields.wrong(
            Cause.of(
                "scenario_refusal", "refused is {name}, which is no refusal: there are {known}",
                name=shown(name), known=", ".join(NAMES),
            )
        )  # fmt: skip
    return name


def _expectation(fields: Fields, table: dict[str, Any]) -> Expectation:
    own = Fields(_expected(fields.where), table, fields.start)
    found = {name: read(own, name) for name, read in EXPECTED.items() if own.has(name)}
    own.finish("expect")
    return found


def _rule(fields: Fields, name: str) -> object:
    rule = fields.choice(name, (*_RULES, NONE))
    return None if rule == NONE else rule


def _count(fields: Fields, name: str) -> object:
    return fields.number(name, least=0)


def _incidents(fields: Fields, name: str) -> object:
    """A list of the states of all incidents in order, or a table of some states by number."""
    value = fields.value(name)
    states = list(value.values()) if isinstance(value, dict) else value
    known = [state for state in INCIDENT_STATES if state != "new"]
    if not isinstance(states, list):
        expected = Cause.of(
            "must_be_states",
            'a list of states, ["open", "notified"], or a table, {{ 2 = "open" }}',
        )
        raise fields.wrong(wrong_value(name, expected, shown(value)))
    for state in states:
        if state not in known:
            raise fields.wrong(
                Cause.of(
                    "scenario_states", "{name} must hold one of {known}, got {value}",
                    name=name, known=", ".join(known), value=shown(state),
                )
            )  # fmt: skip
    if isinstance(value, dict):
        for number in value:
            if not number.isdecimal():
                raise fields.wrong(
                    Cause.of(
                        "scenario_number", "{name} is by the incident's number, got {value}",
                        name=name, value=shown(number),
                    )
                )  # fmt: skip
        return {int(number): state for number, state in value.items()}
    return states


EXPECTED: dict[str, Callable[[Fields, str], object]] = {
    "state": lambda fields, name: fields.choice(name, SITE_STATES),
    "rule": _rule,
    "run": _count,
    "held": Fields.flag,
    "disputed": Fields.flag,
    "suspended_until": Fields.time_or_none,
    "closed_at": Fields.time_or_none,
    "next_due": Fields.time_or_none,
    "suspensions": _count,
    "incidents": _incidents,
}
"""The names that a scenario can expect, each with its reader."""


def _expected(where: str) -> Cause:
    return Cause.of("scenario_expect", "{where}, expect", where=where)


def _limit(what: Cause, count: int, limit: int) -> None:
    if count > limit:
        raise ScenarioError(
            Cause.of(
                "scenario_limit", "{count:,} {what}, and {limit:,} are the most: split it",
                count=count, what=what, limit=limit,
            )
        )  # fmt: skip
