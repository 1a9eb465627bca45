"""The intake rules over HTTP: the rules in force, checks, trials, and activation."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from incidents.api import bodies, problems
from incidents.api.authentication import PermanentKeyCaller, ReadCaller
from incidents.api.operation import JSON, operation, router
from incidents.contract.documents import reports as documents
from incidents.intake import rules_file
from incidents.intake.rules import Rules
from incidents.intake.rules_file import RulesError
from incidents.values import inputs
from incidents.views.inbox import intake_rules

routes = router("reports")

Toml = Annotated[str, Field(max_length=rules_file.MAX_CHARACTERS, description="TOML.")]


class RulesFile(bodies.Form):
    """The text of a file of intake rules."""

    toml: Toml


class TryingRules(RulesFile):
    """Rules to try on the reports of the last `days`."""

    days: Annotated[int, Field(ge=1, le=366)] = 30


class ActivatingRules(RulesFile):
    """Rules to activate, and the reason."""

    reason: bodies.Text


@routes.get("/intake-rules", **operation("look", documents.IntakeRules))
def show(by: ReadCaller) -> JSON:
    """Show the intake rules in force: their file, when they were activated, by whom and why."""
    with by.reading() as connection:
        return JSON(intake_rules.in_force(connection))


@routes.get("/intake-rules/history", **operation("look", documents.RulesHistory))
def history(by: ReadCaller) -> JSON:
    """List every activation of intake rules, with its person, its reason and what it changed."""
    with by.reading() as connection:
        return JSON({"items": intake_rules.history(connection)})


@routes.post(
    "/intake-rules/check",
    **operation("look", documents.CheckedRules, acting=True, slowed=True),
)
def check(by: ReadCaller, file: RulesFile) -> JSON:
    """Check intake rules: whether they can be used, their digest, and whose owners are missing."""
    with by.spending():
        found = by.app.reports.check_rules(_read(file.toml).toml())
    return JSON(found)


@routes.post(
    "/intake-rules/try", **operation("simulate", documents.RulesTrial, acting=True, slowed=True)
)
def try_out(by: ReadCaller, file: TryingRules) -> JSON:
    """Try intake rules on the reports on record, beside what people did with them.

    Nothing is changed. At most 10,000 reports are tried, the latest.
    """
    with by.spending():
        found = by.app.reports.try_rules(_read(file.toml).toml(), days=file.days)
    return JSON(found)


@routes.post(
    "/intake-rules",
    **operation("activate_rules", documents.RulesActivated, acting=True, slowed=True),
)
def activate(by: PermanentKeyCaller, file: ActivatingRules) -> JSON:
    """Activate intake rules for all later reports, with a reason on record."""
    wanted, reason = _read(file.toml), inputs.text("reason")(file.reason)
    by.take_quota(1)
    answer = by.app.reports.activate_rules(
        wanted.toml(), by=by.by, login=by.identity.login, reason=reason,
        key=None if by.key is None else f"{by.by}:{by.key}", given_key=by.key,
        dry_run=by.dry_run,
    )  # fmt: skip
    return JSON(answer)


def _read(toml: str) -> Rules:
    try:
        return rules_file.read(toml)
    except RulesError as error:
        wrong = problems.part("no_rules", "not intake rules", "body", "toml")
        raise problems.unprocessable("no_rules", str(error), errors=[wrong]) from error
