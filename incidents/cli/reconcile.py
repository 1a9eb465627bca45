"""The reconciliation: what is ordered, what the record says is in force, and what really is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from incidents.cli import output, params
from incidents.cli.act import Act
from incidents.cli.options import acting
from incidents.cli.run import painted
from incidents.errors import DONE, NOT_VERIFIED
from incidents.machine import commands

if TYPE_CHECKING:
    from incidents.acts.port import Adapter, State
    from incidents.acts.routing import Routing
    from incidents.cli.run import Run
    from incidents.machine.commands import Command
    from incidents.words import Document

_AGREES, _DIFFERS, _UNKNOWN, _WAITS, _REPAIRED, _MOVED = (
    "agrees", "DIFFERS", "cannot be asked", "waits", "ordered again", "CHANGED MEANWHILE",
)  # fmt: skip


@click.command()
@click.argument("sites", type=params.site, nargs=-1, metavar="[SITE]...")
@click.option("--all", "every", is_flag=True, help="Every site, also those that are up by all.")
@click.option("--repair", is_flag=True, help="Order once more what is not in force.")
@acting
def reconcile(act: Act, *, sites: tuple[str, ...], every: bool, repair: bool) -> int:
    """Ask the adapters how sites really stand, and compare.

    Without SITE all that are down, or of which the record says that something else is in force than
    what is ordered. What is found is put on record; where an adapter cannot be asked, the record is
    believed. An order that still waits is waited for. Exits 5 if anything differs in the end.
    """
    from incidents.acts import routing

    found = routing.load()
    try:
        names = _names(act, sites, every=every)
        compared = [_compare(act, found, name, repair=repair) for name in names]
    finally:
        found.close()
    run = act.run
    differing = [each for each in compared if each["verdict"] in (_DIFFERS, _MOVED)]
    if run.quiet:
        run.say_all([each["site"] for each in differing])
    elif run.for_programs:
        output.documents(run, compared)
    else:
        headers = ("SITE", "ORDERED", "ON RECORD", "REALLY", "BY", "")
        output.table(run, headers, map(_row, compared))
        _tell_count(run, compared, len(differing))
    return NOT_VERIFIED if differing else DONE


def _tell_count(run: Run, compared: list[Document], differing: int) -> None:
    verdicts = [each["verdict"] for each in compared]
    told = [f"{len(compared):,} compared", f"{differing:,} differ"]
    if _UNKNOWN in verdicts:
        told.append(f"{verdicts.count(_UNKNOWN):,} cannot be asked: the record is believed")
    if _REPAIRED in verdicts:
        told.append(f"{verdicts.count(_REPAIRED):,} ordered again: in force when a daemon has run")
    run.tell(", ".join(told))


def _names(act: Act, names: tuple[str, ...], *, every: bool) -> tuple[str, ...]:
    if names:
        return names
    house = act.run.house
    with house.reading() as connection:
        return tuple(
            site["site"]
            for site in house.views.sites(connection)
            if every or site["state"] != "active" or site["in_force"] != site["state"]
        )


def _compare(act: Act, found: Routing, name: str, *, repair: bool) -> Document:
    """One site; what is seen goes on record at once, unless something was done meanwhile."""
    row, waits = _on_record(act, name)
    adapter = found.adapter_for(name)
    each: Document = {
        "site": name, "ordered": row["state"], "on_record": row["in_force"], "really": None,
        "adapter": adapter.name,
    }  # fmt: skip
    seen = each["really"] = _seen(adapter, each)
    each["verdict"] = _verdict(each, waits=waits)
    asked: list[Command] = []
    if seen is not None and seen != row["in_force"]:
        asked.append(
            commands.RecordState(
                by=act.by, adapter=adapter.name, seen=seen, in_force=row["in_force"],
                last_act=row["last_act"],
            )
        )  # fmt: skip
    if repair and each["verdict"] == _DIFFERS:
        asked.append(commands.RepeatOrder(by=act.by))
    refused = _do(act, row["id"], asked)
    if refused:
        # It is another site by now than the one that was looked at.
        each["verdict"] = _MOVED
    elif repair and each["verdict"] == _DIFFERS:
        each["verdict"] = _REPAIRED
    return each


def _on_record(act: Act, name: str) -> tuple[Any, bool]:
    """The site's row, and whether an order into the world still waits."""
    from incidents.store import deliveries
    from incidents.views.register import row_of

    with act.run.house.reading() as connection:
        row = row_of(connection, name)
        chain = deliveries.chains(connection, [row["id"]])
    return row, any(not delivery.dead for _, delivery in chain)


def _seen(adapter: Adapter, each: Document) -> State | None:
    seen = adapter.state(each["site"])
    # A machine that is switched off does not know why.
    tells_closed = getattr(adapter, "tells_closed", True)
    if seen == "suspended" and each["ordered"] == "closed" and not tells_closed:
        return "closed"
    return seen


def _do(act: Act, site: int, asked: list[Command]) -> bool:
    """Asks the desk; whether anything was refused."""
    from incidents.desk import Envelope

    if not asked:
        return False
    key, login = act.key, act.run.settings.login
    answers = act.run.house.desk.submit(
        [
            Envelope(
                site=site, command=command, login=login,
                key=None if key is None else f"{key}:{site}:{n}",
            )
            for n, command in enumerate(asked)
        ],
        dry_run=act.dry_run,
    )  # fmt: skip
    return any(answer.refusal is not None for answer in answers)


def _verdict(each: Document, *, waits: bool) -> str:
    known = each["on_record"] if each["really"] is None else each["really"]
    if known == each["ordered"]:
        return _UNKNOWN if each["really"] is None else _AGREES
    return _WAITS if waits else _DIFFERS


def _row(each: Document) -> tuple[str, ...]:
    verdict = each["verdict"]
    return (
        each["site"],
        each["ordered"],
        each["on_record"],
        each["really"] or "",
        each["adapter"],
        painted(verdict, fg="red", bold=True) if verdict == _DIFFERS else verdict,
    )
