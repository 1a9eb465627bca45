"""The policy commands: show, history, graph, check, activate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from incidents.cli import options, output, params, reauthentication
from incidents.cli.lazy_group import LazyGroup, verb
from incidents.cli.reauthentication import (
    SECOND_PERSON_OPTION,
    check_standard_input,
    password_file_option,
    second_password_file_option,
)
from incidents.errors import InputError

if TYPE_CHECKING:
    from incidents.cli.run import Run
    from incidents.cli.submission import Submission
    from incidents.contract.documents.policies import Activation, Change


COMMANDS: dict[str, dict[str, tuple[str, str]]] = {
    "Commands": {
        "show": ("incidents.cli.admin.policy:show", "Show the active policy."),
        "history": ("incidents.cli.admin.policy:history", "List every policy that was active."),
        "graph": ("incidents.cli.admin.policy:graph", "Draw the state machines (Mermaid)."),
        "check": ("incidents.cli.admin.policy:check", "Check a policy file."),
        "test": ("incidents.cli.admin.trial:test", "Run scenarios against a policy."),
        "activate": (
            "incidents.cli.admin.policy:activate",
            "Activate a policy.",
        ),
    }
}


@click.group(cls=LazyGroup, sections=COMMANDS)
def policy() -> None:
    """Show, test and activate the policy."""


@verb()
@options.view
def show(run: Run) -> None:
    """Show the active policy in words and as a file, and who activated it and when."""
    with run.queries() as queries:
        document = queries.active_policy()
    row = {"policy": document["policy"], "toml": document["toml"]}
    if not output.answer_program(run, document, document["policy"], rows=[row]):
        from incidents.locale.words import policy_sentences
        from incidents.machine.policy import read

        sentences = policy_sentences(read(document["toml"]), run.language)
        digest = run.text("policy.digest", policy=document["policy"])
        run.write(*sentences, "", document["toml"], digest, _since(run, document["activation"]))


@verb()
@options.view
def history(run: Run) -> None:
    """List every activation: when, by whom, why, and what changed."""
    with run.queries() as queries:
        found = queries.policy_history()
    output.write_list(
        run, found, ids=(activation["policy"] for activation in found),
        headers=("SINCE", "BY", "POLICY", "CHANGES", "REASON"),
        rows=(_row(run, activation) for activation in found),
        nothing=run.text("policy.no_history"),
    )  # fmt: skip


@verb()
@click.option(
    "--machine", type=click.Choice(("site", "incident")),
    help="Print only this machine. Default: both.",
)  # fmt: skip
@options.query
def graph(run: Run, machine: str | None) -> None:
    """Print the state machines as Mermaid diagrams, drawn from the program's own tables."""
    from incidents.machine import diagram

    texts = {name: diagram.mermaid(name) for name in diagram.MACHINES if machine in (None, name)}
    if run.for_programs:
        rows = [{"machine": name, "mermaid": text} for name, text in texts.items()]
        output.write_document(run, texts, rows=rows)
    else:
        run.write("\n\n".join(texts.values()))


@verb()
@params.policy_file_argument
@options.query
def check(run: Run, file: Path) -> None:
    """Check the policy in FILE, and print its digest."""
    found = params.read_policy(file)
    if run.for_programs:
        document = {"policy": found.digest, "numbers": found.document()}
        output.write_document(run, document, rows=[{"policy": found.digest}])
    else:
        run.write(found.digest)


@verb()
@params.policy_file_argument
@params.reason_option
@password_file_option
@click.option("--second", metavar="HANDLE", help="Second person, who signs in with their password.")
@second_password_file_option
@options.first_action
def activate(
    submission: Submission, *, file: Path, reason: str, password_file: Path | None,
    second: str | None, second_password_file: Path | None,
) -> None:  # fmt: skip
    """Activate the policy in FILE; the reason goes on record.

    Actions already due follow the old policy, and deadlines already set stay. Where there are
    accounts and the old policy requires two people to close a site, activation also requires two:
    the command asks for your password, or takes --password-file, and for that of a --second person.
    """
    run = submission.run
    if submission.policy is not None:
        raise InputError.coded("policy_is_file", "omit --policy: FILE is the policy")
    if second is None and second_password_file is not None:
        raise InputError.coded(
            "no_second", "{option} needs --second: name whose password it is",
            option=SECOND_PERSON_OPTION,
        )  # fmt: skip
    check_standard_input(password_file, second_password_file, SECOND_PERSON_OPTION)
    wanted = params.read_policy(file)
    with reauthentication.in_person(
        run, "activate_policy", password_file, lambda: run.app.desk.policy().two_people_close
    ) as signed_in:
        person = (
            None
            if second is None
            else reauthentication.second_person(run, second, second_password_file)
        )
        answer = reauthentication.beside(
            run,
            person,
            lambda beside: run.app.desk.activate(
                wanted.toml(), by=submission.by, login=run.settings.login, reason=reason,
                key=submission.key, dry_run=submission.dry_run, signed_in=signed_in, second=beside,
            ),
        )  # fmt: skip
    row = {name: value for name, value in answer.items() if name != "changes"}
    if not output.answer_program(run, answer, answer["policy"], rows=[row]):
        due = answer["events"]
        if due:
            places = sorted({event["site"] for event in due})
            run.inform(run.text("policy.meanwhile", n=len(due), sites=places[:10]))
        code = "policy.would_be_active" if submission.dry_run else "policy.is_active"
        run.write(*(_told(run, each) for each in answer["changes"]))
        run.write(run.text(code, policy=answer["policy"]))
    if submission.dry_run:
        run.inform(run.text("policy.dry_run"))


# It is one of the options that all actions share.
for _param in activate.params:
    if isinstance(_param, click.Option) and _param.name == "policy":
        _param.hidden = True


def _told(run: Run, change: Change) -> str:
    before, after = (run.language.word("policy_value", change[at]) for at in ("before", "after"))
    return f"{change['key']}: {before} → {after}"


def _row(run: Run, activation: Activation) -> tuple[str, ...]:
    return (
        run.when(activation["activated_at"]),
        _person(run, activation),
        activation["policy"],
        run.language.comma.join(_told(run, each) for each in activation["changes"]),
        activation["reason"] or run.text("site.erased"),
    )


def _since(run: Run, last: Activation | None) -> str:
    if last is None:
        return run.text("policy.documented")
    return run.text(
        "policy.since", at=last["activated_at"], zone=run.when.zone_name, by=_person(run, last),
        reason=last["reason"] or run.text("site.erased"),
    )  # fmt: skip


def _person(run: Run, activation: Activation) -> str:
    by, login = activation["by"], activation["login"]
    sentence = by if login in (None, by) else run.text("policy.login", by=by, login=login)
    second = activation["seconded_by"]
    return sentence if second is None else run.text("policy.seconded", by=sentence, second=second)
