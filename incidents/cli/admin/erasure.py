"""The erasure commands: erase expired data, or one person's data on request."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from incidents import clock, errors
from incidents.cli import options, output, params, reauthentication
from incidents.cli.confirmation import read_confirmation
from incidents.cli.lazy_group import Group
from incidents.cli.run import Run
from incidents.clock import rfc3339
from incidents.locale.words import count
from incidents.settings import retention as retention_settings
from incidents.system.terminal import is_terminal
from incidents.values import site_name

if TYPE_CHECKING:
    from incidents.contract.documents.policies import ErasedAccount, ErasedReporter
    from incidents.desk.erasure import Erased
    from incidents.desk.erasure_request import ErasureResult
    from incidents.desk.pseudonyms import RetentionResult


def counted_erasure(run: Run, words: int, files: int, sign_ins: int = 0) -> str:
    """Count texts, files and rows of the sign-in log, in words."""
    sentence = count(run.language, words, "text")
    for n, what in ((files, "file"), (sign_ins, "sign_in")):
        if n:
            sentence = run.text("erasure.and", some=sentence, more=count(run.language, n, what))
    return sentence


def erased_sentence(run: Run, erased: Erased, *, dry_run: bool) -> str:
    """Report what was erased, or would be in a dry run."""
    what = counted_erasure(run, erased.words, erased.files, erased.sign_ins)
    return run.text("erasure.would_go" if dry_run else "erasure.gone", what=what)


@click.group(cls=Group)
def retention() -> None:
    """Erase data at the end of its retention time."""


@retention.command()
@options.query
def show(run: Run) -> None:
    """Show how long texts are kept, and what could be erased now."""
    _answer_of_retention(run, _preview(run), dry_run=True)


@retention.command("run", short_help="Erase texts past their retention.")
@click.option("--dry-run", is_flag=True, help="Show what would be erased; erase nothing.")
@reauthentication.password_file_option
@options.query
def run_now(run: Run, *, dry_run: bool, password_file: Path | None) -> None:
    """Erase texts that are older than the setting [retention] keep and no longer
    needed.

    It keeps texts about unsettled incidents, contacts of sites that are not closed, and the reasons
    for active holds and open requests. Without the setting it erases no text. It also deletes the
    answers stored for a --key and most checkpoints after 30 days, as the daemon does. Over a server
    it asks for a password.
    """
    _answer_of_retention(
        run, _preview(run) if dry_run else _aged(run, password_file), dry_run=dry_run
    )


def _preview(run: Run) -> RetentionResult:
    if run.remote is not None:
        return run.remote.erasing.preview()
    from incidents.desk import pseudonyms

    keep = retention_settings.of_settings()
    return pseudonyms.count_expired(run.local.engine, run.settings.evidence, keep, clock.now())


def _aged(run: Run, password_file: Path | None) -> RetentionResult:
    if run.remote is not None:
        with reauthentication.in_session(run, password_file):
            return run.remote.erasing.erase_aged()
    from incidents.desk import pseudonyms

    keep, app, settings = retention_settings.of_settings(), run.local, run.settings
    return pseudonyms.erase_expired(
        app.desk, app.engine, settings.evidence, keep, clock.now(), by=settings.person,
        login=settings.login,
    )  # fmt: skip


def _answer_of_retention(run: Run, aged: RetentionResult, *, dry_run: bool) -> None:
    keep = aged.keep
    if run.for_programs:
        document = aged.document(dry_run=dry_run)
        output.write_document(run, document, rows=[document])
    elif not run.quiet:
        sentence = erased_sentence(run, aged.erased, dry_run=dry_run)
        run.write(run.text("erasure.kept", days=keep.keep.days, told=sentence, before=aged.before))
        for what, n in (("keys", aged.keys), ("checkpoints", aged.checkpoints)):
            if n:
                run.write(run.text(f"erasure.{what}.would" if dry_run else f"erasure.{what}", n=n))
        if not keep.is_enabled:
            run.inform(run.text("erasure.not_asked_for"))


class ErasureNotConfirmedError(errors.NotConfirmedError):
    """nothing was done: erasing {what} for good was not confirmed; {way_out}"""

    name = "not_confirmed"


@click.group(cls=Group)
def person() -> None:
    """Erase a person's data once the law allows it."""


@person.command(short_help="Erase the personal texts about a site.")
@params.perhaps_site_argument
@click.option("--account", metavar="HANDLE", help="Erase the sign-ins of this account, not a site.")
@click.option(
    "--reporter", type=params.reporter, metavar="ADDRESS",
    help="Erase who sent reports, not a site.",
)  # fmt: skip
@params.reason_option
@click.option("--dry-run", is_flag=True, help="Show what would be erased; erase nothing.")
@params.confirm_option
@reauthentication.password_file_option
@options.query
def erase(
    run: Run, *, site: str | None, account: str | None, reporter: str | None, reason: str,
    dry_run: bool,
    confirm: str | None, password_file: Path | None,
) -> None:  # fmt: skip
    """Erase the texts about SITE, and its contact, if they are old enough.

    With --reporter: the address, and what was read out of reports that have ended.

    With --account: replace an account and its addresses in the sign-in log with a pseudonym.

    Data is old enough 184 days after it was recorded, or after the setting [retention] keep. You
    cannot undo this: it asks you to type the name, or takes --confirm NAME. The record keeps its
    entries and its proofs. Over a server it asks for a password.
    """
    if [site, account, reporter].count(None) != 2:
        raise errors.InputError.coded(
            "erase_what",
            "name one of these: a SITE, with --account whose sign-ins, or with --reporter who sent"
            " reports, to erase",
        )
    if reporter is not None:
        _erase_reporter(run, reporter, reason, confirm, password_file, dry_run=dry_run)
        return
    if account is not None:
        _erase_account(run, account, reason, confirm, password_file, dry_run=dry_run)
        return
    assert site is not None
    if run.remote is None:
        met = _erase_of_site(run, site, reason, confirm, dry_run=dry_run)
    else:
        with reauthentication.in_session(run, password_file):
            met = run.remote.erasing.erase_site(
                site, reason, dry_run=dry_run, confirm=lambda: _confirm_erasure(run, site, confirm)
            )
    _answer_of_demand(run, met, dry_run=dry_run)


def _erase_of_site(
    run: Run, site: str, reason: str, confirm: str | None, *, dry_run: bool
) -> ErasureResult:
    from incidents.desk.erasure_request import ErasureRequest, ErasureRequests

    app, settings = run.local, run.settings
    demands = ErasureRequests(
        desk=app.desk, engine=app.engine, folder=settings.evidence,
        keep=retention_settings.of_settings(),
    )  # fmt: skip
    return demands.execute(
        ErasureRequest(site=site, reason=reason, by=settings.person, login=settings.login),
        clock.now(),
        dry_run=dry_run,
        confirm=lambda: _confirm_erasure(run, site, confirm),
        format_time=rfc3339 if run.for_programs else run.when.until,
    )


def _erase_account(
    run: Run, handle: str, reason: str, confirm: str | None, password_file: Path | None, *,
    dry_run: bool,
) -> None:  # fmt: skip
    def sure() -> None:
        question = run.question("erasure.confirm.account", handle=handle)
        typed, way_out = _ask_confirmation(run, question, handle, confirm)
        if (typed or "").strip() != handle:
            raise ErasureNotConfirmedError(
                what=errors.Cause.of("who_signed_in", "who signed in as {handle}", handle=handle),
                way_out=way_out,
            )

    if run.remote is None:
        document = _account_met(run, handle, reason, sure, dry_run=dry_run)
    else:
        with reauthentication.in_session(run, password_file):
            document = run.remote.erasing.erase_account(
                handle, reason, dry_run=dry_run, confirm=sure
            )
    if not output.answer_program(run, document, handle):
        code = "erasure.sign_ins.would" if dry_run else "erasure.sign_ins"
        facts = {"n": document["sign_ins"], "names": document["names"]}
        run.write(run.text(code, handle=handle, **facts))
        if document["next_at"] is not None:
            run.write(run.text("erasure.sign_ins.next", at=document["next_at"]))


def _erase_reporter(
    run: Run, reporter: str, reason: str, confirm: str | None, password_file: Path | None, *,
    dry_run: bool,
) -> None:  # fmt: skip
    def sure() -> None:
        question = run.question("erasure.confirm.reporter", reporter=reporter)
        typed, way_out = _ask_confirmation(run, question, reporter, confirm)
        if (typed or "").strip().lower() != reporter:
            raise ErasureNotConfirmedError(
                what=errors.Cause.of("what_reporter", "{reporter}", reporter=reporter),
                way_out=way_out,
            )

    if run.remote is None:
        document = _reporter_met(run, reporter, reason, sure, dry_run=dry_run)
    else:
        with reauthentication.in_session(run, password_file):
            document = run.remote.erasing.erase_reporter(
                reporter, reason, dry_run=dry_run, confirm=sure
            )
    if not output.answer_program(run, document, reporter):
        what = counted_erasure(run, document["words"], document["files"])
        sentence = run.text("erasure.would_go" if dry_run else "erasure.gone", what=what)
        if not (document["words"] or document["files"]):
            sentence = run.text("erasure.nothing")
        run.write(run.text("erasure.of_reporter", reporter=reporter, told=sentence))
        for each in document["kept"]:
            code = f"erasure.reporter.kept.{each['why']}"
            run.write(run.text(code, digest=each["digest"], incident=each["incident"] or ""))
        if document["waiting"]:
            run.write(run.text("erasure.reporter.waiting", n=document["waiting"]))
        if document["next_at"] is not None:
            run.write(run.text("erasure.reporter.next", at=document["next_at"]))


def _reporter_met(
    run: Run, reporter: str, reason: str, sure: Callable[[], None], *, dry_run: bool
) -> ErasedReporter:
    from incidents.desk.inbox.reporter_erasure import ReporterErasureRequest, ReporterErasures

    app, settings = run.local, run.settings
    met = ReporterErasures(
        desk=app.desk, engine=app.engine, folder=settings.evidence,
        keep=retention_settings.of_settings(),
    ).execute(
        ReporterErasureRequest(
            reporter=reporter, reason=reason, by=settings.person, login=settings.login
        ),
        clock.now(), dry_run=dry_run, confirm=sure,
        format_time=rfc3339 if run.for_programs else run.when.until,
    )  # fmt: skip
    return met.document(dry_run=dry_run)


def _account_met(
    run: Run, handle: str, reason: str, sure: Callable[[], None], *, dry_run: bool
) -> ErasedAccount:
    from incidents.desk import pseudonyms

    app, settings = run.local, run.settings
    met = pseudonyms.erase_account(
        app.desk,
        app.engine,
        retention_settings.of_settings(),
        pseudonyms.AccountErasureRequest(
            handle=handle, reason=reason, by=settings.person, login=settings.login
        ),
        clock.now(),
        dry_run=dry_run,
        confirm=sure,
        format_time=rfc3339 if run.for_programs else run.when.until,
    )
    return met.document(dry_run=dry_run)


def _confirm_erasure(run: Run, site: str, confirm: str | None) -> None:
    question = run.question("erasure.confirm.site", site=site_name.in_full(site))
    typed, way_out = _ask_confirmation(run, question, site, confirm)
    if not site_name.matches_name(site, typed):
        raise ErasureNotConfirmedError(
            what=errors.Cause.of("whose_words", "the texts about {site}", site=site),
            way_out=way_out,
        )


def _ask_confirmation(
    run: Run, question: str, name: str, confirm: str | None
) -> tuple[str | None, str]:
    """Return the confirmation given or typed, and what to do if it is wrong."""
    asked = confirm is None and is_terminal(sys.stdin)
    typed = read_confirmation(run, [question, run.question("erasure.confirm.type")], confirm)
    code = "erasure.way_out.typed" if asked else "erasure.way_out.option"
    return typed, run.text(code, name=name)


def _answer_of_demand(run: Run, met: ErasureResult, *, dry_run: bool) -> None:
    young = met.staying
    if not output.answer_program(run, met.document(dry_run=dry_run), met.site):
        sentence = run.text("erasure.nothing")
        if met.erased.anything:
            sentence = erased_sentence(run, met.erased, dry_run=dry_run)
        run.write(run.text("erasure.of_site", site=met.site, told=sentence))
        if young.first is not None and young.last is not None:
            what = counted_erasure(run, young.words, young.files)
            run.write(run.text("erasure.must_stay", what=what, first=young.first, last=young.last))
