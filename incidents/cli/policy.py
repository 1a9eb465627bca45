"""The policy's own commands: show, history, graph, check, activate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from incidents import policy_words
from incidents.cli import output, params, policy_file
from incidents.cli.options import acting, looking
from incidents.cli.password import password_file_option
from incidents.cli.root import LazyGroup
from incidents.errors import DONE, InputError, RefusedError

if TYPE_CHECKING:
    from incidents.cli.act import Act
    from incidents.cli.run import Run
    from incidents.machine.policy import Policy
    from incidents.policy_words import Change
    from incidents.words import Document

COMMANDS: dict[str, dict[str, tuple[str, str]]] = {
    "Commands": {
        "show": ("incidents.cli.policy:show", "The active policy, and since when it is."),
        "history": ("incidents.cli.policy:history", "Every policy that was ever active."),
        "graph": ("incidents.cli.policy:graph", "Draw the state machines (Mermaid)."),
        "check": ("incidents.cli.policy:check", "Check that a file is a policy."),
        "test": ("incidents.cli.policy_test:test", "Run your own scenarios against a policy."),
        "activate": ("incidents.cli.policy:activate", "Make a policy the active one, on record."),
    }
}


@click.group(cls=LazyGroup, sections=COMMANDS)
def policy() -> None:
    """Show, test and activate the policy."""


@click.command()
@looking
def show(run: Run) -> int:
    """Show the active policy: in words, as its file, since when it is active and by whose act."""
    active = run.house.desk.policy()
    from incidents.views import policy as policy_views

    with run.house.reading() as connection:
        history = policy_views.history(connection)
    document = {
        "policy": active.digest,
        "toml": active.toml(),
        "numbers": active.document(),
        "words": policy_words.sentences(active),
        "activation": history[-1] if history else None,
    }
    if run.quiet:
        run.say(active.digest)
    elif run.for_programs:
        output.document(run, document, rows=[{k: document[k] for k in ("policy", "toml")}])
    else:
        run.say(*policy_words.sentences(active), "")
        run.say(active.toml())
        run.say(f"digest {active.digest}", _since(run, history))
    return DONE


@click.command()
@looking
def history(run: Run) -> int:
    """List every activation on record: when, by whom, why, and what changed."""
    from incidents.views import policy as policy_views

    with run.house.reading() as connection:
        found = policy_views.history(connection)
    if run.quiet:
        run.say(*(activation["policy"] for activation in found))
    elif run.for_programs:
        output.documents(run, found)
    else:
        output.table(
            run,
            ("SINCE", "BY", "POLICY", "CHANGES", "REASON"),
            [_row(run, activation) for activation in found],
        )
        if not found:
            run.tell("the documented policy has been active from the start")
    return DONE


@click.command()
@click.option(
    "--machine", type=click.Choice(("site", "incident")), help="Only this one. Default: both."
)
@looking
def graph(run: Run, machine: str | None) -> int:
    """Print the state machines as Mermaid diagrams, drawn from the tables that decide."""
    from incidents.machine import graph as drawn

    texts = {name: drawn.mermaid(name) for name in drawn.MACHINES if machine in (None, name)}
    if run.for_programs:
        rows = [{"machine": name, "mermaid": text} for name, text in texts.items()]
        output.document(run, texts, rows=rows)
    else:
        run.say("\n\n".join(texts.values()))
    return DONE


@click.command()
@policy_file.argument
@looking
def check(run: Run, file: Path) -> int:
    """Check that FILE is a policy; print its digest."""
    found = policy_file.read(file)
    if run.for_programs:
        document = {"policy": found.digest, "numbers": found.document()}
        output.document(run, document, rows=[{"policy": found.digest}])
    else:
        run.say(found.digest)
    return DONE


@click.command()
@policy_file.argument
@params.reason_option
@password_file_option
@acting
def activate(act: Act, file: Path, reason: str, password_file: Path | None) -> int:
    """Make the policy in FILE the active one, on record with the reason.

    What fell due before is done under the old one, and deadlines that are set already stay. Where
    there are accounts, and by the old one two people close, it asks for the password of who acts,
    or takes --password-file.
    """
    run = act.run
    if act.policy is not None:
        raise InputError("--policy says nothing here: FILE is the policy")
    wanted = policy_file.read(file)
    active = run.house.desk.policy()
    changes = policy_words.differences(active, wanted)
    if act.dry_run:
        if not changes:
            raise RefusedError(f"this policy is active already: {active.digest}")
        answer: Document = {"policy": wanted.digest, "previous": active.digest}
    else:
        signed_in = active.two_people_close and act.signs_in(password_file)
        answer = run.house.desk.activate(
            wanted.toml(), by=act.by, login=run.settings.login, reason=reason, key=act.key,
            signed_in=signed_in,
        )  # fmt: skip
        # Of a repeated command it is active already: what it changed then is told again.
        changes = policy_words.differences(_policy_of(run, answer["previous"]), wanted)
    if run.quiet:
        run.say(answer["policy"])
    elif run.for_programs:
        output.document(run, {**answer, "changes": changes}, rows=[answer])
    else:
        due = answer.get("events", ())
        if due:
            places = sorted({event["site"] for event in due})
            run.tell(
                f"meanwhile, under the policy before: {len(due)} events on {', '.join(places[:10])}"
                " (site why tells them)"
            )
        would = "would become" if act.dry_run else "is"
        run.say(*map(_told, changes))
        run.say(f"{answer['policy']} {would} the active policy")
    if act.dry_run:
        run.tell("deadlines that are set already would stay; nothing was done (--dry-run)")
    return DONE


# It is one of the options that all acts share.
for _param in activate.params:
    if isinstance(_param, click.Option) and _param.name == "policy":
        _param.hidden = True


def _policy_of(run: Run, digest: str) -> Policy:
    from incidents.machine.policy import read
    from incidents.store import policies

    with run.house.reading() as connection:
        return read(policies.toml(connection, digest))


def _told(change: Change) -> str:
    return f"{change['key']}: {change['before']} → {change['after']}"


def _reason(activation: Document) -> str:
    return activation["reason"] or "(erased)"


def _row(run: Run, activation: Document) -> list[str]:
    when = run.when
    return [
        when(activation["activated_at"]),
        _person(activation),
        activation["policy"],
        ", ".join(map(_told, activation["changes"])),
        _reason(activation),
    ]


def _since(run: Run, history: list[Document]) -> str:
    if not history:
        return "the documented policy, active from the start"
    last, when = history[-1], run.when
    since = f"{when(last['activated_at'])} {when.zone_name}"
    return f"active since {since}, by {_person(last)}: {_reason(last)}"


def _person(activation: Document) -> str:
    by, login = activation["by"], activation["login"]
    return by if login in (None, by) else f"{by} (login {login})"
