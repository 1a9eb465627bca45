"""A required time that is not that of the fact: each surface takes it from the declaration."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import click
import pytest
from pydantic import ValidationError

from incidents.api import bodies
from incidents.cli import actions
from incidents.contract.action import Action, Ask, Body, fields_of
from incidents.contract.target import INCIDENT
from incidents.errors import InputError
from incidents.machine import commands as c
from incidents.scenario import actions as steps

START = datetime(2026, 3, 2, 4, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall(c.Command):
    """Bring the incident back to the desk then."""

    incident: int
    until: datetime


RECALL = Action(
    Recall, "recall", INCIDENT, path="recall", short="Recall an incident.", help="Recall it.",
    body=Body("Recalled", "When to recall it."), ask={"until": Ask("When to recall it:")},
)  # fmt: skip


def test_it_is_a_time_but_not_that_of_the_fact() -> None:
    found = {each.name: each for each in fields_of(Recall)}
    assert (found["until"].is_time, found["until"].is_time_of_fact) == (True, False)
    of_fact = {each.name: each for each in fields_of(c.StateRemoved)}["at"]
    assert (of_fact.is_time, of_fact.is_time_of_fact) == (True, True)


def test_the_command_line_demands_it_as_an_option(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "ACTIONS", (RECALL,))
    command: click.Command = getattr(actions, "recall")  # noqa: B009  # made when it is asked for
    option = next(each for each in command.params if each.name == "until")
    assert option.required
    with pytest.raises(click.MissingParameter):
        command.make_context("recall", ["1-1"])


def test_a_request_must_hold_it_with_an_offset() -> None:
    form = bodies.body(RECALL)
    with pytest.raises(ValidationError):
        form.model_validate({})
    _, command = bodies.command(
        RECALL, "li", "1-1", form.model_validate({"until": "2026-03-02T13:00:00+08:00"})
    )
    assert command == Recall(by="li", incident=1, until=datetime(2026, 3, 2, 5, tzinfo=UTC))
    with pytest.raises(InputError):
        bodies.command(RECALL, "li", "1-1", form.model_validate({"until": "13:00"}))


def test_a_step_of_a_scenario_names_it_as_a_request_does() -> None:
    read = steps.step_of(RECALL)
    fields = steps.Fields("step 1", {"incident": 1, "until": "+1h"}, START)
    assert read(fields) == Recall(
        by=steps.PERSON, incident=1, until=datetime(2026, 3, 2, 5, tzinfo=UTC)
    )
    with pytest.raises(steps.ScenarioError, match="until is missing"):
        read(steps.Fields("step 1", {"incident": 1}, START))
