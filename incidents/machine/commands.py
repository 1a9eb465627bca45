"""The commands: what a person or the clock may ask of a case, in the imperative.

Times are aware, in UTC; `at` is when the fact happened, None meaning now. Text of people comes
sealed (see `case`). A command does not know its site: it is sent to one. What a field may hold is
declared on it, for all that ask for it (`contract`). Those about one incident have a module of
their own, and are handed on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from incidents.machine.command import *  # noqa: F403 - handed on whole
from incidents.machine.command import (
    CHECKER,
    CLOCK,
    COURIER,
    Command,
    Email,
    Name,
    Own,
    Phone,
    Replayed,
    Seen,
    Short,
    Words,
)
from incidents.machine.incident_commands import *  # noqa: F403 - handed on whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Elapse(Command):
    """Do what is due, and nothing else."""

    by: str = CLOCK


@dataclass(frozen=True, slots=True, kw_only=True)
class AddSite(Command):
    """Take the site into the register; of a case that has no entry yet."""

    phone: Phone | None = None
    email: Email | None = None
    person: Name | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EditSite(Command):
    """Change whom to call; None leaves a detail as it is."""

    phone: Phone | None = None
    email: Email | None = None
    person: Name | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StateFalse(Command):
    """State which filed detail is false and how that was established (R4)."""

    field: Short
    evidence: Own


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmClosure(Command):
    """Confirm the closure (R4, R5) that another person asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclineClosure(Command):
    """Let a closure that was asked for not happen; who asked may take it back so."""

    reason: Own | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetHold(Command):
    """Keep the site down by order of the police or the regulator.

    What waits to open the site is cancelled, and one that is not known to be down is ordered down
    once more, if no order to take it down waits; `alone` is what older programs did: neither.
    """

    reason: Own
    # Not a part of what is asked, which keys of before it are compared with.
    alone: Annotated[bool, Seen()] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LiftHold(Command):
    """End the hold."""

    reason: Own


@dataclass(frozen=True, slots=True, kw_only=True)
class AskReinstatement(Command):
    """Ask that a closed site be opened; a second person decides."""

    reason: Own


@dataclass(frozen=True, slots=True, kw_only=True)
class Approve(Command):
    """Approve the reinstatement that another person asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decline(Command):
    """Decline the reinstatement that another person asked for."""

    reason: Own | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Uphold(Command):
    """Let a disputed closure stand."""

    reason: Own


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimItem(Command):
    """Take an item of the queue; `item` is what follows the site's number in its id."""

    item: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseItem(Command):
    """Give an item back to the queue."""

    item: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOver(Command):
    """Give to another person what `by` holds on this site."""

    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteTask(Command):
    """Complete a task with its outcome."""

    task: int
    outcome: Short | None = None
    note: Own | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FilingCommand(Command):
    """Of the filing of a site (see `filing`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeFiling(FilingCommand):
    """Change details: each a key and its text, and an empty text takes it away.

    `parts` change servers and documents part by part: each a key, the name of the part and its
    text. The desk puts them into what is filed, and the machine is given whole details alone.
    """

    details: tuple[tuple[str, str], ...] = ()
    parts: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RaiseSuspicion(FilingCommand):
    """Say that a check takes a detail for false: somebody looks, and may confirm it (R4)."""

    field: str
    finding: str
    by: str = CHECKER


@dataclass(frozen=True, slots=True, kw_only=True)
class Remind(FilingCommand):
    """Remind the desk of the terms of which a reminder is due on that day of its own zone."""

    on: str
    by: str = CHECKER


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFooter(FilingCommand):
    """Record what the foot of the site's page lacks, as codes; nothing, if all is right."""

    problems: tuple[str, ...] = ()
    by: str = CHECKER


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCommand(Command):
    """Of one order (see `orders`) in one lane."""

    order: int
    lane: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordDelivery(OrderCommand):
    """Record that it was carried out; `enforced` if that changed the world."""

    adapter: str
    attempts: int
    enforced: bool
    by: str = COURIER


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFailure(OrderCommand):
    """Record that it is given up: a dead letter."""

    adapter: str
    attempts: int
    problem: str
    by: str = COURIER


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOrder(OrderCommand):
    """Do not carry it out any more; `tried` says whether it was, None: as often as it is marked."""

    why: str
    tried: Annotated[bool, Replayed()] | None = None
    reason: Annotated[str, Words()] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryOrder(OrderCommand):
    """Try a dead letter again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordState(Command):
    """Record how the adapter says that the site really stands.

    It was asked while `in_force` was known and `last_act` carried out: what was seen before
    something else was done is no news.
    """

    adapter: str
    seen: str
    in_force: str
    last_act: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatOrder(Command):
    """Order once more what is ordered, since something else is in force.

    The dead letters that said so before are cancelled with it, unless it is meant `alone`. With
    `in_force` and `last_act` it is for the site as it was looked at: as in `RecordState`, and while
    no order waited. `tells` is what a hold alone asks for, in a replay.
    """

    in_force: Annotated[str, Seen()] | None = None
    last_act: Annotated[int, Seen()] | None = None
    alone: bool = False
    tells: bool = False
