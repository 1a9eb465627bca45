"""The words of the queue: what an item is about, and the warnings above the list."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from incidents.cli import enforcement_words
from incidents.cli.run import REHEARSAL
from incidents.locale import event_sentence
from incidents.locale.language import ENGLISH
from incidents.locale.words import When

if TYPE_CHECKING:
    from collections.abc import Callable

    from incidents.contract.documents.enforcement import Enforcement
    from incidents.contract.documents.orders import DeadLetters, OnlyLogged, OrdersHeld, OrdersLate
    from incidents.contract.documents.queue import DutySummary, QueueItem, QueuePage

KINDS = {
    "call": "call",
    "keep_calling": "keep calling",
    "tell": "tell: closed",
    "check_removal": "check if gone",
    "recheck": "recheck",
    "disputed": "disputed closure",
    "reinstatement": "reinstatement",
    "closure": "close: second yes",
    "review": "review",
    "file": "filing due",
    "show_number": "show the number",
    "suspicion": "false detail?",
    "footer": "footer not right",
}
"""What there is to do, in a word or two."""

TERMS = ("file", "show_number")
"""What has a last day of its own."""


def what(item: QueueItem) -> str:
    """What there is to do."""
    return KINDS.get(item["kind"], item["kind"])


def exactly(item: QueueItem) -> str:
    """The same, of a filing with the last day, or with the detail."""
    told, about = what(item), item["filing"]
    if about and item["kind"] in TERMS:
        return f"{told} by {about[0]}"
    return f"{told} {about[0]}" if about and item["kind"] == "suspicion" else told


def left(item: QueueItem) -> str:
    """How long there is, or how long it is overdue; empty for what has no deadline."""
    if item["left_s"] is None:
        return ""
    told = ENGLISH.span(timedelta(seconds=abs(item["left_s"])))
    return f"{told} overdue" if item["overdue"] else told


def whom(item: QueueItem) -> str:
    """Whom to call, and at which number; the e-mail where there is none."""
    return (
        ", ".join(each for each in (item["person"], item["phone"]) if each) or item["email"] or ""
    )


class Notice(NamedTuple):
    """What stands above the queue; `is_alarm`: somebody must do something about it."""

    words: str
    is_alarm: bool


def notices(found: QueuePage, when: When) -> list[Notice]:
    """What everybody who looks at the queue must be told first, the worst first."""
    from incidents.views.queue import alarm

    told = [
        Notice(_WARNINGS[each.kind](each.facts, when), each.is_alarm)
        for each in alarm.warnings_of(found, when.now)
    ]
    # A server of before does not say it.
    return [*told, Notice(REHEARSAL, False)] if found["enforcement"].get("rehearsal") else told


def _to_report(report: DutySummary, when: When) -> str:
    """That the police are to be told, and by when."""
    more = " or more" if report["capped"] else ""
    late = f"{report['overdue']:,}{more} overdue, " if report["overdue"] else ""
    assert report["first"] is not None
    return (
        f"to be reported to the police: {late}the first, {report['first_incident']}, by"
        f" {when.until(report['first'])}: incidents duty"
    )


def _dead_letters(acts: DeadLetters, _when: When) -> str:
    """That what was decided is not carried out, and nobody tries any more."""
    more = " or more" if acts["capped"] else ""
    first = acts["first"][0]
    return (
        f"ORDERS GIVEN UP: {acts['dead']:,}{more}, the first {event_sentence.order_of_site(first)}"
        f" ({first['id']}, {first['problem']}). See them: incidents acts list --dead"
    )


def _brake(held: OrdersHeld, _when: When) -> str:
    """That what was decided waits, since too many sites were to be taken down at once."""
    more = " or more" if held["capped"] else ""
    first = held["first"][0]
    return (
        f"THE BRAKE IS ON: {held['braked']:,}{more} closures or suspensions wait for a supervisor,"
        f" the first {event_sentence.order_of_site(first)} ({first['id']})."
        " See them: incidents acts list --braked"
    )


def _late_orders(late: OrdersLate, when: When) -> str:
    """That what was decided is not carried out yet, though it should be by now."""
    more = " or more" if late["capped"] else ""
    first = late["first"][0]
    why = first["problem"] or "nobody has tried it: incidents daemon check"
    return (
        f"ORDERS NOT CARRIED OUT: {late['late']:,}{more}, the first {first['kind']}"
        f" {first['site']}, ordered {when.ago(first['ordered_at'])} ({first['id']}, {why}). See"
        " them: incidents acts list"
    )


def _only_logged(order: OnlyLogged, when: When) -> str:
    """That what was decided did not happen in the world, and will not with these settings."""
    return (
        f"ONLY LOGGED, NOT ENFORCED: {event_sentence.order_of_site(order)}, ordered"
        f" {when.ago(order['ordered_at'])} ({order['id']}): no adapter is set. Name one under"
        " [acts] in the daemon's settings, restart the daemon, then: incidents acts reconcile"
        " --repair"
    )


def _alarm(enforcement: Enforcement, when: When) -> str:
    """That nothing enforces the clock."""
    told = "NOTHING ENFORCES THE CLOCK: "
    if enforcement["standing_aside"]:
        told += f"the daemon stands aside ({enforcement['standing_aside']})"
    elif enforcement["last_beat"]:
        told += f"the last daemon was heard of {when.ago(enforcement['last_beat'])}"
    else:
        told += "no daemon is running"
    if enforcement["last_once"]:
        told += f"; daemon --once last did what was due {when.ago(enforcement['last_once'])}"
    return f"{told}{_overdue(enforcement, when)}. Start one: incidents daemon"


def _remark(enforcement: Enforcement, when: When) -> str:
    """That the clock is enforced now and then.

    That is how it was set up, so it is no alarm; but what is due waits for the next turn.
    """
    assert enforcement["last_once"] is not None
    ago, waits = when.ago(enforcement["last_once"]), _overdue(enforcement, when)
    return f"no daemon is running; daemon --once last did what was due {ago}{waits}"


def _overdue(enforcement: Enforcement, when: When) -> str:
    since = enforcement["overdue_since"]
    if since is None:
        return ""
    more = " or more" if enforcement["overdue_capped"] else ""
    return f"; sites overdue: {enforcement['overdue']:,}{more}, since {when(since)}"


_WARNINGS: dict[str, Callable[[Any, When], str]] = {
    "clock": _alarm, "brake": _brake, "dead": _dead_letters, "late": _late_orders,
    "logged": _only_logged, "once": _remark, "report": _to_report,
    "mark_unread": enforcement_words.mark_unread, **enforcement_words.WORDS,
}  # fmt: skip
