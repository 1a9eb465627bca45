"""The export commands: entries as stored, as CSV, or with their proofs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from incidents import clock
from incidents.cli import options, output, params
from incidents.cli.audit import audit
from incidents.cli.audit.audit import counted
from incidents.cli.lazy_group import verb
from incidents.cli.run import BUNDLE, CSV, JSONL, Run
from incidents.errors import FileError, InputError
from incidents.system.terminal import write_stderr

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from incidents.audit.export import Part, Selection
    from incidents.client.app import RemoteApp


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """The typed options: which entries (times in UTC), the target, and whether to show text."""

    site: str | None
    since: datetime | None
    until: datetime | None
    target: str
    with_words: bool

    def selection(self, connection: Connection) -> Selection:
        from incidents.audit.export import Selection

        site_id = audit.site_id(connection, self.site)
        return Selection(site_id=site_id, since=self.since, until=self.until)

    def query(self) -> dict[str, str | None]:
        return {
            "site": self.site,
            "since": None if self.since is None else clock.rfc3339(self.since),
            "until": None if self.until is None else clock.rfc3339(self.until),
        }


@verb()
@click.option("--site", type=params.site, metavar="S", help="Write only entries of this site.")
@click.option(
    "--since", metavar="T", help="Write only entries recorded at this time or day, or later."
)
@click.option(
    "--until",
    metavar="T",
    help="Write only entries recorded before this time, or by the end of this day.",
)
@click.option(
    "-o", "--output", "target", metavar="FILE", default=output.STANDARD_OUTPUT,
    help="Write to FILE, whole or not at all; an existing file is replaced, except by a bundle."
    " Default: -, standard output.",
)  # fmt: skip
@click.option(
    "--with-words", is_flag=True,
    help="Include texts, with their salts, in the case file of one site's bundle.",
)  # fmt: skip
@options.view
def export(
    run: Run,
    *,
    site: str | None,
    since: str | None,
    until: str | None,
    target: str,
    with_words: bool,
) -> None:
    """Write the entries as stored, in the order they were recorded.

    jsonl, the default, has the exact bytes. csv has a column for each field; an apostrophe precedes
    a cell that a spreadsheet could read as a formula.

    bundle is for an auditor who trusts nobody: the entries that the last checkpoint covers, with
    their proofs. -o names a new folder, or a new file that ends in .tar.zst. A bundle of a part of
    the record has a proof for each entry; a bundle of one site also has a printable case file.
    """
    after, before = run.read_time(since, "since"), run.read_time(until, "until")
    if after is not None and before is not None and after >= before:
        raise InputError.coded(
            "nothing_between_options", "--since is not before --until: give an earlier --since"
        )
    asked = _Asked(site=site, since=after, until=before, target=target, with_words=with_words)
    if run.format == BUNDLE:
        _write_bundle(run, asked)
    elif with_words:
        raise InputError.coded(
            "words_of_bundle", "--with-words works only with --format bundle and --site"
        )
    else:
        _write_entries(run, asked)


# An export has no table, and of entries there are no ids.
export.params = [param for param in export.params if param.name not in ("json", "quiet")]
for _param in export.params:
    if _param.name == "format":
        _param.type = click.Choice((JSONL, CSV, BUNDLE))
        _param.help = "Output format: jsonl, the default, csv or bundle."


@verb()
@click.argument("site", type=params.site)
@click.option(
    "-o", "--output", "target", metavar="FILE", default=output.STANDARD_OUTPUT,
    help="Write to FILE, whole or not at all; an existing file is replaced. Default: -, standard"
    " output.",
)  # fmt: skip
@click.option("--with-words", is_flag=True, help="Include texts and their salts.")
@options.view
def report(run: Run, *, site: str, target: str, with_words: bool) -> None:
    """Write the case file of SITE: what happened, by which rule, and where it is proved.

    It is a self-contained HTML page for printing, and shows the entries that the last checkpoint
    covers. `audit export --format bundle --site SITE` writes the same page with the proofs.
    """
    if run.remote is not None:
        output.write_file(target, run.remote.record.report(site, with_words=with_words))
        return
    from incidents.audit.proof import bundle_writer
    from incidents.views.case import case_report

    asked = _Asked(site=site, since=None, until=None, target=target, with_words=with_words)
    draw = case_report.drawer(zone=run.settings.zone, with_words=with_words)
    with run.viewing() as connection:
        page = bundle_writer.report(connection, asked.selection(connection), draw)
    output.write_file(target, [page.encode()])


report.params = [p for p in report.params if p.name not in ("json", "quiet", "format")]


def _write_entries(run: Run, asked: _Asked) -> None:
    from incidents.audit import export as audit_export

    if run.remote is not None:
        parts = run.remote.record.exported(format=run.format or JSONL, **asked.query())
        output.write_file(asked.target, parts)
        if asked.target != output.STANDARD_OUTPUT:
            write_stderr(run.text("audit_export.taken", file=asked.target))
        return
    write = audit_export.write_csv if run.format == CSV else audit_export.jsonl
    # Entries leave while they are read.
    run.has_answered = True
    with run.viewing() as connection:
        wanted = asked.selection(connection)
        archived = len(wanted.archive_parts(connection))
        written = 0
        with _bar(run, connection, wanted, asked) as done:

            def count(n: int) -> None:
                nonlocal written
                written += n
                done(n)

            stored = _counted(audit_export.stored(connection, wanted), count)
            output.write_file(asked.target, write(stored))
    if asked.target != output.STANDARD_OUTPUT:
        entries = counted(run, "entry", written)
        write_stderr(run.text("audit_export.plain", entries=entries, file=asked.target))
        _tell_parts(run, archived)


def _tell_parts(run: Run, parts: int) -> None:
    if parts:
        write_stderr(run.text("audit_export.parts", parts=counted(run, "part", parts)))


def _write_bundle(run: Run, asked: _Asked) -> None:
    if asked.target == output.STANDARD_OUTPUT:
        raise InputError.coded(
            "bundle_needs_file",
            "a bundle cannot go to standard output: name a new folder or FILE.tar.zst with -o",
        )
    if asked.with_words and asked.site is None:
        raise InputError.coded(
            "words_need_site",
            "--with-words needs --site: only a site's report has texts",
        )
    target = Path(params.file_name(asked.target))
    if run.remote is not None:
        _take_bundle(run, run.remote, target, asked)
        return
    from incidents.audit.proof import bundle_writer
    from incidents.views.case import case_report

    with run.viewing() as connection:
        order = case_report.order(
            asked.selection(connection), zone=run.settings.zone, with_words=asked.with_words
        )
        try:
            archived = len(order.wanted.archive_parts(connection))
            with _bar(run, connection, order.wanted, asked) as done:
                written = bundle_writer.write(connection, target, order, done)
        except OSError as error:
            raise FileError.of(asked.target, "written", error) from error
    # Standard output is unused here, so these lines disturb no program.
    entries, left = counted(run, "entry", written.entries), written.uncovered
    write_stderr(run.text("audit_export.written", entries=entries, size=written.size))
    _tell_parts(run, archived)
    if left:
        id_ = "audit_export.left_out.one" if left == 1 else "audit_export.left_out.many"
        write_stderr(run.text(id_, entries=counted(run, "entry", left)))
    for key in written.broken:
        write_stderr(run.text("audit_export.broken", key=key))


def _take_bundle(run: Run, server: RemoteApp, target: Path, asked: _Asked) -> None:
    """Save the archive that the server generates."""
    from incidents.audit.proof import bundle_archive

    bundle_archive.check_target(target)
    if not target.name.endswith(bundle_archive.ARCHIVE):
        raise InputError.coded(
            "bundle_of_server",
            "a server gives a bundle as one file: name a new FILE.tar.zst with -o",
        )
    parts = server.record.bundle(with_words=asked.with_words or None, **asked.query())
    output.write_file(asked.target, parts)
    write_stderr(run.text("audit_export.taken", file=asked.target))


@contextmanager
def _bar(
    run: Run, connection: Connection, wanted: Selection, asked: _Asked
) -> Iterator[Callable[[int], object]]:
    from incidents.audit import export as audit_export

    # A count costs a scan: it is made only if somebody sees the bar.
    length = audit_export.count(connection, wanted) if audit.is_watched(asked.target) else 0
    with audit.progress(run.text("audit_export.progress"), length) as done:
        yield done


def _counted(stored: Iterator[Part], done: Callable[[int], object]) -> Iterator[Part]:
    for part in stored:
        yield part
        done(len(part))
