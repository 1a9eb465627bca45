"""The commands about orders and filings: what came of an order, and what people change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from incidents.machine.command import CHECKER, COURIER, Command
from incidents.values.fact import Replayed, Seen, Words


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
