"""The command: the fields that all commands have, and the codes and facts that fields can hold.

Facts are declared as `Annotated[type, fact]`. They are separate from the commands themselves,
because many modules need a code and load no command.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

CLOCK = "clock"
"""The author of actions that fall due by time."""

CUSTOMER = "customer"
"""The responsible person, after following a link."""

DISPATCHER = "courier"
"""The dispatcher, which carries out orders and reports the results."""

DAEMON = "daemon"
"""The daemon, when it resumes after a loss and compares sites without a person."""

CHECKER = "checker"
"""The job that checks filings and sends reminders of their deadlines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """The base of all commands, with the person who gives it."""

    by: str


REACHED = "reached"
OUTCOMES = (REACHED, "no-answer", "wrong-number", "bounced", "left-message")
"""The outcomes of a contact; only `reached` stops a clock (R2)."""

FOR_DESK, FOR_CUSTOMER = AUDIENCES = ("desk", "customer")
"""The audience of a note."""

LIFTED, BY_HAND, REPEATED, SUPERSEDED = "lifted", "by_hand", "repeated", "superseded"
LEFT_DOWN: Final = "left_down"
"""The reasons for cancelling an order."""

DOWN = {"suspend": "suspended", "close": "closed"}
"""The state in force after an order of that kind, which takes the site down, is carried out."""

FORCE = {**DOWN, "reopen": "active"}
"""The state in force after an order of that kind is carried out."""

LOG = "log"
"""The adapter that only logs orders, if the settings name no other."""

BRAKED = "braked"
"""The problem of an order that was given up untried: too many sites were taken down at once."""


@dataclass(frozen=True, slots=True)
class Words:
    """Text of at most `limit` characters.

    Personal text is sealed: the record holds only a salted commitment to it. A number or an address
    is read in half-width form where people type it.
    """

    limit: int = 4_000
    personal: bool = True
    is_half_width: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """One of these codes."""

    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """A fact that the caller saw, or an address's original spelling: not part of the request.

    The same action with the same key is the same request, whatever was seen.
    """


@dataclass(frozen=True, slots=True)
class Replayed:
    """A field that only a replay of older entries sets."""


Own = Annotated[str, Words()]
"""Personal text, which is sealed."""

Short = Annotated[str, Words(100, personal=False)]
Phone = Annotated[str, Words(64, is_half_width=True)]
Email = Annotated[str, Words(254, is_half_width=True)]
Name = Annotated[str, Words(200)]
Outcome = Annotated[str, Choice(OUTCOMES)]
Audience = Annotated[str, Choice(AUDIENCES)]
AsWritten = Annotated[tuple[str, ...], Seen()]
