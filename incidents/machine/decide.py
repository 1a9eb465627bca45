"""The decision: a case, a command, the policy and the clock go in; events or a refusal come out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from incidents.machine import commands
from incidents.machine import events as e
from incidents.machine.actions import closing, corrections, filings, incidents, orders, sites
from incidents.machine.actions.elapse import elapse
from incidents.machine.case import Case
from incidents.machine.command import Refusal, RefusedError, Remark
from incidents.machine.draft import Draft
from incidents.machine.policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a command comes to.

    `case` is the case afterwards. The first `due` of the `events` had fallen due before the
    command; they stand even when there is a `refusal`. `incident` is the one that the act is
    about, `touched` are all that it changed.
    """

    case: Case
    events: tuple[e.Event, ...]
    due: int
    refusal: Refusal | None = None
    remarks: tuple[Remark, ...] = ()

    @property
    def touched(self) -> tuple[int, ...]:
        """The incidents that the act's own events are about, in order, without what was due."""
        found = (getattr(event, "incident", None) for event in self.events[self.due :])
        return tuple(dict.fromkeys(n for n in found if n is not None))

    @property
    def incident(self) -> int | None:
        """The incident of the act's first event."""
        return next(iter(self.touched), None)


def decide(case: Case, command: commands.Command, policy: Policy, now: datetime) -> Decision:
    """Decide `command` on `case` at `now` (aware, UTC), what is due coming first (domain.md 2).

    A `now` before the site's last entry is taken as that entry's time. `case` is not changed.
    """
    now = now if case.last_entry_at is None else max(now, case.last_entry_at)
    draft = Draft(case.copy(), policy, now, commands.CLOCK, policy.digest)
    elapse(draft)
    due = len(draft.events)
    refusal = None
    if not isinstance(command, commands.Elapse):
        draft.by = command.by
        run = draft.case.run
        try:
            _ACTS[type(command)](draft, command)
        except RefusedError as refused:
            refusal = refused.refusal
        _warn_of_next_miss(draft, run)
    return Decision(
        case=draft.case,
        events=tuple(draft.events),
        due=due,
        refusal=refusal,
        remarks=tuple(draft.remarks),
    )


def _warn_of_next_miss(draft: Draft, before: int) -> None:
    """A site on which nothing is left to do has no item in the queue that could say it (R3)."""
    case = draft.case
    if case.state == "active" and before < case.run >= draft.policy.run_count - 1:
        draft.remark("next_miss_closes", site=case.site, run=case.run)


_ACTS: dict[type[commands.Command], Callable[[Draft, Any], None]] = {
    commands.AddSite: sites.add_site,
    commands.EditSite: sites.edit_site,
    commands.StateFalse: closing.state_false,
    commands.ConfirmClosure: closing.confirm,
    commands.DeclineClosure: closing.decline,
    commands.SetHold: sites.set_hold,
    commands.LiftHold: sites.lift_hold,
    commands.AskReinstatement: sites.ask_reinstatement,
    commands.Approve: sites.approve,
    commands.Decline: sites.decline,
    commands.Uphold: sites.uphold,
    commands.Log: incidents.log,
    commands.Recur: incidents.recur,
    commands.ImportIncident: incidents.import_incident,
    commands.Attach: incidents.attach,
    commands.AddNote: incidents.add_note,
    commands.RecordContact: incidents.record_contact,
    commands.StateRemoved: incidents.state_removed,
    commands.StateRefused: closing.state_refused,
    commands.VoidContact: corrections.void_contact,
    commands.VoidIncident: corrections.void_incident,
    commands.TakeBack: corrections.take_back,
    commands.ClaimItem: sites.claim,
    commands.ReleaseItem: sites.release,
    commands.HandOver: sites.hand_over,
    commands.CompleteTask: sites.complete,
    commands.StateReported: incidents.state_reported,
    commands.SayRemoved: incidents.say_removed,
    commands.RevokeLinks: incidents.revoke_links,
    commands.RecordDelivery: orders.record_delivery,
    commands.RecordFailure: orders.record_failure,
    commands.CancelOrder: orders.cancel,
    commands.RetryOrder: orders.retry,
    commands.RecordState: orders.record_state,
    commands.RepeatOrder: orders.repeat,
    commands.ChangeFiling: filings.change,
    commands.Remind: filings.remind,
    commands.RaiseSuspicion: filings.raise_suspicion,
    commands.RecordFooter: filings.record_footer,
}
