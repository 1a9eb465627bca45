"""`policy test`: a user's own scenarios against a policy, one line for each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from incidents.cli import output, params
from incidents.cli.options import looking
from incidents.cli.run import painted
from incidents.errors import DONE, FAILED, InputError

if TYPE_CHECKING:
    from incidents.cli.run import Run
    from incidents.locale.words import Document
    from incidents.machine.policy import Policy
    from incidents.scenario.file import Scenario
    from incidents.scenario.trial import Mismatch, Trial

THE_DOCUMENTED, THE_ACTIVE = "documented", "active"


@click.command()
@params.policy_file_argument
@click.option(
    "--policy", "named", type=params.file_name, metavar="P", default=THE_ACTIVE,
    help="A policy file, or the words documented and active. Default: active.",
)  # fmt: skip
@looking
def test(run: Run, file: Path, named: str) -> int:
    """Run the scenarios in FILE, each a history and what is expected of it, in memory.

    Exit status 1 if anything comes out otherwise. docs/how-to/test-a-policy.md says how to write
    them.
    """
    from incidents.scenario import trial

    scenarios = _scenarios(file)
    tested = _policy(run, named)
    trials = [trial.run(scenario, tested) for scenario in scenarios]
    failed = [done for done in trials if not done.passed]
    if run.for_programs:
        rows = [_document(done) for done in trials]
        output.document(run, {"policy": tested.digest, "scenarios": rows}, rows=rows)
    elif run.quiet:
        run.say(*(done.scenario.name for done in failed))
    else:
        for done in trials:
            run.say(*_lines(done))
        run.tell(f"{_of(len(trials), 'scenario')}, {len(failed)} failed, under {tested.digest}")
    return FAILED if failed else DONE


def _scenarios(file: Path) -> list[Scenario]:
    from incidents.scenario import file as scenario_file
    from incidents.scenario.fields import ScenarioError

    try:
        return scenario_file.read(params.read_small_file(file))
    except ScenarioError as error:
        raise InputError(f"{file}: {error}") from error


def _policy(run: Run, named: str) -> Policy:
    """No database is opened where none is asked for."""
    if named == THE_ACTIVE:
        return run.house.desk.policy()
    if named == THE_DOCUMENTED:
        from incidents.machine.policy import DOCUMENTED

        return DOCUMENTED
    return params.read_policy(Path(named))


def _lines(done: Trial) -> list[str]:
    name = done.scenario.name
    if done.passed:
        return [f"{painted('ok', fg='green')}      {name}"]
    failed = painted("FAILED", fg="red", bold=True)
    return [f"{failed}  {name}", *(f"        {_sentence(miss)}" for miss in done.mismatches)]


def _sentence(miss: Mismatch) -> str:
    where = "at the end" if miss.step is None else f"step {miss.step}"
    return f"{where}, {miss.what}: expected {miss.expected}, got {miss.got}"


def _document(done: Trial) -> Document:
    from incidents.clock import rfc3339

    return {
        "name": done.scenario.name,
        "passed": done.passed,
        "policy": done.policy,
        "mismatches": [
            {
                "step": miss.step,
                "at": rfc3339(miss.at),
                "what": miss.what,
                "expected": miss.expected,
                "got": miss.got,
            }
            for miss in done.mismatches
        ],
    }


def _of(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"
