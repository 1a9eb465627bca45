"""The command `report book`: import the address book, which says whose a host or an address is."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import click

from incidents.cli import options, output, params
from incidents.cli.admin.enforcement_words import counted
from incidents.cli.lazy_group import verb
from incidents.cli.run import Run
from incidents.errors import InputError
from incidents.system import disk


@verb("book")
@click.argument("file", type=params.File(), metavar="FILE")
@options.writing
def import_book(run: Run, file: Path) -> None:
    """Import the address book from FILE (CSV): which customer had what, and when.

    Columns: customer, then site, domain or address (an IP address or a prefix), and if wanted since
    and until (dates, or times). The same thing of the same customer from the same time is replaced;
    nothing is removed. A report's candidates are those of the time that the report names.
    """
    from incidents.inbox import address_book

    app, settings = run.local, run.settings
    with disk.file_errors(file, "read"):
        raw = file.read_bytes()
    try:
        lines = io.StringIO(raw.decode("utf-8-sig"), newline="")
    except UnicodeDecodeError as error:
        raise InputError.coded(
            "book_not_utf8", "{file} is not UTF-8: save it as UTF-8 first", file=str(file)
        ) from error
    done = app.reports.import_book(
        list(address_book.read(lines, settings.zone)), hashlib.sha256(raw).hexdigest(),
        by=settings.person, login=settings.login,
    )  # fmt: skip
    if not output.answer_program(run, done._asdict(), str(done.entries)):
        run.write(counted("report.book", done.entries, run.language))
        if done.replaced:
            run.write(run.text("report.book_replaced", n=done.replaced))
