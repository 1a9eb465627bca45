"""The open work of one site for the desk's queue, derived from the site's case."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from incidents.machine.case import Case, Task
from incidents.machine.filing import FILE, FOOTER, SHOW, SUSPICION
from incidents.values.ids import CLOSURE, DISPUTED, REINSTATEMENT

TELL = "tell"
"""The task to phone the customer of a closed site."""

OF_FILINGS = frozenset({FILE, SHOW, SUSPICION, FOOTER})
"""The kinds of items that come after all others, so that ten thousand late filings do not hide the
one customer who must be called."""

_KIND_OF_STATE = {"open": "call", "unreached": "keep_calling", "notified": "check_removal"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """An item of the queue; `item` is the part of its public ID after the site's number.

    `kind`: `call`, `keep_calling`, `tell`, `check_removal`, `recheck`, `closure`, `disputed`,
    `reinstatement`, `review`; for a filing `file`, `show_number`, `suspicion`, `footer`. `due` is
    the active deadline (UTC) or None. R4 and R5 have no deadline, so a `closure` that waits for a
    second person is due from the moment it was requested.
    """

    item: str
    kind: str
    incident: int | None
    due: datetime | None
    recorded_at: datetime

    @property
    def comes_last(self) -> bool:
        """Whether the item comes after all items about an incident or a closure."""
        return self.kind in OF_FILINGS


def items(case: Case) -> dict[str, Item]:
    """All queue items of the site, each by the part of its ID after the site's number."""
    found = [*_incidents(case), *_tasks(case), *_decisions(case)]
    return {item.item: item for item in found}


def withdrawn(case: Case, task: Task) -> bool:
    """Whether the queue leaves out the task, because the closure to report is disputed.

    `items` still includes the task, so that people who have claimed it or made the call can
    complete it.
    """
    return task.kind == TELL and case.disputed and task.done_at is None


def _incidents(case: Case) -> list[Item]:
    return [
        Item(
            item=str(incident.n),
            kind=_KIND_OF_STATE[incident.state],
            incident=incident.n,
            due=(
                incident.contact_due
                if case.clock_runs(incident)
                else incident.removal_due
                if case.removal_runs(incident)
                else None
            ),
            recorded_at=incident.recorded_at,
        )
        for incident in case.incidents.values()
        if incident.state in _KIND_OF_STATE
    ]


def _tasks(case: Case) -> list[Item]:
    """The tasks of the site. A closed site's filing tasks are hidden until it is opened again."""
    return [
        Item(item=f"t{task.n}", kind=task.kind, incident=None, due=None, recorded_at=task.opened_at)
        for task in case.tasks.values()
        if task.done_at is None and not (case.closed and task.kind in OF_FILINGS)
    ]


def _decisions(case: Case) -> list[Item]:
    found = []
    asked = case.closure_request
    if asked is not None:
        found.append(
            Item(
                item=CLOSURE, kind=CLOSURE, incident=asked.incident, due=asked.at,
                recorded_at=asked.at,
            )
        )  # fmt: skip
    if case.disputed and case.closure is not None:
        found.append(_decision(DISPUTED, case.closure.at))
    if case.request is not None:
        found.append(_decision(REINSTATEMENT, case.request.at))
    return found


def _decision(kind: str, at: datetime) -> Item:
    return Item(item=kind, kind=kind, incident=None, due=None, recorded_at=at)
