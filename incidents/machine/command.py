"""The command: what all that is asked of a case has in common, and the codes that it may say."""

from __future__ import annotations

from dataclasses import dataclass

COURIER = "courier"
"""Who carries orders out, and says what came of it."""

DAEMON = "daemon"
"""What goes on after a loss, and compares the world with the record, where no person is asked."""

CHECKER = "checker"
"""What checks filings and reminds of their terms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What all commands have: the person who gives it."""

    by: str


REACHED = "reached"
OUTCOMES = (REACHED, "no-answer", "wrong-number", "bounced", "left-message")
"""What a contact may come to; only `reached` stops a clock (R2)."""

FOR_DESK, FOR_CUSTOMER = AUDIENCES = ("desk", "customer")
"""Whom a note is for."""

LIFTED, BY_HAND, REPEATED, SUPERSEDED = "lifted", "by_hand", "repeated", "superseded"
LEFT_DOWN = "left_down"
"""Why an order is cancelled."""
