"""The orders on the command line: what is not carried out, and what is really in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from incidents.cli import confirmation, options, output, params, sites
from incidents.cli.root import LazyGroup, act
from incidents.errors import DONE, NOT_VERIFIED
from incidents.locale import event_sentence
from incidents.machine.command import LEFT_DOWN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from incidents.cli.act import Act
    from incidents.cli.run import Run
    from incidents.contract.documents.orders import Order, OrderInFull
    from incidents.enforcement.reconciliation import Comparison
    from incidents.locale.words import When

COMMANDS: dict[str, dict[str, tuple[str, str]]] = {
    "Commands": {
        "list": ("incidents.cli.orders:list_acts", "List what is not carried out."),
        "show": ("incidents.cli.orders:show", "What was ordered, and what became of it."),
        "release": act("acts release"),
        "retry": act("acts retry"),
        "cancel": act("acts cancel"),
        "reconcile": ("incidents.cli.orders:reconcile", "Compare with what is really in force."),
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
@options.looking
def list_acts(run: Run, *, dead: bool, braked: bool, site: str | None, limit: int) -> None:
    """List the orders that are not carried out, dead letters first."""
    with run.looking() as looks:
        found = looks.unsettled(site=site, only_dead=dead, only_braked=braked, limit=limit)
    output.listed(
        run, found, ids=(each["id"] for each in found),
        headers=(
            "ORDER", "STATE", "WHAT", "SITE", "ORDERED", "TRIES", "NEXT", "ADAPTER", "PROBLEM",
        ),
        rows=(_row(each, run.when) for each in found),
        nothing=_nothing(dead=dead, braked=braked, site=site),
    )  # fmt: skip


@click.command()
@params.order_argument
@options.looking
def show(run: Run, order: tuple[int, int, str]) -> None:
    """What ORDER says, such as 12-o45, how often it was tried, and what became of it."""
    tell(run, order)


def tell(run: Run, order: tuple[int, int, str]) -> None:
    """Say what an order says, and what became of it; raises UnknownOrderError if there is none."""
    when = run.when
    with run.looking() as looks:
        found = looks.order(*order, when)
    if not output.answered(run, found, found["id"]):
        output.pairs(run, _pairs(found, when))
        if found["story"]:
            sites.show_events(run, found["story"])


def _nothing(*, dead: bool, braked: bool, site: str | None) -> str:
    """That nothing of what was asked for is there."""
    told = ["there are no dead letters"] if dead else []
    told += ["the brake holds nothing"] if braked else []
    return (" and ".join(told) or "no order is waiting") + (f" of {site}" if site else "")


def _row(each: Order, when: When) -> tuple[str, ...]:
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


def _pairs(found: OrderInFull, when: When) -> list[tuple[str, str]]:
    def past(at: str | None) -> str:
        return "" if at is None else f"{when(at)} ({when.ago(at)})"

    next_at = found.get("next_at")

    return [
        ("order", f"{event_sentence.order_of_site(found)} ({found['id']})"),
        ("state", _state(found)),
        ("ordered", past(found["ordered_at"])),
        ("until", when.until(found["order"]["until"]) if "until" in found["order"] else ""),
        ("rule", found["order"].get("rule", "")),
        ("attempts", str(found["attempts"]) if found.get("attempts") else ""),
        ("last tried", past(found.get("tried_at"))),
        ("next", "" if next_at is None else when.until(next_at)),
        ("adapter", found.get("adapter") or ""),
        ("problem", _problem(found)),
    ]


def _state(found: OrderInFull) -> str:
    if found.get("only_logged"):
        return "only logged: nothing is enforced, since no adapter is set"
    return str(found["state"]).replace("_", " ")


def _problem(found: Order) -> str:
    if "unset" in found:
        return f"no channel is set ({found['unset']})"
    told = (found.get("problem"), found.get("detail"))
    return ": ".join(each for each in told if each)


WORDS = {
    "agrees": "agrees",
    "differs": "DIFFERS",
    "cannot_be_asked": "cannot be asked",
    "waits": "waits",
    "ordered_again": "ordered again",
    "changed_meanwhile": "CHANGED MEANWHILE",
    "cancelled": "CANCELLED BY HAND",
    "left_down": "LEFT DOWN",
}
"""What people are told of each verdict."""


@click.command()
@click.argument("sites", type=params.site, nargs=-1, metavar="[SITE]...")
@click.option("--all", "every", is_flag=True, help="Every site, also those that are up by all.")
@click.option("--repair", is_flag=True, help="Order once more what is not in force.")
@click.option("--cancelled", is_flag=True, help="With --repair, also what somebody has cancelled.")
@click.option(
    "--confirm", metavar="SITE",
    help="Confirm by its name that a site is opened which a loss left down; of several by their"
    " number. A terminal is asked.",
)  # fmt: skip
@options.acting
def reconcile(
    act: Act,
    *,
    sites: tuple[str, ...],
    every: bool,
    repair: bool,
    cancelled: bool,
    confirm: str | None,
) -> int:
    """Ask the adapters how sites really stand, and compare.

    Without SITE all that are down, or of which the record says that something else is in force than
    what is ordered. What is found is put on record; where an adapter cannot be asked, the record is
    believed. An order that still waits is waited for. Exits 5 if anything differs in the end.

    After a loss, --repair opens a site that was left down only if you name it (LEFT DOWN: hold it,
    or open it): put a hold on what must stay down before.

    What somebody has cancelled stays undone, unless --cancelled is given: then nobody writes to the
    customer once more, so tell them.

    For programs `verdict` is agrees, differs, waits, cannot_be_asked, ordered_again, cancelled,
    left_down, or changed_meanwhile: something else was done while it was looked at, so look again.
    """
    run = act.run
    if sites and repair and not act.dry_run and confirmation.is_opening_asked(confirm):
        _confirm(act, sites, confirm, cancelled=cancelled)
    compared = _compare(
        act, sites or _names(run, every=every), by_name=bool(sites), repair=repair,
        cancelled=cancelled, dry_run=act.dry_run,
    )  # fmt: skip
    differing = [each for each in compared if each.differs]
    output.listed(
        run, [each.document() for each in compared], ids=(each.site for each in differing),
        headers=("SITE", "ORDERED", "ON RECORD", "REALLY", "BY", ""),
        rows=map(_mismatch_row, compared),
    )  # fmt: skip
    if not run.quiet:
        _tell_count(run, compared, len(differing))
    return NOT_VERIFIED if differing else DONE


def _compare(act: Act, names: Sequence[str], *, dry_run: bool, **asked: bool) -> list[Comparison]:
    return act.run.house.compare(
        names, by=act.by, login=act.run.settings.login, key=act.key, dry_run=dry_run, **asked
    )


def _confirm(act: Act, sites: Sequence[str], said: str | None, *, cancelled: bool) -> None:
    """Has it confirmed that sites are opened that a loss left down, or that are closed in the
    world."""
    opened = confirmation.sites_to_open(
        _compare(act, sites, by_name=True, repair=True, cancelled=cancelled, dry_run=True)
    )
    with act.run.looking() as looks:
        doubted = [
            each
            for each in opened
            # A server of before does not say it.
            if each.really == "closed" or looks.site(each.site).get("left_down_since")
        ]
    confirmation.confirm_openings(act.run, doubted, said)


def _names(run: Run, *, every: bool) -> list[str]:
    from incidents.store.cases import sites

    with run.local.reading() as connection:
        names, _ = sites.in_doubt(connection, every=every)
    return names


def _tell_count(run: Run, compared: list[Comparison], differing: int) -> None:
    from incidents.enforcement.reconciliation import REPAIRED, UNKNOWN
    from incidents.enforcement.routing import DEFAULT

    verdicts = [each.verdict for each in compared]
    told = [f"{len(compared):,} compared", f"{differing:,} differ"]
    if UNKNOWN in verdicts:
        told.append(f"{verdicts.count(UNKNOWN):,} cannot be asked: the record is believed")
    without = sum(each.adapter == DEFAULT for each in compared)
    if without:
        told.append(f"{without:,} by no adapter: [acts] names none, so orders are only logged")
    repaired = [each for each in compared if each.verdict == REPAIRED]
    logged = sum(each.is_in_vain for each in repaired)
    if len(repaired) > logged:
        told.append(f"{len(repaired) - logged:,} ordered again: in force when a daemon has run")
    if logged:
        told.append(
            f"{logged:,} ordered again IN VAIN: name an adapter under [acts], restart the daemon,"
            " and repeat this"
        )
    run.tell(", ".join(told))
    stays_closed = ("suspended", "closed")
    closed = [
        each
        for each in compared
        if each.verdict == LEFT_DOWN
        and (each.ordered, each.really or each.on_record) == stays_closed
    ]
    if closed:
        run.tell(
            f"{len(closed):,} suspended on record and closed in the world: nothing was ordered, and"
            " they stay closed, since what closed them may be lost (incidents site why SITE)"
        )
    if left := verdicts.count(LEFT_DOWN) - len(closed):
        run.tell(
            f"{left:,} left down: the reason may be what the record has lost. Hold those that must"
            " stay down (incidents site hold SITE --reason R). incidents acts reconcile SITE"
            " --repair opens one, incidents recover --reason R all that this record has as open"
        )


def _mismatch_row(each: Comparison) -> tuple[str, ...]:
    word = "ORDERED AGAIN IN VAIN" if each.is_in_vain else WORDS[each.verdict]
    return (
        each.site,
        each.ordered,
        each.on_record,
        each.really or "",
        each.adapter,
        output.Painted.of(word, fg="red") if each.differs else word,
    )
