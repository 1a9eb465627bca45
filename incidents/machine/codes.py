"""The codes: what a command may say in place of words; they stand in the record as they are."""

from __future__ import annotations

REACHED = "reached"
OUTCOMES = (REACHED, "no-answer", "wrong-number", "bounced", "left-message")
"""What a contact may come to; only `reached` stops a clock (R2)."""

FOR_DESK, FOR_CUSTOMER = AUDIENCES = ("desk", "customer")
"""Whom a note is for."""

LIFTED, BY_HAND, REPEATED, SUPERSEDED = "lifted", "by_hand", "repeated", "superseded"
LEFT_DOWN = "left_down"
"""Why an order is cancelled."""
