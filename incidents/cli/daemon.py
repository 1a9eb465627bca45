"""The daemon on the command line: run it, do once what is due, or ask whether one runs."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING

import click

from incidents.cli import output
from incidents.cli.options import looking
from incidents.cli.run import painted
from incidents.errors import DONE, FAILED

if TYPE_CHECKING:
    from incidents.cli.run import Run
    from incidents.desk import Answer
    from incidents.words import Document

MAX_TOLD = 20


@click.command()
@click.argument("what", type=click.Choice(["status"]), required=False, metavar="[status]")
@click.option("--once", is_flag=True, help="Do all that is due now, then exit: for cron.")
@looking
def daemon(run: Run, *, what: str | None, once: bool) -> int:
    """Enforce the clock until stopped; any number may run on one database.

    With `status`: say whether the clock is enforced and what is overdue; exits 1 if it is not.
    """
    if what is not None:
        if once:
            raise click.UsageError("status and --once exclude each other")
        return _status(run)
    if once:
        return _once(run)
    from incidents.daemon import loop

    return loop.run(run.house)


def _once(run: Run) -> int:
    from incidents.daemon import enforce, journal
    from incidents.daemon.timekeeping import StandingAsideError

    done: list[Answer] = []
    house = run.house
    found = enforce.look(
        house.engine, house.desk, own_clock=house.settings.own_clock, done=done.extend
    )
    if found.aside is not None:
        journal.cry("standing aside, nothing was enforced", reason=found.aside)
        raise StandingAsideError(reason=found.aside)
    if run.quiet:
        run.say_all([answer.site for answer in done])
    elif run.for_programs:
        events = [{"site": a.site, **event} for a in done for event in a.document["events"]]
        output.document(run, {"sites": len(done), "events": events}, rows=events)
    else:
        _tell_done(run, done)
    return DONE


def _tell_done(run: Run, done: list[Answer]) -> None:
    """The first decisions in words, then the count of all; nothing due is no mail from cron."""
    from incidents import event_words
    from incidents.words import Teller

    if not done:
        if sys.stdout.isatty():
            run.tell("nothing is due")
        return
    told = 0
    for answer in done:
        site = answer.document["site"]
        teller = Teller(site=site["site"], site_id=site["id"], when=run.when)
        for event in answer.document["events"]:
            if told < MAX_TOLD:
                run.say(event_words.sentence(teller, event))
            told += 1
    if told > MAX_TOLD:
        run.say(f"… and {told - MAX_TOLD:,} more (--json tells all)")
    kinds = Counter(event["kind"] for a in done for event in a.document["events"])
    counts = ", ".join(f"{n:,} {kind.replace('_', ' ')}" for kind, n in sorted(kinds.items()))
    run.say(f"{_counted(len(done), 'site')}: {counts}")


def _status(run: Run) -> int:
    from incidents import clock

    with run.house.reading() as connection:
        found: Document = run.house.views.enforcement(connection, clock.now())
    if run.quiet:
        run.say_all([daemon["daemon"] for daemon in found["daemons"] if daemon["beating"]])
    elif run.for_programs:
        output.document(run, found, rows=found["daemons"] or [_without_daemons(found)])
    else:
        _tell_status(run, found)
    return DONE if found["beating"] else FAILED


def _without_daemons(found: Document) -> Document:
    return {name: value for name, value in found.items() if name != "daemons"}


def _tell_status(run: Run, found: Document) -> None:
    when = run.when
    if found["beating"]:
        run.say("the clock is enforced")
    else:
        run.say(painted("NOTHING ENFORCES THE CLOCK", fg="red", bold=True))
    for daemon in found["daemons"]:
        run.say(f"  {daemon['daemon']}: {_how(run, daemon)}")
    if found["overdue"]:
        since = when.until(found["overdue_since"])
        line = f"overdue: {_counted(found['overdue'], 'site')}, the first since {since}"
        run.say(line if found["beating"] else painted(line, fg="red"))
        for site in found["overdue_sites"]:
            run.say(f"  {site['site']}: {when.until(site['due'])}")
    else:
        run.say("nothing is overdue")
    if not found["beating"]:
        run.tell("start one with `incidents daemon`, or do what is due: incidents daemon --once")


def _how(run: Run, daemon: Document) -> str:
    heard = f"heard of {run.when.ago(daemon['last_beat'])}"
    if daemon["standing_aside"] is not None:
        return f"STANDS ASIDE, {daemon['standing_aside']}; {heard}"
    if daemon["beating"]:
        return f"enforces since {run.when(daemon['started_at'])}; {heard}"
    return f"dead or cut off; {heard}"


def _counted(n: int, what: str) -> str:
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"
