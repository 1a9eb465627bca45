"""The command: the fields common to all commands, and the codes and facts that fields can have.

Facts are declared as `Annotated[type, fact]`. They are separate from the commands themselves,
because many modules need a code but no command.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

CLOCK = "clock"
"""The author of actions that take effect at a due time."""

CUSTOMER = "customer"
"""The responsible person, who acts through a link."""

DISPATCHER = "courier"
"""The dispatcher, which carries out orders and reports the results."""

DAEMON = "daemon"
"""The daemon, when it resumes the record after a loss and compares sites on its own."""

CHECKER = "checker"
"""The job that checks filings and sends reminders of their deadlines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """The base of all commands; `by`: the person who gives the command."""

    by: str


REACHED = "reached"
OUTCOMES = (REACHED, "no-answer", "wrong-number", "bounced", "left-message")
"""The outcomes of a contact; only `reached` stops a clock (R2)."""

FOR_DESK, FOR_CUSTOMER = AUDIENCES = ("desk", "customer")
"""The audience of a note."""

LIFTED, BY_HAND, REPEATED, SUPERSEDED = "lifted", "by_hand", "repeated", "superseded"
LEFT_DOWN: Final = "left_down"
"""The reasons why an order is cancelled."""

DOWN = {"suspend": "suspended", "close": "closed"}
"""For each kind of order that takes a site down, the state in force after it is carried out."""

FORCE = {**DOWN, "reopen": "active"}
"""For each kind of order, the state in force after it is carried out."""

LOG = "log"
"""The adapter that only logs orders, used if the settings name no other."""

BRAKED = "braked"
"""The problem of an order that was given up untried, because too many sites were taken down at
once."""


@dataclass(frozen=True, slots=True)
class Words:
    """Text of at most `limit` characters.

    Personal text is sealed: the record holds only a salted commitment to it. A typed number or
    address is converted to half-width characters.
    """

    limit: int = 4_000
    personal: bool = True
    is_half_width: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the codes."""

    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """A field outside the request: a state that the caller saw, or an original spelling.

    The same action with the same key is the same request, whatever this field holds.
    """


@dataclass(frozen=True, slots=True)
class Replayed:
    """A field that only a replay of older entries sets."""


Own = Annotated[str, Words()]
"""Text that is personal data, and is therefore sealed."""

Short = Annotated[str, Words(100, personal=False)]
Phone = Annotated[str, Words(64, is_half_width=True)]
Email = Annotated[str, Words(254, is_half_width=True)]
Name = Annotated[str, Words(200)]
Outcome = Annotated[str, Choice(OUTCOMES)]
Audience = Annotated[str, Choice(AUDIENCES)]
AsWritten = Annotated[tuple[str, ...], Seen()]
