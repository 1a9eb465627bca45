"""The orders on the command line: what is not carried out, tried again, cancelled, compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from incidents import event_sentence
from incidents.cli import output, params, timeline
from incidents.cli.options import looking
from incidents.cli.root import LazyGroup, act
from incidents.errors import DONE

if TYPE_CHECKING:
    from incidents.cli.run import Run
    from incidents.words import Document, When

COMMANDS: dict[str, dict[str, tuple[str, str]]] = {
    "Commands": {
        "list": ("incidents.cli.acts:list_acts", "List what is not carried out."),
        "show": ("incidents.cli.acts:show", "What was ordered, and what became of it."),
        "release": act("acts release"),
        "retry": act("acts retry"),
        "cancel": act("acts cancel"),
        "reconcile": ("incidents.cli.reconcile:reconcile", "Compare with what is really in force."),
    }
}


@click.group(cls=LazyGroup, sections=COMMANDS)
def acts() -> None:
    """The orders that decisions give, and what becomes of them in the world."""


@click.command("list")
@click.option("--dead", is_flag=True, help="Only dead letters: what is given up.")
@click.option("--braked", is_flag=True, help="Only what the brake holds.")
@click.option("--site", type=params.site, metavar="S", help="Only of this site.")
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, metavar="N",
    help="At most so many.",
)  # fmt: skip
@looking
def list_acts(run: Run, *, dead: bool, braked: bool, site: str | None, limit: int) -> int:
    """List the orders that are not carried out, dead letters first."""
    with run.house.looking() as looks:
        found = looks.unsettled(site=site, only_dead=dead, only_braked=braked, limit=limit)
    if run.quiet:
        run.say_all([each["id"] for each in found])
    elif run.for_programs:
        output.documents(run, found)
    else:
        when = run.when
        headers = (
            "ORDER", "STATE", "WHAT", "SITE", "ORDERED", "TRIES", "NEXT", "ADAPTER", "PROBLEM",
        )  # fmt: skip
        output.table(run, headers, (_row(each, when) for each in found))
        if not found:
            run.tell(_nothing(dead=dead, braked=braked, site=site))
    return DONE


@click.command()
@params.order_argument
@looking
def show(run: Run, order: tuple[int, int, str]) -> int:
    """What ORDER says, such as 12-o45, how often it was tried, and what became of it."""
    return tell(run, order)


def tell(run: Run, order: tuple[int, int, str]) -> int:
    """Say what an order says, and what became of it; raises UnknownOrderError if there is none."""
    when = run.when
    with run.house.looking() as looks:
        found = looks.order(*order, when)
    if run.quiet:
        run.say(found["id"])
    elif run.for_programs:
        output.document(run, found, rows=[found])
    else:
        output.pairs(run, _pairs(found, when))
        if found["story"]:
            timeline.events(run, found["story"])
    return DONE


def _nothing(*, dead: bool, braked: bool, site: str | None) -> str:
    """That nothing of what was asked for is there."""
    told = ["there are no dead letters"] if dead else []
    told += ["the brake holds nothing"] if braked else []
    return (" and ".join(told) or "no order is waiting") + (f" of {site}" if site else "")


def _row(each: Document, when: When) -> tuple[str, ...]:
    state = each["state"].replace("_", " ")
    return (
        each["id"],
        output.Painted.of(state, fg="red") if state in ("dead", "braked") else state,
        event_sentence.ordered(each["kind"], each["lane"]),
        each["site"],
        when(each["ordered_at"]),
        str(each["attempts"]),
        "" if each["next_at"] is None else when(each["next_at"]),
        each["adapter"] or "",
        _problem(each),
    )


def _pairs(found: Document, when: When) -> list[tuple[str, str]]:
    def past(name: str) -> str:
        return f"{when(found[name])} ({when.ago(found[name])})" if found.get(name) else ""

    return [
        ("order", f"{event_sentence.order_of_site(found)} ({found['id']})"),
        ("state", found["state"].replace("_", " ")),
        ("ordered", past("ordered_at")),
        ("until", when.until(found["order"]["until"]) if "until" in found["order"] else ""),
        ("rule", found["order"].get("rule", "")),
        ("attempts", str(found["attempts"]) if found.get("attempts") else ""),
        ("last tried", past("tried_at")),
        ("next", when.until(found["next_at"]) if found.get("next_at") else ""),
        ("adapter", found.get("adapter") or ""),
        ("problem", _problem(found)),
    ]


def _problem(found: Document) -> str:
    told = (found.get("problem"), found.get("detail"))
    return ": ".join(each for each in told if each)
