"""The wording of the queue: the task of an item, and the notices above the list."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from incidents.cli.admin import enforcement_words
from incidents.locale import event_sentence
from incidents.values.site_name import shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from incidents.contract.documents.enforcement import Enforcement
    from incidents.contract.documents.orders import (
        DeadLetters,
        OnlyLogged,
        Order,
        OrdersHeld,
        OrdersLate,
    )
    from incidents.contract.documents.queue import (
        DutySummary,
        QueueItem,
        QueuePage,
        ReportsWaiting,
        WaitingFinding,
    )
    from incidents.locale.language import Language
    from incidents.locale.words import TimeFormat

TERMS = ("file", "show_number")
"""The kinds of items that have a last day."""


def what(item: QueueItem, language: Language) -> str:
    """The task of an item, in one or two words."""
    return language.word("todo", item["kind"])


def what_in_full(item: QueueItem, language: Language) -> str:
    """The task of an item; for a filing, with the last day or the detail."""
    told, about = what(item, language), item["filing"]
    if about and item["kind"] in TERMS:
        return language.say("queue.what.by", what=told, day=about[0])
    if about and item["kind"] == "suspicion":
        return language.say("queue.what.detail", what=told, field=about[0])
    return told


def report_what(finding: WaitingFinding, language: Language) -> str:
    """The task of a finding of reports."""
    if finding["reports"] > 1:
        return language.say("queue.what.reports", n=finding["reports"])
    return language.word("todo", "report")


def about(finding: WaitingFinding) -> str:
    """The site, host or address that the reports name; empty if they name none."""
    name = finding["host"] or finding["site"]
    return shown(name) if name else finding["address"] or ""


def report_command(finding: WaitingFinding) -> str:
    """The command that shows the report, or lists all reports of the finding."""
    if finding["reports"] > 1:
        return f"incidents report list --host {finding['host']}"
    return f"incidents report show {finding['id']}"


def reports_notice(reports: ReportsWaiting | None, when: TimeFormat) -> list[Notice]:
    """A notice of the reports that wait, for a screen that does not list them."""
    if reports is None or not reports["items"]:
        return []
    overdue = [each for each in reports["items"] if each["overdue"]]
    first = (overdue or reports["items"])[0]
    words = when.language.say(
        "notice.reports.overdue" if overdue else "notice.reports", when=when,
        n=number(reports["waiting"], when.language, capped=reports["capped"]),
        about=f"{first['id']} {about(first)}".strip(), received=first["received_at"],
    )  # fmt: skip
    return [Notice(words, is_alarm=bool(overdue))]


def left(item: QueueItem | WaitingFinding, language: Language) -> str:
    """The time left until the deadline, or since it passed; empty without a deadline."""
    if item["left_s"] is None:
        return ""
    sentence = language.span(timedelta(seconds=abs(item["left_s"])))
    return language.say("queue.left.overdue", span=sentence) if item["overdue"] else sentence


def whom(item: QueueItem, language: Language) -> str:
    """The person to call and the phone number; if both are missing, the email address."""
    person, phone = item["person"], item["phone"]
    if person and phone:
        return language.say("queue.whom", person=person, phone=phone)
    return person or phone or item["email"] or ""


def number(n: int, language: Language, *, capped: bool) -> str:
    """Write a number; if `capped`, say that there may be more."""
    return language.say("capped", n=n) if capped else f"{n:,}"


class Notice(NamedTuple):
    """A notice above the queue; `is_alarm` means that somebody must act on the notice."""

    words: str
    is_alarm: bool


def notices(found: QueuePage, when: TimeFormat) -> list[Notice]:
    """The notices above the queue, the worst first."""
    from incidents.views.queue import queue_warning

    lines = [
        Notice(_WARNINGS[each.kind](each.facts, when), each.is_alarm)
        for each in queue_warning.warnings_of(found, when.now)
    ]
    # An older server does not say it.
    if found["enforcement"].get("rehearsal"):
        lines.append(Notice(when.language.say("rehearsal"), False))
    return lines


def _to_report(report: DutySummary, when: TimeFormat) -> str:
    """Report that incidents must be reported to the police, and the first deadline."""
    assert report["first"] is not None
    n = number(report["overdue"], when.language, capped=report["capped"])
    return when.language.say(
        "notice.report.overdue" if report["overdue"] else "notice.report", when=when,
        n=n, incident=report["first_incident"], due=report["first"],
    )  # fmt: skip


def _dead_letters(acts: DeadLetters, when: TimeFormat) -> str:
    """Report that orders have failed permanently and are not retried."""
    return _of_orders("notice.dead", acts["dead"], acts["first"][0], when, capped=acts["capped"])


def _brake(held: OrdersHeld, when: TimeFormat) -> str:
    """Report that the brake holds orders, because too many sites were to be taken down at once."""
    return _of_orders("notice.brake", held["braked"], held["first"][0], when, capped=held["capped"])


def _late_orders(late: OrdersLate, when: TimeFormat) -> str:
    """Report that orders are late."""
    first = late["first"][0]
    code = "notice.late" if first.get("problem") else "notice.late.untried"
    return _of_orders(code, late["late"], first, when, capped=late["capped"])


def _of_orders(code: str, n: int, first: Order, when: TimeFormat, *, capped: bool) -> str:
    return when.language.say(
        code, n=number(n, when.language, capped=capped), id=first["id"],
        order=event_sentence.order_of_site(first, when.language), kind=first["kind"],
        site=first["site"], ago=when.ago(first["ordered_at"]), problem=first.get("problem"),
    )  # fmt: skip


def _only_logged(order: OnlyLogged, when: TimeFormat) -> str:
    """Report that an order had no effect, and that orders have none with these settings."""
    return when.language.say(
        "notice.logged", order=event_sentence.order_of_site(order, when.language), id=order["id"],
        ago=when.ago(order["ordered_at"]),
    )  # fmt: skip


def _alarm(enforcement: Enforcement, when: TimeFormat) -> str:
    """Report that nothing enforces the deadlines."""
    if enforcement["standing_aside"]:
        sentence = when.language.say("notice.clock.aside", reason=enforcement["standing_aside"])
    elif enforcement["last_beat"]:
        sentence = when.language.say(
            "notice.clock.last_beat", ago=when.ago(enforcement["last_beat"])
        )
    else:
        sentence = when.language.say("notice.clock.none")
    what = _joined([sentence, *_done_once(enforcement, when), *_overdue(enforcement, when)], when)
    return when.language.say("notice.clock", what=what)


def _remark(enforcement: Enforcement, when: TimeFormat) -> str:
    """Report that deadlines are enforced only at intervals.

    This is configured, so it is not an alarm, but due items wait for the next run.
    """
    return _joined(
        [
            _no_daemon(enforcement, when),
            *_done_once(enforcement, when),
            *_overdue(enforcement, when),
        ],
        when,
    )


def _no_daemon(enforcement: Enforcement, when: TimeFormat) -> str:
    """Report that no daemon is running, and when a daemon was last seen."""
    daemon, beat = enforcement["daemon"], enforcement["last_beat"]
    if daemon is None or beat is None:
        return when.language.say("notice.clock.none")
    return when.language.say("notice.clock.dead", daemon=daemon, ago=when.ago(beat))


def _done_once(enforcement: Enforcement, when: TimeFormat) -> list[str]:
    at = enforcement["last_once"]
    return [] if at is None else [when.language.say("notice.clock.once", ago=when.ago(at))]


def _overdue(enforcement: Enforcement, when: TimeFormat) -> list[str]:
    since = enforcement["overdue_since"]
    if since is None:
        return []
    n = number(enforcement["overdue"], when.language, capped=enforcement["overdue_capped"])
    return [when.language.say("notice.clock.overdue", when=when, n=n, since=since)]


def _joined(told: list[str], when: TimeFormat) -> str:
    return when.language.say("list.semicolon").join(told)


_WARNINGS: dict[str, Callable[[Any, TimeFormat], str]] = {
    "clock": _alarm, "brake": _brake, "dead": _dead_letters, "late": _late_orders,
    "logged": _only_logged, "once": _remark, "report": _to_report,
    "mark_unread": enforcement_words.mark_unread, **enforcement_words.WORDS,
}  # fmt: skip
