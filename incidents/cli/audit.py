"""The record's own commands: export the entries, replay them against the tables."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from incidents.cli import output, params
from incidents.cli.options import looking
from incidents.cli.root import LazyGroup
from incidents.cli.run import CSV, JSON, JSONL, is_terminal
from incidents.errors import DONE, NOT_VERIFIED, InputError, UnknownSiteError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from incidents.audit.export import Part
    from incidents.audit.finding import Finding
    from incidents.audit.split import Split
    from incidents.cli.run import Run
    from incidents.words import Document

COMMANDS: dict[str, dict[str, tuple[str, str]]] = {
    "Commands": {
        "export": ("incidents.cli.audit:export", "Write the entries, as they are stored."),
        "replay": ("incidents.cli.audit:replay", "Derive the tables from the entries again."),
    }
}
MAX_FINDINGS = 1_000
"""So many findings are told; of the rest, only that there are more."""

_EXPLAINED = {
    "added": "the record knows nothing of this row",
    "deleted": "this row is on record, and it is gone",
    "missing_entry": "the entry is missing",
    "misplaced_entry": "the entry belongs elsewhere",
    "unreadable_entry": "the entry cannot be read",
    "impossible_entry": "the entry cannot follow on what is before it",
    "broken_seal": "the words are not those that were sealed",
}


@click.group(cls=LazyGroup, sections=COMMANDS)
def audit() -> None:
    """Export and replay the record."""


class ExportFormat(click.Choice[str]):
    """The formats of an export; the bundle, which is to come, is named as such."""

    def __init__(self) -> None:
        super().__init__((JSONL, CSV))

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """As click does it."""
        if value == "bundle":
            self.fail(
                "the bundle is not there yet; --format jsonl writes the entries to the byte as "
                "they are stored",
                param,
                ctx,
            )
        return super().convert(value, param, ctx)


@click.command()
@click.option("--site", type=params.site, metavar="S", help="Only the entries of this site.")
@click.option("--since", metavar="T", help="Only what was recorded at this time or later.")
@click.option("--until", metavar="T", help="Only what was recorded before this time.")
@click.option(
    "-o", "--output", "target", metavar="FILE", default="-",
    help="Write a new FILE, whole or not at all. Default: -, standard output.",
)  # fmt: skip
@looking
def export(run: Run, site: str | None, since: str | None, until: str | None, target: str) -> int:
    """Write the entries, as they are stored, in the order in which they were written.

    jsonl, the default, is their bytes. csv has a column for each field; a cell that a spreadsheet
    could take for a formula has an apostrophe before it.
    """
    from incidents.audit import export as record
    from incidents.cli import whole_file

    after, before = run.read_time(since), run.read_time(until)
    if after is not None and before is not None and after >= before:
        raise InputError("nothing lies between --since and --until: --since must be the earlier")
    write = record.write_csv if run.format == CSV else record.jsonl
    with run.house.reading() as connection:
        wanted = record.Selection(site_id=_site_id(connection, site), since=after, until=before)
        # A count costs a scan: it is made for somebody who looks at the bar.
        length = record.count(connection, wanted) if _is_watched(target) else 0
        with _progress("exporting", length) as done:
            whole_file.write(target, write(_counted(record.stored(connection, wanted), done)))
    return DONE


@click.command()
@click.option("--site", type=params.site, metavar="S", help="Only this site.")
@looking
def replay(run: Run, site: str | None) -> int:
    """Derive every table again from the entries alone, and compare row by row.

    Finds what was changed, added or deleted behind the desk's back; exit status 5 if anything was.
    """
    from incidents.audit.split import Split

    with run.house.reading() as connection:
        site_id = _site_id(connection, site)
        length = _length(connection, site_id) if _is_watched("") else 0
    with _progress("replaying", length) as done:
        replayed = Split(run.house.engine, site_id, most=MAX_FINDINGS + 1, done=done)
        told = list(replayed.findings())
    _answer(run, replayed, told)
    return NOT_VERIFIED if told else DONE


# An export has no table, and of entries there are no ids.
export.params = [param for param in export.params if param.name not in ("json", "quiet")]
for _param in export.params:
    if _param.name == "format":
        _param.type = ExportFormat()
        _param.help = "jsonl, the default, or csv."


def _site_id(connection: Connection, site: str | None) -> int | None:
    if site is None:
        return None
    from incidents.store import sites

    found = sites.ids_by_name(connection, [site]).get(site)
    if found is None:
        names = sites.nearest(connection, site)
        way_out = f" (did you mean {' or '.join(names)}?)" if names else ""
        raise UnknownSiteError(site=site, way_out=way_out, nearest=list(names))
    return found


def _length(connection: Connection, site_id: int | None) -> int:
    from incidents.audit import export as record

    return record.count(connection, record.Selection(site_id=site_id))


def _is_watched(target: str) -> bool:
    """Whether somebody sees a progress bar, and no entries are written across it."""
    return is_terminal(sys.stderr) and not (target == "-" and is_terminal(sys.stdout))


@contextmanager
def _progress(label: str, length: int) -> Iterator[Callable[[int], object]]:
    from incidents.cli.history_file import progress

    if length == 0:
        yield lambda _: None
        return
    with progress(label, length) as done:
        yield done


def _counted(stored: Iterator[Part], done: Callable[[int], object]) -> Iterator[Part]:
    for part in stored:
        yield part
        done(len(part))


def _answer(run: Run, replayed: Split, told: Sequence[Finding]) -> None:
    more = len(told) > MAX_FINDINGS
    shown = [asdict(finding) for finding in told[:MAX_FINDINGS]]
    if run.format == JSON:
        output.document(run, _document(replayed, shown, more=more), rows=[])
    elif run.for_programs:
        output.documents(run, shown)
    elif run.quiet:
        run.say(*(f"{finding['table']} {finding['row']}" for finding in shown))
    else:
        run.say(*map(_sentence, shown))
        run.tell(_summary(replayed, len(shown), more=more))


def _document(replayed: Split, shown: list[Document], *, more: bool) -> Document:
    from incidents.audit.replay import OUTSIDE

    return {
        "sites": replayed.sites,
        "entries": replayed.entries,
        "findings": shown,
        "more": more,
        "outside": OUTSIDE,
    }


def _sentence(finding: Document) -> str:
    where = f"{finding['site']}: " if finding["site"] else ""
    row = f"{where}{finding['table']} {finding['row']}"
    if finding["problem"] == "changed":
        right, own = (output.json_text(finding[which]) for which in ("expected", "found"))
        return f"{row}, {finding['column']}: the record says {right}, the row {own}"
    why = "" if finding["found"] is None else f" ({finding['found']})"
    return f"{row}: {_EXPLAINED[finding['problem']]}{why}"


def _summary(replayed: Split, n: int, *, more: bool) -> str:
    entries, sites = _many(replayed.entries, "entry", "entries"), _many(replayed.sites, "site")
    of = f"{entries} of {sites} replayed"
    if n == 0:
        return f"{of}: the tables are what the record says"
    return f"{of}: {_many(n, 'finding')}{', and there are more' if more else ''}"


def _many(n: int, one: str, more: str | None = None) -> str:
    return f"{n:,} {one}" if n == 1 else f"{n:,} {more or f'{one}s'}"
