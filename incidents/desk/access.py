"""The access: for which commands a person signs in first, who may be given work, and the count of
who was not let do something.

It is asked here, under the locks of the act, so that no way to the desk leads past it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cached_property

from sqlalchemy import Connection

from incidents.accounts.identity import may
from incidents.contract.action import name_of
from incidents.desk.envelope import Answer, Envelope
from incidents.machine.case import Case, ClosureRequest, Request
from incidents.machine.command import COURIER, DAEMON
from incidents.machine.commands import (
    Approve,
    AskReinstatement,
    CancelOrder,
    ClaimItem,
    Command,
    CompleteTask,
    ConfirmClosure,
    Decline,
    HandOver,
    LiftHold,
    RecordState,
    RepeatOrder,
    RetryOrder,
    SetHold,
    StateFalse,
    StateRefused,
    Uphold,
)
from incidents.machine.policy import Policy
from incidents.machine.refusal import Refusal
from incidents.store import passwords, sign_ins
from incidents.store.accounts import Account, account, any_there
from incidents.values.ids import task_id

NOT_LET = {
    "sign_in_needed": "sign_in_needed", "not_let": "role", "asked_by_anybody": "asked_by_anybody",
    "same_person": "same_person", "for_a_supervisor": "for_a_supervisor",
    "no_supervisor": "role",
    "own_second": "same_person", "second_needed": "second_needed", "second_not_in": "second_not_in",
    "second_role": "second_role", "password_given": "password_given",
}  # fmt: skip
"""What is counted as somebody's not being let, by the refusal's name, and why that was."""

NOT_KEPT = frozenset(
    {
        "sign_in_needed",
        "not_let",
        "for_a_supervisor",
        "no_supervisor",
        "changed_meanwhile",
        "would_close",
        "no_taker",
        "password_given",
    }
)
"""What is not the answer to a key for good: the same command may be given after a sign-in, under
another role, after another look or a confirmation, or once there is who takes it over."""


_SUPERVISORS = (
    SetHold, LiftHold, Decline, Uphold, RetryOrder, CancelOrder, RepeatOrder, RecordState,
)  # fmt: skip
RECOVER = "recover"
_MACHINES = frozenset({COURIER, DAEMON})
"""No person has these names: what they do about orders follows from what is decided."""


def takes_two(command: Command, policy: Policy) -> bool:
    """Whether it is a part of what takes two people: to open what is closed and, where `policy`
    says so, to close on somebody's word (R4, R5)."""
    if isinstance(command, StateFalse | StateRefused):
        return policy.two_people_close
    return isinstance(command, AskReinstatement | Approve | ConfirmClosure)


class Access:
    """What the commands of one transaction are let do at `now` (UTC), under `policy`, and who was
    not let.

    Whoever has signed in is looked at once more: the account may have been disabled meanwhile, or
    given another role. Each account is looked up once, however many commands ask.
    """

    def __init__(self, connection: Connection, policy: Policy, now: datetime) -> None:
        self._connection = connection
        self._policy = policy
        self._now = now
        self._known: dict[str, Account | None] = {}
        self._not_let: list[tuple[Envelope, str, str]] = []

    @cached_property
    def _has_accounts(self) -> bool:
        return any_there(self._connection)

    def refused(self, envelope: Envelope) -> Refusal | None:
        """Why a command is not for who gives it, whatever its site is."""
        command = envelope.command
        if takes_two(command, self._policy) and self._has_accounts:
            act = name_of(type(command))
            refusal = self._why_not(command.by, act, signed_in=envelope.signed_in)
            if refusal is None and isinstance(command, Approve | ConfirmClosure):
                return self._not_their_own(command.by)
            return refusal
        if isinstance(command, _SUPERVISORS) and command.by not in _MACHINES:
            return self._no_supervisor(command.by, name_of(type(command)))
        return self._no_taker(command) if isinstance(command, HandOver) else None

    def refused_on(self, envelope: Envelope, case: Case) -> Refusal | None:
        """Why it is not for them, as the site stands."""
        match envelope.command:
            case Approve():
                return self._unproved(case.request, case)
            case ConfirmClosure():
                return self._unproved(case.closure_request, case)
            case CompleteTask() as command:
                return self._for_a_supervisor(command, case)
        return None

    def refused_activation(self, by: str, *, signed_in: bool, second: str | None) -> Refusal | None:
        """Why no other policy is put in the place of this one: where two people close by it, and
        there are accounts, whoever does so signs in, and so does a `second` person. Whatever the
        other one says: under numbers of their own one alone could close, and bring this one back.
        """
        act = "activate_policy"
        if self._policy.two_people_close and self._has_accounts:
            refusal = self._why_not(by, act, signed_in=signed_in)
            if refusal is not None or second is None:
                return refusal or Refusal("second_needed", {"by": by})
        return None if second is None else self._not_second(second, by, act)

    def refused_recovery(self, by: str) -> Refusal | None:
        """Why the record does not go on because `by` asks, after it has lost its end."""
        return self._no_supervisor(by, RECOVER)

    def _not_second(self, second: str, by: str, act: str) -> Refusal | None:
        """Why `second`, who has signed in as well, is no second person to what `by` does."""
        found = self._account(second)
        if second == by:
            return Refusal("own_second", {"by": by})
        if found is None or found.disabled_at is not None:
            return Refusal("second_not_in", {"second": second})
        if not may(found.role, act):
            return Refusal("second_role", {"second": second, "role": found.role, "act": act})
        # The two are alike here: whoever has set the one's password could be both.
        return self._not_their_own(second) or self._not_their_own(by)

    def heed(self, envelope: Envelope, answer: Answer) -> None:
        """Keep in mind that somebody was not let do something, where there are accounts."""
        refusal = answer.refusal
        if refusal is None or refusal.name not in NOT_LET or answer.repeated:
            return
        if self._has_accounts:
            self._not_let.append((envelope, NOT_LET[refusal.name], answer.site))

    def write(self, clock: Callable[[], datetime]) -> None:
        """Counts it; the sites' rows are locked before."""
        refused = [
            sign_ins.Refusal(
                envelope.command.by,
                envelope.login or "",
                name_of(type(envelope.command)),
                why,
                site,
            )
            for envelope, why, site in self._not_let
        ]
        sign_ins.count(self._connection, refused, clock())

    def _account(self, handle: str) -> Account | None:
        if handle not in self._known:
            self._known[handle] = account(self._connection, handle)
        return self._known[handle]

    def _may(self, handle: str, act: str) -> bool:
        found = self._account(handle)
        return found is not None and found.disabled_at is None and may(found.role, act)

    def _why_not(self, by: str, act: str, *, signed_in: bool) -> Refusal | None:
        found = self._account(by) if signed_in else None
        if found is None or found.disabled_at is not None:
            return Refusal("sign_in_needed", {"by": by})
        if not may(found.role, act):
            return Refusal("not_let", {"by": by, "role": found.role, "act": act})
        return None

    def _not_their_own(self, handle: str) -> Refusal | None:
        """That somebody else has set their password lately, and could come in as them: one
        administrator would make two people."""
        # By the record, which nobody changes: whoever can write to the tables could be two people.
        found = passwords.last_on_record(self._connection, handle) if self._has_accounts else None
        if found is None or found.counts_from is None or found.counts_from <= self._now:
            return None
        kept = passwords.of(self._connection, handle)
        given_by = found.by if kept is None or kept.given is None else kept.given.by
        return Refusal(
            "password_given", {"by": handle, "given_by": given_by, "until": found.counts_from}
        )

    def _no_supervisor(self, by: str, act: str) -> Refusal | None:
        """That a hold, the answer to a dispute or a request, what is done about an order, and a
        recovery are a supervisor's: there are some where there are accounts, also at the command
        line, where their name is trusted."""
        if not self._has_accounts or self._may(by, act):
            return None
        return Refusal("no_supervisor", {"by": by, "act": act})

    def _no_taker(self, command: HandOver) -> Refusal | None:
        """That work goes to who can do none of it: nobody but its holder lets go of an item, so it
        would be locked for good."""
        if not self._has_accounts or self._may(command.to, name_of(ClaimItem)):
            return None
        return Refusal("no_taker", {"to": command.to})

    def _unproved(self, request: Request | ClosureRequest | None, case: Case) -> Refusal | None:
        """That the first of the two people may have been anybody: they asked before they had an
        account, so nobody knows that they are not the second."""
        if request is None or not self._has_accounts:
            return None
        asked_as = self._account(request.by)
        if asked_as is None or asked_as.made_at > request.at:
            return Refusal("asked_by_anybody", {"site": case.site, "by": request.by})
        return None

    def _for_a_supervisor(self, command: CompleteTask, case: Case) -> Refusal | None:
        """That a second correction is shown to a supervisor, who upholds closures too (R2): whoever
        corrects would else stretch the hour for ever."""
        task = case.tasks.get(command.task)
        if task is None or task.kind != "review" or not self._has_accounts:
            return None
        if self._may(command.by, name_of(Uphold)):
            return None
        named = task_id(case.site_id, task.n)
        return Refusal("for_a_supervisor", {"task": named, "by": command.by})
