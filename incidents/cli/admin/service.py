"""The long-running commands: the daemon and the HTTP service."""

from __future__ import annotations

import sys
from collections import Counter
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from incidents import clock
from incidents.accounts import access_settings
from incidents.cli import answers, error_text, options, output, params
from incidents.cli.admin import enforcement_words
from incidents.cli.admin.enforcement_words import counted
from incidents.cli.lazy_group import verb
from incidents.errors import DONE, FAILED, Cause, IncidentsError, InputError
from incidents.locale import event_sentence

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from incidents.app import App
    from incidents.cli.run import Run
    from incidents.contract.documents.actions import EventOfSite
    from incidents.contract.documents.enforcement import SettingsCheck
    from incidents.desk import Answer
    from incidents.enforcement.outcomes import Outcomes
    from incidents.notices.customer_link import Links


MAX_TOLD = 20


_DAEMON_HERE = Cause.of("daemon_here", "start a daemon where it runs, beside the database")
_SERVER_HERE = Cause.of("server_here", "start a server where it runs, beside the database")


@verb()
@click.argument(
    "what", type=click.Choice(["status", "check"]), required=False, metavar="[status|check]"
)
@click.option("--once", is_flag=True, help="Do everything due now, then exit: for cron.")
@options.query
def daemon(run: Run, *, what: str | None, once: bool) -> int:
    """Enforce the deadlines until stopped; several daemons can share one database.

    With `status`: show whether deadlines are being enforced and what is overdue; exits 1 if they
    are not, if all orders are halted, or if no daemon would start with the settings here; orders
    that are only logged do not change it.
    With `check`: check the settings, and the database, programs and folders that they name, without
    starting anything; exits 1 and prints what is wrong.
    """
    if what is not None and once:
        raise InputError.coded(
            "not_together", "{one} and {other} exclude each other", one=what, other="--once"
        )
    if what == "status":
        return _status(run)
    run.refuse_server(_DAEMON_HERE)
    if what == "check":
        return _check(run)
    if once:
        return _once(run)
    from incidents.daemon import processes
    from incidents.opened_database import check_clock

    if sys.stderr.isatty():
        # All else that it writes is its log.
        run.inform(run.text("daemon.started"))
    check_clock(run.settings)
    return processes.run(run.local)


def _once(run: Run) -> int:
    from incidents.daemon import (
        alarm_duty,
        delivery,
        enforce,
        filing_duty,
        heartbeat,
        record,
        recovery_duty,
    )
    from incidents.daemon.inbox import answer_duty, imap_duty, inbox_duty, rules_duty, snapshot_duty

    done = _OutcomeSummary(run)
    app = run.local
    found = enforce.elapse(app.engine, app.desk, done=done.add)
    if found.aside is not None:
        raise enforce.StandingAsideError(reason=found.aside)
    # An error in one duty does not keep the others from running.
    wrong: list[Exception] = []
    _do(heartbeat.record_once, app, wrong)
    done.tell()
    carried_out = [delivery.once(app)]
    unread = carried_out[0].mark_unread
    _do(lambda app: heartbeat.record_mark_once(app, unread), app, wrong)

    def recover(app: App) -> None:
        recovery_duty.once(app, lambda: carried_out.append(delivery.once(app)))

    duties = (
        record.once, recover, inbox_duty.once, imap_duty.once, rules_duty.once, snapshot_duty.once,
        answer_duty.once, filing_duty.once, alarm_duty.once,
    )  # fmt: skip
    for duty in duties:
        _do(duty, app, wrong)
    _write_orders(run, [each.round.outcomes for each in carried_out if each.round is not None])
    wrong += [error for each in carried_out for error in each.errors]
    return _write_errors(run, wrong)


def _do(duty: Callable[[App], object], app: App, wrong: list[Exception]) -> None:
    try:
        duty(app)
    except IncidentsError as error:
        wrong.append(error)


def _write_errors(run: Run, wrong: list[Exception]) -> int:
    """Write the errors of the duties and return the exit status; raise the last error."""
    if not wrong:
        return DONE
    by_text = {str(error): error for error in wrong}
    *others, last = by_text.values()
    for error in others:
        run.inform(str(error))
    raise last


def _write_orders(run: Run, outcomes: list[Outcomes]) -> None:
    logged = sum(each.only_logged for each in outcomes)
    if logged:
        run.inform(counted("daemon.only_logged", logged, run.language))
    left = sum(each.counts["retry"] + each.counts["failed"] for each in outcomes)
    if left:
        run.inform(counted("daemon.not_carried_out", left, run.language))


def _check(run: Run) -> int:
    from incidents.daemon import settings_check
    from incidents.notices.notice_settings import CHANNELS

    lanes = settings_check.check(run.local)
    found: SettingsCheck = {"valid": True, "idle_lanes": lanes}
    if output.answer_program(run, found, *lanes):
        return DONE
    undone = [run.text(f"daemon.undone.{lane}", setting=CHANNELS.get(lane)) for lane in lanes]
    run.inform(run.text("daemon.settings_ok"), *undone)
    return DONE


class _OutcomeSummary:
    """A summary of the decisions to show; people see only the first, as there can be many."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._sites: list[str] = []
        self._events: list[EventOfSite] = []
        self._sentences: list[str] = []
        self._kinds: Counter[str] = Counter()

    def add(self, batch: list[Answer]) -> None:
        """Add the decisions of one batch."""
        for answer in batch:
            events = answer.document["events"]
            self._sites.append(answer.site)
            self._kinds.update(event["kind"] for event in events)
            if self._run.for_programs:
                self._events += [{"site": answer.site, **event} for event in events]
            elif len(self._sentences) < MAX_TOLD:
                self._sentences += self._told(answer)

    def tell(self) -> None:
        """Write everything for programs, or the first decisions and the totals for people."""
        run = self._run
        document = {"sites": len(self._sites), "events": self._events}
        if output.answer_program(run, document, *self._sites, rows=self._events):
            return
        if self._sites:
            run.write(*self._sentences[:MAX_TOLD])
            rest = self._kinds.total() - MAX_TOLD
            if rest > 0:
                run.write(run.text("daemon.more", n=rest))
            kinds = [
                # English shows the code itself.
                run.text("daemon.done.kind", n=n, kind=kind).replace("_", " ")
                for kind, n in sorted(self._kinds.items())
            ]
            run.write(counted("daemon.done", len(self._sites), run.language, kinds=kinds))
        elif sys.stdout.isatty():
            # Elsewhere it would be a mail from cron, each minute.
            run.inform(run.text("daemon.nothing"))

    def _told(self, answer: Answer) -> list[str]:
        wording = answers.wording_of(self._run, answer)
        events = answers.as_left_down(self._run, answer)
        return [event_sentence.sentence(wording, event) for event in events]


def _status(run: Run) -> int:
    from incidents.views.health import carries_out

    with run.queries() as queries:
        found = queries.enforcement()
    fault = _settings_fault(run)
    told = {**found, "settings_fault": fault}
    alone = {name: value for name, value in told.items() if name != "daemons"}
    beating = (daemon["daemon"] for daemon in found["daemons"] if daemon["beating"])
    if not output.answer_program(run, told, *beating, rows=found["daemons"] or [alone]):
        enforcement_words.write_enforcement(run, found)
        if fault is not None:
            run.write(run.text("daemon.settings_fault", fault=fault))
    return DONE if fault is None and carries_out(found) else FAILED


def _settings_fault(run: Run) -> str | None:
    """What is wrong with the settings here: a daemon that runs may have read earlier ones."""
    if run.remote is not None:
        return None
    from incidents.daemon import settings_check

    try:
        settings_check.check(run.local)
    except IncidentsError as error:
        return error_text.rendered(run, error)
    return None


DEFAULT_PORT = 7390


@verb()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=params.IntRange(0, 65_535),
    default=DEFAULT_PORT,
    show_default=True,
    help="Port; 0 picks a free one.",
)
@click.option(
    "--workers",
    type=params.IntRange(1, access_settings.MAX_WORKERS),
    metavar="N",
    help="Worker processes. Default: [serve] workers.",
)
@click.option("--sign-in-links", type=params.File(), hidden=True)
@options.query
def serve(
    run: Run, *, host: str, port: int, workers: int | None, sign_in_links: Path | None
) -> None:
    """Serve the API at /api/v1, the console at / and the customer page at /c.

    It uses plain HTTP, on this machine only. Put a TLS reverse proxy in front of it that does not
    rewrite paths (docs/how-to/nginx-for-serve.conf), and name the proxy in [serve] trusted_proxies.
    People sign in with accounts (incidents account). At a terminal, it offers to make the first
    one. The customer page needs [customer] in the settings. SIGTERM stops it.
    """
    run.refuse_server(_SERVER_HERE)
    from incidents.accounts import serve_key
    from incidents.cli.admin import db, first_account
    from incidents.daemon import settings_check
    from incidents.desk import own_stream, tokens
    from incidents.notices.customer_link import PATH
    from incidents.store.database.access import open_to_others
    from incidents.web import service

    service.needed()
    settings_check.check_unread()
    if warning := open_to_others(run.local.bare_engine):
        run.inform(run.language.cause(warning))
    app, settings = run.local, run.settings
    by = own_stream.Actor(person=settings.person, login=settings.login)
    key = serve_key.key_file(settings)
    if found := tokens.begin_sealing(app.engine, app.desk, key, by, clock.now):
        run.inform(db.sealed(run, found) if isinstance(found, tokens.SealingResult) else str(found))
    first_account.offer(run)

    def listening(url: str, links: Links | None) -> None:
        if host := _exposed_host(url):
            run.inform(run.text("serve.exposed", host=host))
        run.inform(run.text("serve.console", url=url))
        if links is not None:
            run.inform(run.text("serve.customer", url=url, path=PATH, base=links.base_url))
        run.write(url)

    service.serve(
        run.local,
        host=host,
        port=port,
        listening=listening,
        processes=workers,
        sign_in_links=sign_in_links,
    )


def _exposed_host(url: str) -> str | None:
    """Return the host if others can reach the service by plain HTTP.

    None on the loopback interface, or behind a proxy.
    """
    host = str(urlsplit(url).hostname)
    is_near = ip_address(host.partition("%")[0]).is_loopback
    if is_near or access_settings.serve().trusted_proxies:
        return None
    return host
