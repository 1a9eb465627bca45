"""The `audit` commands, and the replay, which compares the tables with the entries."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

import click

from incidents.cli import options, output, params
from incidents.cli.lazy_group import LazyGroup, verb
from incidents.cli.run import JSON, Run
from incidents.errors import DONE, NOT_VERIFIED, UnknownSiteError
from incidents.system.terminal import is_terminal

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from incidents.audit.split import Replayed
    from incidents.contract.documents.proofs import Difference

COMMANDS: dict[str, dict[str, tuple[str, str]]] = {
    "Commands": {
        "export": (
            "incidents.cli.audit.export:export",
            "Write the entries, or a bundle that proves them.",
        ),
        "report": (
            "incidents.cli.audit.export:report",
            "Write the printable case file of a site.",
        ),
        "verify": (
            "incidents.cli.audit.verify:verify",
            "Verify the log or a bundle.",
        ),
        "replay": ("incidents.cli.audit.audit:replay", "Compare the tables with the entries."),
        "status": (
            "incidents.cli.audit.log_status:status",
            "Show the state of the log and its signatures.",
        ),
        "checkpoint": (
            "incidents.cli.audit.log_status:checkpoint",
            "Sign the log and print the checkpoint.",
        ),
        "key": ("incidents.cli.audit.keys:key", "Make, rotate and show the signing key."),
        "archive": (
            "incidents.cli.audit.archive:archive",
            "Move old entries into archive parts.",
        ),
        "witness": (
            "incidents.cli.audit.keys:witness",
            "Countersign checkpoints of other logs.",
        ),
    }
}


@click.group(cls=LazyGroup, sections=COMMANDS)
def audit() -> None:
    """Export, verify and replay the record."""


@verb()
@click.option("--site", type=params.site, metavar="S", help="Check only this site.")
@options.view
def replay(run: Run, site: str | None) -> int:
    """Rebuild every table from the entries alone, and compare it row by row.

    It finds rows that were changed, added or deleted outside the program. Exits 5 if there are any.
    """
    if run.remote is None:
        found = _replayed(run, site)
    else:
        found = run.remote.record.replayed(site, watched(run.text("audit_replay.progress")))
    _answer(run, found)
    return NOT_VERIFIED if found.findings else DONE


def _replayed(run: Run, site: str | None) -> Replayed:
    from incidents.audit import export
    from incidents.audit.split import replayed

    with run.viewing() as connection:
        only = site_id(connection, site)
        # A count costs a scan: it is made only if somebody sees the bar.
        wanted = export.Selection(site_id=only)
        length = export.count(connection, wanted) if is_watched("") else 0
    with progress(run.text("audit_replay.progress"), length) as done:
        return run.local.views.run(lambda engine: replayed(engine, only, done))


def site_id(connection: Connection, site: str | None) -> int | None:
    """Return the ID of the named site; None if no name is given.

    Raises:
        UnknownSiteError: with the nearest names.
    """
    if site is None:
        return None
    from incidents.store.cases import sites

    found = sites.ids_by_name(connection, [site]).get(site)
    if found is None:
        names = sites.nearest(connection, site)
        way_out = f" (did you mean {' or '.join(names)}?)" if names else ""
        raise UnknownSiteError(site=site, way_out=way_out, nearest=list(names))
    return found


def counted(run: Run, noun: str, n: int) -> str:
    """Write a count with a noun of the group `audit_count`, such as `1 entry` or `2 entries`."""
    return run.text(f"audit_count.{noun}.one" if n == 1 else f"audit_count.{noun}", n=n)


def is_watched(target: str) -> bool:
    """Whether a progress bar is visible, and does not mix with entries on the same terminal."""
    return is_terminal(sys.stderr) and not (target == "-" and is_terminal(sys.stdout))


def watched(label: str) -> Callable[[int], AbstractContextManager[Callable[[int], object]]]:
    """A function that shows a progress bar, if a person can see it.

    Its argument is the length, which the server gives.
    """
    return lambda length: progress(label, length if is_watched("") else 0)


@contextmanager
def progress(label: str, length: int) -> Iterator[Callable[[int], object]]:
    """Show a progress bar of that length, or none for 0.

    Yields a function that advances the bar.
    """
    from incidents.cli.admin import history_file

    if length == 0:
        yield lambda _: None
        return
    with history_file.progress(label, length) as done:
        yield done


def _answer(run: Run, replayed: Replayed) -> None:
    shown = [finding.document() for finding in replayed.findings]
    if run.format == JSON:
        output.write_document(run, replayed.document(), rows=[])
    elif run.for_programs:
        output.write_documents(run, shown)
    elif run.quiet:
        run.write(*(f"{finding['table']} {finding['row']}" for finding in shown))
    else:
        run.write(*(_sentence(run, finding) for finding in shown))
        run.inform(_summary(run, replayed))


def _sentence(run: Run, finding: Difference) -> str:
    row = run.text(
        "audit_replay.row.site" if finding["site"] else "audit_replay.row",
        site=finding["site"], table=finding["table"], row=finding["row"],
    )  # fmt: skip
    found, problem = finding["found"], finding["problem"]
    if problem == "changed":
        right, own = (output.json_text(finding[which]) for which in ("expected", "found"))
        return run.text(
            "audit_replay.changed", row=row, column=finding["column"], right=right, own=own
        )
    if found is None:
        return run.text("audit_replay.wrong", row=row, problem=problem)
    return run.text("audit_replay.wrong.why", row=row, problem=problem, why=found)


def _summary(run: Run, replayed: Replayed) -> str:
    entries = counted(run, "entry", replayed.entries)
    sites, n = counted(run, "site", replayed.sites), len(replayed.findings)
    if n == 0:
        return run.text("audit_replay.right", entries=entries, sites=sites)
    return run.text(
        "audit_replay.findings.more" if replayed.more else "audit_replay.findings",
        entries=entries, sites=sites, findings=counted(run, "finding", n),
    )  # fmt: skip
