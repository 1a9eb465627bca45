"""The command `report book`: import the address book, which says whose a host or an address is."""

from __future__ import annotations

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
    and until. The same thing of the same customer from the same time is replaced; nothing is
    removed. A report's candidates are those of the time that the report names.
    """
    from incidents.inbox import address_book
    from incidents.store.database.engine import plainly, writing
    from incidents.store.inbox import address_book as store

    app = run.local
    with disk.file_errors(file, "read"), file.open(encoding="utf-8-sig", newline="") as lines:
        try:
            found = list(address_book.read(lines))
        except UnicodeDecodeError as error:
            raise InputError.coded(
                "book_not_utf8", "{file} is not UTF-8: save it as UTF-8 first", file=str(file)
            ) from error
    with plainly(app.engine), writing(app.engine) as connection:
        count = store.save(connection, found)
    if not output.answer_program(run, {"holdings": count}, str(count)):
        run.write(counted("report.book", count, run.language))
