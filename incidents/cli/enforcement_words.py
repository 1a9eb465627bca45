"""What people are told of the enforcement: the daemons, the record's history, what is overdue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from incidents.cli.run import Run, painted
from incidents.locale.words import When, counted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from incidents.contract.documents.enforcement import MarkUnread


def told(history: Mapping[str, Any], when: When) -> list[str]:
    """What is to be told of it, the worst first."""
    # A server of before does not say all of it.
    return [
        words(history, when)
        for kind, words in WORDS.items()
        if history.get(kind if kind in ("left_down", "uncompared") else f"{kind}_since") is not None
    ]


def _halted(history: Mapping[str, Any], when: When) -> str:
    """That no site is taken down or opened."""
    # A server of before does not say why, nor does a database that an earlier version has halted.
    why = WHY_HALTED[history.get("halted_why")]
    return (
        f"NOTHING IS CARRIED OUT, known {when.ago(history['halted_since'])}: {why}. Once you know"
        " which copy of the database is the true one, there: incidents recover --reason R, which"
        f" {_OPENS}. Sites that a loss has left down are listed once all are compared; before, see"
        " what differs: incidents acts reconcile"
    )


WHY_HALTED = {
    "unknown_server": "the database is on another server than before, and the daemon that found"
    " that knew nothing of it, so it may be a copy",
    "lost_again": "the database lost its end a second time, so another copy may be at work beside"
    " the same key",
    None: "the daemon's log says why",
}


def mark_unread(found: MarkUnread, when: When) -> str:
    """That a daemon carries no order out, and what to type."""
    ago, others = when.ago(found["since"]), found["count"] - 1
    if found["others"]:
        who = f"THE DAEMON {found['daemon']} CARRIES NOTHING OUT"
    else:
        who = "NOTHING IS CARRIED OUT"
    more = f", and {counted(others, 'more daemon')} cannot read theirs" if others else ""
    return f"{who}, known {ago}: {found['problem']}{more}"


def _lost(history: Mapping[str, Any], when: When) -> str:
    """That what was decided lately may be on no record any more."""
    return (
        f"THE RECORD HAS LOST ITS END, known {when.ago(history['lost_since'])}: what was recorded"
        f" before may be missing.{taken_down(history)} See what: incidents audit status. Wait until"
        " all sites are compared, and hold those that must stay down. Then: incidents recover"
        f" --reason R, which {_OPENS}"
    )


def _moved(history: Mapping[str, Any], when: When) -> str:
    """That what was decided lately may be missing, though nobody knows of anything."""
    return (
        f"ANOTHER SERVER HAS TAKEN OVER, known {when.ago(history['moved_since'])}: what it had not"
        f" heard of, if anything, is lost.{taken_down(history)} See more: incidents audit status"
    )


def _uncompared(history: Mapping[str, Any], when: When) -> str:
    """Which sites wait to be compared with the world, and why."""
    found = history["uncompared"]
    return (
        f"{counted(found['count'], 'SITE').upper()} NOT COMPARED with the world, known"
        f" {when.ago(found['since'])}: {not_compared(found)}"
    )


def not_compared(found: Mapping[str, Any]) -> str:
    """The first sites that could not be compared, by why, what that means, and what to do."""
    by_problem: dict[str, list[str]] = {}
    for each in found["sites"]:
        by_problem.setdefault(each["problem"], []).append(each["site"])
    named = "; ".join(f"{', '.join(sites)} ({why})" for why, sites in by_problem.items())
    more = found["count"] - len(found["sites"])
    it_is, it = ("it is", "it") if found["count"] == 1 else ("they are", "them")
    return (
        f"{named}{f'; and {more:,} more' if more else ''}. Until {it_is} compared, no clock"
        f" suspends {it}, nothing opens {it}, and letters about {it} wait. Repair the adapter: a"
        " daemon tries again at least every 30 seconds"
    )


def left_down(history: Mapping[str, Any], when: When) -> str:
    """Which sites are down though nothing on record keeps them down, and what to do about it."""
    found = history["left_down"]
    count, ago = found["count"], when.ago(found["since"])
    them = "it" if count == 1 else "them"
    # A server of before compares all of them before it names any that counts.
    so_far = "" if found.get("complete", True) else " So far: sites are still being compared."
    told = f"{_left(found)}: {_by_state(found)}.{_suspended_now(found)}{so_far}"
    # Nor does it say which were added since, or are closed.
    if found.get("new") == count:
        return (
            f"{told} Added after the record had lost its end, {ago}, and nobody can ask how"
            f" {'it is' if count == 1 else 'they are'}: to open one: incidents acts reconcile SITE"
            " --repair; if it must stay down: incidents site hold SITE --reason R"
        )
    again = (
        " Close again, by its rule, what a rule had closed: record what closed it (incidents log,"
        " refused, site false-info)."
    )
    return (
        f"{told} Nothing on record keeps {them} down; the reason may have been lost with the end of"
        f" the record, {ago}. Put a hold on those that an authority has ordered down (incidents"
        f" site hold SITE).{again if found.get('closed') else ''} Then open one: incidents acts"
        f" reconcile SITE --repair; or all: incidents recover --reason R {_OPENS}"
    )


def _suspended_now(found: Mapping[str, Any]) -> str:
    """Which of them a clock has suspended since; empty where it has none, or a server of before
    does not say it."""
    names = found.get("suspended_now")
    if not names:
        return ""
    its, stay = ("its", "it stays") if len(names) == 1 else ("their", "they stay")
    return f" Suspended now, and at {its} end {stay} down: {', '.join(names)}."


def _left(found: Mapping[str, Any]) -> str:
    """How many they are; that nobody knows of a site whether it is up is another thing."""
    count, unknown, closed = found["count"], found["unknown"], found.get("closed", 0)
    sites = counted(count, "SITE").upper()
    if unknown == count:
        return f"{sites} UNKNOWN"
    suspended = count - unknown - closed
    by_state = {"suspended": suspended, "closed": closed, "unknown": unknown}
    if suspended == count:
        return f"{sites} LEFT DOWN"
    how = ", ".join(f"{n:,} {state}" for state, n in by_state.items() if n)
    return f"{sites} LEFT DOWN{' OR UNKNOWN' if unknown else ''} ({how})"


def _by_state(found: Mapping[str, Any]) -> str:
    """The first of them, by how they are in the world."""
    states = found.get("states")
    if states is None or len(set(states)) == 1:
        return _named(found)
    of: dict[str, list[str]] = {}
    for site, state in zip(found["sites"], states, strict=True):
        of.setdefault(state, []).append(site)
    more = found["count"] - len(states)
    named = "; ".join(f"{state}: {', '.join(names)}" for state, names in of.items())
    return named + (f"; and {more:,} more" if more else "")


def taken_down(history: Mapping[str, Any]) -> str:
    """Which ones a daemon has taken down again; empty where it has not."""
    # A server of before does not say it.
    found = history.get("taken_down")
    return "" if found is None else f" Taken down again: {_named(found)}."


_OPENS = "opens the sites that this record has as open"


def _named(found: Mapping[str, Any]) -> str:
    more = found["count"] - len(found["sites"])
    return ", ".join(found["sites"]) + (f" and {more:,} more" if more else "")


def _unsigned(history: Mapping[str, Any], when: When) -> str:
    """That nobody could prove what is recorded now."""
    return (
        f"NOT SIGNED, known {when.ago(history['unsigned_since'])}: entries wait for a signature."
        " See why: incidents audit status"
    )


def _unproved(history: Mapping[str, Any], when: When) -> str:
    """That sites may not be as the record says."""
    began, left = when.ago(history["unproved_since"]), history.get("left_down")
    if left is not None and left.get("complete", True):
        return "all sites were compared with the record; those left down wait for a person"
    return f"the world is being compared with the record; it began {began}"


WORDS: dict[str, Callable[[Mapping[str, Any], When], str]] = {
    "halted": _halted, "lost": _lost, "moved": _moved, "uncompared": _uncompared,
    "left_down": left_down,
    "unsigned": _unsigned, "unproved": _unproved,
}  # fmt: skip
"""By what is so, as `views.queue.alarm` calls it, the worst first."""


def tell_of_enforcement(run: Run, found: Mapping[str, Any]) -> None:
    """Say whether the clock is enforced, by whom, what the history is, and what is overdue."""
    from incidents.views.health import carries_out

    when = run.when
    if found["beating"] and not carries_out(found):
        run.say(
            painted("the clock is enforced in the record, NOT IN THE WORLD", fg="red", bold=True)
        )
    elif found["beating"]:
        run.say("the clock is enforced")
    else:
        run.say(painted("NOTHING ENFORCES THE CLOCK", fg="red", bold=True))
    for daemon in found["daemons"]:
        run.say(f"  {daemon['daemon']}: {_how(run, daemon)}")
    if found["last_once"]:
        run.say(f"  daemon --once last did what was due {when.ago(found['last_once'])}")
    # A server of before says nothing of it.
    unread = found.get("mark_unread")
    lines = [] if unread is None else [mark_unread(unread, when)]
    for line in [*lines, *told(found.get("history") or {}, when)]:
        run.say(painted(line, fg="red"))
    if found["overdue"]:
        since = when.until(found["overdue_since"])
        more = " or more" if found["overdue_capped"] else ""
        line = f"overdue: {counted(found['overdue'], 'site')}{more}, the first since {since}"
        run.say(line if found["beating"] else painted(line, fg="red"))
        for site in found["overdue_sites"]:
            run.say(f"  {site['site']}: {when.until(site['due'])}")
    else:
        run.say("nothing is overdue")
    if not found["beating"]:
        run.tell("start one with `incidents daemon`, or do what is due: incidents daemon --once")


def _how(run: Run, daemon: Mapping[str, Any]) -> str:
    heard = f"heard of {run.when.ago(daemon['last_beat'])}"
    if daemon["standing_aside"] is not None:
        return f"STANDS ASIDE, {daemon['standing_aside']}; {heard}"
    if daemon["beating"]:
        return f"enforces since {run.when(daemon['started_at'])}; {heard}"
    return f"dead or cut off; {heard}"
