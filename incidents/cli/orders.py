"""The order commands: orders not carried out, and the actual state of sites."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from incidents.cli import confirmation, options, output, params, sites, text_table
from incidents.cli.lazy_group import LazyGroup, verb
from incidents.cli.root import action
from incidents.errors import DONE, NOT_VERIFIED
from incidents.locale import event_sentence
from incidents.machine.command import LEFT_DOWN
from incidents.values.site_name import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from incidents.cli.run import Run
    from incidents.cli.submission import Submission
    from incidents.contract.documents.orders import Order, OrderInFull
    from incidents.enforcement.verdict import Comparison

COMMANDS: dict[str, dict[str, tuple[str, str]]] = {
    "Commands": {
        "list": ("incidents.cli.orders:list_orders", "List orders not carried out."),
        "show": ("incidents.cli.orders:show", "Show an order and its result."),
        "release": action("acts release"),
        "retry": action("acts retry"),
        "cancel": action("acts cancel"),
        "reconcile": ("incidents.cli.orders:reconcile", "Check actual state."),
    }
}


@click.group(cls=LazyGroup, sections=COMMANDS)
def orders() -> None:
    """Manage orders, and how they are carried out."""


@verb("list")
@click.option("--dead", is_flag=True, help="List only dead letters.")
@click.option("--braked", is_flag=True, help="List only orders that the brake holds.")
@click.option("--site", type=params.site, metavar="S", help="List only orders of this site.")
@click.option(
    "--limit", type=params.IntRange(1, 10_000), default=100, show_default=True, metavar="N",
    help="Maximum number to list.",
)  # fmt: skip
@options.view
def list_orders(run: Run, *, dead: bool, braked: bool, site: str | None, limit: int) -> None:
    """List orders not carried out, dead letters first."""
    with run.queries() as queries:
        state = "dead" if dead else "braked" if braked else None
        found = queries.unsettled(site=site, state=state, limit=limit)
    output.write_list(
        run, found, ids=(each["id"] for each in found),
        headers=(
            "ORDER", "STATE", "WHAT", "SITE", "ORDERED", "TRIES", "NEXT TRY", "ADAPTER", "PROBLEM",
        ),
        rows=(_row(run, each) for each in found),
        nothing=_none_found(run, dead=dead, braked=braked, site=site),
    )  # fmt: skip


@verb()
@params.order_argument
@options.view
def show(run: Run, order: tuple[int, int, str]) -> None:
    """Show ORDER, such as 12-o45, its attempts and its result."""
    write_order(run, order)


def write_order(run: Run, order: tuple[int, int, str]) -> None:
    """Describe an order and its result; raises UnknownOrderError if there is no such order."""
    with run.queries() as queries:
        found = queries.order(*order, run.when)
    if not output.answer_program(run, found, found["id"]):
        output.write_pairs(run, _pairs(run, found))
        if found["story"]:
            sites.show_events(run, found["story"])


def _none_found(run: Run, *, dead: bool, braked: bool, site: str | None) -> str:
    """Report that no order matches the query."""
    of = {(True, True): ".both", (True, False): ".dead", (False, True): ".braked"}
    code = f"orders.none{of.get((dead, braked), '')}"
    return run.text(f"{code}.site" if site else code, site=site)


def _row(run: Run, each: Order) -> tuple[str, ...]:
    when, state = run.when, _state(run, each["state"])
    return (
        each["id"],
        text_table.ColouredField.of(state, fg="red")
        if each["state"] in ("dead", "braked")
        else state,
        event_sentence.ordered(each["kind"], each["lane"], run.language),
        shown(each["site"]),
        when(each["ordered_at"]),
        str(each["attempts"]),
        "" if each["next_at"] is None else when(each["next_at"]),
        each["adapter"] or "",
        _problem(run, each),
    )


def _pairs(run: Run, found: OrderInFull) -> list[tuple[str, str]]:
    when = run.when

    def past(at: str | None) -> str:
        return "" if at is None else run.text("orders.past", at=at, ago=when.ago(at))

    order = event_sentence.order_of_site(found, run.language)
    next_at, rule = found.get("next_at"), found["order"].get("rule")
    is_logged = found.get("only_logged")
    state = run.text("orders.only_logged") if is_logged else _state(run, found["state"])
    return [
        ("order", run.text("orders.named", order=order, id=found["id"])),
        ("state", state),
        ("ordered", past(found["ordered_at"])),
        ("until", _until(run, found["order"]["until"]) if "until" in found["order"] else ""),
        ("rule", run.text("orders.rule", rule=rule) if rule else ""),
        ("attempts", str(found["attempts"]) if found.get("attempts") else ""),
        ("last tried", past(found.get("tried_at"))),
        ("next try", "" if next_at is None else _next_try(run, next_at)),
        ("adapter", found.get("adapter") or ""),
        ("problem", _problem(run, found)),
    ]


def _until(run: Run, at: str) -> str:
    is_over = datetime.fromisoformat(at) <= run.when.now
    return run.text("orders.over", at=at) if is_over else run.when.until(at)


def _next_try(run: Run, at: str) -> str:
    late = run.when.now - datetime.fromisoformat(at)
    is_late = late > timedelta(0)
    return run.text("orders.late", at=at, late=late) if is_late else run.when.until(at)


def _state(run: Run, code: str) -> str:
    return run.language.word("order_state", code)


def _problem(run: Run, found: Order) -> str:
    if "unset" in found:
        return run.text("orders.unset", setting=found["unset"])
    problem, detail = found.get("problem"), found.get("detail")
    if not problem:
        return detail or ""
    code = "orders.problem.detail" if detail else "orders.problem"
    return run.text(code, problem=problem, detail=detail)


@verb()
@click.argument("sites", type=params.site, nargs=-1, metavar="[SITE]...")
@click.option("--all", "every", is_flag=True, help="Check every site, including those that are up.")
@click.option("--repair", is_flag=True, help="Repeat the orders that are not in force.")
@click.option("--cancelled", is_flag=True, help="With --repair: also repeat cancelled orders.")
@click.option(
    "--confirm", metavar="SITE",
    help="Confirm which sites to reopen after records were lost: the site's name or, for several"
    " sites, their number. Prompted for in a terminal.",
)  # fmt: skip
@options.action
def reconcile(
    submission: Submission,
    *,
    sites: tuple[str, ...],
    every: bool,
    repair: bool,
    cancelled: bool,
    confirm: str | None,
) -> int:
    """Check the actual state of sites with the adapters, and compare it with the record.

    Without SITE it checks all sites that are down, and those whose recorded state differs from
    their order. It puts the result on record. If an adapter cannot report a state, the record is
    trusted. It does not repeat an order that is still waiting. Exits 5 if anything still differs at
    the end.

    After a loss, --repair opens a site marked LEFT DOWN only if you name it. First put a hold on
    each site that must stay down.

    Cancelled orders stay cancelled, unless you add --cancelled. If you repeat one, the customer
    gets no second notice: inform the customer yourself.

    For programs, `verdict` is agrees, differs, waits, cannot_be_asked, ordered_again, cancelled,
    left_down or changed_meanwhile. If it is changed_meanwhile, the site changed during the check:
    check again.
    """
    run = submission.run
    if sites and repair and not submission.dry_run and confirmation.is_opening_asked(confirm):
        _confirm(submission, sites, confirm, cancelled=cancelled)
    compared = _compare(
        submission, sites or _names(run, every=every), by_name=bool(sites), repair=repair,
        cancelled=cancelled, dry_run=submission.dry_run,
    )  # fmt: skip
    differing = [each for each in compared if each.differs]
    output.write_list(
        run, [each.document() for each in compared], ids=(each.site for each in differing),
        headers=("SITE", "ORDERED STATE", "ON RECORD", "ACTUAL", "BY ADAPTER", ""),
        rows=(_mismatch_row(run, each) for each in compared),
    )  # fmt: skip
    if not run.quiet:
        _write_count(run, compared, len(differing))
    return NOT_VERIFIED if differing else DONE


def _compare(
    submission: Submission, names: Sequence[str], *, dry_run: bool, **asked: bool
) -> list[Comparison]:
    return submission.run.app.compare(
        names,
        by=submission.by,
        login=submission.run.settings.login,
        key=submission.key,
        dry_run=dry_run,
        **asked,
    )


def _confirm(
    submission: Submission, sites: Sequence[str], confirm: str | None, *, cancelled: bool
) -> None:
    """Have the person confirm the opening of sites that a loss left down or are actually closed."""
    opened = confirmation.sites_to_open(
        _compare(submission, sites, by_name=True, repair=True, cancelled=cancelled, dry_run=True)
    )
    with submission.run.queries() as queries:
        doubted = [
            each
            for each in opened
            # An older server does not say it.
            if each.really == "closed" or queries.site(each.site).get("left_down_since")
        ]
    confirmation.confirm_openings(submission.run, doubted, confirm)


def _names(run: Run, *, every: bool) -> list[str]:
    from incidents.store.cases import sites

    with run.local.reading() as connection:
        names, _ = sites.mismatched(connection, every=every)
    return names


def _write_count(run: Run, compared: list[Comparison], differing: int) -> None:
    from incidents.enforcement.routing import DEFAULT
    from incidents.enforcement.verdict import REPAIRED, UNKNOWN

    verdicts = [each.verdict for each in compared]
    without = sum(each.adapter == DEFAULT for each in compared)
    repaired = [each for each in compared if each.verdict == REPAIRED]
    logged = sum(each.is_unenforced for each in repaired)
    lines = [
        run.text("reconcile.compared", n=len(compared)),
        run.text("reconcile.differ", n=differing),
    ]
    more = {
        "unknown": verdicts.count(UNKNOWN), "no_adapter": without,
        "again": len(repaired) - logged, "again.in_vain": logged,
    }  # fmt: skip
    lines += [run.text(f"reconcile.{code}", n=n) for code, n in more.items() if n]
    run.inform(run.text("list.parts").join(lines))
    stays_closed = ("suspended", "closed")
    closed = [
        each
        for each in compared
        if each.verdict == LEFT_DOWN
        and (each.ordered, each.really or each.on_record) == stays_closed
    ]
    if closed:
        run.inform(run.text("reconcile.closed", n=len(closed)))
    if left := verdicts.count(LEFT_DOWN) - len(closed):
        run.inform(run.text("reconcile.left_down", n=left))


def _mismatch_row(run: Run, each: Comparison) -> tuple[str, ...]:
    if each.is_unenforced:
        word = run.text("reconcile.in_vain")
    else:
        word = run.text(f"reconciled.{each.verdict}")
    states = [each.ordered, each.on_record, each.really]
    return (
        shown(each.site),
        *("" if state is None else run.language.word("state", state) for state in states),
        each.adapter,
        text_table.ColouredField.of(word, fg="red") if each.differs else word,
    )
