"""The short run of random steps, and that it would see it if something were wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from incidents.desk import Desk
from incidents.machine import events as e
from incidents.machine.command import BY_HAND
from incidents.machine.incident import Incident
from incidents.machine.orders import NOTICE
from incidents.machine.rules import repeat_rule
from incidents.values.ids import order_id
from tests.acceptance.daemons import incidents
from tests.databases import SqliteDatabases
from tests.fire.step_history import TownHistory, TownStep, drawn
from tests.fire.step_script import script
from tests.fire.steps import desks_on, failure, no_desk, run, shortened
from tests.machine.random_histories import POLICIES

HOUR = timedelta(hours=1)
HAIR = timedelta(microseconds=1)


def test_the_machine_agrees_with_the_model_in_histories_that_have_every_kind_of_event() -> None:
    random, figures = Random(1), Counter[str]()
    while figures["steps"] < 6_000 or not figures.keys() >= e.KINDS.keys():
        figures += run(drawn(random, 60, sites=3))
        assert figures["steps"] < 60_000, f"never seen: {sorted(e.KINDS.keys() - figures.keys())}"
    assert figures["repeated"] > 0
    assert figures["activations"] > 0


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
def test_a_desk_agrees_with_the_machine_and_the_model_and_its_log_replays(
    request: pytest.FixtureRequest, kind: str
) -> None:
    databases = request.getfixturevalue(f"{kind}_databases")
    random, figures = Random(5), Counter[str]()
    while figures["steps"] < 300 or not (figures["refused"] and figures["repeated"]):
        figures += run(drawn(random, 150, sites=4), desks_on(databases))
    assert figures["refused"] > 0
    assert figures["repeated"] > 0
    assert figures["replays"] > 0


def test_a_wrong_rule_is_found_and_told_as_few_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    """R1's window, with its ends left out."""

    def short(window: list[Incident]) -> timedelta:
        return window[-1].occurred_at - window[0].occurred_at + HAIR

    monkeypatch.setattr(repeat_rule, "_span", short)
    with pytest.raises(AssertionError, match=r"model and machine: .*state") as found:
        _many(Random(1))
    commands = [line for line in str(found.value).splitlines() if " incidents log " in line]
    assert 2 <= len(commands) <= 5


def _many(random: Random) -> None:
    for _ in range(5_000):
        run(drawn(random, 60, sites=1))


def test_a_desk_that_does_not_enforce_is_found(
    monkeypatch: pytest.MonkeyPatch, sqlite_databases: SqliteDatabases
) -> None:
    monkeypatch.setattr(Desk, "elapse", lambda self, limit=500: [])
    missed = TownHistory(
        policy={},
        steps=(
            TownStep(wait=HOUR, act="log"),
            TownStep(wait=HOUR + HAIR, act="elapse"),
            TownStep(wait=HOUR, act="hold"),
        ),
    )
    with pytest.raises(AssertionError, match=r"the daemon at .*, sqlite and machine") as found:
        run(missed, desks_on(sqlite_databases))
    assert "daemon --once" in str(found.value)


def test_an_activation_fires_no_clock_early_after_the_clock_has_stepped_back(
    sqlite_databases: SqliteDatabases,
) -> None:
    tiny = POLICIES.index(
        {
            "unreachable_within": timedelta(seconds=1),
            "suspend_for": timedelta(seconds=1),
            "repeat_count": 9,
        }
    )
    run(
        TownHistory(
            policy={},
            steps=(
                TownStep(wait=HOUR, act="activate", policy=tiny),
                TownStep(wait=-HOUR / 6, act="log"),
                TownStep(wait=timedelta(0), act="activate"),
                TownStep(wait=timedelta(0), act="edit"),
            ),
        ),
        desks_on(sqlite_databases),
    )


def test_a_history_is_shortened_to_what_still_fails() -> None:
    history = drawn(Random(1), 60, sites=3)

    def holds_after_a_log(tried: TownHistory) -> bool:
        acts = [step.act for step in tried.steps]
        return "log" in acts and "hold" in acts[acts.index("log") :]

    with_both = replace(
        history,
        steps=(*history.steps, TownStep(wait=HOUR, act="log"), TownStep(wait=HOUR, act="hold")),
    )
    short = shortened(with_both, holds_after_a_log)
    assert [step.act for step in short.steps] == ["log", "hold"]
    assert [step.wait for step in short.steps] == [timedelta(0), timedelta(0)]


@pytest.mark.long
def test_the_script_of_a_history_comes_to_the_same_when_it_is_typed(tmp_path: Path) -> None:
    steps = (
        TownStep(wait=HOUR, act="log", urls=("https://u.example/1",)),
        TownStep(wait=HOUR + HAIR, act="elapse"),
        TownStep(wait=12 * HOUR, act="contact", at_deadline=True, key=1),
        TownStep(wait=HOUR, act="contact", key=1),
        TownStep(wait=HOUR, act="deliver", contact=2, again=True),
        TownStep(wait=HOUR, act="fail", lane=NOTICE),
        TownStep(wait=HOUR, act="retry", lane=NOTICE),
        TownStep(wait=HOUR, act="cancel", lane=NOTICE, outcome=BY_HAND),
        TownStep(wait=HOUR, act="activate", policy=3),
        TownStep(wait=HOUR, act="import", site=2, again=True, outcome="reached"),
    )
    history = TownHistory(policy={"suspend_for": 20 * HOUR}, steps=steps)
    broken, play = failure(history, no_desk)
    assert broken is None
    assert play is not None
    done = _typed(script(history.policy, play.asked), tmp_path)
    assert "exit status" not in done, done
    listed: list[dict[str, Any]] = _incidents(tmp_path, "acts", "list", "--json")
    for site in ("a.example", "c.example"):
        shown = _incidents(tmp_path, "site", "show", site, "--json")
        case = play.case(site)
        assert shown["state"] == case.state
        assert shown["run"] == case.run
        assert shown["in_force"] == case.in_force
        assert {order["id"] for order in listed if order["site"] == site} == {
            order_id(case.site_id, each.order, each.lane) for each in case.deliveries.values()
        }
        assert [i["state"] for i in shown["incidents"]] == [
            incident.state for incident in case.incidents.values()
        ]


def _typed(commands: str, folder: Path) -> str:
    file = folder / "script.sh"
    file.write_text(commands)
    done = subprocess.run(
        ["bash", "-e", file, folder / "replayed.db"],
        cwd=folder, env=_environment(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout + done.stderr


def _incidents(folder: Path, *words: str) -> Any:
    url = f"sqlite:///{folder / 'replayed.db'}"
    return json.loads(incidents(url, *words).stdout)


def _environment() -> dict[str, str]:
    here = str(Path(sys.executable).parent)
    return {**os.environ, "PATH": f"{here}:{os.environ['PATH']}"}
