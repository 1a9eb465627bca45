"""Sentences about enforcement: the daemons, the record's history, and overdue items."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from incidents.cli.run import Run
from incidents.locale.language import language as words_of
from incidents.system.terminal import coloured
from incidents.values.site_name import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from incidents.contract.documents.enforcement import MarkUnread
    from incidents.locale.language import Language
    from incidents.locale.words import TimeFormat


def history_warnings(history: Mapping[str, Any], when: TimeFormat) -> list[str]:
    """The sentences about the problems of the record's history, the worst first."""
    # An older server does not say all of it.
    return [
        words(history, when)
        for kind, words in WORDS.items()
        if history.get(kind if kind in ("left_down", "uncompared") else f"{kind}_since") is not None
    ]


def _halted(history: Mapping[str, Any], when: TimeFormat) -> str:
    """Report that no orders are carried out until a person resumes, and why."""
    # An older server does not say why, nor does a database halted by an earlier version.
    why = why_halted(history.get("halted_why"), when.language)
    return when.language.say("enforcement.halted", ago=when.ago(history["halted_since"]), why=why)


def why_halted(code: str | None, language: Language) -> str:
    """Explain why no orders are carried out until a person resumes."""
    return language.say(f"why_halted.{code or 'not_told'}")


def mark_unread(found: MarkUnread, when: TimeFormat) -> str:
    """Report that a daemon carries out no orders, and which command to type."""
    language, others = when.language, found["count"] - 1
    code = "enforcement.mark_unread" if found["others"] else "enforcement.mark_unread.all"
    sentence = language.say(
        code, daemon=found["daemon"], ago=when.ago(found["since"]), problem=found["problem"]
    )
    return sentence + (counted("enforcement.mark_unread", others, language) if others else "")


def counted(code: str, n: int, language: Language, **facts: Any) -> str:
    """Choose the singular or the plural phrase for `n`."""
    return language.say(f"{code}.one" if n == 1 else f"{code}.many", n=n, **facts)


def _lost(history: Mapping[str, Any], when: TimeFormat) -> str:
    """Report that the latest decisions may no longer be on record."""
    return when.language.say(
        "enforcement.lost", ago=when.ago(history["lost_since"]),
        taken_down=_taken_down(history, when.language),
    )  # fmt: skip


def _moved(history: Mapping[str, Any], when: TimeFormat) -> str:
    """Report that the latest decisions may be missing, though no loss is known."""
    return when.language.say(
        "enforcement.moved", ago=when.ago(history["moved_since"]),
        taken_down=_taken_down(history, when.language),
    )  # fmt: skip


def _uncompared(history: Mapping[str, Any], when: TimeFormat) -> str:
    """Name the sites that wait to be compared with their actual state, and the reason."""
    found = history["uncompared"]
    return counted(
        "enforcement.uncompared", found["count"], when.language, ago=when.ago(found["since"]),
        sites=not_compared(found, when.language),
    )  # fmt: skip


def not_compared(found: Mapping[str, Any], language: Language | None = None) -> str:
    """Name the first sites that could not be compared, by reason, with the remedy."""
    language = language or words_of("en", "cli")
    by_problem: dict[str, list[str]] = {}
    for each in found["sites"]:
        by_problem.setdefault(each["problem"], []).append(each["site"])
    named = [
        language.say("enforcement.by_problem", sites=sites, problem=why)
        for why, sites in by_problem.items()
    ]
    named += _more(found["count"] - len(found["sites"]), language)
    sites = language.say("list.semicolon").join(named)
    return counted("enforcement.not_compared", found["count"], language, sites=sites)


def left_down(history: Mapping[str, Any], when: TimeFormat) -> str:
    """Name the sites that are down although nothing on record keeps them down, with the remedy."""
    found, language = history["left_down"], when.language
    count, ago = found["count"], when.ago(found["since"])
    # An older server names none before it has compared all.
    is_all = found.get("complete", True)
    sentence = language.say(
        "enforcement.left_down", left=_left(found, language), sites=_by_state(found, language),
        suspended=_suspended_now(found, language),
        so_far="" if is_all else language.say("enforcement.left_down.so_far"),
    )  # fmt: skip
    # Nor does it say which are newer, or closed.
    if found.get("new") == count:
        return counted("enforcement.left_down.new", count, language, told=sentence, ago=ago)
    again = language.say("enforcement.left_down.again") if found.get("closed") else ""
    return counted(
        "enforcement.left_down.why", count, language, told=sentence, ago=ago, again=again
    )


def _suspended_now(found: Mapping[str, Any], language: Language) -> str:
    """Name the left-down sites that are now also suspended on record.

    The text is empty if there are none, or if an older server does not report them.
    """
    names = found.get("suspended_now")
    if not names:
        return ""
    return counted("enforcement.left_down.suspended", len(names), language, names=names)


def _left(found: Mapping[str, Any], language: Language) -> str:
    """Count the sites left down; sites with an unknown state are counted separately."""
    count, unknown, closed = found["count"], found["unknown"], found.get("closed", 0)
    sites = counted("enforcement.sites", count, language)
    suspended = count - unknown - closed
    if unknown == count:
        return language.say("enforcement.left.unknown", sites=sites)
    if suspended == count:
        return language.say("enforcement.left.down", sites=sites)
    by_state = {"suspended": suspended, "closed": closed, "unknown": unknown}
    states = [
        language.say("enforcement.left.state", n=n, state=state)
        for state, n in by_state.items()
        if n
    ]
    code = "enforcement.left.or_unknown" if unknown else "enforcement.left.mixed"
    return language.say(code, sites=sites, states=states)


def _by_state(found: Mapping[str, Any], language: Language) -> str:
    """Name the first left-down sites, by their actual state."""
    states = found.get("states")
    if states is None or len(set(states)) == 1:
        return _named(found, language)
    of: dict[str, list[str]] = {}
    for site, state in zip(found["sites"], states, strict=True):
        of.setdefault(state, []).append(site)
    named = [
        language.say("enforcement.by_state", state=state, sites=names)
        for state, names in of.items()
    ]
    named += _more(found["count"] - len(states), language)
    return language.say("list.semicolon").join(named)


def _more(n: int, language: Language) -> list[str]:
    return [language.say("enforcement.more", n=n)] if n else []


def _taken_down(history: Mapping[str, Any], language: Language) -> str:
    """Name the sites that daemons have taken down again; empty if there are none."""
    # An older server does not say it.
    found = history.get("taken_down")
    if found is None:
        return ""
    return language.say("enforcement.taken_down", names=_named(found, language))


def _named(found: Mapping[str, Any], language: Language) -> str:
    more = found["count"] - len(found["sites"])
    names = language.comma.join(map(shown, found["sites"]))
    return language.say("enforcement.names.more", names=names, n=more) if more else names


def _unsigned(history: Mapping[str, Any], when: TimeFormat) -> str:
    """Report that nobody can prove the latest entries, because they are not signed."""
    return when.language.say("enforcement.unsigned", ago=when.ago(history["unsigned_since"]))


def _unproved(history: Mapping[str, Any], when: TimeFormat) -> str:
    """Report that sites may differ from the record."""
    began, left = when.ago(history["unproved_since"]), history.get("left_down")
    if left is not None and left.get("complete", True):
        return when.language.say("enforcement.unproved.waits")
    return when.language.say("enforcement.unproved", ago=began)


WORDS: dict[str, Callable[[Mapping[str, Any], TimeFormat], str]] = {
    "halted": _halted, "lost": _lost, "moved": _moved, "uncompared": _uncompared,
    "left_down": left_down,
    "unsigned": _unsigned, "unproved": _unproved,
}  # fmt: skip
"""The function that words each kind of warning (see `views.queue.alarm`), the worst first."""


def write_enforcement(run: Run, found: Mapping[str, Any]) -> None:
    """Report whether deadlines are enforced, and by which daemons.

    The report also has the problems of the record's history, and the overdue sites.
    """
    from incidents.views.health import carries_out

    when = run.when
    # By a daemon, or by `daemon --once` from cron.
    is_enforced = found["enforced_by"] is not None
    if is_enforced and not carries_out(found):
        run.write(coloured(run.text("enforcement.on.record"), fg="red", bold=True))
    elif is_enforced:
        is_by_cron = found["enforced_by"] == "once"
        run.write(run.text("enforcement.on.once" if is_by_cron else "enforcement.on"))
    else:
        run.write(coloured(run.text("enforcement.off"), fg="red", bold=True))
    for daemon in found["daemons"]:
        run.write(_how(run, daemon))
        # An older server does not say it.
        if why := daemon.get("mailbox_unread"):
            run.write(coloured(run.text("enforcement.mailbox_unread", problem=why), fg="red"))
    if found["last_once"]:
        run.write(run.text("enforcement.once", ago=when.ago(found["last_once"])))
    # An older server does not say it.
    unread = found.get("mark_unread")
    lines = [] if unread is None else [mark_unread(unread, when)]
    for line in [*lines, *history_warnings(found.get("history") or {}, when)]:
        run.write(coloured(line, fg="red"))
    if found["overdue"]:
        line = _overdue(run, found)
        run.write(line if is_enforced else coloured(line, fg="red"))
        for site in found["overdue_sites"]:
            run.write(run.text("enforcement.overdue.site", site=site["site"], due=site["due"]))
    else:
        run.write(run.text("enforcement.overdue.none"))
    if not is_enforced:
        run.inform(run.text("enforcement.start"))


def _overdue(run: Run, found: Mapping[str, Any]) -> str:
    n, since = found["overdue"], found["overdue_since"]
    if found["overdue_capped"]:
        return run.text("enforcement.overdue.capped", n=n, since=since)
    return counted("enforcement.overdue", n, run.language, when=run.when, since=since)


def _how(run: Run, daemon: Mapping[str, Any]) -> str:
    code = "enforcement.daemon" if daemon["beating"] else "enforcement.daemon.dead"
    if daemon["standing_aside"] is not None:
        code = "enforcement.daemon.aside"
    return run.text(
        code, daemon=daemon["daemon"], ago=run.when.ago(daemon["last_beat"]),
        since=daemon["started_at"], reason=daemon["standing_aside"],
    )  # fmt: skip
