"""The types of notices: to whom each goes, and on what occasion."""

from __future__ import annotations

from typing import NamedTuple

LANGUAGES = ("zh_CN", "en")
"""The languages of the built-in templates; letters begin with the first language."""


class NoticeType(NamedTuple):
    """The recipient of a notice (`customer`, `desk`, `reporter`, or `phone`: to read out).

    `when` is its occasion.
    """

    to: str
    when: str


NOTICES: dict[str, NoticeType] = {
    "violation_found": NoticeType("customer", "a violation is logged"),
    "suspended": NoticeType("customer", "the site is suspended until a time (R2)"),
    "suspended_held": NoticeType("customer", "the site is held by order until the hold is lifted"),
    "reopened": NoticeType("customer", "the site is open again"),
    "closed": NoticeType("customer", "the site is closed (R1, R3, R4, R5)"),
    "recheck": NoticeType("customer", "the desk will check again; only a person sends it"),
    "call_script": NoticeType("phone", "an operator calls the customer"),
    "call_task": NoticeType("desk", "the customer must be called about the closure"),
    "alarm": NoticeType("desk", "a clock lapsed with too few attempts: the site is not suspended"),
    "alarm_daemon_silent": NoticeType("desk", "no daemon is enforcing the deadlines"),
    "alarm_halted": NoticeType("desk", "no orders are being carried out"),
    "alarm_mark_unread": NoticeType(
        "desk", "a daemon cannot read its mark and is not carrying out orders"
    ),
    "alarm_entries_lost": NoticeType("desk", "the record lost its latest entries"),
    "alarm_server_changed": NoticeType("desk", "another database server took over"),
    "alarm_sites_uncompared": NoticeType("desk", "the actual state of sites is not checked"),
    "alarm_sites_left_down": NoticeType(
        "desk", "sites are down for reasons perhaps lost with the record"
    ),
    "alarm_rules_unowned": NoticeType(
        "desk", "intake rules do nothing: their owners may not settle reports"
    ),
    "alarm_rules_braked": NoticeType(
        "desk", "intake rules have logged as many reports as they may: others wait"
    ),
    "alarm_reports_untriaged": NoticeType("desk", "reports are waiting too long for triage"),
    "alarm_log_unsigned": NoticeType("desk", "new entries are not being signed"),
    "alarm_brake_on": NoticeType(
        "desk", "the brake is on: closures or suspensions wait for a supervisor"
    ),
    "alarm_order_dead": NoticeType("desk", "an order became a dead letter"),
    "alarm_clock_about_to_lapse": NoticeType("desk", "a contact deadline ends soon"),
    "alarm_closure_waits": NoticeType("desk", "a closure request is waiting for a second person"),
    "alarm_closure_disputed": NoticeType("desk", "the record no longer supports a closure"),
    "alarm_report_due": NoticeType("desk", "an incident is due for police report"),
    "alarm_filing_due": NoticeType("desk", "filing deadlines are near or overdue"),
    "report_receipt": NoticeType("reporter", "a report came in"),
    "report_acted": NoticeType("reporter", "a report was logged, or joined an incident"),
    "report_dismissed": NoticeType("reporter", "a report was dismissed"),
    "report_not_ours": NoticeType("reporter", "a report was dismissed as not ours"),
    "report_explained": NoticeType("reporter", "a report was dismissed, and they get the reason"),
    "report_ended": NoticeType("reporter", "an incident of a report ended"),
}
