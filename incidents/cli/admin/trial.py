"""Trials of a policy: on a user's own scenarios (`policy test`), or a history (`simulate`)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from incidents.cli import options, output, params, text_table
from incidents.cli.admin import history_file
from incidents.cli.lazy_group import verb
from incidents.cli.run import Run
from incidents.errors import DONE, FAILED, InputError
from incidents.locale.words import count
from incidents.machine import policy
from incidents.system.terminal import coloured
from incidents.values.half_width import half_width

if TYPE_CHECKING:
    from incidents.contract.documents.policies import Simulation
    from incidents.history.comparison import PreparedHistory
    from incidents.history.simulate import Outcome
    from incidents.machine.policy import Policy
    from incidents.scenario.file import Scenario
    from incidents.scenario.trial import Trial

THE_DEFAULT, THE_ACTIVE = ("documented", "default"), "active"
"""The names that stand for a policy without a file."""


@verb()
@params.policy_file_argument
@click.option(
    "--policy", "named", type=params.file_name, metavar="P", default=THE_ACTIVE,
    help="A policy file, `documented` (the built-in policy), or `active`. Default: `active`.",
)  # fmt: skip
@options.query
def test(run: Run, file: Path, named: str) -> int:
    """Run the scenarios in FILE in memory: each is a history with expected results.

    Exits 1 if any result differs. To write scenarios, see docs/how-to/test-a-policy.md.
    """
    from incidents.scenario import trial

    scenarios = _scenarios_in(file)
    tested = _policy_named(run, named)
    trials = [trial.run(scenario, tested) for scenario in scenarios]
    failed = [done for done in trials if not done.passed]
    if run.for_programs:
        rows = [done.document() for done in trials]
        output.write_document(run, {"policy": tested.digest, "scenarios": rows}, rows=rows)
    elif run.quiet:
        run.write(*(done.scenario.name for done in failed))
    else:
        for done in trials:
            run.write(*_lines_of_trial(run, done))
        tried = count(run.language, len(trials), "scenario")
        of = {"failed": len(failed), "policy": tested.digest}
        run.inform(run.text("trial.sum", scenarios=tried, **of))
    return FAILED if failed else DONE


def _scenarios_in(file: Path) -> list[Scenario]:
    from incidents.scenario import file as scenario_file
    from incidents.scenario.actions import ScenarioError

    try:
        return scenario_file.read(params.read_small_file(file))
    except ScenarioError as error:
        raise InputError.coded("scenario", "{file}: {why}", file=file, why=error.args[0]) from error


def _lines_of_trial(run: Run, done: Trial) -> list[str]:
    name = done.scenario.name
    if done.passed:
        mark = coloured(run.text("trial.passed"), fg="green")
        return [run.text("trial.passed.line", mark=mark, name=name)]
    mark = coloured(run.text("trial.failed"), fg="red", bold=True)
    return [
        run.text("trial.failed.line", mark=mark, name=name),
        *(
            run.text(
                "trial.miss.end" if miss.step is None else "trial.miss", step=miss.step,
                what=miss.what, expected=miss.expected, got=miss.got,
            )
            for miss in done.mismatches
        ),
    ]  # fmt: skip


_HEADERS = (
    "policy", "sites", "incidents", "moot", "suspensions",
    "R1 repeat", "R3 unreachable run", "R5 refusal", "R4 false information",
)  # fmt: skip


def _probability(given: str) -> float:
    try:
        found = float(half_width(given))
    except ValueError:
        found = -1.0
    if not 0 <= found <= 1:
        raise InputError.coded(
            "no_probability", "--reach is {given!r}: give a probability from 0 to 1", given=given
        )
    return found


@verb()
@history_file.file_argument
@click.option(
    "--policy", "policies", type=params.file_name, multiple=True, metavar="P",
    help="A policy file, `documented` (the built-in policy), or `active`; repeat to compare."
    " Default: `active` if you name a database, otherwise `documented`.",
)  # fmt: skip
@history_file.group_within_option
@click.option(
    "--reach", type=_probability, default="1", show_default=True, metavar="P",
    help="Probability of reaching the person if the history has no contact outcome; decided at"
    " random for each incident.",
)  # fmt: skip
@click.option(
    "--seed", type=int, default=0, show_default=True, metavar="N",
    help="Seed of the random numbers; the same seed gives the same result.",
)  # fmt: skip
@history_file.skip_bad_option
@click.option(
    "-o", "--output", "picture", type=params.File(), metavar="FILE.svg",
    help="Write a chart of suspensions and closures.",
)  # fmt: skip
@options.query
def simulate(
    run: Run,
    *,
    file: str,
    policies: tuple[str, ...],
    group_within: timedelta | None,
    reach: float,
    seed: int,
    skip_bad: bool,
    picture: Path | None,
) -> None:
    """Run the history in FILE through policies, in simulated time; nothing is stored.

    FILE is CSV with a header or JSON Lines (- is standard input), with occurred_at and site, and
    optionally url, category, note, contact, contact_at, removed_at. A URLhaus dump works too.
    Times without an offset are UTC, or in --zone. All policies see the same calls.
    """
    from incidents.history.comparison import prepare
    from incidents.history.reports import Draw

    if picture is not None and picture.suffix.lower() != ".svg":
        raise InputError.coded(
            "no_svg", "-o is {given!r}: the picture is SVG, so name a file.svg", given=str(picture)
        )
    chosen = _policies_to_compare(run, policies)
    history = history_file.load(run, file)
    if not skip_bad:
        history.refuse_bad_lines()
    taken = prepare(history, Draw(reach=reach, seed=seed), group_within)
    with history_file.progress(run.text("trial.simulating"), taken.kept * len(chosen)) as done:
        outcomes = taken.run_under(chosen, done)
    _answer_of_simulation(run, outcomes, taken)
    history_file.write_left_out(run, history)
    _write_basis(run, [policy for _, policy in chosen], taken)
    if picture is not None:
        _draw_outcomes(run, picture, outcomes, taken)


def _policies_to_compare(run: Run, given: tuple[str, ...]) -> list[tuple[str, Policy]]:
    """The policies to compare, each with its name as typed."""
    is_named = run.remote is not None or run.settings.db is not None
    names = given or (THE_ACTIVE if is_named else THE_DEFAULT[0],)
    return [(name, _policy_named(run, name)) for name in dict.fromkeys(names)]


def _policy_named(run: Run, name: str) -> Policy:
    """The policy with that name or in that file.

    A database is opened only for the active policy.
    """
    if name in THE_DEFAULT:
        return policy.DOCUMENTED
    if name == THE_ACTIVE:
        return run.app.desk.policy()
    return params.read_policy(Path(name))


def _answer_of_simulation(run: Run, outcomes: Sequence[Outcome], taken: PreparedHistory) -> None:
    found = taken.document(outcomes)
    rows = list(map(_outcome_document, found["policies"]))
    closed = sorted({closure.site for outcome in outcomes for closure in outcome.closures})
    if not output.answer_program(run, found, *closed, rows=rows):
        text_table.write_table(run, _HEADERS, [_outcome_row(outcome) for outcome in outcomes])


def _outcome_document(document: Simulation) -> dict[str, object]:
    """The document as one row of CSV, with a column for each rule that closed sites."""
    closed = {f"closed_{rule}": n for rule, n in document["closed"].items()}
    return {name: value for name, value in document.items() if name != "closed"} | closed


def _outcome_row(outcome: Outcome) -> list[str]:
    counts = (
        outcome.sites, outcome.incidents, outcome.moot, outcome.suspensions,
        *outcome.closed.values(),
    )  # fmt: skip
    return [outcome.policy, *map(output.number, counts)]


def _write_basis(run: Run, policies: Sequence[Policy], taken: PreparedHistory) -> None:
    """Explain which data the numbers are based on."""
    if taken.span is None:
        run.inform(run.text("trial.no_reports"))
        return
    first, last = taken.span
    language = run.language
    reports = count(language, len(taken.history.reports), "report")
    sites = count(language, len(taken.stories), "site")
    zone = run.when.zone_name
    run.inform(
        run.text("trial.span", reports=reports, sites=sites, first=first, last=last, zone=zone),
        _told_grouping(run, taken),
        _told_calls(run, taken),
    )
    left = sum(finding.report.removed_at is None for s in taken.stories for finding in s.findings)
    if left and any(policy.removal_within is not None for policy in policies):
        incidents = count(language, left, "incident")
        run.inform(run.text("trial.removal_unknown", incidents=incidents))


def _told_grouping(run: Run, taken: PreparedHistory) -> str:
    if taken.group_within is None:
        return run.text("trial.each")
    return run.text("trial.grouped", kept=taken.kept, within=taken.group_within)


def _told_calls(run: Run, taken: PreparedHistory) -> str:
    known = taken.kept - taken.drawn
    if not taken.drawn:
        return run.text("trial.calls.none_drawn", known=known)
    return run.text(
        "trial.calls", known=known, drawn=taken.drawn, reach=f"{taken.draw.reach:g}",
        seed=taken.draw.seed, reached=taken.drawn_reached,
    )  # fmt: skip


def _draw_outcomes(
    run: Run, file: Path, outcomes: Sequence[Outcome], taken: PreparedHistory
) -> None:
    from incidents.history import picture

    output.write_file(str(file), [picture.draw(outcomes, taken.span, run.settings.zone).encode()])
    run.inform(run.text("trial.picture", file=str(file)))
