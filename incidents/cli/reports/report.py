"""The report commands: receive reports from outside, and log, join or dismiss each."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from incidents.cli import options, output, params
from incidents.cli.lazy_group import LazyGroup, verb
from incidents.cli.run import Run
from incidents.clock import read_rfc3339
from incidents.errors import EmptyInputError, EmptyReportError, IncidentsError
from incidents.values.site_name import shown

if TYPE_CHECKING:
    from incidents.contract.documents.reports import (
        Held,
        Reopening,
        Report,
        ReportFile,
        ReportInFull,
        Told,
    )

NOT_KEPT = 75
"""The exit status if a report was not kept, so that a mail server brings it again (EX_TEMPFAIL)."""

COMMANDS: dict[str, dict[str, tuple[str, str]]] = {
    "Commands": {
        "receive": (
            "incidents.cli.reports.report:receive",
            "Receive reports from files or a pipe.",
        ),
        "list": ("incidents.cli.reports.report:list_", "List reports that wait for the desk."),
        "show": ("incidents.cli.reports.report:show", "Show a report and what was read out of it."),
        "source": ("incidents.cli.reports.source:source", "Write the bytes of a report to a file."),
        "log": ("incidents.cli.reports.acts:log", "Log a report as a new incident."),
        "join": ("incidents.cli.reports.acts:join", "Add a report to an incident."),
        "book": (
            "incidents.cli.reports.book:import_book",
            "Import the customers' sites and addresses.",
        ),
        "reporter": (
            "incidents.cli.reports.reporter:reporter",
            "Show, trust, mute or block who reports.",
        ),
        "rules": (
            "incidents.cli.reports.rules:rules",
            "Show, try and activate the intake rules.",
        ),
        "reopen": (
            "incidents.cli.reports.acts:reopen",
            "Open a report again that was settled wrongly.",
        ),
        "retest": (
            "incidents.cli.reports.acts:retest",
            "Look at the pages that a report names.",
        ),
        "dismiss": ("incidents.cli.reports.acts:dismiss", "Dismiss a report, with the reason."),
    }
}


@click.group(cls=LazyGroup, sections=COMMANDS)
def report() -> None:
    """Receive reports of violations, and decide what becomes of each.

    A report is kept unchanged. It becomes an incident only when somebody logs it.
    """


class NotKeptError(IncidentsError):
    """the report was not kept: {detail}; send it again"""

    exit_status = NOT_KEPT


report_argument = click.argument("report", type=params.report, metavar="REPORT")


@verb()
@click.argument("files", nargs=-1, metavar="[FILE]...")
@options.delivery(NOT_KEPT)
def receive(run: Run, files: tuple[str, ...]) -> int:
    """Receive each FILE as a report: mail, ARF, XARF, CSV or text; - reads standard input.

    Without FILE, standard input is one report, as postfix and maildrop pipe it. The command exits
    with 0 if every report was kept, an unreadable one too, and with 75 if one was not: a mail
    server then tries again. The same bytes, received again, are the same report. An empty
    FILE is kept as unreadable; nothing on standard input is no report: something failed before.
    """
    try:
        return _receive(run, files or ("-",))
    except EmptyReportError as error:
        raise EmptyInputError from error
    except IncidentsError:
        raise
    except Exception as error:
        raise NotKeptError(detail=str(error) or type(error).__name__) from error


def _receive(run: Run, files: Sequence[str]) -> int:
    from incidents.inbox.receiving import Delivery

    # Standard input without a byte is a pipe that broke; a file is what somebody has.
    deliveries = [
        Delivery(_StandardInput())
        if name == "-"
        else Delivery(_File(Path(name)), Path(name).name, may_be_empty=True)
        for name in files
    ]
    settings = run.settings
    received = list(
        run.app.reports.receive(
            deliveries,
            channel="command",
            by=settings.person,
            login=settings.login,
            language=run.language,
        )
    )
    found = [report for report, _ in received]
    if run.quiet:
        run.write(*(each["id"] for each in found))
    elif run.for_programs:
        output.write_documents(run, found)
    else:
        run.write(*(_line(run, each) for each in found))
        again = [report for report, is_new in received if not is_new]
        run.inform(*(line for each in again for line in _repeated(run, each)))
    return 0


def _repeated(run: Run, found: Report) -> Iterator[str]:
    """That the report came in before, and of one that is settled how, and what can follow."""
    from incidents.cli import next_steps
    from incidents.contract.hints import look

    if found["settled_at"] is None:
        yield run.text("report.repeated", report=found["id"])
        return
    incident = found["incident"]
    yield run.text(
        "report.repeated.settled", report=found["id"], state=found["state"],
        what=incident or found["reason"] or "-", by=found["settled_by"],
        at=read_rfc3339(found["settled_at"]),
    )  # fmt: skip
    hint = look("reopen_report", found["id"]) if incident is None else look("show", incident)
    yield next_steps.next_line(run, hint)


@dataclass(frozen=True, slots=True)
class _File:
    """A function that opens the file at `path`."""

    path: Path

    def __call__(self) -> AbstractContextManager[BinaryIO]:
        from incidents.system import disk

        with disk.file_errors(self.path, "read"):
            return self.path.open("rb")


class _StandardInput:
    """A function that returns standard input."""

    def __call__(self) -> AbstractContextManager[BinaryIO]:
        return nullcontext(sys.stdin.buffer)


@verb("list")
@click.option("--all", "every", is_flag=True, help="List settled reports too, newest first.")
@click.option(
    "--host", type=params.site, metavar="NAME", help="List only reports that name this host."
)
@click.option(
    "--limit", type=params.IntRange(1, 1_000), default=100, show_default=True, metavar="N",
    help="Maximum number to list.",
)  # fmt: skip
@options.view
def list_(run: Run, *, every: bool, host: str | None, limit: int) -> None:
    """List the reports that wait for the desk, oldest first."""
    from incidents.views.inbox.reports import ReportFilter

    wanted = ReportFilter(waiting=None if every else True, host=host)
    with run.queries() as queries:
        found = queries.reports(wanted, limit=limit, newest=every)["items"]
    output.write_list(
        run, found, ids=(each["id"] for each in found),
        headers=("REPORT", "RECEIVED", "STATE", "FORMAT", "REPORTER", "CATEGORY", "ABOUT"),
        rows=(_row(run, each) for each in found),
        nothing=run.text("report.none"),
    )  # fmt: skip


@verb()
@report_argument
@options.view
def show(run: Run, report: int) -> None:
    """Show REPORT: who sent it, what was read out of it, and how it ended."""
    with run.queries() as queries:
        found = queries.report(report)
    if not output.answer_program(run, found, found["id"]):
        output.write_pairs(run, _pairs(run, found))
        if found["text"]:
            run.write("", *(f"> {line}" for line in found["text"].splitlines()[:40]))


def _pairs(run: Run, found: ReportInFull) -> Iterator[tuple[str, str]]:
    comma, word = run.language.comma, run.language.word
    yield "ID", found["id"]
    yield "state", word("report_state", found["state"])
    yield "reason", found["reason"] or ""
    yield "incident", comma.join(found["incidents"])
    yield "by", found["settled_by"] or ""
    yield "on record", comma.join(found["on_record"])
    yield "earlier", "\n  ".join(_reopening(run, each) for each in found["reopenings"])
    yield "rule", _rule(run, found)
    yield "received", run.when(found["received_at"])
    yield "from", found["reporter"] or ""
    yield "standing", "" if found["standing"] == "none" else word("standing", found["standing"])
    yield "answers", found["answers"] or ""
    yield "answered by", comma.join(found["answered_by"])
    yield "told", comma.join(_told(run, each) for each in found["told"])
    yield "subject", found["subject"] or ""
    yield "format", word("report_format", found["format"])
    yield "category", word("category", found["category"]) if found["category"] else ""
    yield "seen", run.when(found["seen_at"]) if found["seen_at"] else ""
    yield "sites", _sites(run, found)
    yield "holders", "\n  ".join(_held(run, each) for each in found["held"])
    yield "urls", "\n  ".join(found["urls"])
    yield "hosts", comma.join(map(shown, found["hosts"]))
    yield "addresses", comma.join(found["addresses"])
    yield "guessed", comma.join(word("report_field", each) for each in found["guessed"])
    yield "sealed", run.text("report.sealed") if found["sealed"] else ""
    files = (f"{n}. {_file(each)}" for n, each in enumerate(found["attachments"], start=1))
    yield "attachments", "\n  ".join(files)
    yield "digest", found["digest"]


def _held(run: Run, each: Held) -> str:
    """Who had what, and from when until when, in one line."""
    since, until = (None if at is None else run.when(at) for at in (each["since"], each["until"]))
    parts = (
        shown(each["site"]), each["customer"], f"({each['value']})",
        run.text("report.held.since", at=since) if since else "",
        run.text("report.held.until", at=until) if until else "",
    )  # fmt: skip
    return " ".join(filter(None, parts))


def _reopening(run: Run, each: Reopening) -> str:
    """How a report had ended before, and why it was opened again, in one line."""
    return run.text(
        "report.reopening", state=run.language.word("report_state", each["state"]),
        what=each["incident"] or each["reason"] or "-", by=each["settled_by"],
        at=each["settled_at"], reopened_by=each["reopened_by"], reopened_at=each["reopened_at"],
        why=each["why"] or "-",
    )  # fmt: skip


def _told(run: Run, told: Told) -> str:
    """A mail to who reported, in words."""
    at, letter = run.when(told["told_at"]), run.language.word("answer", told["letter"])
    if told["problem"] is None:
        return f"{letter} {at}"
    return f"{letter} {at} ({run.language.word('problem', told['problem'])})"


def _file(file: ReportFile) -> str:
    """An attachment in one line; the name of a sealed one is left out."""
    size = f"{file['type']}, {output.number(file['size'])} B"
    return f"{file['name']} ({size})" if file["name"] else size


def _rule(run: Run, found: Report) -> str:
    """The rule that the report matched, and why it left the report to the desk."""
    rule, asks = found["rule"], found["asks"]
    if rule is None:
        return ""
    if asks is None:
        return rule if found["settled_at"] else run.text("report.rule.due", rule=rule)
    return run.text("report.rule", rule=rule, why=run.language.word("rule_asks", asks))


def _sites(run: Run, found: ReportInFull) -> str:
    """The sites that the report may be about; of several, what it says of each."""
    from incidents.inbox import triage

    parts = triage.parts(found)
    if len(parts) < 2:
        return "".join(shown(each.site) for each in parts)
    return "\n  ".join(
        "  ".join(
            (
                shown(each.site),
                *([run.language.word("category", each.category)] if each.category else []),
                *([run.when(each.seen_at)] if each.seen_at else []),
            )
        )
        for each in parts
    )


def _row(run: Run, each: Report) -> tuple[str, ...]:
    return (
        each["id"], run.when(each["received_at"]), run.language.word("report_state", each["state"]),
        run.language.word("report_format", each["format"]), each["reporter"] or "",
        run.language.word("category", each["category"]) if each["category"] else "",
        _about(run, each),
    )  # fmt: skip


def _about(run: Run, each: Report) -> str:
    """What the report is about, in short: the sites here, or else what it names."""
    found = [shown(name) for name in each["candidates"] or each["hosts"]] or each["addresses"]
    more = len(found) - 3
    return run.language.comma.join([*found[:3], *([f"+{more}"] if more > 0 else [])])


def _line(run: Run, each: Report) -> str:
    """A received report in one line."""
    if each["state"] == "unreadable":
        return run.text("report.received.unread", report=each["id"], reason=each["reason"] or "")
    return run.text(
        "report.received", report=each["id"],
        format=run.language.word("report_format", each["format"]),
        about=_about(run, each) or run.text("report.about_nothing"),
    )  # fmt: skip
