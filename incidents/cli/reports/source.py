"""The command `report source`: the bytes of a report, an attachment or a screenshot, on record."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from incidents.cli import options, output, params, reauthentication
from incidents.cli.lazy_group import verb
from incidents.cli.reports.report import report_argument
from incidents.cli.run import Run
from incidents.errors import InputError
from incidents.system.terminal import is_terminal


@verb()
@report_argument
@click.option(
    "--attachment", type=params.IntRange(1, 10_000), metavar="N",
    help="Number of an attachment, from 1; without it, the whole report.",
)  # fmt: skip
@click.option(
    "--screenshot", type=params.IntRange(1, 1_000_000), metavar="N",
    help="Number of a snapshot, from 1, to write the picture of its page.",
)  # fmt: skip
@click.option(
    "--reason", type=params.text("reason"), callback=params.refuse_placeholder, metavar="R",
    help="Reason for opening a sealed report; it goes on record.",
)  # fmt: skip
@click.option(
    "-o", "--output", "target", metavar="FILE", default=output.STANDARD_OUTPUT,
    help="Write to FILE, whole or not at all; an existing file is replaced. Default: -, standard"
    " output.",
)  # fmt: skip
@reauthentication.password_file_option
@options.writing
def source(
    run: Run, *, report: int, attachment: int | None, screenshot: int | None,
    reason: str | None, target: str, password_file: Path | None,
) -> None:  # fmt: skip
    """Write the bytes of REPORT, or of one of its attachments, as they came.

    With --screenshot, write the picture of a page that it names, a PNG.

    Each time goes on record. What may show child abuse is sealed: it takes --reason, and over a
    server a supervisor or an administrator and their password.
    """
    if attachment is not None and screenshot is not None:
        raise InputError.coded(
            "attachment_or_screenshot", "give either --attachment or --screenshot, not both"
        )
    if target == output.STANDARD_OUTPUT and is_terminal(sys.stdout):
        raise InputError.coded(
            "bytes_to_terminal",
            "the bytes of a report can mislead a terminal: add -o FILE, or use a pipe",
        )
    if run.remote is None or reason is None:
        output.write_file(target, _taken(run, report, attachment, screenshot, reason))
        return
    with reauthentication.in_session(run, password_file):
        sources = run.remote.report_sources
        output.write_file(target, sources.opened(report, attachment, screenshot, reason))


def _taken(
    run: Run, report: int, attachment: int | None, screenshot: int | None, reason: str | None
) -> Iterator[bytes]:
    if run.remote is not None:
        return run.remote.report_sources.pieces(report, attachment, screenshot)
    from incidents.desk.inbox.releases import Recipient

    settings = run.settings
    # Who can reach the database is asked for the reason alone.
    to = Recipient(person=settings.person, login=settings.login, may_open=True, reason=reason)
    if screenshot is not None:
        return iter([run.local.report_sources.screenshot(report, screenshot, to)])
    return run.local.report_sources.pieces(report, attachment, to)


source.params = [each for each in source.params if each.name not in ("json", "quiet", "format")]
