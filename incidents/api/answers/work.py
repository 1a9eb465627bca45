"""The answers about the desk's work: the queue, duties, orders, alarms, notices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from incidents.api.answers.accounts import Answer
from incidents.api.answers.register import Acted, Line
from incidents.contract import documents
from incidents.contract.documents import IncidentState


class Attempt(BaseModel):
    """A call that was made already."""

    model_config = ConfigDict(extra="allow")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item(documents.Item):
    """Something that must be done, with the command lines of its hints, the likeliest `next`."""

    next: str
    commands: list[str]


class Queue(Answer):
    """What must be done, the most urgent first, and whether anything enforces the clock."""

    items: list[Item]
    more: bool
    next: str | None
    counts: dict[str, int]
    counts_capped: bool
    enforcement: dict[str, Any]
    acts: dict[str, Any]
    report: dict[str, Any] | None


class HandedOver(Answer):
    """What was handed over, site by site."""

    items: list[Acted]


class Duty(Answer):
    """An incident that the police are to be told of."""

    model_config = ConfigDict(extra="allow")

    incident: str
    site: str
    state: IncidentState
    due: str


class Duties(Answer):
    """What the police are to be told of, the longest overdue first; null: nobody is reminded."""

    items: list[Duty]
    summary: dict[str, Any] | None


class Order(BaseModel):
    """An order into the world, and how it stands."""

    model_config = ConfigDict(extra="allow")

    id: str
    site: str
    kind: str
    lane: str
    state: Literal[
        "dead", "braked", "waiting", "in_hand", "delivered", "failed", "cancelled", "retried"
    ]
    ordered_at: str


class Orders(Answer):
    """Orders that are not carried out, dead letters first."""

    items: list[Order]


class OrderInFull(Order):
    """An order, what it says, and what became of it."""

    order: dict[str, Any]
    story: list[Line]


class Comparison(Answer):
    """A site as it is ordered, as it is on record, and as it really stands."""

    site: str
    ordered: str
    on_record: str
    really: str | None
    adapter: str
    verdict: Literal[
        "agrees",
        "differs",
        "cannot_be_asked",
        "waits",
        "ordered_again",
        "changed_meanwhile",
        "cancelled",
        "left_down",
    ]


class Reconciled(Answer):
    """What was compared; `left` sites were not looked at, being too many for one request."""

    items: list[Comparison]
    left: int


class Alarm(BaseModel):
    """Something that the desk is to know now."""

    model_config = ConfigDict(extra="allow")

    key: str
    kind: str
    subject: str
    site: str | None
    raised_at: str | None
    attempts_to_tell: int
    told_at: str | None


class Alarms(Answer):
    """What is alarming now; of the `capped` kinds there may be more."""

    items: list[Alarm]
    capped: list[str]


class TriedChannel(Answer):
    """Whether a channel took it; alarms wait until `quiet_until`, when its quiet hours end."""

    channel: str
    took: bool
    problem: str | None
    detail: str | None
    quiet_until: str | None


class Tried(Answer):
    """What each channel to the desk has said to a trial."""

    items: list[TriedChannel]


class Daemon(Answer):
    """A daemon that was heard of; one that is `standing_aside` says why, and one that carries
    nothing out since it cannot read its mark (`mark_unread`)."""

    daemon: str
    host: str
    pid: int
    started_at: str
    last_beat: str
    beating: bool
    standing_aside: str | None
    mark_unread: str | None


class MarkUnread(Answer):
    """A daemon that carries nothing out, since it cannot read its mark: why, since when, how many
    there are, and whether any other daemon is heard of."""

    daemon: str
    since: str
    problem: str
    count: int
    others: bool


class OverdueSite(Answer):
    """A site of which something should have been done by now."""

    site: str
    due: str


class LeftDown(Answer):
    """Sites that are down in the world, or may be, though nothing on record keeps them down: how
    many, how many of them the world has as closed, of how many nobody can tell, how many of these
    were added since the loss, the first names and how each is in the world, which of them are
    suspended on record as well, and stay down at the end of that, since when the reason may be
    lost, and whether all sites were compared."""

    count: int
    closed: int
    unknown: int
    new: int
    sites: list[str]
    states: list[Literal["suspended", "closed", "unknown"]]
    suspended_now: list[str]
    since: str
    complete: bool


class TakenDown(Answer):
    """Sites that daemons have taken down again: how many, and the first names."""

    count: int
    sites: list[str]


class NotCompared(Answer):
    """A site that could not be compared with the world, and why."""

    site: str
    problem: str


class Uncompared(Answer):
    """Sites that could not be compared with the world since the record has lost its end: how many,
    since when the first, and the first ones by their names, each with why."""

    count: int
    since: str
    sites: list[NotCompared]


class History(Answer):
    """Whether the record is whole, and signed, as far as is known: `lost_since` from when entries
    are known to be missing until a person has put on record that they know, `moved_since` while
    another server is news, `unproved_since` while the world is being compared with the record,
    `halted_since` while nothing is carried out until a person goes on, and why (`halted_why`),
    `unsigned_since` while nothing is signed that should be, `left_down` until a person goes on or
    holds them, `taken_down` until a person has put on record that they know of the loss,
    `uncompared` while there are sites that cannot be compared."""

    epoch: int
    lost_since: str | None
    moved_since: str | None
    unproved_since: str | None
    halted_since: str | None
    halted_why: Literal["unknown_server", "lost_again"] | None
    unsigned_since: str | None
    left_down: LeftDown | None
    taken_down: TakenDown | None
    uncompared: Uncompared | None


class Enforcement(Answer):
    """Whether the clock is enforced, by whom, and what is overdue."""

    beating: bool
    enforced_by: Literal["daemon", "once"] | None
    last_once: str | None
    last_beat: str | None
    daemon: str | None
    standing_aside: str | None
    overdue: int
    overdue_capped: bool
    overdue_since: str | None
    overdue_sites: list[OverdueSite]
    daemons: list[Daemon]
    mark_unread: MarkUnread | None
    rehearsal: bool
    history: History


class Notice(Answer):
    """A notice: to whom, and when."""

    notice: str
    to: str
    when: str


class Notices(Answer):
    """All notices."""

    items: list[Notice]


class Letter(Answer):
    """A notice as it would read, in one language."""

    notice: str
    to: str
    language: str
    subject: str
    text: str
    html: str | None


class Letters(Answer):
    """A notice as it would read, in each language."""

    items: list[Letter]


class Status(Answer):
    """It is there."""

    status: Literal["ok"]
