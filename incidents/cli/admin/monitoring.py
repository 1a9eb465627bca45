"""The monitoring commands: list current alarms, test the channels, and print metrics."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal

import click

from incidents import clock
from incidents.cli import options, output, text_table
from incidents.cli.admin.enforcement_words import counted, why_halted
from incidents.cli.lazy_group import verb
from incidents.cli.run import Run
from incidents.errors import DONE, FAILED, IncidentsError, InputError, LibraryError
from incidents.machine.orders import DESK
from incidents.system import disk
from incidents.system.terminal import coloured, is_terminal

if TYPE_CHECKING:
    from incidents.contract.documents.enforcement import Alarm, Metric, TriedChannel
    from incidents.metrics.samples import Samples


@verb()
@click.argument("what", type=click.Choice(["test"]), required=False, metavar="[test]")
@options.query
def alarms(run: Run, what: str | None) -> int:
    """List current alarms; exits 1 if there are any.

    Daemons send each alarm to the desk once. Run this from cron on another host to learn of a
    daemon that died. With `test`: send a trial message through each channel and print the results;
    exits 1 unless all channels accepted it.
    """
    if what is not None:
        return try_channels(run)
    with run.queries() as queries:
        told = queries.alarms_now()
    found: list[Alarm] = told["items"]
    if run.quiet:
        run.write(*(each["key"] for each in found))
    elif run.for_programs:
        output.write_documents(run, ({**each, "next": _next_command(each)} for each in found))
    else:
        _write_alarms(run, found, told.get("unset"))
        if told["capped"]:
            run.inform(run.text("alarms.more", kinds=told["capped"]))
    return FAILED if found else DONE


def _write_alarms(run: Run, found: list[Alarm], unset: str | None) -> None:
    if not found:
        # From cron each line would be a mail.
        if is_terminal(sys.stdout):
            run.inform(run.text("alarms.none"))
        return
    text_table.write_table(
        run, ("ALARM", "WHAT", "THE DESK", "NEXT"),
        (
            (each["key"], _words_of_alarm(run, each), _delivery(run, each), _next_command(each))
            for each in found
        ),
    )  # fmt: skip
    if any(each["kind"] == "halted" for each in found):
        run.inform(run.text("alarms.halted"))
    if unset is not None:
        run.inform(coloured(run.text("alarms.nobody", unset=unset), fg="red", bold=True))


def _delivery(run: Run, alarm: Alarm) -> str:
    if alarm["told_at"] is not None:
        return run.text("alarms.told", ago=run.when.ago(alarm["told_at"]))
    attempts = alarm["attempts_to_tell"]
    return run.text("alarms.not_told.tried" if attempts > 1 else "alarms.not_told", n=attempts)


def _words_of_alarm(run: Run, alarm: Alarm) -> str:
    when, language = run.when, run.language
    site = alarm["site"] or ""
    incident, due = alarm["incident"], alarm["due"]
    ago = "" if alarm["since"] is None else when.ago(alarm["since"])
    match alarm["kind"]:
        case "daemon_silent":
            return _silent(run, alarm, ago)
        case "clock_about_to_lapse" if due is not None:
            return _lapsing(run, alarm, site, when.left(due))
        case "order_dead":
            return _given_up(run, alarm, site)
        case kind if kind in _OF_RECORD:
            # An older server does not report why it is halted, or which sites are closed.
            known = {"closed": 0, **alarm, "why": why_halted(alarm.get("halted_why"), language)}
            return run.text(f"alarms.record.{kind}", **known, ago=ago)
        case "rules_unowned":
            return run.text("alarms.rules_unowned", rules=language.comma.join(alarm["named"]))
        case kind if kind in _COUNTED:
            return counted(f"alarms.{kind}", alarm[_COUNTED[kind]], language, ago=ago)
        case "closure_waits" | "closure_disputed":
            return _closure(run, alarm, site)
        case "report_due" if due is not None:
            return run.text("alarms.report", site=site, incident=incident, left=when.left(due))
        case "filing_due":
            return _filing(run, alarm)
    return str(alarm["subject"])


def _silent(run: Run, alarm: Alarm, ago: str) -> str:
    code = "alarms.silent.daemon" if alarm["daemon"] else "alarms.silent"
    n = alarm["overdue"]
    more = run.text("alarms.silent.overdue", n=n) if n else ""
    return run.text(f"{code}.since" if ago else code, daemon=alarm["daemon"], ago=ago, overdue=more)


def _lapsing(run: Run, alarm: Alarm, site: str, left: str) -> str:
    made = alarm["attempts"]
    code = "alarms.lapsing.closes" if alarm["miss_closes"] else "alarms.lapsing"
    if alarm["miss_closes"] and made is not None:
        code = "alarms.lapsing.tried"
    return run.text(code, site=site, incident=alarm["incident"], left=left, made=made)


def _closure(run: Run, alarm: Alarm, site: str) -> str:
    kind, incident = alarm["kind"], alarm["incident"]
    is_of_incident = incident and kind == "closure_waits"
    code = "alarms.closure_waits.incident" if is_of_incident else f"alarms.{kind}"
    return run.text(code, site=site, rule=alarm["rule"] or "none", incident=incident)


def _filing(run: Run, alarm: Alarm) -> str:
    told = counted("alarms.filing", alarm["terms"], run.language, day=alarm["subject"])
    overdue = alarm["overdue"]
    return told + (run.text("alarms.filing.overdue", n=overdue) if overdue else "")


def _given_up(run: Run, alarm: Alarm, site: str) -> str:
    facts = {"site": site, "kind": alarm["order_kind"], "problem": alarm["problem"]}
    attempts = alarm["attempts"]
    if not attempts:
        return run.text("alarms.dead", **facts)
    return counted("alarms.dead", attempts, run.language, **facts)


_COUNTED: Mapping[str, Literal["orders", "reports"]] = {
    "brake_on": "orders", "rules_braked": "reports", "reports_untriaged": "reports",
}  # fmt: skip

_OF_RECORD = frozenset({
    "halted", "mark_unread", "entries_lost", "server_changed", "sites_uncompared",
    "sites_left_down", "log_unsigned",
})  # fmt: skip


def _next_command(alarm: Alarm) -> str:
    """Return the command to type next for an alarm."""
    return {
        "daemon_silent": "incidents daemon status",
        "clock_about_to_lapse": f"incidents contact {alarm['incident']} reached",
        "order_dead": f"incidents orders show {alarm['order']}",
        "halted": "incidents daemon status",
        "mark_unread": "incidents daemon status",
        "entries_lost": "incidents audit status",
        "server_changed": "incidents audit status",
        "log_unsigned": "incidents audit status",
        "sites_uncompared": "incidents daemon status",
        "sites_left_down": "incidents daemon status",
        "brake_on": "incidents orders list --braked",
        "rules_unowned": "incidents report rules show",
        "rules_braked": "incidents report list",
        "reports_untriaged": "incidents report list",
        "closure_waits": f"incidents site why {alarm['site']}",
        "closure_disputed": f"incidents site why {alarm['site']}",
        "filing_due": "incidents filing terms",
        "report_due": f"incidents police done {alarm['incident']} --ref R",
    }.get(alarm["kind"], "incidents queue")


def try_channels(run: Run) -> int:
    """Send a test through each channel of [alarms], even in quiet hours.

    Return the exit status.
    """
    took = _write_trial(run, _sent_trial(run) if run.remote is None else run.remote.try_alarms())
    if not took:
        from incidents.notices.notice_settings import CHANNELS

        run.inform(run.text("alarms.nobody", unset=CHANNELS[DESK]))
    return DONE if took and all(took) else FAILED


def _sent_trial(run: Run) -> Iterable[TriedChannel]:
    from incidents.notices import notice_settings, trial

    return trial.send(notice_settings.desk_settings(run.settings.zone), clock.now(), run.when)


def _write_trial(run: Run, results: Iterable[TriedChannel]) -> list[bool]:
    """Write the result for each channel; return whether each channel accepted the test."""
    took: list[bool] = []

    def noted() -> Iterable[TriedChannel]:
        for result in results:
            took.append(result["took"])
            yield result

    if run.quiet:
        run.write(*(result["channel"] for result in noted() if result["took"]))
    elif run.for_programs:
        output.write_documents(run, noted())
    else:
        for result in noted():
            run.write(_sentence_of_trial(run, result))
    return took


def _sentence_of_trial(run: Run, result: TriedChannel) -> str:
    channel = result["channel"]
    if not result["took"]:
        code = "alarms.trial.failed.detail" if result["detail"] else "alarms.trial.failed"
        sentence = run.text(
            code, channel=channel, problem=result["problem"], detail=result["detail"]
        )
        return coloured(sentence, fg="red", bold=True)
    if result["quiet_until"] is not None:
        return run.text("alarms.trial.quiet", channel=channel, at=result["quiet_until"])
    return run.text("alarms.trial", channel=channel)


class NoMetricsLibraryError(LibraryError):
    """metrics need a library that is not installed"""

    extra = "metrics"


@verb()
@click.option(
    "-o", "--output", "target", metavar="FILE",
    help="Write to FILE, whole or not at all: for the textfile collector of node_exporter.",
)  # fmt: skip
@options.query
def metrics(run: Run, target: str | None) -> None:
    """Print metrics in Prometheus text format. For a daemon that serves them, see [metrics].

    If the database cannot be read, incidents_up is 0 and the exit status is 1.
    """
    from incidents.metrics.database import static_samples
    from incidents.metrics.service import LIBRARY

    if run.remote is not None and target is None and run.for_programs:
        raise InputError.coded(
            "metrics_as_text", "a server gives metrics as text only: omit --format and --json"
        )
    if find_spec(LIBRARY) is None:
        raise NoMetricsLibraryError
    found: Samples | bytes = static_samples(up=False)
    trouble = None
    try:
        found = _samples(run) if run.remote is None else run.remote.metrics()
    except IncidentsError as error:
        trouble = error
    if target is None and run.for_programs and not isinstance(found, bytes):
        output.write_documents(run, _metric_documents(found))
    else:
        from incidents.metrics import exposition

        text = found if isinstance(found, bytes) else exposition.text(found)
        # Numbers alone, which another user's node_exporter reads.
        output.write_file(target or output.STANDARD_OUTPUT, [text], disk.PUBLIC)
    if trouble is not None:
        raise trouble


def _samples(run: Run) -> Samples:
    from incidents.metrics.database import look, replica_samples

    app = run.local
    with app.reading() as connection:
        found = look(connection, app.now(connection))
    replica_samples(app.replica, found)
    return found


def _metric_documents(found: Samples) -> Iterator[Metric]:
    from incidents.metrics.catalogue import BY_NAME
    from incidents.metrics.samples import Histogram

    for name, labels, value in found:
        assert not isinstance(value, Histogram), "a database has none: a daemon measures them"
        named = dict(zip(BY_NAME[name].labels, labels, strict=True))
        yield {"metric": name, "labels": named, "value": value}
