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
    from collections.abc import Iterable, Iterator

    from incidents.acts.port import Adapter, State
    from incidents.acts.routing import Routing
    from incidents.machine.commands import Command
    from incidents.words import Document

_BATCH = 500
_AGREES, _DIFFERS, _UNKNOWN, _WAITS, _REPAIRED = (
    "agrees", "DIFFERS", "cannot be asked", "waits", "ordered again",
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
        compared = _compared(act, found, sites, every=every, repair=repair)
    finally:
        found.close()
    run = act.run
    differing = [each for each in compared if each["verdict"] == _DIFFERS]
    if run.quiet:
        run.say_all([each["site"] for each in differing])
    elif run.for_programs:
        output.documents(run, compared)
    else:
        headers = ("SITE", "ORDERED", "ON RECORD", "REALLY", "BY", "")
        output.table(run, headers, map(_row, compared))
        run.tell(f"{len(compared):,} compared, {len(differing):,} differ")
    return NOT_VERIFIED if differing else DONE


def _compared(
    act: Act, found: Routing, sites: tuple[str, ...], *, every: bool, repair: bool
) -> list[Document]:
    return [
        each
        for batch in _batches(_documents(act, sites, every=every))
        for each in _compare(act, found, batch, repair=repair)
    ]


def _documents(act: Act, names: tuple[str, ...], *, every: bool) -> list[Document]:
    from incidents.views.register import row_of

    house = act.run.house
    with house.reading() as connection:
        if names:
            return [_named(row_of(connection, name)) for name in names]
        return [
            _named(site)
            for site in house.views.sites(connection)
            if every or site["state"] != "active" or site["in_force"] != site["state"]
        ]


def _named(site: Any) -> Document:
    name = site["site"] if "site" in site else site["name"]
    return {
        "site": name, "site_id": site["id"], "ordered": site["state"],
        "on_record": site["in_force"],
    }  # fmt: skip


def _batches(documents: list[Document]) -> Iterator[list[Document]]:
    for start in range(0, len(documents), _BATCH):
        yield documents[start : start + _BATCH]


def _compare(
    act: Act, found: Routing, batch: list[Document], *, repair: bool
) -> Iterable[Document]:
    from incidents.store import deliveries

    with act.run.house.reading() as connection:
        ids = [each["site_id"] for each in batch]
        waiting = {id_ for id_, each in deliveries.chains(connection, ids) if not each.dead}
    asked: list[tuple[int, Command]] = []
    for each in batch:
        adapter = found.adapter_for(each["site"])
        seen = _seen(adapter, each)
        each |= {"really": seen, "adapter": adapter.name}
        each["verdict"] = _verdict(each, waits=each["site_id"] in waiting)
        if seen is not None and seen != each["on_record"]:
            asked.append(
                (each["site_id"], commands.RecordState(by=act.by, adapter=adapter.name, seen=seen))
            )
        if repair and each["verdict"] == _DIFFERS:
            asked.append((each["site_id"], commands.RepeatOrder(by=act.by)))
            each["verdict"] = _REPAIRED
    _do(act, asked)
    return batch


def _seen(adapter: Adapter, each: Document) -> State | None:
    seen = adapter.state(each["site"])
    # A machine that is switched off does not know why.
    tells_closed = getattr(adapter, "tells_closed", True)
    if seen == "suspended" and each["ordered"] == "closed" and not tells_closed:
        return "closed"
    return seen


def _do(act: Act, asked: list[tuple[int, Command]]) -> None:
    from incidents.desk import Envelope

    login = act.run.settings.login
    act.run.house.desk.submit(
        [Envelope(site=site, command=command, login=login) for site, command in asked],
        dry_run=act.dry_run,
    )


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
