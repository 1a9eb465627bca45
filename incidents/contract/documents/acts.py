"""The documents that answer acts: the events of one act, and the results of a batch."""

from __future__ import annotations

from typing_extensions import TypedDict

from incidents.contract.documents import Facts, Open
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
    """The result of an action. `events` begin with what had fallen due before it; `repeated`: it
    was already done under this key, and this was the answer."""

    site: Site
    incident: Incident | None
    incidents: list[Incident]
    events: list[Event]
    remarks: list[Remark]
    repeated: bool
