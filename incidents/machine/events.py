"""The events: what happened to a case, in the past tense; each becomes one audit entry."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from incidents.machine.event import (
    AlarmRaised,
    ClockLapsed,
    ContactRecorded,
    ContactVoided,
    Event,
    EvidenceAttached,
    FilingChanged,
    FilingReminded,
    FooterSeen,
    IncidentEvent,
    IncidentImported,
    IncidentLogged,
    IncidentRefused,
    IncidentRemoved,
    IncidentReported,
    IncidentVoided,
    ItemClaimed,
    ItemReleased,
    LinksRevoked,
    NoteAdded,
    OrderCancelled,
    OrderDelivered,
    OrderEvent,
    OrderFailed,
    OrderRepeated,
    OrderRetried,
    Reason,
    RemovalSaid,
    SiteEvent,
    StatementTakenBack,
    StateSeen,
    SuspicionRaised,
    TaskCompleted,
    TaskOpened,
)
from incidents.machine.site_events import (
    ClosureAsked,
    ClosureDeclined,
    ClosureDisputed,
    ClosureUpheld,
    DisputeSettled,
    HoldLifted,
    HoldSet,
    ReinstatementAsked,
    ReinstatementDeclined,
    SiteAdded,
    SiteClosed,
    SiteEdited,
    SiteReinstated,
    SiteSuspended,
    SuspensionEnded,
    SuspensionRestored,
    SuspensionStruck,
)

if TYPE_CHECKING:
    from incidents.machine.case import Case

__all__ = [
    "KINDS",
    "AlarmRaised",
    "ClockLapsed",
    "ClosureAsked",
    "ClosureDeclined",
    "ClosureDisputed",
    "ClosureUpheld",
    "ContactRecorded",
    "ContactVoided",
    "DisputeSettled",
    "Event",
    "EvidenceAttached",
    "FilingChanged",
    "FilingReminded",
    "FooterSeen",
    "HoldLifted",
    "HoldSet",
    "IncidentEvent",
    "IncidentImported",
    "IncidentLogged",
    "IncidentRefused",
    "IncidentRemoved",
    "IncidentReported",
    "IncidentVoided",
    "ItemClaimed",
    "ItemReleased",
    "LinksRevoked",
    "NoteAdded",
    "OrderCancelled",
    "OrderDelivered",
    "OrderEvent",
    "OrderFailed",
    "OrderRepeated",
    "OrderRetried",
    "Reason",
    "ReinstatementAsked",
    "ReinstatementDeclined",
    "RemovalSaid",
    "SiteAdded",
    "SiteClosed",
    "SiteEdited",
    "SiteEvent",
    "SiteReinstated",
    "SiteSuspended",
    "StateSeen",
    "StatementTakenBack",
    "SuspensionEnded",
    "SuspensionRestored",
    "SuspensionStruck",
    "SuspicionRaised",
    "TaskCompleted",
    "TaskOpened",
]


KINDS: dict[str, type[Event]] = {
    event.kind: event
    for event in (
        SiteAdded, SiteEdited, IncidentLogged, IncidentImported, EvidenceAttached,
        ContactRecorded, ContactVoided, IncidentRemoved, IncidentRefused, IncidentVoided,
        StatementTakenBack, ClockLapsed, AlarmRaised, SiteSuspended, SuspensionEnded,
        SuspensionStruck, SuspensionRestored, SiteClosed, ClosureDisputed, DisputeSettled,
        ClosureUpheld, HoldSet, HoldLifted, ReinstatementAsked, ReinstatementDeclined,
        SiteReinstated, TaskOpened, TaskCompleted, ItemClaimed, ItemReleased, OrderDelivered,
        OrderFailed, OrderCancelled, OrderRetried, StateSeen, OrderRepeated,
        IncidentReported, RemovalSaid, ClosureAsked, ClosureDeclined, NoteAdded,
        FilingChanged, FilingReminded, SuspicionRaised, FooterSeen, LinksRevoked,
    )
}  # fmt: skip
"""Each kind of event by the word that stands for it in an entry."""


E = TypeVar("E", bound=Event)
Change = Callable[["Case", E], None]


class Changes(dict[type[Event], Callable[["Case", Any], None]]):
    """What changes a case, by the kind of event that it is for (see `apply`)."""

    def on(self, kind: type[E]) -> Callable[[Change[E]], Change[E]]:
        """Let the function be how an event of that kind changes a case."""

        def register(change: Change[E]) -> Change[E]:
            self[kind] = change
            return change

        return register
