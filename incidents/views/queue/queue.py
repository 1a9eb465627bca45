"""The queue: the desk's open work, most urgent first, a page at a time."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection

from incidents.clock import rfc3339
from incidents.contract.documents.orders import OrdersNotDone
from incidents.contract.documents.queue import (
    Attempt,
    Closing,
    Consequence,
    QueueItem,
    QueuePage,
    ToClose,
)
from incidents.contract.queue_filter import EVERYTHING, QueueFilter
from incidents.errors import InputError
from incidents.locale.words import TimeFormat
from incidents.machine.case import rule_to_close
from incidents.machine.policy import Policy
from incidents.machine.work import TELL
from incidents.settings.police import ReportDuty
from incidents.store.archive.part import PartAlteredError, PartMissingError
from incidents.store.inbox import reports
from incidents.views import masked, record_entries, register, withheld
from incidents.views.health import enforcement
from incidents.views.orders import dead_letters, held, late
from incidents.views.queue import police, waiting_reports
from incidents.views.queue.findings import Findings, find_findings
from incidents.views.queue.queue_page import MAX_COUNTED, counts, one, page
from incidents.views.queue.script import script
from incidents.views.queue.work import closing_counts, closing_misses, opens_first

Row = Mapping[str, Any]

MAX_PAGE = 1_000
_SECOND = timedelta(seconds=1)
_WORDS = ("phone", "email", "person", "request_reason", "closing_text")


def queue(  # noqa: PLR0913 - the parts of one question, by their names
    connection: Connection,
    now: datetime,
    *,
    mine: str | None = None,
    wanted: QueueFilter = EVERYTHING,
    limit: int = 50,
    after: str | None = None,
    reveal: bool = False,
    report: ReportDuty | None = None,
    triage_within: timedelta | None = None,
    when: TimeFormat | None = None,
) -> QueuePage:
    """One page of the queue, with the state of the clock's enforcement.

    The order is that of Q.1 to Q.3: items overdue at `now` (UTC), then by deadline, then by
    `recorded_at`; and so again for the terms of filings, after all work on incidents. `mine`: show
    and count only the items that this person has claimed. `wanted`: show only those items, and
    count those of any kind. A page of a filter can be short, or empty, and have `more`: it tries
    its filter on a bounded number of items. `after`: a page's `next_after`. Unless `reveal` is set,
    phone numbers and email addresses are masked (see `masked`), in the script too. `when`: the
    language and the zone of the script, and of the last day of a term (None: English, UTC).
    `report`: the duty to report, for its summary. `triage_within`: how long a report from outside
    may wait; None if none is ever overdue. A page takes at most a few queries and the same
    time however long the queue is.

    Raises:
        InputError: if `after` is not a page's `next_after`, or `limit` not between 1 and 1,000.
    """
    if not 1 <= limit <= MAX_PAGE:
        raise InputError.coded(
            "page_of_queue", "limit is {limit}: ask for 1 to {most:,} items of the queue",
            limit=limit, most=MAX_PAGE,
        )  # fmt: skip
    wanted = wanted if mine is None else replace(wanted, holder=mine)
    is_whole = wanted == EVERYTHING and after is None
    zone = UTC if when is None else when.zone
    shown, next_after = page(connection, limit, wanted=wanted, after=after, zone=zone)
    in_force = register.policy_in_force(connection)
    counted = counts(connection, wanted, zone)
    return {
        "items": _items(connection, shown, in_force, now, reveal=reveal, when=when),
        "more": next_after is not None,
        "next_after": next_after,
        "counts": dict(sorted(counted.items())),
        "counts_capped": counted.total() >= MAX_COUNTED,
        "enforcement": enforcement(connection, now),
        "acts": _not_done(connection, now),
        "report": None if report is None else police.summary(connection, now, report),
        "reports": waiting_reports.waiting(connection, now, triage_within) if is_whole else None,
    }


def item(
    connection: Connection,
    now: datetime,
    of: tuple[int, str],
    *,
    reveal: bool = False,
    when: TimeFormat | None = None,
) -> QueueItem | None:
    """One item as `queue` returns it; None if there is none. `of`: its id from `read_item_id`.

    This is for a reader who needs one phone number and must not see a page of them.
    """
    rows = one(connection, of, UTC if when is None else when.zone)
    in_force = register.policy_in_force(connection)
    found = _items(connection, rows, in_force, now, reveal=reveal, when=when)
    return found[0] if found else None


def _not_done(connection: Connection, now: datetime) -> OrdersNotDone:
    """The orders that need attention, with the last one that was only logged, if there is one."""
    dead, logged = dead_letters(connection), withheld.newest_only_logged(connection)
    found: OrdersNotDone = {**dead, "late": late(connection, now), "held": held(connection)}  # type: ignore[typeddict-item]  # the key that may be left out
    if logged is not None:
        found["only_logged"] = logged
    return found


def _items(
    connection: Connection,
    rows: list[Row],
    in_force: Policy,
    now: datetime,
    *,
    reveal: bool,
    when: TimeFormat | None,
) -> list[QueueItem]:
    found = find_findings(connection, rows)
    refs = [row[name] for row in rows for name in _WORDS]
    texts = record_entries.personal_texts(connection, [*refs, *found.notes()])
    closing = closing_misses(connection, rows, in_force)
    details = [_details(row, found, texts, reveal=reveal) for row in rows]
    kept_up = _kept_up(connection, {row["site_id"] for row in rows if row["kind"] == TELL})
    received = reports.first_received(connection, filter(None, map(_incident_of, rows)))
    items = [
        _item(
            row, found, of, now, in_force, closing=(row["site_id"], row["item"]) in closing,
            withheld=row["site_id"] in kept_up,
            received_at=received.get(_incident_of(row) or (0, 0)),
        )
        for row, of in zip(rows, details, strict=True)
    ]  # fmt: skip
    script_when = when or TimeFormat(zone=UTC, now=now)
    next_closes = closing_counts(connection, rows, in_force, now)
    return [
        _with_script(
            item, in_force, script_when, found.recurred(row),
            made=found.attempts_in_time(row), next_closes=row["site_id"] in next_closes,
            opens_first=opens_first(row),
        )
        for item, row in zip(items, rows, strict=True)
    ]  # fmt: skip


def _incident_of(row: Row) -> tuple[int, int] | None:
    """The incident of the item, as its site's id and its number there."""
    n = row["incident"]
    return None if n is None else (row["site_id"], n)


def _kept_up(connection: Connection, site_ids: Collection[int]) -> set[int]:
    """The sites whose order to take them down is withheld: so their customers are not told."""
    try:
        return withheld.withheld_sites(connection, site_ids)
    except (PartMissingError, PartAlteredError):
        # Their last orders are in a part that is missing. The queue must go on.
        return withheld.sites_up(connection, site_ids)


def _details(
    row: Row, found: Findings, texts: Mapping[str, str], *, reveal: bool
) -> Mapping[str, str | None]:
    """The personal details and texts of a row, masked unless `reveal`; None once erased."""
    incident = found.incident(row)
    request = _REQUESTS.get(row["kind"])
    note = incident and incident["note"] if request is None else row[request.reason]
    refs = {
        "phone": row["phone"], "person": row["person"], "email": row["email"], "note": note,
        "remark": found.remark(row),
    }  # fmt: skip
    details = {name: texts.get(ref) if ref else None for name, ref in refs.items()}
    return details if reveal else masked.details(details)


class _Request(NamedTuple):
    """The columns of a request by one person that another person has to decide."""

    by: str
    reason: str


_REQUESTS = {
    "closure": _Request("closing_by", "closing_text"),
    "disputed": _Request("request_by", "request_reason"),
    "reinstatement": _Request("request_by", "request_reason"),
}


def _closing(row: Row) -> Closing | None:
    """The request to close the item's site: its person and reason; None if there is none."""
    by = row["closing_by"]
    return None if by is None else {"by": by, **_closes_for(row)}


def _closes_for(row: Row) -> ToClose:
    """The reason for which the item's site is to be closed."""
    n = row["closing_incident"]
    return {
        "rule": rule_to_close(n),
        "incident": None if n is None else f"{row['site_id']}-{n}",
        "field": row["closing_field"],
    }


def _item(
    row: Row,
    found: Findings,
    details: Mapping[str, str | None],
    now: datetime,
    in_force: Policy,
    *,
    closing: bool,
    withheld: bool,
    received_at: datetime | None,
) -> QueueItem:
    """The item without its script; its warning is a code."""
    due, incident, request = row["due"], found.incident(row), _REQUESTS.get(row["kind"])
    urls = found.urls(row)
    spared = incident is not None and _was_spared(row, found, in_force)
    tried = found.attempts_in_time(row) >= in_force.min_attempts
    consequence = _consequence(row, closing=closing, tried=tried)
    return QueueItem(
        id=f"{row['site_id']}-{row['item']}",
        kind=row["kind"],
        site=row["name"],
        state=row["state"],
        in_force=row["in_force"],
        rule=row["rule"],
        incident=None if row["incident"] is None else f"{row['site_id']}-{row['incident']}",
        about=found.about(row),
        about_states=found.about_states(row),
        unsettled=found.unsettled(row),
        filing=found.filing(row),
        due=None if due is None else rfc3339(due),
        overdue=due is not None and due < now,
        left_s=None if due is None else (due - now) // _SECOND,
        recorded_at=rfc3339(row["recorded_at"]),
        report_received_at=None if received_at is None else rfc3339(received_at),
        claimed_by=row["claimed_by"],
        claimed_at=None if row["claimed_at"] is None else rfc3339(row["claimed_at"]),
        phone=details["phone"],
        person=details["person"],
        email=details["email"],
        urls=urls,
        urls_total=found.urls_total(row),
        category=None if incident is None else incident["category"],
        note=details["note"],
        said_gone=found.said_gone(row) is not None,
        remark=details["remark"],
        attempts=found.attempts(row),
        last_attempt=_last_attempt(row, found),
        consequence=consequence,
        suspends_s=in_force.suspend_for // _SECOND if consequence == "suspends" else None,
        site_down=row["state"] != "active",
        held=row["held"],
        withheld=withheld and row["kind"] == TELL,
        asked_by=None if request is None else row[request.by],
        closing=_closing(row),
        to_close=_closes_for(row) if row["kind"] == "closure" else None,
        warning="spared" if spared else "closes" if closing else None,
        say="",
        hints=[],
    )


def _consequence(row: Row, *, closing: bool, tried: bool) -> Consequence | None:
    """What happens to the item's site at the deadline if nobody is reached, or nothing is deleted.

    `tried`: R2 has the attempts that the policy requires; without them, it only raises an alarm.
    """
    if row["due"] is None:
        return None
    if row["kind"] == "check_removal":
        # A lapsed removal deadline counts as a refusal, also of a site that is down (R5).
        return "closes"
    if row["kind"] != "call":
        return None
    if not tried:
        return "alarms"
    if row["state"] != "active" and not opens_first(row):
        return None
    return "closes" if closing else "suspends"


def _last_attempt(row: Row, found: Findings) -> Attempt | None:
    last = found.last_contact(row)
    if last is None:
        return None
    return {"at": rfc3339(last["occurred_at"]), "outcome": last["outcome"], "by": last["by"]}


def _with_script(
    item: QueueItem,
    in_force: Policy,
    when: TimeFormat,
    recurred: Mapping[str, str],
    *,
    made: int,
    next_closes: bool,
    opens_first: bool,
) -> QueueItem:
    """The item with its warning and script in that language, and its hints.

    `made`: the attempts by the deadline.
    """
    least = in_force.min_attempts
    code = "closes.tried" if least and item["warning"] == "closes" else item["warning"]
    warning = code and when.language.say(
        f"say.warning.{code}", site=item["site"], incident=item["incident"], made=made, least=least
    )
    say, hints = script(
        item, in_force, when, recurred, next_closes=next_closes, opens_first=opens_first
    )
    return {**item, "warning": warning, "say": say, "hints": hints}


def _was_spared(row: Row, found: Findings, in_force: Policy) -> bool:
    """Whether the clock lapsed without a suspension because of too few attempts (R2)."""
    incident = found.incident(row)
    return (
        row["kind"] == "keep_calling"
        and row["state"] != "closed"
        and incident is not None
        and incident["suspension"] is None
        # Under a hold, a clock lapses without a suspension, too.
        and found.attempts_in_time(row) < in_force.min_attempts
    )
