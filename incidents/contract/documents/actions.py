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
    """An event, with the fields of its kind beside these (docs/reference/entry.md)."""

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
    """An event, with the name of its site."""

    site: str


class TaskOpened(Event):
    """The event of a new task for the desk."""

    task: str
    task_kind: str


class Remark(TypedDict):
    """A remark on an action that took effect (docs/reference/refusals.md)."""

    name: str
    facts: Facts


class Acted(TypedDict):
    """The result of an action.

    `events` begin with those that were due before it. `repeated`: the action was already done under
    this key, and this was its answer.
    """

    site: Site
    incident: Incident | None
    incidents: list[Incident]
    events: list[Event]
    remarks: list[Remark]
    repeated: bool


class Outcome(TypedDict):
    """The site and the incidents that a command touched, in their state after it, and the events.

    `site` is null if none was found.
    """

    site: Site | None
    incident: Incident | None
    incidents: list[Incident]
    events: list[Event]
    remarks: list[Remark]


class InvalidPart(TypedDict):
    """The fault in a part of the request, and its place; never the given value."""

    loc: list[str]
    type: str
    msg: str


class Problem(Open):
    """A problem (RFC 9457).

    `facts` and `events` come with a refusal of the desk. `hints` suggest alternatives.
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
