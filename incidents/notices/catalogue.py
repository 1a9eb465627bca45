"""The catalogue: the notices by name, to whom each goes, and when."""

from __future__ import annotations

from typing import NamedTuple

LANGUAGES = ("zh_CN", "en")
"""Those that the templates are shipped in; a customer in doubt reads the first one first."""

ALARMS = (
    "daemon_silent", "halted", "mark_unread", "entries_lost", "server_changed", "sites_left_down",
    "brake_on", "log_unsigned", "order_dead", "clock_about_to_lapse", "closure_waits",
    "closure_disputed", "report_due", "filing_due",
)  # fmt: skip
"""What the desk is alarmed of beside the orders of its lane."""


class Entry(NamedTuple):
    """To whom a notice goes, `customer`, `desk`, or `phone` (who calls reads it out); and when."""

    to: str
    when: str


NOTICES: dict[str, Entry] = {
    "violation_found": Entry("customer", "a violation is logged"),
    "suspended": Entry("customer", "the site is suspended, until a time (R2)"),
    "suspended_held": Entry("customer", "the site is held by order, until that is lifted"),
    "reopened": Entry("customer", "the site is open again"),
    "closed": Entry("customer", "the site is closed (R1, R3, R4, R5)"),
    "recheck": Entry("customer", "the desk will look again; sent by nobody but a person"),
    "call_script": Entry("phone", "an operator phones the customer"),
    "call_task": Entry("desk", "the customer is to be phoned and told of the closure"),
    "alarm": Entry("desk", "a clock lapsed with too few attempts: nothing is suspended"),
    "alarm_daemon_silent": Entry("desk", "no daemon enforces the clock"),
    "alarm_halted": Entry("desk", "nothing is carried out from a database"),
    "alarm_mark_unread": Entry("desk", "a daemon cannot read its mark, and carries nothing out"),
    "alarm_entries_lost": Entry("desk", "the record has lost its end"),
    "alarm_server_changed": Entry("desk", "another server has taken over"),
    "alarm_sites_left_down": Entry("desk", "sites are down for what the record may have lost"),
    "alarm_log_unsigned": Entry("desk", "what is recorded is not signed"),
    "alarm_brake_on": Entry("desk", "too many sites are taken down at once: the rest waits"),
    "alarm_order_dead": Entry("desk", "an order is given up"),
    "alarm_clock_about_to_lapse": Entry("desk", "a contact clock is about to lapse"),
    "alarm_closure_waits": Entry("desk", "a closure waits for its second person"),
    "alarm_closure_disputed": Entry("desk", "what closed a site no longer holds"),
    "alarm_report_due": Entry("desk", "an incident is to be reported to the police"),
    "alarm_filing_due": Entry("desk", "filings near the end of their 30 days, or are over"),
}


def alarm(kind: str) -> str:
    """The notice of an alarm of that kind."""
    return f"alarm_{kind}"
