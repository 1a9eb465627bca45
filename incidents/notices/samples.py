"""The sample facts of each notice: for previews, and to check templates.

All names, numbers and addresses are reserved for examples (RFC 2606, RFC 5737).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from incidents.machine.policy import Policy
from incidents.notices.facts import AlarmFacts, AnyFacts, Facts, Finding, Reason, ReporterFacts
from incidents.notices.letter import DeskContact

OFFICE = DeskContact(name="示例主机", phone="+86 10 5555 0100", mail="desk@host.example")

_NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
_ONE = Finding(
    id="12-3", occurred_at=_NOON - timedelta(minutes=25), recorded_at=_NOON, category="gambling",
    urls=("https://shop.example/a", "https://shop.example/b?page=2"),
)  # fmt: skip
_BARE = Finding(id="12-4", occurred_at=_NOON, recorded_at=_NOON + timedelta(seconds=7.5))
_LONG = replace(_ONE, id="12-5", urls=_ONE.urls * 5, more=40)
_THREE = (
    replace(_ONE, id="12-1", occurred_at=_NOON - timedelta(hours=20)),
    replace(_ONE, id="12-2", occurred_at=_NOON - timedelta(hours=3), category=None),
    _ONE,
)
_STRICT = Policy(removal_within=timedelta(hours=2), min_attempts=2, run="total", run_count=1)
_WIDE = Policy(repeat_within=timedelta(days=30), suspend_for=timedelta(minutes=90), run_count=2)

_VIOLATION = Facts(
    reference="12-3", site="shop.example", at=_NOON, state="open", findings=(_ONE,),
    contact_due=_NOON + timedelta(hours=1), miss_acts=True, person="张三",
    # Not signed with any real secret.
    link="https://host.example/c/12-3.69b78040.af8e.bohjvj6m2p3hgd6ur3vaawnik5earfey",
)  # fmt: skip
_LATER = _NOON + timedelta(hours=1, seconds=0.25)
_DOWN = replace(_VIOLATION, at=_LATER, site_state="suspended", state="unreached")
# A link names one incident: notices about the site, or to the desk, have none.
_OPEN_AGAIN = replace(_DOWN, at=_LATER + timedelta(hours=12), site_state="active", link=None)
_CLOSED = replace(
    _VIOLATION, at=_NOON, link=None, site_state="closed", state=None, contact_due=None,
    reference="12-o45", findings=_THREE, rule="repeat", needed=3, within=timedelta(hours=24),
    task="12-t2",
)  # fmt: skip
_ALARM = AlarmFacts(at=_NOON, host="desk-1", database="postgresql://db.example/incidents")

_REPORT = ReporterFacts(reference="r17", at=_NOON)

_SAMPLES: dict[str, AnyFacts] = {
    "violation_found": _VIOLATION,
    "suspended": replace(_DOWN, until=_LATER + timedelta(hours=12)),
    "suspended_held": replace(_DOWN, reference="12-o46", state=None, findings=(), link=None),
    "reopened": replace(_OPEN_AGAIN, cause="ended"),
    "closed": _CLOSED,
    "recheck": _OPEN_AGAIN,
    "call_script": replace(_VIOLATION, link=None),
    "call_task": _CLOSED,
    "alarm": replace(
        _DOWN, site_state="active", policy=Policy(min_attempts=2), link=None, attempts=1, needed=2,
    ),
    "alarm_daemon_silent": replace(_ALARM, since=_NOON - timedelta(minutes=5), overdue=2),
    "alarm_halted": replace(
        _ALARM, since=_NOON - timedelta(minutes=1), halted_since=_NOON - timedelta(minutes=1),
        halted_why="unknown_server",
    ),
    "alarm_mark_unread": replace(
        _ALARM, since=_NOON - timedelta(minutes=1), daemon="desk-1-7-0a1b2c3d",
        problem="the mark /var/lib/incidents/key/audit.key.mark-0123456789abcdef cannot be read:"
        " Permission denied; it belongs to root. As root: chown -h incidents"
        " /var/lib/incidents/key/audit.key.mark-0123456789abcdef",
    ),
    "alarm_entries_lost": replace(_ALARM, since=_NOON - timedelta(minutes=1)),
    "alarm_server_changed": replace(_ALARM, since=_NOON - timedelta(minutes=1)),
    "alarm_sites_uncompared": replace(
        _ALARM, since=_NOON - timedelta(minutes=1), sites=2, named=("web.example", "forum.example"),
        problem="panel: adapter fault: OSError",
    ),
    "alarm_sites_left_down": replace(
        _ALARM, since=_NOON - timedelta(minutes=1), sites=2, closed=1,
        named=("web.example", "forum.example"), states=("closed", "suspended"),
    ),
    "alarm_log_unsigned": replace(_ALARM, since=_NOON - timedelta(minutes=1)),
    "alarm_brake_on": replace(_ALARM, since=_NOON - timedelta(minutes=1), orders=313),
    "alarm_rules_unowned": replace(_ALARM, named=("trusted-feed", "scanner")),
    "alarm_rules_braked": replace(_ALARM, since=_NOON - timedelta(minutes=5), reports=3),
    "alarm_reports_untriaged": replace(_ALARM, since=_NOON - timedelta(minutes=61), reports=3),
    "alarm_order_dead": replace(
        _ALARM, site="shop.example", order="12-o45", order_kind="suspend", problem="http_503",
        attempts=42,
    ),
    "alarm_clock_about_to_lapse": replace(
        _ALARM, site="shop.example", incident="12-3", due=_NOON + timedelta(minutes=10),
    ),
    "alarm_closure_waits": replace(
        _ALARM, site="shop.example", rule="refusal", incident="12-3", since=_NOON,
    ),
    "alarm_closure_disputed": replace(_ALARM, site="shop.example", rule="repeat", since=_NOON),
    "alarm_report_due": replace(
        _ALARM, at=_NOON + timedelta(hours=22), site="shop.example", incident="12-3",
        due=_ONE.recorded_at + timedelta(hours=24),
    ),
    "alarm_filing_due": replace(_ALARM, terms=12, overdue=3),
    "report_receipt": _REPORT,
    "report_acted": _REPORT,
    "report_dismissed": _REPORT,
    "report_not_ours": _REPORT,
    "report_explained": replace(_REPORT, reasons=(Reason("r17", "The page is gone."),)),
    "report_ended": _REPORT,
}  # fmt: skip

_FINDINGS = [(_ONE,), (_BARE,), (_LONG, _BARE)]
_CUSTOMER: dict[str, list[Any]] = {
    "person": ["张三", None],
    "link": [_VIOLATION.link, None],
}
_POLICIES: dict[str, list[Any]] = {"policy": [Policy(), _STRICT, _WIDE]}
_CLOCK: dict[str, list[Any]] = {
    "state": ["open", "notified", "unreached", "refused"],
    "site_state": ["active", "suspended", "closed"],
    "contact_due": [_VIOLATION.contact_due, None],
    "miss_closes": [False, True],
    "miss_acts": [False, True],
    "attempts": [0, 2],
}
_CLOSURE: dict[str, list[Any]] = {
    "rule": ["repeat", "unreachable_run", "false_info", "refusal"],
    "needed": [3, 1],
    "total": [False, True],
    "false_field": [None, "phone", "icp_number"],
}
_ANY_ALARM: dict[str, list[Any]] = {"halted_since": [None, _NOON]}
_REPORTS: dict[str, list[Any]] = {"others": [(), ("r18",), ("r18", "r19")], "more": [0, 1, 80]}
_OUTCOMES: dict[str, list[Any]] = {**_REPORTS, "corrected": [(), ("r17",)]}
_VARIANTS: dict[str, dict[str, list[Any]]] = {
    "violation_found": {
        **_CUSTOMER, **_POLICIES, **_CLOCK, "findings": _FINDINGS,
        "removal_due": [None, _LATER + timedelta(hours=2)],
    },
    "suspended": {
        **_CUSTOMER, **_POLICIES, "findings": _FINDINGS, "contact_due": _CLOCK["contact_due"],
        "stays_down": [False, True],
    },
    "suspended_held": {
        **_CUSTOMER, "stays_down": [False, True], "outlasts": [False, True],
    },
    "reopened": {
        **_CUSTOMER, "cause": ["ended", "struck", "other", "never_down"],
        "findings": [*_FINDINGS, ()], "findings_more": [0, 1, 80], "opening": [False, True],
    },
    "closed": {
        **_CUSTOMER, **_CLOSURE, "findings": [_THREE, ()], "findings_more": [0, 1, 80],
        "disputed": [False, True],
    },
    "recheck": {**_CUSTOMER, "findings": _FINDINGS, "findings_more": [0, 1, 80]},
    "call_script": {
        **_CUSTOMER, **_POLICIES, **_CLOCK, "findings": _FINDINGS, "findings_more": [0, 1, 80],
        "rule": ["repeat"], "needed": [3], "within": [timedelta(hours=24)],
        "removal_due": [None, _LATER + timedelta(hours=2)], "withheld": [False, True],
    },
    "call_task": {**_CLOSURE, "withheld": [False, True]},
    "alarm": {"contact_due": _CLOCK["contact_due"]},
    "alarm_daemon_silent": {
        "since": [_NOON, None], "overdue": [0, 1, 1_000], "daemon": [None, "here-7-0a1b2c3d"],
    },
    "alarm_halted": {"since": [_NOON], "halted_why": ["lost_again", None]},
    "alarm_mark_unread": {"since": [_NOON]},
    "alarm_entries_lost": {"since": [_NOON]},
    "alarm_server_changed": {"since": [_NOON]},
    "alarm_sites_uncompared": {"sites": [1, 2, 313], "named": [("web.example",)]},
    "alarm_sites_left_down": {
        "sites": [1, 2, 313], "closed": [0, 1], "unknown": [0, 1], "new": [0, 1],
        "named": [("web.example",)], "states": [("unknown",), ("suspended",)],
        "suspended_now": [("web.example",)],
    },
    "alarm_log_unsigned": {"since": [_NOON]},
    "alarm_brake_on": {"orders": [1, 313]},
    "alarm_rules_unowned": {"named": [("trusted-feed",)]},
    "alarm_rules_braked": {"reports": [1, 501]},
    "alarm_reports_untriaged": {"reports": [1, 501]},
    "alarm_order_dead": {"attempts": [None, 1, 42]},
    "alarm_clock_about_to_lapse": {"miss_closes": [False, True], "attempts": [None, 1]},
    "alarm_closure_waits": {"rule": ["refusal", "false_info"], "incident": ["12-3", None]},
    "alarm_closure_disputed": {"rule": _CLOSURE["rule"], "since": [_NOON, None]},
    "alarm_report_due": {"at": [_NOON + timedelta(hours=26)]},
    "alarm_filing_due": {"terms": [1, 12], "overdue": [0, 1]},
    "report_receipt": _REPORTS,
    "report_acted": _OUTCOMES,
    "report_dismissed": _OUTCOMES,
    "report_not_ours": _OUTCOMES,
    "report_explained": {**_OUTCOMES, "reasons": [(), (Reason("r17", "…"), Reason("r18", "…"))]},
    "report_ended": _REPORTS,
}  # fmt: skip


def of(name: str) -> AnyFacts:
    """The sample facts for the notice of that name."""
    return _SAMPLES[name]


def dimensions(name: str) -> dict[str, list[Any]]:
    """The possible values of each fact that can differ between notices of that name."""
    own = _VARIANTS[name]
    return own | _ANY_ALARM if isinstance(_SAMPLES[name], AlarmFacts) else own


def variants(name: str) -> Iterator[AnyFacts]:
    """The sample facts, then each variant in which one fact is changed."""
    sample = of(name)
    yield sample
    for field, values in dimensions(name).items():
        for value in values:
            if value != getattr(sample, field):
                yield replace(sample, **{field: value})
