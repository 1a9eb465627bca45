"""The acts on a report: log it, join it to an incident, dismiss it, or open it again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import click

from incidents.cli import answers, options, output, params
from incidents.cli.lazy_group import verb
from incidents.cli.reports.report import report_argument
from incidents.cli.submission import Submission
from incidents.values import inputs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from incidents.cli.run import Run
    from incidents.contract.documents.reports import ReportInFull, Settled, Snapshot
    from incidents.desk import Answer


class _ReportSubmission(Submission):
    """The submission of a command that settles a report; the answer has the report, too."""

    def __init__(self, of: Submission, report: int, *, keep_open: bool) -> None:
        super().__init__(of.run, key=of.key, dry_run=of.dry_run, policy=of.policy)
        self.keep_open = keep_open
        self.found = _waiting(of.run, report)
        """The report before the act."""

    def is_known_host(self, host: str, site: str) -> bool:
        """Whether the host is an IP address that the address book gives to the site."""
        from incidents.inbox import triage

        return host in triage.addresses_of(self.found, site)

    def finish(self, answer: Answer) -> Answer:
        if self.run.remote is None:
            # A server adds the remark itself.
            from incidents.inbox import triage

            answer = triage.remarked(answer, self.found, keep_open=self.keep_open)
        if answer.refusal is not None:
            return answer
        report = _read(self.run, inputs.report(self.found["id"]))

        def make_document() -> Any:
            return {**answer.document, "report": report}

        return replace(answer, make_document=make_document)


def _read(run: Run, report: int) -> ReportInFull:
    with run.queries() as queries:
        return queries.report(report)


def _waiting(run: Run, report: int) -> ReportInFull:
    """The report; raises ReportSettledError if it has ended."""
    from incidents.desk.inbox.reports import ReportSettledError

    found = _read(run, report)
    if found["settled_at"] is not None:
        raise ReportSettledError(
            report=found["id"], state=found["state"], by=found["settled_by"], at=found["settled_at"]
        )
    return found


_keep_open = click.option(
    "--keep-open", is_flag=True,
    help="Leave the report waiting as long as it names further sites.",
)  # fmt: skip


@verb()
@report_argument
@params.perhaps_site_argument
@click.option(
    "--category", type=params.text("category", limit=100), metavar="C", callback=params.category,
    help="Category of the content, if it is not the report's.",
)  # fmt: skip
@options.at_option("it was found", "the time that the report states, else now")
@params.note_option
@click.option("--again", is_flag=True, help="Log a separate violation at the same address.")
@_keep_open
@params.confirm_option
@options.action
def log(  # noqa: PLR0913 - by name, each an option
    submission: Submission, *, report: int, site: str | None, category: str | None, at: str | None,
    note: str | None, again: bool, keep_open: bool, confirm: str | None,
) -> None:  # fmt: skip
    """Log REPORT as a new incident on SITE, with its addresses, its category and its bytes.

    SITE can be left out if the report names one site of this desk. Of a report about several, the
    incident has what it says of SITE; log it on each with --keep-open, and the last one settles it.
    The violation counts like any other (R1), and the clock starts now (R2).
    """
    from incidents import clock
    from incidents.inbox import triage

    own = _ReportSubmission(submission, report, keep_open=keep_open)
    found = own.found
    name = triage.site_of(found, site)
    command = triage.log_command(
        found, name, own.by, clock.now(), at=own.run.read_time(at), category=category, note=note,
        again=again,
    )  # fmt: skip
    if at is None and command.at is not None:
        own.run.inform(_stated_time(own.run, found["id"], command.at))
    own.sequel = triage.sequel(found, command, own.run.settings.login, keep_open=keep_open)
    of_site: dict[str, Any] = {"by": own.by, "login": own.run.settings.login, "at": command.at}
    if own.dry_run:
        own.before = own.run.app.reports.missing_site(name, found, **of_site)
    else:
        own.run.app.reports.ensure_site(name, found, **of_site)
    own.submit_once(name, command, may_repeat=True, confirm=confirm)


def _stated_time(run: Run, report: str, at: datetime) -> str:
    """The time of the violation, which the report states and nobody typed."""
    when = run.when
    return run.text(
        "report.time_taken", report=report, at=at, zone=when.zone_name, ago=when.ago(at)
    )


@verb()
@report_argument
@params.incident_argument
@_keep_open
@options.action
def join(
    submission: Submission, *, report: int, incident: tuple[int, int], keep_open: bool
) -> None:
    """Add REPORT to INCIDENT, which it is about: its bytes become evidence.

    Several reports of one finding are one violation. Joining moves no state and no clock.
    """
    from incidents.inbox import triage

    own = _ReportSubmission(submission, report, keep_open=keep_open)
    site_id, n = incident
    command = triage.join_command(own.found, n, own.by)
    own.sequel = triage.sequel(own.found, command, own.run.settings.login, keep_open=keep_open)
    own.submit(site_id, command)


@verb()
@report_argument
@params.reason_option
@click.option("--not-ours", is_flag=True, help="It is about nothing that this provider hosts.")
@click.option(
    "--tell-reporter", is_flag=True,
    help="Write the reason into the mail that tells the reporter the outcome.",
)  # fmt: skip
@options.action
def dismiss(
    submission: Submission, *, report: int, reason: str, not_ours: bool, tell_reporter: bool
) -> None:
    """Dismiss REPORT: it leads to no incident, for the reason given."""
    answer = submission.run.app.reports.dismiss(
        report, reason, not_ours=not_ours, tell_reporter=tell_reporter, **_acting(submission)
    )
    _write(submission, answer, "report.not_ours" if not_ours else "report.dismissed")


@verb()
@report_argument
@params.reason_option
@options.action
def reopen(submission: Submission, *, report: int, reason: str) -> None:
    """Open REPORT again, which was settled wrongly: it waits for the desk like a new one.

    The incident that it led to stays as it is, and no mail that was sent is taken back. How the
    report had ended stays on record.
    """
    answer = submission.run.app.reports.reopen(report, reason, **_acting(submission))
    _write(submission, answer, "report.reopened")


@verb()
@report_argument
@options.action
def retest(submission: Submission, *, report: int) -> None:
    """Look at the first web addresses of REPORT, and put on record what is there.

    It changes no state and stops no clock. The owner of the site can see the visit.
    """
    answer = submission.run.app.reports.retest(report, **_acting(submission))
    _write(submission, answer)


def _acting(submission: Submission) -> dict[str, Any]:
    """Who acts on a report, for an act that touches no site."""
    login = submission.run.settings.login
    return {"by": submission.by, "login": login, "dry_run": submission.dry_run}


def _write(submission: Submission, answer: Settled, done: str | None = None) -> None:
    """Write the answer to an act that touches no site: the remarks, and what follows from them.

    `done`: the phrase that says what was done; None if the report's pages say it.
    """
    from incidents.machine.refusal import Remark

    run, found = submission.run, answer["report"]
    remarks = [Remark(each["name"], dict(each["facts"])) for each in answer["remarks"]]
    sentences, steps = answers.remark_sentences(run, remarks), answers.remark_steps(run, remarks)
    if output.answer_program(run, answer, found["id"], rows=[cast("dict[str, Any]", found)]):
        run.inform(*sentences, *steps)
    else:
        run.write(*(_pages(run, found) if done is None else [run.text(done, report=found["id"])]))
        run.inform(*sentences)
        run.write(*steps)
    if submission.dry_run:
        run.inform(run.text("answer.dry_run"))


def _pages(run: Run, found: ReportInFull) -> Iterator[str]:
    """What was found at the report's addresses, at first and last."""
    from incidents.views.inbox.snapshots import compared

    for each in compared(found["snapshots"]):
        yield each.last["url"]
        for one in (each.first, each.last) if each.is_again else (each.last,):
            yield f"  {run.when(one['taken_at'])}  {_seen(run, one)}"
        if each.is_again:
            yield f"  {run.text('report.page_same' if each.is_same else 'report.page_differs')}"


def _seen(run: Run, found: Snapshot) -> str:
    """What was found at an address, in one line."""
    problem = found["problem"]
    parts = (
        str(found["status"] or ""),
        run.language.word("snapshot_problem", problem) if problem else "",
        found["title"],
    )
    return "  ".join(filter(None, parts))
