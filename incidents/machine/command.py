"""The command: what all that people, the clock and the courier ask of a case has in common."""

from __future__ import annotations

from dataclasses import dataclass

COURIER = "courier"
"""Who carries orders out, and says what came of it."""


CHECKER = "checker"
"""What checks filings and reminds of their terms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What all commands have: the person who gives it."""

    by: str
