"""The acts on the queue's items: claim, release, hand over, done."""

from __future__ import annotations

import click

from incidents.cli import answers, output
from incidents.cli.act import Act
from incidents.cli.options import acting
from incidents.errors import DONE


def _person(given: str) -> str:
    from incidents.settings.sources import check_person

    return check_person(given)


@click.command("hand-over")
@click.argument("to", type=_person, metavar="PERSON")
@acting
def hand_over(act: Act, to: str) -> int:
    """Give all that you hold to PERSON, at the end of a shift."""
    given = act.hand_over(to)
    if not given:
        act.run.tell(f"{act.run.house.person} holds nothing: there is nothing to hand over")
    refused = [answer for answer in given if answer.refusal is not None]
    done = [answer for answer in given if answer.refusal is None]
    if not act.run.for_programs or act.run.quiet:
        for answer in done:
            answers.give(act.run, answer, dry_run=act.dry_run)
    elif done or not refused:
        output.documents(act.run, [answer.document for answer in done])
    for answer in refused:
        answers.raise_refusal(act.run, answer)
    return DONE
