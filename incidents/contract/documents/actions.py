"""The documents that answer actions: results, events, problems, and the results of a batch."""

from __future__ import annotations

from typing import NotRequired

from typing_extensions import TypedDict

from incidents.contract.documents import Facts, Hint, Open
from incidents.contract.documents.sites import Incident, Site


class Reason(TypedDict):
    """Why a rule acted: the incidents it counted, and the times and numbers it compared."""

    rule: str
    incidents: list[str]
    counted: int | None
    needed: int | None
    since: str | None
    until: str | None
    within_s: int | None
    deadline: str | None
    decided_at: str | None


class Event(Open):
    """An event; the fields of its kind are added to these (docs/reference/entry.md)."""

    seq: int
    kind: str
    occurred_at: str
    recorded_at: str
    by: str
    rule: str | None
    reason: Reason | None
    policy: str
    run: int | None


class EventOfSite(Event):
    """An event, with the name of the site on which it happened."""

    site: str


class TaskOpened(Event):
    """The event that opened a task for the desk."""

    task: str
    task_kind: str


class Remark(TypedDict):
    """A remark on an action that took effect (docs/reference/refusals.md)."""

    name: str
    facts: Facts


class Acted(TypedDict):
    """The result of an action.

    `events` begin with the events that were due before the action. `repeated`: the action had
    already been performed under this key, and this is its original result.
    """

    site: Site
    incident: Incident | None
    incidents: list[Incident]
    events: list[Event]
    remarks: list[Remark]
    repeated: bool


class Outcome(TypedDict):
    """The state after a command: the site, the incidents that changed, and the events.

    `site` is null if no site was found.
    """

    site: Site | None
    incident: Incident | None
    incidents: list[Incident]
    events: list[Event]
    remarks: list[Remark]


class InvalidPart(TypedDict):
    """A fault in a part of the request, and where it is; the given value is never shown."""

    loc: list[str]
    type: str
    msg: str


class Problem(Open):
    """A problem (RFC 9457).

    A refusal by the desk adds `facts` and `events`. `hints` suggest alternatives.
    """

    type: str
    title: str
    status: int
    detail: NotRequired[str | None]
    errors: NotRequired[list[InvalidPart]]
    facts: NotRequired[Facts]
    events: NotRequired[list[EventOfSite]]
    hints: NotRequired[list[Hint]]


class Result(TypedDict):
    """The result of one command of a batch: an answer, or a problem."""

    status: int
    answer: Acted | None
    problem: Problem | None


class Results(TypedDict):
    """The result of each command, in the order of the commands."""

    items: list[Result]
    done: int
    refused: int
