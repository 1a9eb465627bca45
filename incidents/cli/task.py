"""The acts on the queue's items: claim, release, hand over, done."""

from __future__ import annotations

import click

from incidents.cli import answers, output, params
from incidents.cli.act import Act
from incidents.cli.options import acting
from incidents.errors import DONE, InputError
from incidents.machine import commands
from incidents.settings import check_person

# The most commands of one batch.
_BATCH = 1_000


@click.command()
@params.item_argument
@acting
def claim(act: Act, item: tuple[int, str]) -> int:
    """Take TASK, so that two people do not call the same customer."""
    site, rest = item
    return act.submit(site, commands.ClaimItem(by=act.by, item=rest), about=f"{site}-{rest}")


@click.command()
@params.item_argument
@acting
def release(act: Act, item: tuple[int, str]) -> int:
    """Give TASK back to the queue."""
    site, rest = item
    return act.submit(site, commands.ReleaseItem(by=act.by, item=rest), about=f"{site}-{rest}")


@click.command()
@params.item_argument
@click.option(
    "--outcome", type=params.text("outcome", limit=100), metavar="O",
    help="How it ended, in a word or two. Default: done.",
)  # fmt: skip
@params.note_option
@acting
def done(act: Act, item: tuple[int, str], outcome: str | None, note: str | None) -> int:
    """Complete TASK, such as 12-t2, with its outcome."""
    site, rest = item
    if not rest.startswith("t"):
        raise InputError(_instead(site, rest))
    command = commands.CompleteTask(by=act.by, task=int(rest[1:]), outcome=outcome, note=note)
    return act.submit(site, command, about=f"{site}-{rest}")


@click.command("hand-over")
@click.argument("to", type=check_person, metavar="PERSON")
@acting
def hand_over(act: Act, to: str) -> int:
    """Give all that you hold to PERSON, at the end of a shift."""
    sites = _sites(act)
    if not sites:
        act.run.tell(f"{act.by} holds nothing: there is nothing to hand over")
    given = [
        answer
        for start in range(0, len(sites), _BATCH)
        for answer in act.submit_all(
            [(site, commands.HandOver(by=act.by, to=to)) for site in sites[start : start + _BATCH]]
        )
    ]
    # Let go by somebody else since we looked: nothing is left to give.
    refused = [a for a in given if a.refusal is not None and a.refusal.name != "nothing_held"]
    done = [answer for answer in given if answer.refusal is None]
    if not act.run.for_programs or act.run.quiet:
        for answer in done:
            answers.give(act.run, answer, dry_run=act.dry_run)
    elif done or not refused:
        output.documents(act.run, [answer.document for answer in done])
    for answer in refused:
        answers.raise_refusal(act.run, answer)
    return DONE


def _instead(site: int, rest: str) -> str:
    if rest == "disputed":
        return (
            f"{site}-{rest} is no task: incidents site uphold NAME or site reinstate NAME ends it"
        )
    if rest == "closure":
        return (
            f"{site}-{rest} is no task: incidents site confirm-closure NAME or site decline-closure"
            " NAME ends it"
        )
    if rest == "reinstatement":
        return f"{site}-{rest} is no task: incidents site approve NAME or site decline NAME ends it"
    return (
        f"{site}-{rest} is an incident, no task: incidents contact, removed or refused moves it on"
    )


def _sites(act: Act) -> list[int]:
    """The sites that the person holds something on; for a key that was used, those of then."""
    from incidents.store import claims, keys

    with act.run.house.reading() as connection:
        held = claims.sites_of(connection, act.by)
        before = [] if act.key is None else keys.sites_under(connection, act.key)
    # A batch is done whole or not at all: only after full ones can some have been left undone.
    return before if len(before) % _BATCH else sorted({*before, *held})
