"""The archive command: old entries, with their orders and tiles, move into files."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

import click

from incidents import clock
from incidents.cli import options, output
from incidents.cli.lazy_group import verb
from incidents.cli.run import Run
from incidents.errors import DONE, FAILED, Cause, InputError
from incidents.values.ids import order_id

if TYPE_CHECKING:
    from incidents.audit.archive_plan import End, Planned
    from incidents.audit.archiving import Made
    from incidents.contract.documents.record import Archived, ArchivedPart

_HERE = Cause.of("archive_here", "run it where the database is kept, as the owner of its tables")


@verb()
@click.option(
    "--before", metavar="T",
    help="Move entries recorded before this time, at least 30 days ago, instead of those older"
    " than the setting [archive] after.",
)  # fmt: skip
@click.option(
    "--entries", "many", type=int, metavar="N",
    help="Entries in each part, a multiple of 256. Default: 65536.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Show which parts would be made; change nothing.")
@options.query
def archive(run: Run, *, before: str | None, many: int | None, dry_run: bool) -> int:
    """Move old entries, with their orders and tiles, from the database into archive parts.

    Each part is one file in the folder [archive] folder: copy it to your backups. All commands read
    the parts like the database. Only whole parts of signed entries whose orders are settled are
    moved. Exits 1 if old entries stay because one is not signed, or an order waits or is a dead
    letter. On PostgreSQL, run it as the owner of the tables. It can be interrupted, and run again.

    Before the first run, stop or restart all programs of an older version on the database: they
    would show a shorter history, and do not notice it while they run.
    """
    run.refuse_server(_HERE)
    from incidents.audit import archive_plan

    cutoff = _cutoff(run, run.read_time(before, "since"))
    many = archive_plan.ENTRIES if many is None else many
    made: list[ArchivedPart] = []
    end = archive_plan.End("too_few")
    for found in _found(run, cutoff, many, dry_run=dry_run):
        if isinstance(found, archive_plan.End):
            end = found
            break
        made.append(found.document())
        if run.quiet:
            run.write(made[-1]["file"] or f"{made[-1]['first']}")
        elif not run.for_programs:
            run.write(_sentence(run, found, dry_run=dry_run))
    if run.for_programs:
        document: Archived = {"parts": made, "end": end.document()}
        output.write_document(run, document, rows=made)
    else:
        run.inform(_end(run, end, further=bool(made)))
    return FAILED if end.is_blocked else DONE


def _found(
    run: Run, cutoff: datetime, many: int, *, dry_run: bool
) -> Iterator[Planned | Made | End]:
    from incidents.audit import archive_plan, archiving

    if dry_run:
        with run.local.reading() as connection:
            yield from archive_plan.planned(connection, cutoff, many)
    else:
        yield from archiving.archive(run.local.engine, cutoff, clock.now, many=many)


def _sentence(run: Run, found: Planned | Made, *, dry_run: bool) -> str:
    from incidents.audit.archiving import Made

    part = found.document()
    times = found.part if isinstance(found, Made) else found
    return run.text(
        "audit_archive.would" if dry_run else "audit_archive.made", n=part["end"] - part["first"],
        first=part["first"], last=part["end"] - 1, since=times.since, until=times.until,
        file=part["file"],
    )  # fmt: skip


def _end(run: Run, end: End, *, further: bool) -> str:
    order = None if end.order is None else order_id(*end.order)
    why = run.text(f"audit_archive.end.{end.why}", at=end.at, order=order)
    return run.text("audit_archive.no_further" if further else "audit_archive.none", why=why)


def _cutoff(run: Run, before: datetime | None) -> datetime:
    """The time (UTC) before which entries are moved.

    Raises:
        InputError: if it is too near.
    """
    from incidents.settings import archive as archive_settings

    # The database's time: a machine's clock that is ahead would archive what views still need.
    with run.local.reading() as connection:
        now = run.local.now(connection)
    if before is None:
        return archive_settings.of_settings(run.settings.db).cutoff(now)
    latest = now - archive_settings.MINIMUM
    if before > latest:
        # As people type it: to the minute, in their zone.
        latest = latest.replace(second=0, microsecond=0)
        raise InputError.coded(
            "archived_too_early",
            "entries stay in the database for at least {days} days: give a time up to {latest}",
            {"latest": clock.rfc3339(latest)},
            days=archive_settings.MINIMUM.days, latest=run.when(latest),
        )  # fmt: skip
    return before
