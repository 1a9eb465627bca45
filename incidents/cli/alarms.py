"""The alarms on the command line: what is alarming now, and whether the desk can be told."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, NamedTuple

import click

from incidents.cli import output, reporting
from incidents.cli.options import looking
from incidents.cli.run import is_terminal, painted
from incidents.errors import DONE, FAILED

if TYPE_CHECKING:
    from incidents.cli.run import Run
    from incidents.store.alarms import Raised
    from incidents.views.alarms import Alarm
    from incidents.words import Document, When

_NOBODY = "nobody is told: [alarms] in the settings names no channel"


class _Found(NamedTuple):
    """An alarm, and what became of it if a daemon has raised it."""

    alarm: Alarm
    raised: Raised | None


@click.command()
@click.argument("what", type=click.Choice(["test"]), required=False, metavar="[test]")
@looking
def alarms(run: Run, what: str | None) -> int:
    """List what is alarming now; exits 1 if anything is.

    The daemons tell the desk of it, each once. From cron on another host this list says what a
    daemon that has died cannot. With `test`: send a trial through each channel, and say what came
    of it; exits 1 unless all have taken it.
    """
    if what is not None:
        from incidents.cli import trial_alarm

        return trial_alarm.send(run)
    found, capped = _look(run)
    if run.quiet:
        run.say(*(each.alarm.key for each in found))
    elif run.for_programs:
        output.documents(run, (_document(each) for each in found))
    else:
        _tell(run, found)
        if capped:
            run.tell(f"there may be more: {', '.join(sorted(capped))}")
    return FAILED if found else DONE


def _look(run: Run) -> tuple[list[_Found], frozenset[str]]:
    from incidents.store import alarms as raised_alarms
    from incidents.views.alarms import alarming

    house = run.house
    report = reporting.of_settings()
    with house.reading() as connection:
        raised = raised_alarms.known(connection)
        look = alarming(connection, house.now(connection), report)
    return [_Found(alarm, raised.get(alarm.key)) for alarm in look.alarms], look.capped


def _document(found: _Found) -> Document:
    from incidents.documents import plain

    alarm, raised = found
    own = {name: plain(value) for name, value in asdict(alarm).items()}
    return {
        "key": alarm.key,
        **own,
        "raised_at": plain(raised and raised.raised_at),
        "attempts_to_tell": 0 if raised is None else raised.attempts,
        "told_at": plain(raised and raised.told_at),
        "next": _next(alarm),
    }


def _tell(run: Run, found: list[_Found]) -> None:
    if not found:
        # From cron each line would be a mail.
        if is_terminal(sys.stdout):
            run.tell("nothing is alarming")
        return
    when = run.when
    headers = ("ALARM", "WHAT", "THE DESK", "NEXT")
    output.table(run, headers, [_row(each, when) for each in found])
    if not _has_channels():
        run.tell(painted(_NOBODY, fg="red", bold=True))


def _has_channels() -> bool:
    from incidents import settings

    return bool(settings.section("alarms").get("channels"))


def _row(found: _Found, when: When) -> tuple[str, ...]:
    return found.alarm.key, _words(found.alarm, when), _told(found.raised, when), _next(found.alarm)


def _told(raised: Raised | None, when: When) -> str:
    if raised is None:
        return "not told"
    if raised.told_at is not None:
        return f"told {when.ago(raised.told_at)}"
    tries = f" after {raised.attempts} tries" if raised.attempts > 1 else ""
    return f"not told{tries}"


def _words(alarm: Alarm, when: When) -> str:
    from incidents import site_name
    from incidents.words import counted, rule

    site = "" if alarm.site is None else site_name.shown(alarm.site)
    match alarm.kind:
        case "daemon_silent":
            who = f"the daemon {alarm.daemon}" if alarm.daemon else "no daemon enforces the clock"
            heard = "" if alarm.since is None else f", last heard of {when.ago(alarm.since)}"
            overdue = f"; sites overdue: {alarm.overdue:,}" if alarm.overdue else ""
            return f"{who}{heard}{overdue}"
        case "clock_about_to_lapse" if alarm.due is not None:
            closes = f", and a miss closes {site}" if alarm.miss_closes else ""
            return f"{site}: the clock of {alarm.incident} runs out {when.left(alarm.due)}{closes}"
        case "order_dead":
            after = f" after {counted(alarm.attempts, 'attempt')}" if alarm.attempts else ""
            return f"{site}: {alarm.order_kind} given up{after} ({alarm.problem})"
        case "closure_disputed":
            return f"{site}: what closed it no longer holds ({rule(alarm.rule)})"
        case "report_due" if alarm.due is not None:
            left = when.left(alarm.due)
            return f"{site}: {alarm.incident} is to be reported to the police, {left}"
    return alarm.subject


def _next(alarm: Alarm) -> str:
    """What can be typed next."""
    return {
        "daemon_silent": "incidents daemon status",
        "clock_about_to_lapse": f"incidents contact {alarm.incident} reached",
        "order_dead": f"incidents acts show {alarm.order}",
        "closure_disputed": f"incidents site why {alarm.site}",
        "report_due": f"incidents reported {alarm.incident} --ref R",
    }.get(alarm.kind, "incidents queue")
