"""The monitoring on the command line: what is alarming now, trials of the channels, the metrics."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING

import click

from incidents import clock
from incidents.cli import options, output
from incidents.cli.enforcement_words import WHY_HALTED
from incidents.cli.run import Run, is_terminal, painted
from incidents.errors import DONE, FAILED, IncidentsError, InputError, LibraryError
from incidents.locale.words import Document, When, counted, rule
from incidents.machine.orders import DESK
from incidents.system import disk
from incidents.values import site_name

if TYPE_CHECKING:
    from incidents.contract.documents.enforcement import Alarm
    from incidents.metrics.samples import Samples


_NOBODY = "nobody is told: no channel is set ({unset} in the settings)"


@click.command()
@click.argument("what", type=click.Choice(["test"]), required=False, metavar="[test]")
@options.looking
def alarms(run: Run, what: str | None) -> int:
    """List what is alarming now; exits 1 if anything is.

    The daemons tell the desk of it, each once. From cron on another host this list says what a
    daemon that has died cannot. With `test`: send a trial through each channel, and say what came
    of it; exits 1 unless all have taken it.
    """
    if what is not None:
        return try_channels(run)
    with run.looking() as looks:
        told = looks.alarms_now()
    found: list[Alarm] = told["items"]
    if run.quiet:
        run.say(*(each["key"] for each in found))
    elif run.for_programs:
        output.documents(run, ({**each, "next": _next_command(each)} for each in found))
    else:
        _tell_alarms(run, found, told.get("unset"))
        if told["capped"]:
            run.tell(f"there may be more: {', '.join(told['capped'])}")
    return FAILED if found else DONE


def _tell_alarms(run: Run, found: list[Alarm], unset: str | None) -> None:
    if not found:
        # From cron each line would be a mail.
        if is_terminal(sys.stdout):
            run.tell("nothing is alarming")
        return
    when = run.when
    output.table(
        run, ("ALARM", "WHAT", "THE DESK", "NEXT"),
        (
            (each["key"], _words_of_alarm(each, when), _whether_told(each, when),
             _next_command(each))
            for each in found
        ),
    )  # fmt: skip
    if any(each["kind"] == "halted" for each in found):
        run.tell("until a person goes on, the desk is not told of what has begun before")
    if unset is not None:
        run.tell(painted(_NOBODY.format(unset=unset), fg="red", bold=True))


def _whether_told(alarm: Alarm, when: When) -> str:
    if alarm["told_at"] is not None:
        return f"told {when.ago(alarm['told_at'])}"
    attempts = alarm["attempts_to_tell"]
    return f"not told after {attempts} tries" if attempts > 1 else "not told"


def _words_of_alarm(alarm: Alarm, when: When) -> str:
    site = "" if alarm["site"] is None else site_name.shown(alarm["site"])
    incident, due = alarm["incident"], alarm["due"]
    ago = "" if alarm["since"] is None else when.ago(alarm["since"])
    overdue = f"; sites overdue: {alarm['overdue']:,}" if alarm["overdue"] else ""
    match alarm["kind"]:
        case "daemon_silent":
            named = alarm["daemon"]
            who = f"the daemon {named}" if named else "no daemon enforces the clock"
            heard = ago and f", last heard of {ago}"
            return f"{who}{heard}{overdue}"
        case "clock_about_to_lapse" if due is not None:
            closes = f", and a miss closes {site}" if alarm["miss_closes"] else ""
            return f"{site}: the clock of {incident} runs out {when.left(due)}{closes}"
        case "order_dead":
            attempts = alarm["attempts"]
            after = f" after {counted(attempts, 'attempt')}" if attempts else ""
            return f"{site}: {alarm['order_kind']} given up{after} ({alarm['problem']})"
        case kind if kind in _OF_RECORD:
            # A server of before does not say why it is halted, nor what is closed.
            facts = {"closed": 0, **alarm, "why": WHY_HALTED[alarm.get("halted_why")]}
            return f"{_OF_RECORD[kind].format_map(facts)} {ago}"
        case "brake_on":
            return f"too many sites at once: {counted(alarm['orders'], 'order')} held back"
        case "closure_waits":
            why = f", {incident}" if incident else ""
            return f"{site}: its closure ({rule(alarm['rule'])}{why}) waits for a second person"
        case "closure_disputed":
            return f"{site}: what closed it no longer holds ({rule(alarm['rule'])})"
        case "report_due" if due is not None:
            return f"{site}: {incident} is to be reported to the police, {when.left(due)}"
        case "filing_due":
            terms = counted(alarm["terms"], "term")
            late = overdue and f", {alarm['overdue']:,} overdue"
            return f"filings: {terms} to keep, reminded of on {alarm['subject']}{late}"
    return str(alarm["subject"])


_OF_RECORD = {
    "halted": "nothing is carried out until a person goes on: {why}; known",
    "mark_unread": "the daemon {daemon} carries nothing out: {problem}; known",
    "entries_lost": "the record has lost its end, known",
    "server_changed": "another server has taken over, known",
    "sites_uncompared": "sites not compared with the world: {sites:,} ({problem}); known",
    "sites_left_down": "sites left down or unknown: {sites:,} ({closed:,} closed, {unknown:,}"
    " unknown); why may have been lost with the record's end,",
    "log_unsigned": "entries are not signed, known",
}


def _next_command(alarm: Alarm) -> str:
    """What can be typed next."""
    return {
        "daemon_silent": "incidents daemon status",
        "clock_about_to_lapse": f"incidents contact {alarm['incident']} reached",
        "order_dead": f"incidents acts show {alarm['order']}",
        "halted": "incidents daemon status",
        "mark_unread": "incidents daemon status",
        "entries_lost": "incidents audit status",
        "server_changed": "incidents audit status",
        "log_unsigned": "incidents audit status",
        "sites_uncompared": "incidents daemon status",
        "sites_left_down": "incidents daemon status",
        "brake_on": "incidents acts list --braked",
        "closure_waits": f"incidents site why {alarm['site']}",
        "closure_disputed": f"incidents site why {alarm['site']}",
        "filing_due": "incidents filing terms",
        "report_due": f"incidents reported {alarm['incident']} --ref R",
    }.get(alarm["kind"], "incidents queue")


def try_channels(run: Run) -> int:
    """Send it through each channel of [alarms], whatever the hour; the exit status."""
    took = _tell_trial(run, _sent_trial(run) if run.remote is None else run.remote.try_alarms())
    if not took:
        from incidents.notices.notice_settings import CHANNELS

        run.tell(_NOBODY.format(unset=CHANNELS[DESK]))
    return DONE if took and all(took) else FAILED


def _sent_trial(run: Run) -> Iterable[Document]:
    from incidents.notices import notice_settings, trial

    return trial.send(notice_settings.to_desk(run.settings.zone), clock.now(), run.when)


def _tell_trial(run: Run, results: Iterable[Document]) -> list[bool]:
    """Writes what each channel has said; whether it took it."""
    took: list[bool] = []

    def noted() -> Iterable[Document]:
        for result in results:
            took.append(result["took"])
            yield result

    if run.quiet:
        run.say(*(result["channel"] for result in noted() if result["took"]))
    elif run.for_programs:
        output.documents(run, noted())
    else:
        for result in noted():
            run.say(_sentence_of_trial(result, run.when))
    return took


def _sentence_of_trial(result: Document, when: When) -> str:
    if not result["took"]:
        detail = f" ({result['detail']})" if result["detail"] else ""
        told = f"{result['channel']}: NOT TAKEN, {result['problem']}{detail}"
        return painted(told, fg="red", bold=True)
    quiet = ""
    if result["quiet_until"] is not None:
        quiet = f"; alarms wait until {when(result['quiet_until'])}, when its quiet hours end"
    return f"{result['channel']}: taken{quiet}"


class NoMetricsLibraryError(LibraryError):
    """the metrics need a library that is not installed"""

    extra = "metrics"


@click.command()
@click.option(
    "-o", "--output", "target", metavar="FILE",
    help="Write them to FILE, whole or not at all: for the textfile collector of node_exporter.",
)  # fmt: skip
@options.looking
def metrics(run: Run, target: str | None) -> None:
    """Print what the database tells a Prometheus, once; see [metrics] for a daemon that serves it.

    If the database cannot be looked at, incidents_up is 0 and the exit status 1.
    """
    from incidents.metrics.database import always
    from incidents.metrics.service import LIBRARY

    if run.remote is not None and target is None and run.for_programs:
        raise InputError("over a server the metrics come as text: leave the format out")
    if find_spec(LIBRARY) is None:
        raise NoMetricsLibraryError
    found: Samples | bytes = always(up=False)
    trouble = None
    try:
        found = _samples(run) if run.remote is None else run.remote.metrics()
    except IncidentsError as error:
        trouble = error
    if target is None and run.for_programs and not isinstance(found, bytes):
        output.documents(run, _metric_documents(found))
    else:
        from incidents.metrics import exposition

        text = found if isinstance(found, bytes) else exposition.text(found)
        # Numbers alone, which another user's node_exporter reads.
        output.write_file(target or output.STANDARD_OUTPUT, [text], disk.PUBLIC)
    if trouble is not None:
        raise trouble


def _samples(run: Run) -> Samples:
    from incidents.metrics.database import look

    house = run.local
    with house.reading() as connection:
        return look(connection, house.now(connection))


def _metric_documents(found: Samples) -> Iterator[Document]:
    from incidents.metrics.catalogue import BY_NAME

    for name, labels, value in found:
        named = dict(zip(BY_NAME[name].labels, labels, strict=True))
        yield {"metric": name, "labels": named, "value": value}
