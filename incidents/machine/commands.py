"""The commands: requests of a person or the clock to a case, in the imperative.

Times are aware, in UTC; `at` is when the fact happened, None meaning now. Personal text is already
sealed (see `case`). A command does not name its site; it is sent to the site's case. Each field
declares its valid values for every interface (`contract`). The commands on one incident have their
own module and are re-exported here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from incidents.machine.command import *  # noqa: F403 - handed on whole
from incidents.machine.command import (
    CHECKER,
    CLOCK,
    DISPATCHER,
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
    """Process due actions, and do nothing else."""

    by: str = CLOCK


@dataclass(frozen=True, slots=True, kw_only=True)
class AddSite(Command):
    """Add the site to the register; for a case that has no entry yet."""

    phone: Phone | None = None
    email: Email | None = None
    person: Name | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EditSite(Command):
    """Edit the contact details; None leaves a detail unchanged."""

    phone: Phone | None = None
    email: Email | None = None
    person: Name | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StateFalse(Command):
    """State that a filed detail is false, with the evidence (R4)."""

    field: Short
    evidence: Own


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmClosure(Command):
    """Confirm the closure (R4, R5) that another person requested."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclineClosure(Command):
    """Decline a requested closure; the person who requested it withdraws it in the same way."""

    reason: Own | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetHold(Command):
    """Keep the site down by order of the police or the regulator.

    Orders that wait to open the site are cancelled. A site that is not known to be down gets
    another order to take it down, unless such an order is waiting. With `alone`, as in older
    versions of this program, orders are neither cancelled nor added.
    """

    reason: Own
    # Not part of the request, with which older keys are compared.
    alone: Annotated[bool, Seen()] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LiftHold(Command):
    """End the hold."""

    reason: Own


@dataclass(frozen=True, slots=True, kw_only=True)
class AskReinstatement(Command):
    """Request that a closed site be reinstated; a second person decides."""

    reason: Own


@dataclass(frozen=True, slots=True, kw_only=True)
class Approve(Command):
    """Approve the reinstatement that another person requested."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decline(Command):
    """Decline the reinstatement that another person requested."""

    reason: Own | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Uphold(Command):
    """Uphold a disputed closure."""

    reason: Own


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimItem(Command):
    """Claim an item of the queue; `item` is the part of the item's ID after the site's number."""

    item: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseItem(Command):
    """Return a claimed item to the queue."""

    item: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOver(Command):
    """Transfer the item, or all items that `by` holds on this site, to another person."""

    to: str
    item: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteTask(Command):
    """Complete a task with its outcome."""

    task: int
    outcome: Short | None = None
    note: Own | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FilingCommand(Command):
    """The base of commands on a site's filing (see `filing`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeFiling(FilingCommand):
    """Change details, each given by its key and text; an empty text removes the detail.

    `parts` change servers and documents part by part: each has a key, the name of the part and its
    text. The desk merges the parts into the filing; the machine receives only whole details.
    """

    details: tuple[tuple[str, str], ...] = ()
    parts: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RaiseSuspicion(FilingCommand):
    """Report a detail that seems false to an automatic check; a person reviews it (R4)."""

    field: str
    finding: str
    by: str = CHECKER


@dataclass(frozen=True, slots=True, kw_only=True)
class Remind(FilingCommand):
    """Remind the desk of the terms whose reminder is due on that day, in the desk's time zone."""

    on: str
    by: str = CHECKER


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFooter(FilingCommand):
    """Record the problems of the site's page footer, as codes; none if the footer is right."""

    problems: tuple[str, ...] = ()
    by: str = CHECKER


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCommand(Command):
    """The base of commands on one order (see `orders`) in one lane."""

    order: int
    lane: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordDelivery(OrderCommand):
    """Record that the order was carried out; `enforced`: this changed the live system."""

    adapter: str
    attempts: int
    enforced: bool
    by: str = DISPATCHER


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFailure(OrderCommand):
    """Record that the order is given up and is now a dead letter."""

    adapter: str
    attempts: int
    problem: str
    by: str = DISPATCHER


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOrder(OrderCommand):
    """Cancel the order; `tried`: whether it was attempted, None to use the number of attempts."""

    why: str
    tried: Annotated[bool, Replayed()] | None = None
    reason: Annotated[str, Words()] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryOrder(OrderCommand):
    """Try a dead letter again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordState(Command):
    """Record the site's actual state, as the adapter reports it.

    The adapter was queried while `in_force` was the known state and `last_act` the last order
    carried out. If another order has been carried out since, the answer is outdated and ignored.
    """

    adapter: str
    seen: str
    in_force: str
    last_act: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatOrder(Command):
    """Repeat the current order, because the live system is in another state.

    Earlier dead letters with the same order are cancelled, unless `alone`. If `in_force` and
    `last_act` are given, the command takes effect only if the site has not changed since they were
    read (as in `RecordState`), and no order is waiting. `tells`: only in a replay of a hold.
    """

    in_force: Annotated[str, Seen()] | None = None
    last_act: Annotated[int, Seen()] | None = None
    alone: bool = False
    tells: bool = False
