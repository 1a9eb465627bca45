"""Who of the reporters is sent which mail: pure decisions, by what is known of each report.

A mail's sender can be forged, so that a mail goes to somebody who sent nothing. Therefore: only
where the mail says that a person may be answered (`answerable`); if the settings name the server
that checks senders, only if it vouches for this one; never more than one mail of a kind an hour to
one address; a limited number an hour in all; and no word of the mail is repeated.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from incidents.inbox import answerable
from incidents.machine.event import Event
from incidents.record.report_events import (
    ReportDismissed,
    ReportJoined,
    ReportLogged,
    ReportReceived,
)
from incidents.settings.inbox import InboxSettings
from incidents.store.inbox import reports
from incidents.store.inbox.answers import (
    ACTED,
    DISMISSED,
    ENDED,
    EXPLAINED,
    NOT_OURS,
    RECEIPT,
)
from incidents.store.inbox.reporters import BLOCKED, MUTED, TRUSTED
from incidents.store.inbox.reports import Report

APART = timedelta(hours=1)
"""The least time between two mails of one kind to one address."""
GIVE_UP_AFTER = timedelta(days=1)
"""How long a mail is tried, and how long it may wait for its turn."""

OUTCOMES: Mapping[str, Collection[str]] = {
    ACTED: reports.LED, ENDED: reports.LED, DISMISSED: (reports.DISMISSED,),
    NOT_OURS: (reports.NOT_OURS,), EXPLAINED: reports.LED_NOWHERE,
}  # fmt: skip
"""The mails about how a report ended, with the states of a report of which each is so."""

_MAILS = frozenset({"command", "maildir", "imap"})


def is_wanted(letter: str, settings: InboxSettings) -> bool:
    """Whether the settings want that mail to be sent."""
    return settings.receipts if letter == RECEIPT else settings.outcomes


def letter_for(event: Event, settings: InboxSettings) -> str | None:
    """The mail that the event leads to, by the settings; None for no mail."""
    match event:
        case ReportReceived(answers=None) if settings.receipts:
            return RECEIPT
        case ReportLogged(stays_open=True) | ReportJoined(stays_open=True):
            # The reporter is told when all of the report is settled.
            return None
        case ReportLogged() | ReportJoined() if settings.outcomes:
            return ACTED
        case ReportDismissed(tell_reporter=True) if settings.outcomes:
            return EXPLAINED
        case ReportDismissed(not_ours=not_ours) if settings.outcomes:
            return NOT_OURS if not_ours else DISMISSED
        case _:
            return None


def is_so(letter: str, report: Report, since: datetime) -> bool:
    """Whether a mail that has waited since then (UTC) still says what is so of the report.

    Of one that was opened again meanwhile it does not, even if it ended in the same way again.
    """
    if letter not in OUTCOMES:
        return True
    is_older = report.reopened_at is not None and since < report.reopened_at
    return report.state in OUTCOMES[letter] and not is_older


def corrects(letter: str, told: Iterable[str]) -> bool:
    """Whether the mail says that the report ended otherwise than the mails that were sent say."""
    if letter not in OUTCOMES or letter == ENDED:
        return False
    return any(OUTCOMES.get(each, OUTCOMES[letter]) != OUTCOMES[letter] for each in told)


def outcome(letter: str, report: Report) -> str:
    """The mail on how the report ended: if only its rest was dismissed, it led to incidents."""
    is_rest = letter in {DISMISSED, NOT_OURS} and report.state in reports.LED
    return ACTED if is_rest else letter


def address_of(reading: Mapping[str, Any], channel: str, settings: InboxSettings) -> str | None:
    """The address to which a mail about the report may go; None if there is none.

    `reading`: the report's own, or empty if it was erased.
    """
    if reading.get("is_automatic"):
        return None
    address = reading.get("answer_to")
    if channel == "api" and address is None and reading.get("message_id") is None:
        # A program with a token has named who reports, and stands for it.
        named = str(reading.get("reporter") or "").lower()
        is_fit = answerable.is_address(named) and not answerable.is_nobody(named)
        return named if is_fit else None
    if channel not in (*_MAILS, "api") or address is None:
        return None
    if settings.authserv_id is not None and settings.authserv_id not in reading.get("vouchers", ()):
        return None
    return str(address)


def may_answer(standings: set[str], settings: InboxSettings) -> bool:
    """Whether a reporter gets mail, by their standing and that of the address it would go to."""
    if standings & {MUTED, BLOCKED}:
        return False
    return settings.answers_to != TRUSTED or TRUSTED in standings


def untold(
    reading: Mapping[str, Any], channel: str, standing: str, settings: InboxSettings
) -> str | None:
    """Why nobody is sent the reason of a dismissal, as a code; None if somebody is.

    By the settings of this process: those of the daemon may be others.
    """
    if not settings.outcomes:
        return "off"
    if not may_answer({standing}, settings):
        return "standing"
    return "no_address" if address_of(reading, channel, settings) is None else None


def next_turn(last: datetime | None, now: datetime) -> datetime | None:
    """When the next mail of a kind may go to an address that got one at `last`; None for now."""
    return None if last is None or now - last >= APART else last + APART


def is_given_up(since: datetime, now: datetime) -> bool:
    """Whether a mail that has waited since then (UTC) is not tried again."""
    return now - since >= GIVE_UP_AFTER
