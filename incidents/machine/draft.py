"""The draft: a decision while it is being made, one event after the other on a copy of the case."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from incidents.machine import events as e
from incidents.machine.apply import apply
from incidents.machine.case import Case, ClosureRequest
from incidents.machine.ids import incident_id
from incidents.machine.policy import Policy
from incidents.machine.refusals import Remark
from incidents.machine.rules import run

_MAY_CHANGE_THE_RUN = {
    e.ContactRecorded, e.ContactVoided, e.IncidentVoided, e.StatementTakenBack, e.SiteSuspended,
    e.SuspensionStruck, e.SuspensionRestored, e.SiteClosed, e.SiteReinstated,
}  # fmt: skip


_ANSWERS_A_REQUEST = {e.ClosureDeclined, e.IncidentRefused}
"""What takes away a request to close and says so itself: a no, or the refusal that closes."""


@dataclass(slots=True)
class Draft:
    """The case as it stands so far, the clock and policy it is judged by, and what has happened.

    `by` is who acts: the clock, while what is due is done, and then the person.
    """

    case: Case
    policy: Policy
    now: datetime
    by: str
    digest: str
    events: list[e.Event] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)

    def add(self, kind: type[e.Event], *, at: datetime | None = None, **fields: Any) -> None:
        """Let an event happen: at `at`, else now. The run is derived anew where it may change."""
        event = kind(
            occurred_at=at or self.now,
            recorded_at=self.now,
            by=self.by,
            policy=self.digest,
            **fields,
        )
        asked = self.case.closure_request
        apply(self.case, event)
        self._tell_what_fell(asked, kind)
        if kind in _MAY_CHANGE_THE_RUN:
            derived = run(self.case, self.policy)
            if derived != self.case.run:
                self.case.run = derived
                # Nobody has seen the event yet.
                object.__setattr__(event, "run", derived)
        self.events.append(event)

    def _tell_what_fell(self, asked: ClosureRequest | None, kind: type[e.Event]) -> None:
        """Say that nobody closes the site any more as `asked`: no event of its own says so."""
        if asked is None or kind in _ANSWERS_A_REQUEST:
            return
        if self.case.closure_request is None and not self.case.closed:
            self.remark("closure_fell", site=self.case.site, by=asked.by)

    def remark(self, name: str, **facts: Any) -> None:
        """Tell the person something about their act."""
        self.remarks.append(Remark(name, facts))

    def name(self, incident: int) -> str:
        """The public id of one of the site's incidents."""
        return incident_id(self.case.site_id, incident)
