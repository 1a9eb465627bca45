"""The commands on intake rules: show, check, try and activate them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from incidents.cli import error_text, options, output, params, reauthentication
from incidents.cli.admin import rule_owners
from incidents.cli.admin.enforcement_words import counted
from incidents.cli.lazy_group import LazyGroup, verb
from incidents.cli.reauthentication import password_file_option
from incidents.cli.run import Run
from incidents.errors import DONE, FAILED, DatabaseError, InputError

if TYPE_CHECKING:
    from incidents.cli.submission import Submission
    from incidents.contract.documents.reports import (
        DifferingReport,
        RulesActivation,
        RulesTrial,
        RuleTrial,
        StoppedRule,
    )
    from incidents.intake.rules import Rule, Rules

COMMANDS: dict[str, dict[str, tuple[str, str]]] = {
    "Commands": {
        "show": ("incidents.cli.reports.rules:show", "Show the intake rules in force."),
        "check": ("incidents.cli.reports.rules:check", "Check a file of intake rules."),
        "try": ("incidents.cli.reports.rules:try_", "Try intake rules on reports on record."),
        "activate": ("incidents.cli.reports.rules:activate", "Activate intake rules."),
    }
}

DAYS = 30


@click.group(cls=LazyGroup, sections=COMMANDS)
def rules() -> None:
    """Show, try and activate the rules that settle reports at once.

    The first rule that matches a report logs it, joins it to an incident, dismisses it, or asks the
    desk. A report that no rule matches waits for the desk.
    """


_file_argument = click.argument("file", type=params.File(), metavar="FILE")


@verb()
@click.option(
    "--history", is_flag=True, help="Show every activation: when, by whom, why, and what changed."
)
@options.view
def show(run: Run, *, history: bool) -> None:
    """Show the intake rules in force, in words and as a file."""
    if history:
        return _show_history(run)
    with run.queries() as queries:
        found = queries.intake_rules()
    row = {"rules": found["rules"], "toml": found["toml"]}
    if not output.answer_program(run, found, found["rules"], rows=[row]):
        from incidents.intake.rules_file import read

        since = run.text("rules.none")
        if found["activated_at"] is not None:
            since = run.text(
                "rules.since", at=run.when(found["activated_at"]), by=found["by"] or "",
                reason=found["reason"] or run.text("site.erased"),
            )  # fmt: skip
        digest = run.text("rules.digest", rules=found["rules"])
        run.write(*_words(run, read(found["toml"])), "", found["toml"], digest, since)
        # An older server does not say.
        rule_owners.tell(run, found.get("stopped", []))
    return None


def _show_history(run: Run) -> None:
    with run.queries() as queries:
        found = queries.rules_history()
    if run.quiet:
        run.write(*(each["rules"] for each in found))
    elif run.for_programs:
        output.write_documents(run, found)
    elif not found:
        run.inform(run.text("rules.none"))
    else:
        run.write(*(line for each in found for line in _activation(run, each)))


def _activation(run: Run, each: RulesActivation) -> Iterator[str]:
    """An activation as lines, with what it changed."""
    reason = each["reason"] or run.text("site.erased")
    yield run.text("rules.since", at=run.when(each["activated_at"]), by=each["by"], reason=reason)
    yield run.text("rules.digest", rules=each["rules"])
    for n, line in enumerate(each["changes"]):
        if not line.startswith("@@"):
            yield f"  {line}"
        elif n:
            yield "  …"
    yield ""


@verb()
@_file_argument
@options.query
def check(run: Run, file: Path) -> int:
    """Check the intake rules in FILE and their owners, and print their digest.

    Exits 1 if a rule cannot act, because its owner may not settle reports on this desk.
    """
    found = _read(file)
    stopped = _stopped(run, found)
    if run.for_programs:
        document = {"rules": found.digest, **found.document(), "stopped": stopped}
        output.write_document(run, document, rows=[{"rules": found.digest}])
    else:
        run.write(*_words(run, found), found.digest)
    rule_owners.tell(run, stopped or [])
    return FAILED if stopped else DONE


def _stopped(run: Run, rules: Rules) -> list[StoppedRule] | None:
    """The rules that would do nothing on this desk; None if there is no desk to ask."""
    try:
        # An older server does not say.
        return run.app.reports.check_rules(rules.toml()).get("stopped")
    except DatabaseError as error:
        run.inform(run.text("rules.owners_unchecked", why=error_text.rendered(run, error)))
        return None


@verb("try")
@_file_argument
@click.option(
    "--days", type=params.IntRange(1, 366), default=DAYS, show_default=True, metavar="N",
    help="Number of past days whose reports are tried.",
)  # fmt: skip
@options.view
def try_(run: Run, *, file: Path, days: int) -> None:
    """Try the intake rules in FILE on the reports on record, beside what people did with them.

    Nothing is changed. The trial takes the sites as they are now, and the incidents as the rules
    would have made them. Use it before you activate rules.
    """
    found = run.app.reports.try_rules(_read(file).toml(), days=days)
    if output.answer_program(run, found, found["rules"], rows=found["by_rule"]):
        return
    facts = {"days": days, "unmatched": found["unmatched"]}
    run.write(counted("rules.tried", found["reports"], run.language, **facts))
    output.write_list(
        run, found["by_rule"], ids=(), nothing=run.text("rules.none"),
        headers=("RULE", "OWNER", "LOG", "JOIN", "DISMISS", "ASK", "AGREE", "DIFFER"),
        rows=(_row(each) for each in found["by_rule"]),
    )  # fmt: skip
    run.write(*_examples(run, found))
    if found["more"]:
        run.inform(run.text("rules.more", n=found["reports"]))


@verb()
@_file_argument
@params.reason_option
@password_file_option
@options.first_action
def activate(
    submission: Submission, *, file: Path, reason: str, password_file: Path | None
) -> None:
    """Activate the intake rules in FILE for all later reports; the reason goes on record.

    Reports that came in before keep the rules of that time. The owner of each rule must have an
    enabled account, where there are accounts.
    """
    run, wanted = submission.run, _read(file)
    if submission.policy is not None:
        raise InputError.coded("rules_no_policy", "omit --policy: intake rules follow no policy")
    with reauthentication.in_person(run, "activate_rules", password_file, lambda: False):
        answer = run.app.reports.activate_rules(
            wanted.toml(), by=submission.by, login=run.settings.login, reason=reason,
            key=submission.key, dry_run=submission.dry_run,
        )  # fmt: skip
    if not output.answer_program(run, answer, answer["rules"], rows=[dict(answer)]):
        code = "rules.would_be_active" if submission.dry_run else "rules.is_active"
        run.write(*_words(run, wanted), run.text(code, rules=answer["rules"]))
    if submission.dry_run:
        run.inform(run.text("answer.dry_run"))


# It is one of the options that all actions share.
for _param in activate.params:
    if isinstance(_param, click.Option) and _param.name == "policy":
        _param.hidden = True


def _read(file: Path) -> Rules:
    from incidents.intake.rules_file import RulesError, read

    try:
        return read(params.read_small_file(file))
    except RulesError as error:
        raise InputError.coded(
            "no_rules", "{file} has no intake rules that can be used: {why}", file=str(file),
            why=error.args[0],
        ) from error  # fmt: skip


def _words(run: Run, found: Rules) -> Iterator[str]:
    """The rules in words, one a line."""
    for n, rule in enumerate(found.rules, start=1):
        yield f"{n}. {_sentence(run, rule)}"


def _sentence(run: Run, rule: Rule) -> str:
    from incidents.intake.rules import CRITERIA

    criteria = [
        run.text(f"rules.if.{key}", values=run.language.comma.join(values))
        for key in CRITERIA
        if (values := getattr(rule, key))
    ]
    return run.text(
        "rules.rule", name=rule.name, owner=rule.owner,
        criteria=run.text("rules.and").join(criteria) or run.text("rules.always"),
        act=run.language.word("rule_act", rule.act),
    )  # fmt: skip


def _row(each: RuleTrial) -> tuple[str, ...]:
    numbers = (each["log"], each["join"], each["dismiss"], each["ask"], each["agree"],
               each["differ"])  # fmt: skip
    return each["rule"], each["owner"], *map(str, numbers)


def _examples(run: Run, found: RulesTrial) -> Iterator[str]:
    if found["examples"]:
        yield ""
        yield run.text("rules.differ")
    for each in found["examples"]:
        yield _example(run, each)


def _example(run: Run, each: DifferingReport) -> str:
    return run.text(
        "rules.example", report=each["report"], rule=each["rule"],
        would=run.language.word("rule_act", each["would"]),
        did=run.language.word("report_state", each["did"]), by=each["by"] or "",
    )  # fmt: skip
