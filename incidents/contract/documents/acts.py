"""The documents that answer acts: the events of one act, and the results of a batch."""

from __future__ import annotations

from typing import Any

from typing_extensions import TypedDict

from incidents.contract.documents import Open
from incidents.contract.documents.sites import Incident, Site


class Event(Open):
    """What has happened, with the fields of its kind beside these (docs/reference/entry.md)."""

    seq: int
    kind: str
    occurred_at: str
    recorded_at: str
    by: str
    rule: str | None
    reason: Any
    policy: str
    run: int | None


class Remark(TypedDict):
    """What one should know of an act that took effect (docs/reference/refusals.md)."""

    name: str
    facts: dict[str, Any]


class Acted(TypedDict):
    """What an act came to. `events` begin with what had fallen due before it; `repeated`: it was
    done before, under this key, and this was the answer."""

    site: Site
    incident: Incident | None
    incidents: list[Incident]
    events: list[Event]
    remarks: list[Remark]
    repeated: bool


class Result(TypedDict):
    """What came of one command of a batch: an answer, or a problem."""

    status: int
    answer: Acted | None
    problem: dict[str, Any] | None


class Results(TypedDict):
    """What came of each command, in their order."""

    items: list[Result]
    done: int
    refused: int
